"""The one table of what a tag can say: each field's name, its form, and where it stands in every kind of tag.

Reading, writing and the API go by this table. Names of places are compared without case; the first that holds
something counts, and writing leaves the first alone. `/NAME` is the half behind the slash of a pair such as `3/12`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from auralis_trio.library.names import split_names
from auralis_trio.library.text import clean, clean_lines

Value = str | int | float | bool | tuple[str, ...] | None
Parse = Callable[[Sequence[str]], Value]
FormName = Literal["text", "lines", "names", "number", "date", "flag", "gain", "peak"]

MAX_NUMBER = 99_999
MAX_BPM = 999
LARGEST_GAIN_DB = 100.0

_NUMBER = re.compile(r"\s*([0-9]{1,5})(?![0-9])")
LARGEST_PEAK = 1_000.0
_YEAR = re.compile(r"(?<![0-9])([0-9]{4})(?:[01][0-9][0-3][0-9])?(?![0-9])")
_DECIMAL = re.compile(r"\s*([+-]?[0-9]{1,6}(?:[.,][0-9]{1,30})?)(?![0-9]|[.,][0-9]|e[+-]?[0-9])", re.IGNORECASE)
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class TagField:
    """One field of `Tags`: its places in each kind of tag, how texts become its value, and how it may be edited.

    `instead` is the field whose texts, taken apart, are its value where it has none of its own.
    """

    name: str
    form: FormName
    parse: Parse
    places: dict[str, tuple[str, ...]]
    editable: bool = True
    instead: str | None = None


def _text(texts: Sequence[str]) -> Value:
    """All the values as one line for people: multi-valued artists become one display name."""
    return ", ".join(dict.fromkeys(filter(None, map(clean, texts)))) or None


def _lines(texts: Sequence[str]) -> Value:
    return clean_lines("\n".join(texts)) or None


def parse_names(texts: Sequence[str]) -> Value:
    """Several values as they are; of a single one, its parts."""
    cleaned = [text for text in map(clean, texts) if text]
    return tuple(dict.fromkeys(split_names(cleaned[0]) if len(cleaned) == 1 else cleaned)) or None


def _values(texts: Sequence[str]) -> Value:
    return tuple(dict.fromkeys(text for text in map(clean, texts) if text)) or None


def _genres(texts: Sequence[str]) -> Value:
    parts = (clean(part) for text in texts for part in text.split(";"))
    return tuple(dict.fromkeys(part for part in parts if part)) or None


def _number(texts: Sequence[str]) -> Value:
    """The first number of forms like `3`, `03` and `3/12`; zero stands for unknown in several kinds of tag."""
    found = _NUMBER.match(texts[0]) if texts else None
    return (int(found[1]) or None) if found else None


def _bpm(texts: Sequence[str]) -> Value:
    bpm = _decimal(texts)
    return round(bpm) if bpm is not None and 0.5 < bpm <= MAX_BPM else None


def _year(texts: Sequence[str]) -> Value:
    """The year of a year or of a date in any order."""
    found = _YEAR.search(texts[0]) if texts else None
    return (int(found[1]) or None) if found else None


def _flag(texts: Sequence[str]) -> Value:
    return _FLAGS.get(texts[0].strip().lower()) if texts else None


def _decimal(texts: Sequence[str]) -> float | None:
    found = _DECIMAL.match(texts[0]) if texts else None
    return float(found[1].replace(",", ".")) if found else None


def _gain_db(texts: Sequence[str]) -> Value:
    """A gain like `-6.54 dB`; what is beyond all reason is not known."""
    gain_db = _decimal(texts)
    return gain_db if gain_db is not None and abs(gain_db) <= LARGEST_GAIN_DB else None


def _peak(texts: Sequence[str]) -> Value:
    """A peak, where 1 is full scale; the same."""
    peak = _decimal(texts)
    return peak if peak is not None and 0.0 <= peak <= LARGEST_PEAK else None


def _r128_gain_lu(texts: Sequence[str]) -> Value:
    """A gain in 256ths (Q7.8), as RFC 7845 has it for Opus, from -23 LUFS."""
    gain = _decimal(texts)
    return gain / 256.0 if gain is not None and abs(gain) <= 32_768.0 else None


KINDS = ("id3", "vorbis", "mp4", "asf", "ape")
_ITUNES = "----:com.apple.iTunes:"


def _places(*columns: str) -> dict[str, tuple[str, ...]]:
    """Places by kind, in the order of `KINDS`; several of one kind stand behind bars."""
    return {kind: tuple(column.split("|")) for kind, column in zip(KINDS, columns, strict=True)}


def _free(name: str) -> dict[str, tuple[str, ...]]:
    """Where no kind of tag has a place of its own."""
    return _places(f"TXXX:{name}", name, _ITUNES + name, name, name)


def _musicbrainz(words: str, vorbis: str) -> dict[str, tuple[str, ...]]:
    """The places that MusicBrainz's own tagger writes an id to."""
    id3 = "UFID:http://musicbrainz.org" if words == "Track Id" else f"TXXX:MusicBrainz {words}"
    return _places(id3, vorbis, f"{_ITUNES}MusicBrainz {words}", f"MusicBrainz/{words}", vorbis)


_ALBUM_ARTIST = _places("TPE2", "albumartist|album artist", "aART", "WM/AlbumArtist", "Album Artist|AlbumArtist")
_DATE = _places("TDRC|TYER", "date|year", "\xa9day", "WM/Year", "Year|Date")
_GENRE = _places("TCON", "genre", "\xa9gen", "WM/Genre", "Genre")

