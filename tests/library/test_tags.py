# mypy: disable-error-code="no-untyped-call"

import os
import random
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TPOS, TRCK, TXXX
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack

from auralis_trio.library.records import Tags
from auralis_trio.library.tags import MAX_TAG_BYTES, MAX_VALUES, read_tags
from auralis_trio.library.text import MAX_TEXT_CHARS

TONE = (0.1 * np.sin(np.arange(4800) / 10)).astype(np.float32)

EXPECTED = Tags(
    title="Così fan tutte 🎵",
    artist="Nina, Simone",
    album="Live <b>&amp;</b>",
    album_artist="Various",
    track_number=3,
    track_total=12,
    disc_number=2,
    disc_total=2,
    year=1999,
    date="1999-05-01",
    genre="Jazz, Soul",
    genres=("Jazz", "Soul"),
    artists=("Nina", "Simone"),
    album_artists=("Various",),
    replaygain_track_gain_db=-6.54,
    replaygain_album_gain_db=1.2,
    replaygain_track_peak=0.987654,
    replaygain_album_peak=1.02,
    r128_track_gain_lu=-3.5,
    r128_album_gain_lu=0.25,
)
GAINS = {
    "replaygain_track_gain": "-6.54 dB",
    "replaygain_album_gain": "+1.20 dB",
    "replaygain_track_peak": "0.987654",
    "replaygain_album_peak": "1.02",
    "r128_track_gain": "-896",
    "r128_album_gain": "64",
}

ID3_FRAMES = (
    TIT2(3, ["Così fan tutte 🎵"]),
    TPE1(3, ["Nina", "Simone"]),
    TALB(3, ["Live <b>&amp;</b>"]),
    TPE2(3, ["Various"]),
    TRCK(3, ["3/12"]),
    TPOS(3, ["2/2"]),
    TDRC(3, ["1999-05-01"]),
    TCON(3, ["(8)", "Soul"]),
    *(TXXX(3, desc=name, text=[value]) for name, value in GAINS.items()),
)
VORBIS = {
    "title": ["Così fan tutte 🎵"],
    "artist": ["Nina", "Simone"],
    "album": ["Live <b>&amp;</b>"],
    "albumartist": ["Various"],
    "tracknumber": ["03"],
    "tracktotal": ["12"],
    "discnumber": ["2/2"],
    "date": ["1999-05-01"],
    "genre": ["Jazz", "Soul"],
    **{name: [value] for name, value in GAINS.items()},
}
MP4_ATOMS = {
    "\xa9nam": ["Così fan tutte 🎵"],
    "\xa9ART": ["Nina", "Simone"],
    "\xa9alb": ["Live <b>&amp;</b>"],
    "aART": ["Various"],
    "trkn": [(3, 12)],
    "disk": [(2, 2)],
    "\xa9day": ["1999-05-01"],
    "\xa9gen": ["Jazz", "Soul"],
    **{f"----:com.apple.iTunes:{name.upper()}": [value.encode()] for name, value in GAINS.items()},
}
ASF_ATTRIBUTES = {
    "Title": ["Così fan tutte 🎵"],
    "Author": ["Nina", "Simone"],
    "WM/AlbumTitle": ["Live <b>&amp;</b>"],
    "WM/AlbumArtist": ["Various"],
    "WM/TrackNumber": ["3/12"],
    "WM/PartOfSet": ["2/2"],
    "WM/Year": ["1999-05-01"],
    "WM/Genre": ["Jazz", "Soul"],
    **{name.upper(): [value] for name, value in GAINS.items()},
}
APE_ITEMS = {
    "Title": "Così fan tutte 🎵",
    "Artist": ["Nina", "Simone"],
    "Album": "Live <b>&amp;</b>",
    "Album Artist": "Various",
    "Track": "3/12",
    "Disc": "2/2",
    "Year": "1999-05-01",
    "Genre": ["Jazz", "Soul"],
    **{name.upper(): value for name, value in GAINS.items()},
}


def write_with_soundfile(path: Path) -> None:
    kind = "OPUS" if path.suffix == ".opus" else None
    container = {"format": "OGG"} if path.suffix == ".opus" else {}
    soundfile.write(path, TONE, 48_000, subtype=kind, **container)


