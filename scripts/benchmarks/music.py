"""The tracks of the benchmarks: music from the demo's synthesiser, tiled to any length, no two with equal bytes."""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from auralis_trio.demo import synthesise

RATE = 44_100
OPUS_RATE = 48_000
PATTERN_S = 20.0
NAMES = ("stereo.flac", "stereo.wav")
Frames = npt.NDArray[np.int16]

_INFO_AT = 36
"""of MPEG 1, layer III, stereo: where the table of contents lies in the first frame"""
_BIT_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def write_music(folder: Path, duration_s: float) -> None:
    """Write one WAV and one FLAC of 16 bits, different from each other, each of exactly `duration_s`."""
    folder.mkdir()
    for seed, name in enumerate(NAMES):
        _write(folder / name, pattern(seed), duration_s)


def write_many(folder: Path, count: int, duration_s: float) -> list[str]:
    """Write so many further tracks, by turns FLAC and WAV; their names."""
    base = pattern(2)
    names = [f"track-{number:02}.{('flac', 'wav')[number % 2]}" for number in range(count)]
    for number, name in enumerate(names):
        _write(folder / name, np.roll(base, number * 9_973, axis=0), duration_s)
    return names


def write_long(folder: Path, seed: int, copies: int, duration_s: float) -> None:
    """Write tracks called after their folder, so many as FLAC and as MP3; one encoding serves all of the latter."""
    folder.mkdir()
    name, base = folder.name, pattern(seed)
    head, frames = _mp3_frames(base, folder / f"{name}-0.mp3")
    times = round(duration_s / PATTERN_S)
    for number in range(copies):
        _write(folder / f"{name}-{number}.flac", np.roll(base, number * 9_973, axis=0), duration_s)
        data = _mp3_file(head, (frames[number:] + frames[:number]) * times)
        (folder / f"{name}-{number}.mp3").write_bytes(data)


def write_opus(path: Path, duration_s: float) -> None:
    """Write a track that can only be decoded in sequence."""
    music = np.resize(synthesise(PATTERN_S, OPUS_RATE, 2, 4), (round(duration_s * OPUS_RATE), 2))
    soundfile.write(path, music, OPUS_RATE, format="OGG", subtype="OPUS")


def pattern(seed: int) -> Frames:
    """A piece of music of `PATTERN_S`."""
    rounded: Frames = np.rint(synthesise(PATTERN_S, RATE, 2, seed) * 32_767).astype(np.int16)
    return rounded


def _write(path: Path, base: Frames, duration_s: float) -> None:
    soundfile.write(path, np.resize(base, (round(duration_s * RATE), 2)), RATE, subtype="PCM_16")


def _mp3_frames(base: Frames, scratch: Path) -> tuple[bytes, list[bytes]]:
    """The first frame, which tells what follows, and those of sound: to encode minutes would take longest of all."""
    soundfile.write(scratch, base, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    data, frames, at = scratch.read_bytes(), [], 0
    while at < len(data):
        kilobits = _BIT_RATES[data[at + 2] >> 4]
        size = 144_000 * kilobits // RATE + (data[at + 2] >> 1 & 1)
        frames.append(data[at : at + size])
        at += size
    if frames[0][_INFO_AT : _INFO_AT + 4] != b"Info":
        raise RuntimeError("the encoder writes no table of contents")
    return frames[0], frames[1:]


def _mp3_file(head: bytes, frames: list[bytes]) -> bytes:
    """A file of these frames, their number and size in its table of contents."""
    body = b"".join(frames)
    at = _INFO_AT + 8
    return head[:at] + struct.pack(">II", len(frames), len(head) + len(body)) + head[at + 8 :] + body
