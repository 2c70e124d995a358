# mypy: disable-error-code="no-untyped-call"

"""What is opened and what is refused: by content, never by name, and never anything but a regular file."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.mp4 import MP4, MP4FreeForm

from auralis_trio.audio.formats import FORMATS, Access, Backend
from auralis_trio.decoder.ogg import checksum
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceCorrupt, SourceError, SourceMissing, SourceUnsupported
from tests.decoder.conftest import Sounds
from tests.sound_files import can_hold, music, write


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    before = _descriptors()
    yield
    assert _descriptors() <= before


@pytest.mark.parametrize(
    ("kind", "suffix"), [pytest.param(row.name, suffix) for row in FORMATS for suffix in row.suffixes]
)
def test_a_file_of_each_kind_is_known_under_each_of_its_suffixes(
    sounds: Sounds, tmp_path: Path, kind: str, suffix: str
) -> None:
    path = str(tmp_path / f"song{suffix}")
    os.symlink(sounds.path(kind, 2, 48_000), path)
    with no_descriptor_left():
        found = probe(path)
        samples = sounds.read(path)
    assert found.kind == kind
    assert (found.format.sample_rate, found.format.channels) == (48_000, 2)
    assert samples.shape[1] == 2
    assert np.abs(samples).max() > 0.2


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_the_column_of_access_says_how_a_file_is_read(
    sounds: Sounds, row: object, new_cache: Callable[..., PcmCache]
) -> None:
    assert row in FORMATS
    found = next(each for each in FORMATS if each is row)
    cache = new_cache()
    path = sounds.path(found.name, 2, 48_000)
    open_source(path, "x", cache).close()
    cached = cache.statistics().fills == 1
    assert cached is (found.access is Access.CACHED)
    assert found.backend is not Backend.AV or cached


def test_what_depends_on_the_file_goes_through_the_cache_where_a_seek_is_not_exact(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    cache = new_cache()
    bare, packed, open_ended = (str(tmp_path / name) for name in ("bare.mp3", "packed.wav", "open.flac"))
    Path(bare).write_bytes(_without_xing_header(sounds.path("mp3", 2, 48_000)))
    soundfile.write(packed, music(30_000, 1), 44_100, format="WAV", subtype="IMA_ADPCM")
    Path(open_ended).write_bytes(_without_length(sounds.path("flac", 2, 48_000)))
    for number, path in enumerate([bare, packed, open_ended, sounds.path("mp3", 2, 22_050)], start=1):
        open_source(path, path, cache).close()
        assert cache.statistics().fills == number


def _without_xing_header(path: str) -> bytes:
    data = Path(path).read_bytes()
    start = max(data.find(b"Info"), data.find(b"Xing"))
    return data[data.index(b"\xff\xfb", start) :]


def _without_length(path: str) -> bytes:
    data = bytearray(Path(path).read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    return bytes(data)


def test_an_mp3_without_a_header_is_counted_by_decoding_it(sounds: Sounds, tmp_path: Path) -> None:
    whole = sounds.path("mp3", 2, 48_000, 100_000)
    path = tmp_path / "bare.mp3"
    path.write_bytes(_without_xing_header(whole))
    assert probe(str(path)).total_frames is None
    samples, expected = sounds.read(str(path)), sounds.read(whole)
    assert len(samples) % 1152 == 0
    assert len(samples) >= 100_000
    delay = int(
        np.argmax([np.dot(samples[at : at + 5_000, 0], expected[3_000:8_000, 0]) for at in range(3_000, 5_000)])
    )
    aligned = samples[delay : delay + 90_000]
    assert np.abs(aligned[5_000:] - expected[5_000:90_000]).max() < 1e-4


@pytest.mark.parametrize(
    ("delay", "padding", "trimmed"),
    [(576, 1000, 1576), (576, 100, 576 + 529), (1200, 528, 1729), (0, 700, 700), (0, 0, 0)],
)
def test_the_gaps_that_an_mp3_declares_are_trimmed(
    sounds: Sounds, tmp_path: Path, delay: int, padding: int, trimmed: int
) -> None:
    data = bytearray(Path(sounds.path("mp3", 2, 44_100, 50_000)).read_bytes())
    at = data.index(b"LAME") + 21
    encoded = 50_000 + (int.from_bytes(data[at : at + 3], "big") >> 12) + (data[at + 1] & 15) * 256 + data[at + 2]
    data[at : at + 3] = (delay << 12 | padding).to_bytes(3, "big")
    path = str(tmp_path / "gaps.mp3")
    Path(path).write_bytes(data)
    assert probe(path).total_frames == encoded - trimmed
    whole, source = sounds.read(path), sounds.open(path)
    for start in (30_000, 0, 49_000):
        assert np.array_equal(source.read(start, 900), whole[start : start + 900])
    source.close()


def test_a_flac_that_leaves_its_length_open_is_counted_by_decoding_it(sounds: Sounds, tmp_path: Path) -> None:
    whole = sounds.path("flac", 2, 48_000)
    path = tmp_path / "open.flac"
    path.write_bytes(_without_length(whole))
    assert probe(str(path)).total_frames is None
    assert np.array_equal(sounds.read(str(path)), sounds.read(whole))


def _with_data_length(path: str, length: int) -> bytes:
    data = bytearray(Path(path).read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = length.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("left", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_written_to_a_pipe_goes_to_the_end_of_its_file(sounds: Sounds, tmp_path: Path, left: int) -> None:
    whole = sounds.path("wav", 2, 48_000)
    path = tmp_path / "piped.wav"
    path.write_bytes(_with_data_length(whole, left))
    assert np.array_equal(sounds.read(str(path)), sounds.read(whole))


def test_a_wav_that_was_never_finished_is_damaged_and_not_an_empty_track(sounds: Sounds, tmp_path: Path) -> None:
    path = tmp_path / "unfinished.wav"
    path.write_bytes(_with_data_length(sounds.path("wav", 2, 48_000), 0))
    with pytest.raises(SourceCorrupt):
        probe(str(path))


@pytest.mark.parametrize("kind", ["wav", "aiff", "au"])
def test_a_track_without_frames_is_empty_and_not_an_error(sounds: Sounds, kind: str) -> None:
    path = sounds.path(kind, 2, 48_000, 0)
    assert sounds.read(path).shape == (0, 2)


def test_a_name_decides_nothing(sounds: Sounds, tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    os.symlink(sounds.path("flac", 2, 48_000), path)
    assert probe(str(path)).kind == "flac"


@pytest.mark.parametrize(
    "content", [b"Dear diary, " * 3000, b"\xff\xd8\xff\xe0" + bytes(9000), bytes(70_000), b"\xff" * 70_000]
)
@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a", ".wav"])
def test_what_is_no_audio_is_not_supported_whatever_its_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"song{suffix}"
    path.write_bytes(content)
    with no_descriptor_left(), pytest.raises(SourceUnsupported):
        probe(str(path))


def test_an_mp4_that_holds_no_sound_we_play_is_not_supported(sounds: Sounds, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(Path(sounds.path("m4a", 2, 48_000)).read_bytes().replace(b"mp4a", b"drms"))
    with pytest.raises(SourceUnsupported):
        probe(str(path))
    path.write_bytes(Path(sounds.path("m4a", 2, 48_000)).read_bytes().replace(b"soun", b"vide"))
    with pytest.raises(SourceUnsupported):
        probe(str(path))


@pytest.mark.parametrize(("channels", "rate"), [(9, 48_000), (2, 384_000), (1, 6_000)])
def test_more_channels_or_other_rates_than_we_play_are_not_supported(
    tmp_path: Path, channels: int, rate: int, new_cache: Callable[..., PcmCache]
) -> None:
    path = str(tmp_path / "odd.wav")
    soundfile.write(path, np.zeros((100, channels)), rate)
    with no_descriptor_left(), pytest.raises(SourceUnsupported):
        probe(path)
    with no_descriptor_left(), pytest.raises(SourceUnsupported):
        open_source(path, "odd", new_cache())


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _empty(path: Path) -> None:
    path.touch()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (_fifo, SourceUnsupported),
        (_socket, SourceUnsupported),
        (Path.mkdir, SourceUnsupported),
        (_device, SourceUnsupported),
        (_empty, SourceCorrupt),
        (_dangling, SourceMissing),
        (_loop, SourceMissing),
        (lambda path: None, SourceMissing),
    ],
)
def test_only_regular_files_are_opened_and_others_are_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], error: type[SourceError], new_cache: Callable[..., PcmCache]
) -> None:
    path = tmp_path / "song.flac"
    make(path)
    cache = new_cache()
    with no_descriptor_left():
        for opening in (lambda: probe(str(path)), lambda: open_source(str(path), "x", cache)):
            with pytest.raises(error) as caught:
                opening()
            assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("path", ["", "\0", "a\0b.wav", "/dev/null", "/proc/self/mem/x", "/" + "x" * 5000])
def test_strange_names_are_errors_of_a_known_kind(path: str) -> None:
    with no_descriptor_left(), pytest.raises((SourceMissing, SourceUnsupported)):
        probe(path)


@pytest.mark.parametrize("row", [row.name for row in FORMATS])
def test_no_descriptor_is_left_however_a_broken_file_fails(
    sounds: Sounds, row: str, tmp_path: Path, new_cache: Callable[..., PcmCache]
) -> None:
    data = Path(sounds.path(row, 2, 48_000, 60_000)).read_bytes()
    path, cache = tmp_path / "broken", new_cache()
    noise = np.random.default_rng(1)
    with no_descriptor_left():
        for cut in (20, 50, 150, 600, len(data) // 3, len(data) - 30):
            path.write_bytes(data[:cut] + noise.bytes(3000))
            with suppress(SourceError):
                probe(str(path))
            with suppress(SourceError):
                source = open_source(str(path), f"{cut}", cache)
                try:
                    source.read(0, min(source.total_frames, 100_000))
                finally:
                    source.close()
        cache.close_idle()


def test_the_command_says_what_a_file_is(sounds: Sounds, tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("nothing to hear")
    paths = [sounds.path("m4a", 1, 8_000), str(tmp_path / "notes.mp3")]
    done = subprocess.run(
        [sys.executable, "-m", "auralis_trio.decoder", *paths], check=True, capture_output=True, text=True, timeout=60
    )
    first, second = done.stdout.splitlines()
    assert "m4a, 8000 Hz, 1 channels, no bits, 20000 frames" in first
    assert "track_unsupported" in second


def _bytes_patched(data: bytes, box: bytes, at: int, value: int, width: int = 4) -> bytes:
    start = data.index(box) + 4 + at
    return data[:start] + value.to_bytes(width, "big") + data[start + width :]


def test_an_mp4_whose_edit_list_is_coarse_still_has_its_exact_length(sounds: Sounds) -> None:
    for frames in (44_099, 44_100, 44_101, 44_119, 44_120, 44_121):
        path = sounds.path("m4a", 1, 44_100, frames)
        assert probe(path).total_frames == frames


def test_the_clock_of_an_mp4_may_run_at_half_the_decoders_rate(sounds: Sounds, tmp_path: Path) -> None:
    data = Path(sounds.path("m4a", 1, 48_000, 102_400)).read_bytes()
    movie = data[data.index(b"moov") :]
    timescale, duration = (
        int.from_bytes(movie[at : at + 4], "big") for at in (movie.index(b"mdhd") + 16, movie.index(b"mdhd") + 20)
    )
    assert timescale == 48_000
    halved = _bytes_patched(_bytes_patched(data, b"mdhd", 12, timescale // 2), b"mdhd", 16, duration // 2)
    halved = _bytes_patched(_bytes_patched(halved, b"elst", 12, 512), b"stts", 12, 512)
    path = tmp_path / "half.m4a"
    path.write_bytes(halved)
    found = probe(str(path))
    assert found.format.sample_rate == 48_000
    assert found.total_frames == 102_400


def test_a_table_that_claims_four_billion_rows_costs_no_time(sounds: Sounds, tmp_path: Path) -> None:
    data = Path(sounds.path("m4a", 1, 48_000, 102_400)).read_bytes()
    path = tmp_path / "endless.m4a"
    path.write_bytes(_bytes_patched(data, b"elst", 4, 0xFFFFFFFF))
    assert probe(str(path)).total_frames == 102_400
    path.write_bytes(_bytes_patched(data, b"stts", 4, 0xFFFFFFFF))
    with pytest.raises(SourceCorrupt):
        probe(str(path))


@pytest.mark.parametrize("kind", ["m4a", "wma", "wavpack", "opus"])
def test_tags_in_an_unknown_encoding_do_not_keep_a_track_from_playing(
    sounds: Sounds, tmp_path: Path, kind: str
) -> None:
    path = str(tmp_path / f"bjork.{kind}")
    shutil.copy(sounds.path(kind, 2, 48_000), path)
    file = mutagen.File(path)
    file[{"m4a": "\xa9nam", "wma": "Title", "opus": "title", "wavpack": "Title"}[kind]] = "BjXXrk"
    file.save()
    data = Path(path).read_bytes()
    if kind == "wma":
        name = "BjXXrk".encode("utf-16-le")
        bent = data.replace(name, name.replace(b"X\0X\0", b"\x00\xd8X\0"))
    else:
        bent = data.replace(b"BjXXrk", b"Bj\xf6\xffrk")
    assert bent != data
    Path(path).write_bytes(_with_ogg_checksums(bent) if kind == "opus" else bent)
    with no_descriptor_left():
        assert sounds.read(path).shape == (20_000 if kind != "wma" else 18_432, 2)


def _with_ogg_checksums(data: bytes) -> bytes:
    mended = bytearray(data)
    at = mended.find(b"OggS")
    while at >= 0:
        length = 27 + mended[at + 26] + sum(mended[at + 27 : at + 27 + mended[at + 26]])
        mended[at + 22 : at + 26] = checksum(bytes(mended[at : at + length])).to_bytes(4, "little")
        at = mended.find(b"OggS", at + length)
    return bytes(mended)


def test_an_mp4_trimmed_by_its_edit_list_plays_only_what_is_to_be_heard(sounds: Sounds, tmp_path: Path) -> None:
    whole = sounds.path("m4a", 1, 48_000, 100_000)
    path = tmp_path / "trimmed.m4a"
    shorter = _bytes_patched(Path(whole).read_bytes(), b"elst", 8, 1_000)  # of the movie's clock: one second
    path.write_bytes(shorter)
    assert probe(str(path)).total_frames == 48_000
    assert np.array_equal(sounds.read(str(path)), sounds.read(whole)[:48_000])


def test_itunes_note_of_delay_and_length_is_followed_where_there_is_no_edit_list(
    sounds: Sounds, tmp_path: Path
) -> None:
    whole = sounds.path("m4a", 1, 48_000, 100_000)
    path = tmp_path / "itunes.m4a"
    path.write_bytes(Path(whole).read_bytes().replace(b"edts", b"free"))
    file = MP4(str(path))
    file["----:com.apple.iTunes:iTunSMPB"] = [MP4FreeForm(b" 00000000 00000400 00000160 00000000000186A0 00000000")]
    file.save()
    assert probe(str(path)).total_frames == 100_000
    assert np.array_equal(sounds.read(str(path)), sounds.read(whole))


def test_an_opus_stream_cut_out_of_a_longer_one_is_as_long_as_it_is(sounds: Sounds, tmp_path: Path) -> None:
    data = Path(sounds.path("opus", 2, 48_000, 300_000)).read_bytes()
    pages = [at for at in range(len(data)) if data[at : at + 5] == b"OggS\0"]
    path = tmp_path / "cut.opus"
    path.write_bytes(data[: pages[2]] + data[pages[4] :])
    assert probe(str(path)).total_frames == 300_000 - 2 * 48_000
    assert len(sounds.read(str(path))) == 300_000 - 2 * 48_000


def test_the_writer_makes_a_file_of_every_kind() -> None:
    assert all(can_hold(row.name, 2, 48_000) for row in FORMATS)
    assert not can_hold("mp3", 3, 48_000)
    with pytest.raises(KeyError):
        write("/nonexistent", "mp5", music(1), 44_100)