def write_with_av(path: Path, codec: str, container: str) -> None:
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 96_000
        frame = av.AudioFrame.from_ndarray(
            (TONE * 32767).astype(np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=48_000)
        for converted in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(converted))
        output.mux(stream.encode(None))


def tag(file: Any, values: dict[str, Any]) -> None:
    if file.tags is None:
        file.add_tags()
    for name, value in values.items():
        file.tags[name] = value
    file.save()


def tag_id3(file: Any) -> None:
    if file.tags is None:
        file.add_tags()
    for frame in ID3_FRAMES:
        file.tags.add(frame)
    file.save()


def make_tagged(path: Path) -> None:
    encoders = {
        ".m4a": ("aac", "ipod"),
        ".wma": ("wmav2", "asf"),
        ".wv": ("wavpack", "wv"),
        ".tta": ("tta", "tta"),
        ".oga": ("flac", "ogg"),
    }
    if path.suffix in encoders:
        write_with_av(path, *encoders[path.suffix])
    else:
        write_with_soundfile(path)
    name = str(path)
    taggers: dict[str, Callable[[], None]] = {
        ".mp3": lambda: tag_id3(MP3(name)),
        ".wav": lambda: tag_id3(WAVE(name)),
        ".aiff": lambda: tag_id3(AIFF(name)),
        ".tta": lambda: tag_id3(TrueAudio(name)),
        ".flac": lambda: tag(FLAC(name), VORBIS),
        ".ogg": lambda: tag(OggVorbis(name), VORBIS),
        ".opus": lambda: tag(OggOpus(name), VORBIS),
        ".oga": lambda: tag(mutagen.File(name), VORBIS),
        ".m4a": lambda: tag(MP4(name), MP4_ATOMS),
        ".wma": lambda: tag(ASF(name), ASF_ATTRIBUTES),
        ".wv": lambda: tag(WavPack(name), APE_ITEMS),
    }
    taggers[path.suffix]()


SUFFIXES = (".mp3", ".wav", ".aiff", ".tta", ".flac", ".ogg", ".opus", ".oga", ".m4a", ".wma", ".wv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_field_is_read_from_every_kind_of_tag(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    make_tagged(path)
    assert read_tags(str(path)) == EXPECTED


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_damage_to_a_tagged_file_makes_reading_its_tags_fail(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    make_tagged(path)
    whole = path.read_bytes()
    dice = random.Random(suffix)
    for _ in range(300):
        damaged = bytearray(whole[: dice.choice([len(whole), dice.randrange(len(whole))])])
        for _ in range(dice.randrange(20)):
            if damaged:
                damaged[dice.randrange(min(len(damaged), 4096))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF])
        path.write_bytes(damaged)
        assert read_tags(str(path)).title


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Blue in Green.wav", "Blue in Green"),
        ("01. a.b.wav", "01. a.b"),
        ("\u202eabc.wav", "\u202eabc"),
        (" .wav", ".wav"),
    ],
)
def test_a_track_without_a_title_is_called_by_its_files_stem(tmp_path: Path, name: str, title: str) -> None:
    soundfile.write(tmp_path / name, TONE, 48_000)
    assert read_tags(str(tmp_path / name)) == Tags(title=title)


def test_a_name_that_is_no_text_still_gives_a_title(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xe9t\xe9.wav"
    soundfile.write(tmp_path / "x.wav", TONE, 48_000)
    os.rename(tmp_path / "x.wav", path)
    assert read_tags(os.fsdecode(path)).title == "\ufffdt\ufffd"


def test_an_empty_title_tag_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "stem.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {"title": [" \0 "], "artist": [""]})
    assert read_tags(str(path)) == Tags(title="stem")


@pytest.mark.parametrize(
    ("raw", "number"),
    [("3", 3), ("03/12", 3), (" 7 ", 7), ("0", None), ("A1", None), ("", None), ("99999", 99_999), ("123456", None)],
)
def test_a_track_number_is_a_number_in_range_or_not_known(tmp_path: Path, raw: str, number: int | None) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {"tracknumber": [raw]})
    assert read_tags(str(path)).track_number == number


@pytest.mark.parametrize(
    ("raw", "year"),
    [("1999", 1999), ("1999-05-01", 1999), ("01/05/1999", 1999), ("99", None), ("0000", None), ("19991", None)],
)
def test_a_year_is_found_in_a_date_or_not_known(tmp_path: Path, raw: str, year: int | None) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {"date": [raw]})
    assert read_tags(str(path)).year == year


