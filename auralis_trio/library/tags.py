"""What files say of themselves: one table of fields for every kind of tag, read with mutagen.

A tag may be anything at all, so reading one never fails: what cannot be read is not known.
"""

import io
import itertools
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import mutagen
from mutagen._vorbis import VComment
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from auralis_trio.library.records import Tags
from auralis_trio.library.text import clean

MAX_TAG_BYTES = 64 * 1024 * 1024
MAX_VALUES = 32

# What mutagen's parsers raise on damaged files, besides its own kind of error.
_DAMAGED = (
    mutagen.MutagenError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_NUMBER = re.compile(r"\s*([0-9]{1,5})(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])([0-9]{4})(?![0-9])")
_DECIMAL = re.compile(r"\s*([+-]?[0-9]{1,6}(?:[.,][0-9]{1,12})?)(?![0-9])")
_LARGEST_GAIN_DB = 100.0

Value = str | int | float | None


def _text(values: list[str]) -> Value:
    """All the values as one line for people: multi-valued artists become one display name."""
    return ", ".join(dict.fromkeys(values)) or None


def _number(values: list[str]) -> Value:
    """The first number of forms like `3`, `03` and `3/12`; zero stands for unknown in several kinds of tag."""
    found = _NUMBER.match(values[0]) if values else None
    return (int(found[1]) or None) if found else None


def _year(values: list[str]) -> Value:
    """The year of a year or of a date in any order."""
    found = _YEAR.search(values[0]) if values else None
    return (int(found[1]) or None) if found else None


def _decimal(values: list[str]) -> float | None:
    found = _DECIMAL.match(values[0]) if values else None
    return float(found[1].replace(",", ".")) if found else None


def _gain_db(values: list[str]) -> Value:
    """A gain like `-6.54 dB`; what is beyond all reason is not known."""
    gain_db = _decimal(values)
    return gain_db if gain_db is not None and abs(gain_db) <= _LARGEST_GAIN_DB else None


def _peak(values: list[str]) -> Value:
    """A peak, where 1 is full scale."""
    peak = _decimal(values)
    return peak if peak is not None and peak >= 0.0 else None


def _r128_gain_lu(values: list[str]) -> Value:
    """A gain in 256ths (Q7.8), as RFC 7845 has it for Opus, from -23 LUFS."""
    gain = _decimal(values)
    return gain / 256.0 if gain is not None and abs(gain) <= 32_768.0 else None


@dataclass(frozen=True)
class TagField:
    """One field of `Tags`: its name in each kind of tag (the first that is there counts), and how it is read."""

    name: str
    parse: Callable[[list[str]], Value]
    id3: tuple[str, ...]
    vorbis: tuple[str, ...]
    mp4: tuple[str, ...]
    asf: tuple[str, ...]
    ape: tuple[str, ...]


def _free_field(name: str, parse: Callable[[list[str]], Value], tag: str) -> TagField:
    """A field that no kind of tag has a place of its own for: both ways of writing it are known."""
    ways = (tag.lower(), tag.upper())
    return TagField(
        name,
        parse,
        tuple(f"TXXX:{way}" for way in ways),
        ways[:1],
        tuple(f"----:com.apple.iTunes:{way}" for way in ways),
        ways,
        ways[:1],
    )


FIELDS = (
    TagField("title", _text, ("TIT2",), ("title",), ("\xa9nam",), ("Title",), ("Title",)),
    TagField("artist", _text, ("TPE1",), ("artist",), ("\xa9ART",), ("Author",), ("Artist",)),
    TagField("album", _text, ("TALB",), ("album",), ("\xa9alb",), ("WM/AlbumTitle",), ("Album",)),
    TagField(
        "album_artist",
        _text,
        ("TPE2",),
        ("albumartist", "album artist"),
        ("aART",),
        ("WM/AlbumArtist",),
        ("Album Artist", "AlbumArtist"),
    ),
    TagField("track_number", _number, ("TRCK",), ("tracknumber",), ("trkn",), ("WM/TrackNumber",), ("Track",)),
    TagField("disc_number", _number, ("TPOS",), ("discnumber",), ("disk",), ("WM/PartOfSet",), ("Disc",)),
    TagField("year", _year, ("TDRC", "TYER"), ("date", "year"), ("\xa9day",), ("WM/Year",), ("Year",)),
    TagField("genre", _text, ("TCON",), ("genre",), ("\xa9gen",), ("WM/Genre",), ("Genre",)),
    _free_field("replaygain_track_gain_db", _gain_db, "replaygain_track_gain"),
    _free_field("replaygain_album_gain_db", _gain_db, "replaygain_album_gain"),
    _free_field("replaygain_track_peak", _peak, "replaygain_track_peak"),
    _free_field("replaygain_album_peak", _peak, "replaygain_album_peak"),
    _free_field("r128_track_gain_lu", _r128_gain_lu, "r128_track_gain"),
    _free_field("r128_album_gain_lu", _r128_gain_lu, "r128_album_gain"),
)


def read_tags(path: str) -> Tags:
    """Read the tags of the file at `path`, at most `MAX_TAG_BYTES` of it; whatever is damaged is left out.

    Raises:
        OSError: the file cannot be opened.
    """
    with _BoundedReader(io.FileIO(path), MAX_TAG_BYTES) as file:
        try:
            tags = getattr(mutagen.File(file, filename=path), "tags", None)
        except _DAMAGED:
            tags = None
    values = {
        field.name: _read_field(tags, kind, field)
        for kind in KINDS
        if isinstance(tags, kind.tags)
        for field in FIELDS
    }
    return msgspec.convert({**values, "title": values.get("title") or _stem(path)}, Tags)


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return clean(os.fsencode(os.path.splitext(name)[0]).decode("utf-8", "replace")) or clean(name)


def _read_field(tags: Any, kind: "TagKind", field: TagField) -> Value:
    for name in kind.names(field):
        try:
            parts = itertools.islice(kind.texts(tags[name]), MAX_VALUES)
            value = field.parse([text for text in map(clean, parts) if text])
        except _DAMAGED:
            continue
        if value is not None:
            return value
    return None


def _id3_texts(frame: Any) -> Iterable[str]:
    return map(str, frame.genres if frame.FrameID == "TCON" else frame.text)


def _mp4_texts(values: Any) -> Iterable[str]:
    """A number is a pair of itself and the total; a free field is bytes."""
    for value in values:
        if isinstance(value, bytes):
            yield value.decode("utf-8", "replace")
        else:
            yield str(value[0] if isinstance(value, tuple) else value)


def _plain_texts(values: Any) -> Iterable[str]:
    return map(str, values)


@dataclass(frozen=True)
class TagKind:
    """One kind of tag: mutagen's class for it, its column in the table of fields, the texts in one of its values."""

    tags: type
    names: Callable[[TagField], tuple[str, ...]]
    texts: Callable[[Any], Iterable[str]]


KINDS = (
    TagKind(ID3, lambda field: field.id3, _id3_texts),
    TagKind(MP4Tags, lambda field: field.mp4, _mp4_texts),
    TagKind(ASFTags, lambda field: field.asf, _plain_texts),
    TagKind(APEv2, lambda field: field.ape, _plain_texts),
    TagKind(VComment, lambda field: field.vorbis, _plain_texts),
)


class _BoundedReader(io.BufferedReader):
    """A file of which only so many bytes can be read, since a tag's length is whatever the file claims."""

    def __init__(self, raw: io.FileIO, limit_bytes: int) -> None:
        super().__init__(raw)
        self._left_bytes = limit_bytes
        self._size_bytes = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = max(0, self._size_bytes - self.tell()) if size is None or size < 0 else size
        data = super().read(min(wanted, self._left_bytes + 1))
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise mutagen.MutagenError("the tags are larger than the bound")
        return data
