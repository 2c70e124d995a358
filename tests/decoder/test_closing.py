"""Threads at one source: one reads at a time, waiting can be called off, and the last to leave closes."""

import os
import threading
from collections.abc import Callable

import numpy as np
import pytest

from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.pcm_cache import PcmCache
from tests.decoder.conftest import Sounds

KINDS = ["wav", "flac", "mp3", "vorbis", "m4a", "opus"]
FRAMES = 150_000


class Called(Exception):
    """Raised by a check of these tests."""


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _open(sounds: Sounds, kind: str, cache: PcmCache) -> AudioSource:
    return open_source(sounds.path(kind, 2, 48_000, FRAMES), kind, cache)


@pytest.mark.parametrize("kind", KINDS)
def test_closing_in_the_middle_of_a_read_takes_effect_when_the_read_ends(
    sounds: Sounds, kind: str, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(sounds.path(kind, 2, 48_000, FRAMES))
    before = _descriptors()
    cache = new_cache()
    source = _open(sounds, kind, cache)
    inside, go_on = threading.Event(), threading.Event()
    result: list[np.ndarray] = []

    def check() -> None:
        inside.set()
        assert go_on.wait(30)

    reader = threading.Thread(target=lambda: result.append(source.read(0, FRAMES, check)))
    reader.start()
    assert inside.wait(30)
    source.close()
    source.close()
    assert _descriptors() > before
    go_on.set()
    reader.join(30)
    assert np.array_equal(result[0], whole)
    cache.close_idle()
    assert _descriptors() <= before
    with pytest.raises(ValueError, match="closed"):
        source.read(0, 1)


@pytest.mark.parametrize("kind", ["flac", "m4a"])
def test_a_read_that_waits_for_another_can_be_called_off(
    sounds: Sounds, kind: str, new_cache: Callable[..., PcmCache]
) -> None:
    source = _open(sounds, kind, new_cache())
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        assert go_on.wait(30)

    def refuse() -> None:
        raise Called

    reader = threading.Thread(target=lambda: source.read(0, 1000, hold))
    reader.start()
    assert inside.wait(30)
    with pytest.raises(Called):
        source.read(5000, 1000, refuse)
    go_on.set()
    reader.join(30)
    source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_read_that_was_called_off_leaves_the_source_as_good_as_before(
    sounds: Sounds, kind: str, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(sounds.path(kind, 2, 48_000, FRAMES))
    source = _open(sounds, kind, new_cache())
    calls = 0

    def refuse_the_second_time() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Called

    with pytest.raises(Called):
        source.read(1000, FRAMES - 1000, refuse_the_second_time)
    assert np.array_equal(source.read(70_000, 9_000), whole[70_000:79_000])
    source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_many_threads_share_one_source_and_each_gets_its_own_frames(
    sounds: Sounds, kind: str, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(sounds.path(kind, 2, 48_000, FRAMES))
    source = _open(sounds, kind, new_cache())
    wrong: list[int] = []

    def read_about(seed: int) -> None:
        places = np.random.default_rng(seed).integers(0, FRAMES - 3000, 12)
        wrong.extend(
            int(at) for at in places if not np.array_equal(source.read(int(at), 3000), whole[at : at + 3000])
        )

    threads = [threading.Thread(target=read_about, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_opening_and_closing_many_times_leaves_nothing_behind(
    sounds: Sounds, kind: str, new_cache: Callable[..., PcmCache]
) -> None:
    cache = new_cache()
    _open(sounds, kind, cache).close()
    cache.close_idle()
    before, threads = _descriptors(), threading.active_count()
    for turn in range(30):
        source = _open(sounds, kind, cache)
        if turn % 2:
            source.read(turn * 1000, 1000)
        source.close()
    cache.close_idle()
    assert _descriptors() <= before
    assert threading.active_count() == threads