def test_a_long_text_comes_out_as_it_went_in_up_to_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {"title": ["x" * 10_240], "album": ["y" * (MAX_TEXT_CHARS + 1)]})
    tags = read_tags(str(path))
    assert tags.title == "x" * 10_240
    assert tags.album == "y" * MAX_TEXT_CHARS


def test_of_many_values_the_first_ones_make_the_display_name(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    names = [f"artist {number}" for number in range(MAX_VALUES + 1)]
    tag(FLAC(str(path)), {"artist": names})
    assert read_tags(str(path)).artist == ", ".join(names[:MAX_VALUES])


def test_a_picture_or_bytes_in_the_place_of_a_text_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "song.wv"
    write_with_av(path, "wavpack", "wv")
    tags = APEv2()
    tags["Title"] = mutagen.apev2.APEValue(b"\xff\xd8\xff", mutagen.apev2.BINARY)
    tags["Artist"] = "Nina"
    tags.save(str(path))
    assert read_tags(str(path)) == Tags(title="song", artist="Nina", artists=("Nina",))


def test_a_text_in_another_encoding_than_its_tag_claims_does_not_cost_the_other_fields(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    write_with_soundfile(path)
    title = b"TIT2" + struct.pack(">I", 5) + b"\0\0" + b"\x03\xff\xfe\xfd\xfc"
    artist = b"TPE1" + struct.pack(">I", 5) + b"\0\0" + b"\x03Nina"
    frames = title + artist
    path.write_bytes(b"ID3\x04\0\0" + struct.pack(">I", len(frames)) + frames + path.read_bytes())
    assert read_tags(str(path)).artist == "Nina"


def test_tags_with_pictures_are_read_up_to_the_bound_and_given_up_beyond_it(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    write_with_soundfile(path)
    audio = path.read_bytes()

    def make(picture_bytes: int) -> None:
        tags = ID3()
        tags.add(TIT2(3, ["title"]))
        tags.add(APIC(3, "image/png", 3, "", bytes(picture_bytes)))
        path.write_bytes(audio)
        tags.save(str(path))

    make(MAX_TAG_BYTES // 2)
    assert read_tags(str(path)) == Tags(title="title")
    make(MAX_TAG_BYTES)
    assert read_tags(str(path)) == Tags(title="song")


def test_a_length_that_a_small_file_only_claims_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "song.flac"
    write_with_soundfile(path)
    file = FLAC(str(path))
    picture = Picture()
    picture.data = bytes(100)
    file.add_picture(picture)
    file["title"] = ["title"]
    file.save()
    data = path.read_bytes()
    at = data.index(b"title=") - 4
    path.write_bytes(data[:at] + struct.pack("<I", 0xFFFFFFF0) + data[at + 4 :])
    assert read_tags(str(path)) == Tags(title="song")


def test_a_file_that_is_no_audio_has_its_stem_for_a_title(tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("only text")
    (tmp_path / "empty.flac").write_bytes(b"")
    assert read_tags(str(tmp_path / "notes.mp3")) == Tags(title="notes")
    assert read_tags(str(tmp_path / "empty.flac")) == Tags(title="empty")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_tags(str(tmp_path / "gone.mp3"))


@pytest.mark.parametrize(
    ("tag_name", "text", "field", "expected"),
    [
        ("replaygain_track_gain", "-6,5", "replaygain_track_gain_db", -6.5),
        ("replaygain_track_gain", "0", "replaygain_track_gain_db", 0.0),
        ("replaygain_track_gain", "-inf dB", "replaygain_track_gain_db", None),
        ("replaygain_track_gain", "9000 dB", "replaygain_track_gain_db", None),
        ("replaygain_track_gain", "loud", "replaygain_track_gain_db", None),
        ("replaygain_track_peak", "-1", "replaygain_track_peak", None),
        ("replaygain_track_peak", "0.000000", "replaygain_track_peak", 0.0),
        ("r128_track_gain", "40000", "r128_track_gain_lu", None),
    ],
)
def test_gains_are_numbers_or_not_known(
    tmp_path: Path, tag_name: str, text: str, field: str, expected: float | None
) -> None:
    path = tmp_path / "song.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {tag_name: [text]})
    assert getattr(read_tags(str(path)), field) == expected


def riff_chunk(name: bytes, data: bytes, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(data)) + data + b"\0" * (len(data) % 2)


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_info_of_a_wav_is_read_wherever_it_stands_and_in_either_encoding(
    tmp_path: Path, behind: bool, encoding: str
) -> None:
    path = tmp_path / "song.wav"
    write_with_soundfile(path)
    texts = {b"INAM": "Café", b"IART": "Nina", b"IPRD": "Live", b"ICRD": "1964-03-21", b"ITRK": "3", b"IGNR": "Jazz"}
    info = b"INFO" + b"".join(riff_chunk(name, text.encode(encoding) + b"\0") for name, text in texts.items())
    chunk, data = riff_chunk(b"LIST", info), path.read_bytes()
    data = data + chunk if behind else data[:12] + chunk + data[12:]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data) - 8) + data[8:])
    expected = Tags(
        title="Café", artist="Nina", album="Live", date="1964-03-21", year=1964, track_number=3, genre="Jazz"
    )
    assert read_tags(str(path)) == read_tags(str(path), kind="wav") == expected
    file: Any = WAVE(path)
    file.add_tags()
    file.tags.add(TIT2(3, ["of ID3"]))
    file.save()
    assert (read_tags(str(path)).title, read_tags(str(path)).artist) == ("of ID3", "Nina")


def test_the_text_chunks_of_an_aiff_are_read(tmp_path: Path) -> None:
    path = tmp_path / "song.aiff"
    write_with_soundfile(path)
    chunks = riff_chunk(b"NAME", b"Odd", ">") + riff_chunk(b"AUTH", b"Nina", ">") + riff_chunk(b"(c) ", b"1964", ">")
    data = path.read_bytes() + chunks
    path.write_bytes(b"FORM" + struct.pack(">I", len(data) - 8) + data[8:])
    assert read_tags(str(path)) == Tags(title="Odd", artist="Nina", copyright="1964")


@pytest.mark.parametrize("suffix", [".mp3", ".tta"])
def test_an_ape_tag_says_what_id3_does_not(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"song{suffix}"
    make_tagged(path)
    ID3(path).delete(path)
    ape = APEv2()
    ape["Title"], ape["Artist"], ape["REPLAYGAIN_TRACK_GAIN"] = "of APE", "Nina", "-7.5 dB"
    ape.save(str(path))
    only_ape = read_tags(str(path))
    assert (only_ape.title, only_ape.replaygain_track_gain_db) == ("of APE", -7.5)
    id3 = ID3()
    id3.add(TIT2(3, ["of ID3"]))
    id3.save(path, v1=2)
    both = read_tags(str(path))
    assert (both.title, both.artist, both.replaygain_track_gain_db) == ("of ID3", "Nina", -7.5)


@pytest.mark.parametrize(
    "data", [b"LIST\xff\xff\xff\xffINFOINAM\xff\xff\xff\x7fx", b"LIST\4\0\0\0INFO" * 5000, b"LIST"]
)
def test_a_chunk_that_claims_too_much_is_survived(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVE" + data)
    assert read_tags(str(path)).title in ("song", "x")


@pytest.mark.parametrize(
    ("date", "year"), [("20010203", 2001), ("2001", 2001), ("99999999", None), ("200102", None), ("3.2.2001", 2001)]
)
def test_a_date_without_dashes_has_a_year(tmp_path: Path, date: str, year: int | None) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    tag(FLAC(str(path)), {"date": [date]})
    assert read_tags(str(path)).year == year


@pytest.mark.parametrize(
    ("gain", "gain_db"),
    [
        ("+1e400 dB", None),
        ("1.5E3 dB", None),
        ("-6.54dB", -6.54),
        ("-6.543210987654321 dB", -6.543210987654321),
        ("101 dB", None),
        ("1.2.3", None),
    ],
)
def test_a_gain_beyond_reason_is_not_known(tmp_path: Path, gain: str, gain_db: float | None) -> None:
    path = tmp_path / "a.flac"
    write_with_soundfile(path)
    tag(
        FLAC(str(path)),
        {"replaygain_track_gain": [gain], "replaygain_track_peak": ["1e9"], "replaygain_album_peak": ["1001"]},
    )
    tags = read_tags(str(path))
    assert tags.replaygain_track_gain_db == gain_db
    assert (tags.replaygain_track_peak, tags.replaygain_album_peak) == (None, None)
