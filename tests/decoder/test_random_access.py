"""For every kind, rate and channel count, reads in any order give what reading in sequence gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.formats import FORMATS
from auralis_trio.audio.grid import Grid
from tests.decoder.conftest import Sounds
from tests.sound_files import can_hold, shortest

RATES = (8_000, 44_100, 48_000, 96_000, 192_000)
MATRIX = [
    pytest.param(row.name, channels, rate, id=f"{row.name}-{channels}-{rate}")
    for row in FORMATS
    for channels in (1, 2)
    for rate in RATES
    if can_hold(row.name, channels, rate)
]
PLACES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6)


def _span(place: tuple[float, float], total_frames: int, longest: int) -> tuple[int, int]:
    start = int(place[0] * total_frames)
    return start, min(int(place[1] * longest), total_frames - start)


@pytest.mark.parametrize(("kind", "channels", "rate"), MATRIX)
@settings(max_examples=4, deadline=None)
@given(places=PLACES, block=st.integers(300, 9000))
def test_any_reads_equal_the_whole(
    sounds: Sounds, kind: str, channels: int, rate: int, places: list[tuple[float, float]], block: int
) -> None:
    path = sounds.path(kind, channels, rate)
    whole = sounds.read(path)
    source = sounds.open(path)
    try:
        assert whole.dtype == np.float32
        assert whole.shape == (source.total_frames, channels)
        for start, frames in (_span(place, len(whole), 9000) for place in places):
            part = source.read(start, frames)
            assert part.flags.c_contiguous
            assert np.array_equal(part, whole[start : start + frames])
        in_blocks = [
            source.read(start, min(block, len(whole) - start)) for start in range(0, len(whole), max(block, 500))
        ]
        starts = range(0, len(whole), max(block, 500))
        assert all(
            np.array_equal(part, whole[at : at + len(part)]) for part, at in zip(in_blocks, starts, strict=True)
        )
    finally:
        source.close()


@pytest.mark.parametrize(
    ("kind", "channels", "rate"),
    [
        ("mp3", 1, 44_100),
        ("mp3", 2, 44_100),
        ("mp3", 1, 32_000),
        ("mp3", 2, 22_050),
        ("vorbis", 1, 44_100),
        ("vorbis", 2, 22_050),
        ("flac", 2, 44_100),
    ],
)
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=8, max_size=8))
def test_seeking_over_many_seconds_is_exact_too(
    sounds: Sounds, kind: str, channels: int, rate: int, places: list[tuple[float, float]]
) -> None:
    path = sounds.path(kind, channels, rate, frames=rate * 15 + 123)
    whole = sounds.read(path)
    source = sounds.open(path)
    try:
        for start, frames in (_span(place, len(whole), 20_000) for place in places):
            assert np.array_equal(source.read(start, frames), whole[start : start + frames])
    finally:
        source.close()


@pytest.mark.parametrize("kind", ["mp3", "vorbis"])
def test_the_last_frames_are_found_from_every_distance(sounds: Sounds, kind: str) -> None:
    path = sounds.path(kind, 2, 44_100, frames=44_100 * 15 + 123)
    whole = sounds.read(path)
    for distance in (1, 2, 63, 64, 128, 500, 576, 1024, 1152, 2048, 3000, 5000, 9216, 9217, 30_000):
        source = sounds.open(path)
        assert np.array_equal(source.read(len(whole) - distance, distance), whole[-distance:])
        source.close()


EXACT_LENGTH = [row.name for row in FORMATS if row.name not in ("aac", "wma")]


@pytest.mark.parametrize("kind", EXACT_LENGTH)
@pytest.mark.parametrize("length", ["shortest", "chunk", "chunk and a frame"])
def test_a_track_has_exactly_the_frames_that_were_encoded(sounds: Sounds, kind: str, length: str) -> None:
    rate = 8_000 if can_hold(kind, 1, 8_000) else 48_000
    chunk_frames = Grid(rate, 0).chunk_frames
    frames = {"shortest": shortest(kind, 1), "chunk": chunk_frames, "chunk and a frame": chunk_frames + 1}[length]
    path = sounds.path(kind, 1, rate, frames)
    source = sounds.open(path)
    assert source.total_frames == frames
    assert source.read(0, frames).shape == (frames, 1)
    assert np.array_equal(source.read(frames - 1, 1), sounds.read(path)[-1:])
    source.close()


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a"])
@pytest.mark.parametrize(("start", "frames"), [(-1, 1), (0, 20_001), (20_000, 1), (0, -1)])
def test_a_span_outside_the_track_is_refused(sounds: Sounds, kind: str, start: int, frames: int) -> None:
    source = sounds.open(sounds.path(kind))
    with pytest.raises(ValueError, match="of a track of 20000"):
        source.read(start, frames)
    assert source.read(20_000, 0).shape == (0, 2)
    source.close()
