# mypy: disallow-untyped-calls=False
"""The demo library as files: every one is what `PIECES` says, and writing them is safe to repeat and to interrupt."""

import base64
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
import pytest
import soundfile
from PIL import Image

from auralis_trio.audio.block import Samples
from auralis_trio.demo import PIECES, Format, Piece, encode_file, make_demo, render_piece
from auralis_trio.demo.render import render_score
from auralis_trio.errors import StartupError

EACH_PIECE = pytest.mark.parametrize("piece", PIECES, ids=lambda piece: Path(piece.path).stem.split()[0])


class Stop(BaseException):
    """What a check raises when the work is no longer wanted."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "not there yet"
    told: list[tuple[int, int, str]] = []
    paths = make_demo(str(folder), progress=lambda done, total, title: told.append((done, total, title)))
    assert paths == [str(folder / piece.path) for piece in PIECES]
    assert told == [(done, len(PIECES), piece.title) for done, piece in enumerate(PIECES, 1)]
    return folder


def decode(path: Path) -> tuple[Samples, int]:
    if path.suffix == ".m4a":
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            planes = [frame.to_ndarray() for frame in container.decode(stream)]
            return np.concatenate(planes, axis=1, dtype=np.float32).T, stream.rate
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples, rate


def piece_of(format: Format) -> Piece:
    return next(piece for piece in PIECES if piece.format is format)


def read_tags(path: Path) -> dict[str, str]:
    """The tags of any kind of file, by the names of Vorbis comments; a track number together with its total."""
    tags: dict[str, Any] = dict(mutagen.File(path).tags)
    tags = {name.upper() if path.suffix in (".flac", ".ogg", ".opus") else name: tags[name] for name in tags}
    names = {
        "TITLE": ("TIT2", "\xa9nam"),
        "ARTIST": ("TPE1", "\xa9ART"),
        "ALBUM": ("TALB", "\xa9alb"),
        "ALBUMARTIST": ("TPE2", "aART"),
        "DATE": ("TDRC", "\xa9day"),
        "GENRE": ("TCON", "\xa9gen"),
        "TRACKNUMBER": ("TRCK", "trkn"),
    }
    found = {}
    for name, aliases in names.items():
        for alias in (name, *aliases):
            if alias in tags:
                value = tags[alias][0]
                found[name] = "/".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if "TRACKTOTAL" in tags:
        found["TRACKNUMBER"] += "/" + tags["TRACKTOTAL"][0]
    return found


def read_cover(path: Path) -> bytes | None:
    file: Any = mutagen.File(path)
    if path.suffix == ".flac":
        return file.pictures[0].data if file.pictures else None
    if "METADATA_BLOCK_PICTURE" in (file.tags or {}):
        return bytes(mutagen.flac.Picture(base64.b64decode(file["METADATA_BLOCK_PICTURE"][0])).data)
    for key in ("APIC:", "covr"):
        if key in (file.tags or {}):
            return bytes(file.tags[key].data if key == "APIC:" else file.tags[key][0])
    return None


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file()
    }


@EACH_PIECE
def test_a_file_has_the_rate_the_channels_and_the_length_that_its_piece_says(library: Path, piece: Piece) -> None:
    samples, rate = decode(library / piece.path)
    surplus = len(samples) - piece.frames
    assert (rate, samples.shape[1]) == (piece.sample_rate, piece.channels)
    assert 0 <= surplus < 1024 if piece.format is Format.AAC else surplus == 0
    assert 10 <= piece.duration_s <= 25


@EACH_PIECE
def test_a_file_sounds_like_its_piece(library: Path, piece: Piece) -> None:
    heard, _ = decode(library / piece.path)
    meant, _ = render_piece(piece)
    error = heard[: len(meant)] - meant
    exact_to = {Format.FLAC_24: 2**-23, Format.WAV_FLOAT: 0.0}.get(piece.format, 2**-15)
    if piece.format in (Format.MP3, Format.AAC, Format.VORBIS, Format.OPUS):
        assert np.sum(np.square(error)) < 0.01 * np.sum(np.square(meant))
    else:
        assert np.max(np.abs(error)) <= exact_to


@EACH_PIECE
def test_a_file_has_the_tags_of_its_piece(library: Path, piece: Piece) -> None:
    path = library / piece.path
    if not piece.tagged:
        assert mutagen.File(path).tags is None
        assert path.stem == piece.title
        return
    wanted = {"TITLE": piece.title, "ARTIST": piece.artist, "DATE": str(piece.year), "GENRE": piece.genre}
    if piece.album:
        wanted |= {"ALBUM": piece.album.title, "ALBUMARTIST": piece.album.artist}
        wanted["TRACKNUMBER"] = f"{piece.track}/{piece.album.tracks}"
    assert read_tags(path) == wanted


@EACH_PIECE
def test_the_tracks_of_an_album_carry_the_cover_that_lies_beside_them(library: Path, piece: Piece) -> None:
    path = library / piece.path
    if not piece.album:
        assert read_cover(path) is None
        return
    beside = (path.parent / "cover.jpg").read_bytes()
    assert read_cover(path) == beside
    with Image.open(BytesIO(beside)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (640, 640), "RGB")
        assert np.asarray(picture).std() > 30


@EACH_PIECE
def test_a_file_begins_and_ends_in_silence_unless_it_is_cut_from_a_longer_one(library: Path, piece: Piece) -> None:
    samples, rate = decode(library / piece.path)
    first, last = piece.span
    edge = round(0.002 * rate)
    if first == 0:
        assert np.max(np.abs(samples[:edge])) < 0.002
    if last is None:
        assert np.max(np.abs(samples[-edge:])) < 0.002


@EACH_PIECE
def test_no_sample_is_clipped_and_none_is_missing(library: Path, piece: Piece) -> None:
    samples, _ = decode(library / piece.path)
    assert np.isfinite(samples).all()
    assert 0.05 < np.max(np.abs(samples)) < 0.999
    assert np.max(np.abs(samples.mean(axis=0))) < 0.001


@EACH_PIECE
def test_the_music_has_bass_and_middle_and_treble_and_dies_away_at_its_end(library: Path, piece: Piece) -> None:
    samples, rate = decode(library / piece.path)
    power = np.square(np.abs(np.fft.rfft(samples.mean(axis=1), 1 << 21)))
    hz = np.fft.rfftfreq(1 << 21, 1 / rate)
    bass_db, middle_db, treble_db = (
        10 * np.log10(power[(hz >= low) & (hz < high)].sum() / power.sum())
        for low, high in ((40, 250), (250, 2000), (4000, 16000))
    )
    assert min(bass_db, middle_db) > -12
    assert treble_db > -50
    if piece.span[1] is None:
        half_seconds = np.abs(samples[-3 * rate :]).max(axis=1).reshape(6, -1).max(axis=1)
        assert half_seconds[-1] < 0.1 * half_seconds[0]


def test_the_library_goes_from_very_soft_to_very_loud(library: Path) -> None:
    levels_db = {}
    for piece in PIECES:
        samples, rate = decode(library / piece.path)
        window = round(0.4 * rate)
        power = (
            np.square(samples[: len(samples) // window * window]).reshape(-1, window, piece.channels).mean(1).sum(1)
        )
        levels_db[piece.title] = 10 * np.log10(power[power > 0.1 * power.mean()].mean())
        if piece.span == (0, None):
            assert levels_db[piece.title] == pytest.approx(piece.level_db, abs=0.5)
    assert min(levels_db.values()) < -28
    assert max(levels_db.values()) > -9
    assert len({round(level / 3) for level in levels_db.values()}) >= 6


def test_two_tracks_cut_from_one_recording_join_without_a_seam(library: Path) -> None:
    halves = [piece for piece in PIECES if piece.span != (0, None)]
    joined = np.concatenate([soundfile.read(library / half.path, dtype="int16")[0] for half in halves])
    first = halves[0]
    whole = render_score(first.score, first.sample_rate, first.channels, first.level_db)
    encoded = BytesIO(encode_file(whole, first.sample_rate, first.format))
    assert [half.track for half in halves] == [1, 2]
    np.testing.assert_array_equal(joined, soundfile.read(encoded, dtype="int16")[0])
    assert np.max(np.abs(joined[first.frames - 50 : first.frames + 50])) > 1000


def test_a_second_run_writes_nothing(library: Path) -> None:
    before = snapshot(library)
    make_demo(str(library))
    assert snapshot(library) == before
    assert not [path for path in before if path.endswith(".partial")]


def test_a_file_that_is_missing_is_made_again_and_one_that_was_changed_is_left_alone(library: Path) -> None:
    missing, changed = (library / piece_of(format).path for format in (Format.AIFF_16, Format.WAV_16))
    as_it_was, _ = decode(missing)
    missing.unlink()
    original = changed.read_bytes()
    changed.write_bytes(b"the listener's own")
    make_demo(str(library))
    assert changed.read_bytes() == b"the listener's own"
    np.testing.assert_array_equal(decode(missing)[0], as_it_was)
    changed.write_bytes(original)


def test_work_that_is_called_off_leaves_no_unfinished_file(tmp_path: Path) -> None:
    calls = iter(range(60))

    def check() -> None:
        if next(calls, None) is None:
            raise Stop

    with pytest.raises(Stop):
        make_demo(str(tmp_path), check)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["cover.jpg"]


def test_a_folder_that_cannot_be_written_is_a_plain_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.write_bytes(b"")
    with pytest.raises(StartupError) as caught:
        make_demo(str(in_the_way / "demo"))
    assert caught.value.message.endswith("Choose another folder, or make room on its disk.")
    assert str(tmp_path) not in caught.value.message


def test_the_library_has_every_format_two_albums_and_a_title_in_another_script() -> None:
    assert {piece.format for piece in PIECES} == set(Format)
    assert {piece.channels for piece in PIECES} == {1, 2}
    assert {piece.sample_rate for piece in PIECES} == {44_100, 48_000, 96_000}
    albums = {piece.album for piece in PIECES if piece.album}
    assert len(albums) == 2
    for album in albums:
        assert [piece.track for piece in PIECES if piece.album is album] == list(range(1, album.tracks + 1))
    assert any(not piece.title.isascii() for piece in PIECES)
    assert len({piece.path for piece in PIECES}) == len(PIECES)


def test_lyrics_lie_beside_their_track_in_the_order_of_the_song(library: Path) -> None:
    (piece,) = [piece for piece in PIECES if piece.lyrics]
    text = (library / piece.path).with_suffix(".lrc").read_text(encoding="utf-8")
    timed = re.findall(r"^\[(\d\d):(\d\d\.\d\d)\](.+)$", text, re.MULTILINE)
    times_s = [60 * int(minutes) + float(rest) for minutes, rest, _ in timed]
    assert [words for _, _, words in timed] == [words for _, words in piece.lyrics]
    assert times_s == sorted(set(times_s))
    assert times_s[-1] < piece.duration_s


def test_mp3_and_m4a_say_how_much_their_encoder_added(library: Path) -> None:
    mp3 = piece_of(Format.MP3)
    data = (library / mp3.path).read_bytes()
    at = data.index(b"LAME")
    delay, padding = int.from_bytes(data[at + 21 : at + 24]) >> 12, int.from_bytes(data[at + 21 : at + 24]) & 0xFFF
    mpeg_frames = int.from_bytes(data[data.index(b"Xing") + 8 :][:4])
    assert delay > 0
    assert 1152 * mpeg_frames - delay - padding == mp3.frames

    aac = piece_of(Format.AAC)
    data = (library / aac.path).read_bytes()
    entry = data[data.index(b"elst") + 12 :]
    assert (int.from_bytes(entry[:4]), int.from_bytes(entry[4:8])) == (aac.frames, 1024)


def test_names_of_files_stay_inside_the_folder() -> None:
    for piece in PIECES:
        assert ".." not in piece.path.split("/")
        assert not os.path.isabs(piece.path)
