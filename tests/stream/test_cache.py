"""The chunk cache: bounded in bytes, and the longest unused goes first; what was dear outlives it on disk."""

from collections import OrderedDict
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.grid import Span
from auralis_trio.library.disk_cache import DiskCache
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.chunk_key import ChunkKey
from auralis_trio.stream.disk_tier import DiskTier, Kept
from auralis_trio.work.rendering import Chunk


def chunk(size: int) -> Chunk:
    return Chunk(Span(0, size), bytes(size))


def key(name: str, index: int = 0) -> ChunkKey:
    return ChunkKey(f"content {name}", "sound", index, 9, "s16")


def test_what_was_put_is_found() -> None:
    cache, kept = ChunkCache(100), chunk(10)
    assert cache.get(key("a")) is None
    cache.put(key("a"), kept)
    assert cache.get(key("a")) is kept
    assert cache.statistics() == type(cache.statistics())(1, 10, 100, hits=1, misses=1, evictions=0)


def test_it_fills_to_its_last_byte_and_not_beyond() -> None:
    cache = ChunkCache(30)
    for name in "abc":
        cache.put(key(name), chunk(10))
    assert cache.statistics().bytes == 30
    assert cache.statistics().evictions == 0
    cache.put(key("d"), chunk(1))
    assert (cache.statistics().entries, cache.statistics().bytes, cache.statistics().evictions) == (3, 21, 1)
    assert cache.get(key("a")) is None


def test_the_longest_unused_goes_first() -> None:
    cache = ChunkCache(30)
    for name in "abc":
        cache.put(key(name), chunk(10))
    cache.get(key("a"))
    cache.put(key("d"), chunk(10))
    assert [cache.get(key(name)) is not None for name in "abcd"] == [True, False, True, True]


def test_what_is_larger_than_the_whole_is_not_kept_and_drives_nothing_out() -> None:
    cache = ChunkCache(30)
    cache.put(key("a"), chunk(30))
    cache.put(key("b"), chunk(31))
    assert cache.get(key("b")) is None
    assert cache.get(key("a")) is not None


@pytest.mark.parametrize("size", [0, 31])
def test_a_new_chunk_of_the_same_key_replaces_the_old_one(size: int) -> None:
    cache = ChunkCache(30)
    cache.put(key("a"), chunk(20))
    cache.put(key("a"), chunk(size))
    assert cache.statistics().bytes == size % 31
    found = cache.get(key("a"))
    assert found is None or found.nbytes == size


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = ChunkCache(0)
    cache.put(key("a"), chunk(1))
    assert (cache.get(key("a")), cache.statistics().bytes) == (None, 0)


Step = tuple[str, str, int]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pgc"), st.sampled_from("abcdef"), st.integers(0, 70)), max_size=60))
async def test_it_does_as_a_simple_model_does(steps: list[Step]) -> None:
    cache, model = ChunkCache(100), OrderedDict[str, Chunk]()
    for step, name, size in steps:
        if step == "p":
            model.pop(name, None)
            model[name] = chunk(size)
            cache.put(key(name), model[name])
            while sum(kept.nbytes for kept in model.values()) > 100:
                model.popitem(last=False)
        elif step == "c":
            gone = model.pop(name, None)
            assert await cache.clear(f"content {name}") == (Kept() if gone is None else Kept(1, gone.nbytes))
        else:
            if name in model:
                model.move_to_end(name)
            assert cache.get(key(name)) is model.get(name)
        assert cache.sizes() == {key(kept): model[kept].nbytes for kept in model}
        assert cache.statistics().entries == len(model)
        assert cache.statistics().bytes == sum(kept.nbytes for kept in model.values()) <= 100


async def test_renditions_are_cleared_with_their_track_and_others_are_not() -> None:
    cache = ChunkCache(100)
    for content in ("one", "one@48000", "other"):
        for index in (0, 1):
            cache.put(ChunkKey(content, "sound", index, 2, "s16"), chunk(10))
    assert await cache.clear("one") == Kept(4, 40)
    assert {kept.origin for kept in cache.sizes()} == {"other"}
    assert await cache.clear() == Kept(2, 20)
    assert (cache.statistics().entries, cache.statistics().bytes) == (0, 0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("pl"), st.sampled_from("abcdef"), st.integers(1, 70)), max_size=30))
async def test_both_tiers_keep_to_their_bytes_and_give_back_what_was_put(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    folder, offload, put = tmp_path_factory.mktemp("chunks"), InlineOffload(), dict[str, Chunk]()
    disk = DiskTier(offload, DiskCache(folder, 800))
    cache = ChunkCache(100, disk)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(disk.run_keeper, nobody_knows)
        for step, name, size in steps:
            if step == "p":
                # As with real chunks, there is one for each key.
                put.setdefault(name, Chunk(Span(0, size), name.encode() * size))
                cache.put(key(name), put[name], dear=True)
            else:
                assert await cache.load(key(name)) in (None, put.get(name))
            await trio.testing.wait_all_tasks_blocked()
            assert cache.statistics().bytes == sum(cache.sizes().values()) <= 100
            assert disk.files.nbytes == sum(path.stat().st_size for path in folder.iterdir()) <= 800
        nursery.cancel_scope.cancel()


async def nobody_knows(contents: object) -> set[str]:
    raise AssertionError("nothing was to be looked up")


async def test_what_the_memory_has_forgotten_is_loaded_from_the_disk_and_kept_in_memory_again(tmp_path: Path) -> None:
    disk = DiskTier(InlineOffload(), DiskCache(tmp_path, 1000))
    cache = ChunkCache(20, disk)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(disk.run_keeper, nobody_knows)
        cache.put(key("a"), chunk(15), dear=True)
        cache.put(key("b"), chunk(15))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert cache.get(key("a")) is None
    assert await cache.load(key("a")) == chunk(15)
    assert cache.get(key("a")) == chunk(15)
    assert await cache.load(key("b")) is None  # was not dear, and is gone from memory as well
    assert cache.get(key("b")) is None
