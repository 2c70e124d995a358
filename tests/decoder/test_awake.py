"""Open FLAC files give back their buffers while they are idle: no sample changes, and the bound holds."""

import threading
from collections.abc import Callable
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.awake import Awake
from auralis_trio.decoder.direct_source import DirectSource
from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.decoder.soundfile_decoder import SoundfileDecoder
from tests.decoder.conftest import Sounds

FRAMES = 60_000


def opened(sounds: Sounds, cache: PcmCache, kind: str = "flac") -> DirectSource:
    source = open_source(sounds.path(kind, 2, 44_100, FRAMES), kind, cache)
    assert isinstance(source, DirectSource)
    return source


def resting(source: DirectSource) -> bool:
    return source._decoder.released


READS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, FRAMES), st.integers(0, 9000)), min_size=4, max_size=25)


@pytest.mark.parametrize("max_awake", [0, 1, 3])
@settings(max_examples=20, deadline=None)
@given(reads=READS)
def test_whoever_rests_in_between_gives_the_same_samples(
    sounds: Sounds, max_awake: int, reads: list[tuple[int, int, int]]
) -> None:
    whole = sounds.read(sounds.path("flac", 2, 44_100, FRAMES))
    with TemporaryDirectory() as folder:
        cache = PcmCache(folder, 0, 1.0)
        cache.awake = Awake(max_awake)
        sources = [opened(sounds, cache) for _ in range(4)]
        for number, start, frames in reads:
            part = whole[start : start + frames]
            assert np.array_equal(sources[number].read(start, len(part)), part)
            assert len(cache.awake) <= max_awake
        for number in {number for number, _, _ in reads}:
            assert resting(sources[number]) is (sources[number] not in cache.awake._sources)
        for source in sources:
            source.close()
        assert len(cache.awake) == 0


def test_the_last_ones_used_stay_awake(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    cache = new_cache()
    cache.awake = Awake(2)
    one, two, three = sources = [opened(sounds, cache) for _ in range(3)]
    for source in (one, two, one, three):
        source.read(0, 10)
    assert [resting(source) for source in sources] == [False, True, False]
    two.read(20_000, 10)
    assert [resting(source) for source in sources] == [True, False, False]
    for source in sources:
        source.close()


def test_one_that_is_being_read_from_is_not_disturbed(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    cache = new_cache()
    cache.awake = Awake(1)
    whole = sounds.read(sounds.path("flac", 2, 44_100, FRAMES))
    busy, other = opened(sounds, cache), opened(sounds, cache)
    busy.read(0, 10)
    inside, go_on = threading.Event(), threading.Event()
    result: list[Samples] = []

    def check() -> None:
        inside.set()
        assert go_on.wait(30)

    reader = threading.Thread(target=lambda: result.append(busy.read(10, FRAMES - 10, check)))
    reader.start()
    assert inside.wait(30)
    other.read(0, 10)
    assert not resting(busy)
    go_on.set()
    reader.join(30)
    assert np.array_equal(result[0], whole[10:])
    assert resting(other)
    for source in (busy, other):
        source.close()


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_kinds_that_hold_little_are_left_alone(sounds: Sounds, new_cache: Callable[..., PcmCache], kind: str) -> None:
    cache = new_cache()
    source = opened(sounds, cache, kind)
    source.read(0, 10)
    assert len(cache.awake) == 0
    source.close()


class Unseekable(SoundfileDecoder):
    """A decoder of zeros that can only be read on, as of a damaged file."""

    def __init__(self) -> None:
        self.format = AudioFormat(44_100, 2, 16)
        self.position = 0
        self.opened = 1
        self.asleep = False

    @property
    def released(self) -> bool:
        return self.asleep

    def read(self, frames: int) -> Samples:
        self.position += frames
        return np.zeros((frames, 2), np.float32)

    def seek(self, frame: int) -> bool:
        return False

    def reopen(self) -> None:
        self.opened, self.position, self.asleep = self.opened + 1, 0, False

    def release(self) -> None:
        self.asleep = True

    def close(self) -> None:
        self.release()


def test_where_no_place_can_be_sought_the_long_way_is_not_gone_for_each_read() -> None:
    awake, decoder = Awake(0), Unseekable()
    source = DirectSource(decoder, FRAMES, awake)
    for start in range(1000, FRAMES, 1000):
        assert len(source.read(start, 1000)) == 1000
    assert decoder.opened == 2
    source.close()
