"""Uploads as jobs: held back by the disk, given up when slow, bounded, and gone without a trace when cancelled."""

import io
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import soundfile
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from auralis_trio.demo import synthesise
from auralis_trio.errors import Busy, TimedOut
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.jobs.supervision import Supervisor
from auralis_trio.jobs.uploads import (
    GRACE_S,
    MAX_WAITING,
    MIN_BYTES_PER_S,
    PIECE_BYTES,
    TooSlow,
    UploadPlace,
    Uploads,
)
from auralis_trio.library.store import Library
from auralis_trio.offload import InlineOffload
from auralis_trio.work.upload import discard, keep, write_piece


def song(seed: int) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, synthesise(0.2, 8_000, 1, seed=seed), 8_000, format="FLAC")
    return out.getvalue()


async def whole(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


class Door(InlineOffload):
    """A door at which one kind of work stops until it may go on, or fails."""

    def __init__(self) -> None:
        self.stops_at: Any = None
        self.open = trio.Event()
        self.fails_at: Any = None
        self.inline = InlineOffload()

    async def _pass(self, fn: Any) -> None:
        if fn is self.stops_at:
            await self.open.wait()
        if fn is self.fails_at:
            raise TimedOut

    async def run(self, lane: Any, fn: Any, *args: Any, deadline_s: float | None = None) -> Any:
        await self._pass(fn)
        return await self.inline.run(lane, fn, *args, deadline_s=deadline_s)

    async def run_process(self, fn: Any, *args: Any, deadline_s: float | None = None) -> Any:
        return await self.inline.run_process(fn, *args, deadline_s=deadline_s)

    async def run_stoppable(self, lane: Any, fn: Any, *args: Any, deadline_s: float | None = None) -> Any:
        await self._pass(fn)
        return await self.inline.run_stoppable(lane, fn, *args, deadline_s=deadline_s)


class Bench:
    """Uploads to a folder, with scans that find nothing, and what was told of them."""

    def __init__(self, library: Library, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.door = folder, Door()
        self.orders: list[ScanOrder] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        place = UploadPlace(str(folder), "owner")
        self.uploads = Uploads(place, library, self.door, self.scan, lambda *event: self.told.append(event))

    async def scan(self, order: ScanOrder) -> None:
        await trio.lowlevel.checkpoint()
        self.orders.append(order)

    def files(self) -> list[str]:
        return sorted(os.listdir(self.folder))


@pytest.fixture
def bench(library: Library, tmp_path: Path) -> Bench:
    return Bench(library, tmp_path / "new")


async def test_while_the_disk_writes_nothing_more_is_taken_of_the_body(bench: Bench) -> None:
    taken = 0

    async def parts() -> AsyncGenerator[bytes, None]:
        nonlocal taken
        while True:
            taken += PIECE_BYTES // 4
            yield bytes(PIECE_BYTES // 4)

    bench.door.stops_at = write_piece
    async with aclosing(parts()) as body, trio.open_nursery() as nursery:
        nursery.start_soon(bench.uploads.take, "a.flac", body)
        await wait_all_tasks_blocked()
        assert taken == PIECE_BYTES
        nursery.cancel_scope.cancel()
    assert bench.files() == []


async def test_a_trickle_is_given_up_when_its_grace_is_over(bench: Bench, autojump_clock: MockClock) -> None:
    sent = 0

    async def trickle() -> AsyncGenerator[bytes, None]:
        nonlocal sent
        while True:
            await trio.sleep(1)
            sent += MIN_BYTES_PER_S // 2
            yield bytes(MIN_BYTES_PER_S // 2)

    async with aclosing(trickle()) as body:
        with pytest.raises(TooSlow):
            await bench.uploads.take("a.flac", body)
    assert trio.current_time() == pytest.approx(2 * GRACE_S, abs=1.5)
    assert bench.files() == []
    assert bench.uploads.statistics() == {"under_way": 0, "waiting": 0}


@pytest.mark.parametrize("step", [write_piece, discard, keep])
async def test_an_upload_that_is_cancelled_leaves_no_draft(bench: Bench, step: Any) -> None:
    bench.door.stops_at = step
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.uploads.take, "a.flac", whole(song(1)))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        bench.door.open.set()
    # What had all its bytes and was about to be named is stored; what had not is gone.
    assert bench.files() == ([] if step is write_piece else ["a.flac"])
    assert bench.uploads.statistics()["under_way"] == 0


async def test_a_file_that_cannot_be_named_leaves_no_draft(bench: Bench) -> None:
    bench.door.fails_at = keep
    with pytest.raises(TimedOut):
        await bench.uploads.take("a.flac", whole(song(1)))
    assert bench.files() == []
    assert bench.uploads.statistics() == {"under_way": 0, "waiting": 0}


async def test_that_a_draft_cannot_be_removed_hides_no_error(bench: Bench) -> None:
    bench.door.fails_at = discard
    with pytest.raises(TooSlow):
        await bench.uploads.take("a.flac", failing())
    assert bench.uploads.statistics()["under_way"] == 0


async def failing() -> AsyncGenerator[bytes, None]:
    yield b"a"
    raise TooSlow


async def test_all_that_waits_is_scanned_at_once_and_each_is_told(bench: Bench, autojump_clock: MockClock) -> None:
    for number in range(3):
        done = await bench.uploads.take(f"{number}.flac", whole(song(number)), 0)
        assert (done.file, done.track_id, done.duplicate) == (f"{number}.flac", None, False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.uploads.run)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert bench.orders == [ScanOrder([str(bench.folder)], recursive=False)]
    assert bench.told == [("track_uploaded", {"file": f"{number}.flac", "track_id": None}) for number in range(3)]
    assert bench.uploads.statistics()["waiting"] == 0


async def test_what_waits_outlives_a_failure_of_the_database(bench: Bench, autojump_clock: MockClock) -> None:
    fails = True

    async def scan(order: ScanOrder) -> None:
        nonlocal fails
        await trio.lowlevel.checkpoint()
        if fails:
            fails = False
            raise Busy

    bench.uploads._scan = scan
    await bench.uploads.take("a.flac", whole(song(1)), 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Supervisor().run, "uploads", bench.uploads.run)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert [event["file"] for _, event in bench.told] == ["a.flac"]


async def test_only_so_many_wait_for_a_scan(bench: Bench, autojump_clock: MockClock) -> None:
    data = song(1)
    # A FLAC says itself which sound it holds: so each of these is another one.
    md5 = data.index(b"fLaC") + 8 + 18
    for number in range(MAX_WAITING):
        await bench.uploads.take("a.flac", whole(data[:md5] + number.to_bytes(16) + data[md5 + 16 :]), 0)
    with pytest.raises(Busy):
        await bench.uploads.take("b.flac", whole(song(2)), 0)
    assert bench.uploads.statistics() == {"under_way": 0, "waiting": MAX_WAITING}
    assert len(bench.files()) == MAX_WAITING
