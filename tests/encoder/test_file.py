"""Whole files: exact where nothing is dropped, dithered where something is, and never half there."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder.file import Cut, Words, check_file, open_file
from auralis_trio.encoder.pcm import quantise
from auralis_trio.encoder.wav import wav_header
from auralis_trio.errors import InvalidRequest, OutputError

RATE = 44_100
SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "32": "PCM_32", "float": "FLOAT"}
KINDS: list[tuple[str, Words]] = [
    ("a.wav", "16"),
    ("a.wav", "24"),
    ("a.wav", "32"),
    ("a.wav", "float"),
    ("a.flac", "16"),
    ("a.flac", "24"),
]


def noise(frames: int, channels: int = 2) -> Samples:
    return np.random.default_rng(3).uniform(-1.1, 1.1, (frames, channels)).astype(np.float32)


def write(path: Path, samples: Samples, words: Words, bits: int | None = None, step: int = 4000) -> None:
    form = AudioFormat(RATE, samples.shape[1], bits)
    with open_file(path, Cut(form, len(samples), words)) as put:
        for start in range(0, len(samples), step):
            put(Block(samples[start : start + step].copy(), start))


@pytest.fixture
def little_room() -> Iterator[int]:
    """No file gets longer than this."""
    limits, action = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, action)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize(("name", "words"), KINDS)
def test_a_file_holds_what_its_words_can_hold_of_the_frames(
    tmp_path: Path, name: str, words: Words, channels: int
) -> None:
    samples = noise(10_001, channels)
    write(tmp_path / name, samples, words)
    info = soundfile.info(tmp_path / name)
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (RATE, channels, 10_001, SUBTYPES[words])
    if words == "float":
        assert np.array_equal(soundfile.read(tmp_path / name, dtype="float32", always_2d=True)[0], samples)
        return
    expected = quantise(Block(samples, 0), int(words), None)
    found, _ = soundfile.read(tmp_path / name, dtype="int32", always_2d=True)
    assert np.array_equal(found >> (32 - int(words)), expected)
    assert np.abs(expected - np.clip(samples.astype(np.float64), -1, 1) * 2.0 ** (int(words) - 1)).max() <= 1.5


@pytest.mark.parametrize(("name", "words"), [("a.wav", "16"), ("a.flac", "16"), ("a.wav", "24"), ("a.wav", "32")])
def test_a_source_without_more_bits_passes_exactly(tmp_path: Path, name: str, words: Words) -> None:
    original = np.random.default_rng(1).integers(-32_768, 32_768, (5000, 2)).astype(np.int16)
    write(tmp_path / name, (original / 32_768).astype(np.float32), words, bits=16)
    assert np.array_equal(soundfile.read(tmp_path / name, dtype="int16")[0], original)


@pytest.mark.parametrize(("name", "words"), KINDS)
def test_how_the_frames_are_cut_does_not_show(tmp_path: Path, name: str, words: Words) -> None:
    samples = noise(9000)
    write(tmp_path / f"1{name}", samples, words, step=9000)
    write(tmp_path / f"2{name}", samples, words, step=1234)
    assert np.array_equal(*(soundfile.read(tmp_path / f"{number}{name}")[0] for number in (1, 2)))


@pytest.mark.parametrize(("name", "words"), KINDS)
def test_an_empty_track_is_a_valid_wav_and_no_flac(tmp_path: Path, name: str, words: Words) -> None:
    if name.endswith(".flac"):
        with pytest.raises(InvalidRequest):
            write(tmp_path / name, noise(0), words)
        assert os.listdir(tmp_path) == []
    else:
        write(tmp_path / name, noise(0), words)
        assert soundfile.info(tmp_path / name).frames == 0


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_whatever_goes_wrong_leaves_what_was_there(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    (tmp_path / name).write_bytes(b"precious")

    def fail_in_the_middle() -> None:
        with open_file(tmp_path / name, Cut(AudioFormat(RATE, 2, None), 8000, "16")) as put:
            put(Block(noise(4000), 0))
            raise error

    with pytest.raises(error):
        fail_in_the_middle()
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_disk_without_room_is_told_and_leaves_nothing(tmp_path: Path, name: str, little_room: int) -> None:
    with pytest.raises(OutputError):
        write(tmp_path / name, noise(little_room), "16")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("frames", [3999, 4001])
def test_a_file_with_other_than_the_announced_frames_is_no_file(tmp_path: Path, frames: int) -> None:
    with (
        pytest.raises(OutputError),
        open_file(tmp_path / "a.wav", Cut(AudioFormat(RATE, 2, None), 4000, "16")) as put,
    ):
        put(Block(noise(frames), 0))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write(tmp_path / "nowhere" / "a.wav", noise(10), "16")


@pytest.mark.parametrize(("name", "words"), [("a.mp3", "16"), ("a", "16"), ("a.flac", "32"), ("a.flac", "float")])
def test_what_a_file_cannot_hold_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, words: Words
) -> None:
    with pytest.raises(InvalidRequest):
        check_file(tmp_path / name, words)
    with pytest.raises(InvalidRequest):
        write(tmp_path / name, noise(10), words)
    assert os.listdir(tmp_path) == []


def test_a_file_of_more_than_four_gibibytes_is_rf64() -> None:
    assert wav_header(AudioFormat(RATE, 2, None), Encoding.S32, 2**29)[:4] == b"RF64"
    assert wav_header(AudioFormat(RATE, 2, None), Encoding.S32, 2**28)[:4] == b"RIFF"
