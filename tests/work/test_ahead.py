"""Reading ahead: the same blocks whether the helper is there, late, slow or broken."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.errors import SourceCorrupt
from auralis_trio.work.ahead import MAX_BLOCKS, ReadAhead
from tests.fakes import STEREO, FailingSource, ToneSource

BLOCK = 1_000
FRAMES = 40 * BLOCK + 7


def read_all(source: AudioSource, check: Check) -> Samples:
    return np.concatenate(
        [source.read(start, min(BLOCK, FRAMES - start), check) for start in range(0, FRAMES, BLOCK)]
    )


def in_thread(job: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    return thread


def test_what_is_read_ahead_is_what_is_read() -> None:
    source, ahead = ToneSource(STEREO, FRAMES), ReadAhead(BLOCK)
    helper = in_thread(lambda: ahead.feed(source, never_cancelled))
    samples = ahead.run(read_all, source, never_cancelled)
    helper.join(10)
    assert np.array_equal(samples, source.tone(0, FRAMES))


def test_without_a_helper_the_reader_reads_for_itself() -> None:
    source = ToneSource(STEREO, FRAMES)
    samples = ReadAhead(BLOCK).run(read_all, source, never_cancelled)
    assert np.array_equal(samples, source.tone(0, FRAMES))
    assert len(source.reads) == 41


def test_a_helper_waits_when_so_many_blocks_lie_ready() -> None:
    source, ahead = ToneSource(STEREO, FRAMES), ReadAhead(BLOCK)
    full = threading.Event()

    def check() -> None:
        # It asks while it reads, and again and again while it waits.
        if ahead.max_held == MAX_BLOCKS:
            full.set()

    helper = in_thread(lambda: ahead.feed(source, check))
    assert full.wait(10)
    assert len(source.reads) == MAX_BLOCKS
    samples = ahead.run(read_all, source, never_cancelled)
    helper.join(10)
    assert np.array_equal(samples, source.tone(0, FRAMES))
    assert ahead.max_held == MAX_BLOCKS
    assert not helper.is_alive()


def test_a_closed_one_lets_its_helper_go() -> None:
    source, ahead = ToneSource(STEREO, FRAMES), ReadAhead(BLOCK)
    helper = in_thread(lambda: ahead.feed(source, never_cancelled))
    ahead.close()
    helper.join(10)
    assert not helper.is_alive()
    assert not source.closed


def test_what_the_helper_comes_upon_the_reader_comes_upon() -> None:
    source, ahead = FailingSource(STEREO, FRAMES, good_reads=5), ReadAhead(BLOCK)

    def feed() -> None:
        with pytest.raises(SourceCorrupt):
            ahead.feed(source, never_cancelled)

    in_thread(feed).join(10)
    with pytest.raises(SourceCorrupt):
        ahead.run(read_all, source, never_cancelled)