FIELDS = (
    TagField("title", "text", _text, _places("TIT2", "title", "\xa9nam", "Title", "Title")),
    TagField("artist", "text", _text, _places("TPE1", "artist", "\xa9ART", "Author", "Artist")),
    TagField(
        "artists",
        "names",
        _values,
        _places("TXXX:ARTISTS", "artists", f"{_ITUNES}ARTISTS", "WM/ARTISTS", "Artists"),
        instead="artist",
    ),
    TagField("album", "text", _text, _places("TALB", "album", "\xa9alb", "WM/AlbumTitle", "Album")),
    TagField("album_artist", "text", _text, _ALBUM_ARTIST),
    TagField("album_artists", "names", _values, _free("ALBUMARTISTS"), instead="album_artist"),
    TagField("track_number", "number", _number, _places("TRCK", "tracknumber", "trkn", "WM/TrackNumber", "Track")),
    TagField(
        "track_total",
        "number",
        _number,
        _places("/TRCK", "tracktotal|totaltracks|/tracknumber", "/trkn", "TotalTracks|/WM/TrackNumber", "/Track"),
    ),
    TagField("disc_number", "number", _number, _places("TPOS", "discnumber", "disk", "WM/PartOfSet", "Disc")),
    TagField(
        "disc_total",
        "number",
        _number,
        _places("/TPOS", "disctotal|totaldiscs|/discnumber", "/disk", "/WM/PartOfSet", "/Disc"),
    ),
    TagField("year", "number", _year, _DATE),
    TagField("date", "date", _text, _DATE),
    TagField(
        "original_date",
        "date",
        _text,
        _places("TDOR", "originaldate", f"{_ITUNES}ORIGINALDATE", "WM/OriginalReleaseTime", "ORIGINALDATE"),
    ),
    TagField("genre", "text", _text, _GENRE),
    TagField("genres", "names", _genres, _GENRE),
    TagField("composer", "text", _text, _places("TCOM", "composer", "\xa9wrt", "WM/Composer", "Composer")),
    TagField(
        "publisher",
        "text",
        _text,
        _places("TPUB", "label|publisher|organization", f"{_ITUNES}LABEL", "WM/Publisher", "Label|Publisher"),
    ),
    TagField("bpm", "number", _bpm, _places("TBPM", "bpm", "tmpo", "WM/BeatsPerMinute", "BPM")),
    TagField("comment", "lines", _lines, _places("COMM", "comment|description", "\xa9cmt", "Description", "Comment")),
    TagField("lyrics", "lines", _lines, _places("USLT", "lyrics|unsyncedlyrics", "\xa9lyr", "WM/Lyrics", "Lyrics")),
    TagField("copyright", "text", _text, _places("TCOP", "copyright", "cprt", "Copyright", "Copyright")),
    TagField("compilation", "flag", _flag, _places("TCMP", "compilation", "cpil", "WM/IsCompilation", "Compilation")),
    TagField("title_sort", "text", _text, _places("TSOT", "titlesort", "sonm", "WM/TitleSortOrder", "TITLESORT")),
    TagField("artist_sort", "text", _text, _places("TSOP", "artistsort", "soar", "WM/ArtistSortOrder", "ARTISTSORT")),
    TagField("album_sort", "text", _text, _places("TSOA", "albumsort", "soal", "WM/AlbumSortOrder", "ALBUMSORT")),
    TagField(
        "album_artist_sort",
        "text",
        _text,
        _places("TSO2", "albumartistsort", "soaa", "WM/AlbumArtistSortOrder", "ALBUMARTISTSORT"),
    ),
    TagField(
        "composer_sort",
        "text",
        _text,
        _places("TSOC", "composersort", "soco", "WM/ComposerSortOrder", "COMPOSERSORT"),
    ),
    TagField("musicbrainz_recording_id", "text", _text, _musicbrainz("Track Id", "musicbrainz_trackid")),
    TagField("musicbrainz_track_id", "text", _text, _musicbrainz("Release Track Id", "musicbrainz_releasetrackid")),
    TagField("musicbrainz_album_id", "text", _text, _musicbrainz("Album Id", "musicbrainz_albumid")),
    TagField(
        "musicbrainz_release_group_id", "text", _text, _musicbrainz("Release Group Id", "musicbrainz_releasegroupid")
    ),
    TagField("musicbrainz_artist_ids", "names", _values, _musicbrainz("Artist Id", "musicbrainz_artistid")),
    TagField(
        "musicbrainz_album_artist_ids",
        "names",
        _values,
        _musicbrainz("Album Artist Id", "musicbrainz_albumartistid"),
    ),
    TagField("replaygain_track_gain_db", "gain", _gain_db, _free("replaygain_track_gain"), editable=False),
    TagField("replaygain_album_gain_db", "gain", _gain_db, _free("replaygain_album_gain"), editable=False),
    TagField("replaygain_track_peak", "peak", _peak, _free("replaygain_track_peak"), editable=False),
    TagField("replaygain_album_peak", "peak", _peak, _free("replaygain_album_peak"), editable=False),
    TagField("r128_track_gain_lu", "gain", _r128_gain_lu, _free("r128_track_gain"), editable=False),
    TagField("r128_album_gain_lu", "gain", _r128_gain_lu, _free("r128_album_gain"), editable=False),
)

BY_NAME = {field.name: field for field in FIELDS}
EDITABLE = {field.name: field for field in FIELDS if field.editable}
