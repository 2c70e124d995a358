"""The chunk cache: bounded in bytes, and the longest unused goes first."""

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.grid import Span
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.work.rendering import Chunk


def chunk(size: int) -> Chunk:
    return Chunk(Span(0, size), bytes(size))


def test_what_was_put_is_found() -> None:
    cache, kept = ChunkCache(100), chunk(10)
    assert cache.get("a") is None
    cache.put("a", kept)
    assert cache.get("a") is kept
    assert cache.statistics() == type(cache.statistics())(1, 10, 100, hits=1, misses=1, evictions=0)


def test_it_fills_to_its_last_byte_and_not_beyond() -> None:
    cache = ChunkCache(30)
    for key in "abc":
        cache.put(key, chunk(10))
    assert cache.statistics().bytes == 30
    assert cache.statistics().evictions == 0
    cache.put("d", chunk(1))
    assert (cache.statistics().entries, cache.statistics().bytes, cache.statistics().evictions) == (3, 21, 1)
    assert cache.get("a") is None


def test_the_longest_unused_goes_first() -> None:
    cache = ChunkCache(30)
    for key in "abc":
        cache.put(key, chunk(10))
    cache.get("a")
    cache.put("d", chunk(10))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_whole_is_not_kept_and_drives_nothing_out() -> None:
    cache = ChunkCache(30)
    cache.put("a", chunk(30))
    cache.put("b", chunk(31))
    assert cache.get("b") is None
    assert cache.get("a") is not None


@pytest.mark.parametrize("size", [0, 31])
def test_a_new_chunk_of_the_same_key_replaces_the_old_one(size: int) -> None:
    cache = ChunkCache(30)
    cache.put("a", chunk(20))
    cache.put("a", chunk(size))
    assert cache.statistics().bytes == size % 31
    found = cache.get("a")
    assert found is None or found.nbytes == size


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = ChunkCache(0)
    cache.put("a", chunk(1))
    assert (cache.get("a"), cache.statistics().bytes) == (None, 0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pg"), st.sampled_from("abcdef"), st.integers(0, 70)), max_size=60))
def test_it_does_as_a_simple_model_does(steps: list[tuple[str, str, int]]) -> None:
    cache, model = ChunkCache(100), OrderedDict[str, Chunk]()
    for step, key, size in steps:
        if step == "p":
            model.pop(key, None)
            model[key] = chunk(size)
            cache.put(key, model[key])
            while sum(kept.nbytes for kept in model.values()) > 100:
                model.popitem(last=False)
        else:
            if key in model:
                model.move_to_end(key)
            assert cache.get(key) is model.get(key)
        assert cache.statistics().entries == len(model)
        assert cache.statistics().bytes == sum(kept.nbytes for kept in model.values()) <= 100
