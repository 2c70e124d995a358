"""The tier on disk: nobody waits for it, nothing wrong comes out of it, and it follows the library."""

import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.audio.grid import Span
from auralis_trio.errors import OutputError, TimedOut
from auralis_trio.library.disk_cache import DiskCache, Files
from auralis_trio.offload import InlineOffload, Lane, ThreadOffload, default_permits, open_offload
from auralis_trio.stream.chunk_key import ChunkKey
from auralis_trio.stream.disk_tier import (
    MAX_WAITING,
    MAX_WAITING_BYTES,
    READ_DEADLINE_S,
    REST_S,
    DiskTier,
    Kept,
    name_of,
    origin_of,
    pack,
    unpack,
)
from auralis_trio.work.rendering import Chunk

T = TypeVar("T")

PATIENCE_S = 100
MANY = 1 << 20


def key(content_id: str = "one", index: int = 0, sound: str = "sound") -> ChunkKey:
    return ChunkKey(content_id, sound, index, 9, "flac", "packets")


def chunk(data: bytes = b"frames") -> Chunk:
    return Chunk(Span(7, 6), data, (0, 2, len(data)))


class Slow(Files):
    """A disk that answers when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def read(self, path: Path) -> bytes:
        assert self.go.wait(PATIENCE_S)
        return super().read(path)

    def write(self, path: Path, data: bytes) -> None:
        assert self.go.wait(PATIENCE_S)
        super().write(path, data)


class Full(Files):
    """A disk that takes nothing while it is `full`."""

    full = True

    def write(self, path: Path, data: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(path, data)


async def everything_is_known(contents: Collection[str]) -> Collection[str]:
    return contents


def sizes(folder: Path) -> dict[str, int]:
    return {entry.name: entry.stat().st_size for entry in os.scandir(folder)}


@asynccontextmanager
async def kept_by(tier: DiskTier) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tier.run_keeper, everything_is_known)
        yield
        nursery.cancel_scope.cancel()


async def write_all(tier: DiskTier, *keys: ChunkKey) -> None:
    async with kept_by(tier):
        for one in keys:
            tier.keep_nowait(one, chunk())
        await trio.testing.wait_all_tasks_blocked()
    assert tier.statistics().waiting == 0


@pytest.fixture
async def door() -> AsyncIterator[ThreadOffload]:
    async with open_offload({**default_permits(), Lane.DISK: 2}) as opened:
        yield opened


def tier_in(folder: Path, max_bytes: int = MANY, files: Files | None = None) -> DiskTier:
    return DiskTier(InlineOffload(), DiskCache(folder, max_bytes, files))


# What comes out


async def test_what_was_kept_is_read_also_after_a_restart(tmp_path: Path) -> None:
    tier = tier_in(tmp_path)
    await write_all(tier, key())
    for one in (tier, tier_in(tmp_path)):
        assert await one.read(key()) == chunk()
        assert await one.read(key(index=1)) is None
    figures = tier.statistics()
    assert (figures.entries, figures.hits, figures.misses, figures.written) == (1, 1, 1, 1)


async def test_a_file_under_the_name_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    tier = tier_in(tmp_path)
    await write_all(tier, key(index=1), key(index=2))
    [one, two] = (tmp_path / f"{name_of(key(index=index))}.cached" for index in (1, 2))
    two.write_bytes(one.read_bytes())
    assert await tier.read(key(index=2)) is None
    assert not two.exists()
    assert await tier.read(key(index=1)) == chunk()


def test_chunks_of_other_versions_are_not_taken() -> None:
    other = msgspec.msgpack.encode(
        {"key": msgspec.to_builtins(key()), "version": "0", "start_frame": 7, "frames": 6, "cuts": [0, 6]}
    )
    packed = len(other).to_bytes(4, "little") + other + b"frames"
    assert unpack(packed, key()) is None


@given(
    st.binary(max_size=300), st.tuples(st.integers(0, 2**53), st.integers(0, 2**31)), st.lists(st.integers(0, 999))
)
def test_packing_loses_nothing(data: bytes, span: tuple[int, int], cuts: list[int]) -> None:
    packed = Chunk(Span(*span), data, tuple(cuts))
    assert unpack(pack(key(), packed), key()) == packed


@given(st.binary(max_size=300))
def test_whatever_lies_in_a_file_is_refused_or_is_the_chunk(data: bytes) -> None:
    assert unpack(data, key()) is None


def test_names_begin_with_the_content_whatever_is_in_it() -> None:
    for content in ("0af3", "a-b-c", "0af3@48000"):
        assert name_of(key(content)).startswith(f"{content}-")
        assert origin_of(name_of(key(content))) == content.partition("@")[0]
    assert len({name_of(one) for one in (key(), key(index=1), key(sound="x"), key("two"))}) == 4


# Nobody waits


async def test_what_waits_to_be_written_is_bounded_in_number_and_bytes(tmp_path: Path) -> None:
    tier = tier_in(tmp_path)
    for index in range(MAX_WAITING + 3):
        tier.keep_nowait(key(index=index), chunk())
    assert (tier.statistics().waiting, tier.statistics().left_out) == (MAX_WAITING, 3)
    tier = tier_in(tmp_path)
    large = Chunk(Span(0, 1), bytes(MAX_WAITING_BYTES // 2))
    for index in range(3):
        tier.keep_nowait(key(index=index), large)
    assert (tier.statistics().waiting, tier.statistics().left_out) == (2, 1)


async def test_a_bound_of_no_bytes_means_that_nothing_is_written(tmp_path: Path) -> None:
    tier = tier_in(tmp_path, 0)
    await write_all(tier, key())
    assert (sizes(tmp_path), tier.statistics().left_out) == ({}, 0)


async def test_a_disk_that_does_not_answer_costs_one_deadline_and_is_then_left_alone(
    tmp_path: Path, door: ThreadOffload, caplog: pytest.LogCaptureFixture
) -> None:
    await write_all(tier_in(tmp_path), key())
    slow = Slow()
    tier = DiskTier(door, DiskCache(tmp_path, MANY, slow))
    began_s = trio.current_time()
    assert await tier.read(key()) is None
    assert trio.current_time() - began_s >= READ_DEADLINE_S
    assert tier.statistics().resting
    assert door.statistics()["disk"].running == 1
    assert await tier.read(key()) is None
    assert door.statistics()["disk"].running == 1
    tier.keep_nowait(key(index=1), chunk())
    assert tier.statistics().left_out == 1
    slow.go.set()
    assert "does not answer" in caplog.text


async def test_a_disk_is_tried_again_after_its_rest(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    await write_all(tier_in(tmp_path), key())

    class Late(InlineOffload):
        """The disk takes so long that the deadline passes."""

        late = True
        inner = InlineOffload()

        async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
            if self.late:
                raise TimedOut
            return await self.inner.run(lane, fn, *args, deadline_s=deadline_s)

    offload = Late()
    tier = DiskTier(offload, DiskCache(tmp_path, MANY))
    assert await tier.read(key()) is None
    offload.late = False
    assert await tier.read(key()) is None
    await trio.sleep(REST_S)
    assert await tier.read(key()) == chunk()


async def test_a_full_disk_is_counted_said_once_and_gets_over_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = Full()
    tier = tier_in(tmp_path, files=files)
    await write_all(tier, *(key(index=index) for index in range(5)))
    assert (tier.statistics().failed, tier.statistics().trouble) == (5, "output_failed")
    assert (await tier.read(key()), sizes(tmp_path)) == (None, {})
    assert caplog.text.count("cannot be kept") == 1
    files.full = False
    await write_all(tier, key())
    assert (tier.statistics().written, tier.statistics().trouble) == (1, None)
    assert await tier.read(key()) == chunk()


# Forgetting


async def test_what_is_cleared_is_neither_on_the_disk_nor_written_afterwards(tmp_path: Path) -> None:
    tier = tier_in(tmp_path)
    await write_all(tier, key("one"), key("one@48000"), key("two"))
    size = sum(size for name, size in sizes(tmp_path).items() if name.startswith("one"))
    for content in ("one", "two"):
        tier.keep_nowait(key(content, index=1), chunk())
    assert await tier.clear("one") == Kept(2, size)
    await write_all(tier)
    assert sorted(await tier.names()) == sorted(name_of(key("two", index=index)) for index in (0, 1))
    assert (await tier.clear()).entries == 2
    assert sizes(tmp_path) == {}


async def test_clearing_waits_for_what_is_being_written(tmp_path: Path, door: ThreadOffload) -> None:
    slow = Slow()
    tier = DiskTier(door, DiskCache(tmp_path, MANY, slow))
    freed: list[Kept] = []

    async def clear() -> None:
        freed.append(await tier.clear())

    async with kept_by(tier):
        tier.keep_nowait(key(), chunk())
        await trio.testing.wait_all_tasks_blocked()
        assert tier.statistics().waiting == 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clear)
            for _ in range(20):
                await trio.testing.wait_all_tasks_blocked()
                await trio.to_thread.run_sync(lambda: None)
            assert freed == []
            slow.go.set()
    assert (freed[0].entries, sizes(tmp_path)) == (1, {})


async def test_a_disk_that_gives_nothing_up_is_a_typed_error(tmp_path: Path) -> None:
    class Fixed(Files):
        def remove(self, path: Path) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    tier = tier_in(tmp_path, files=Fixed())
    await write_all(tier, key())
    with pytest.raises(OutputError):
        await tier.clear()
    assert await tier.read(key()) == chunk()


async def test_chunks_of_contents_that_the_library_forgot_are_removed(tmp_path: Path) -> None:
    tier, asked = tier_in(tmp_path), list[set[str]]()
    await write_all(tier, key("gone"), key("gone@48000"), key("there"), key("there@48000"))

    async def known(contents: Collection[str]) -> Collection[str]:
        asked.append(set(contents))
        return {"there"}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tier.run_keeper, known)
        tier.library_changed()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert asked == [{"gone", "there"}]
    assert set(await tier.names()) == {name_of(key("there")), name_of(key("there@48000"))}


async def test_a_library_that_does_not_answer_costs_no_chunk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tier = tier_in(tmp_path)
    await write_all(tier, key())

    async def known(contents: Collection[str]) -> Collection[str]:
        raise TimedOut

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tier.run_keeper, known)
        tier.library_changed()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert await tier.read(key()) == chunk()
    assert "not removed yet" in caplog.text
