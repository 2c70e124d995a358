"""Receipts as jobs: one at a time, bounded, called off, failed and asked for again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import Busy, SourceCorrupt
from auralis_trio.jobs.receipts import MAX_RECEIPTS, ReceiptProgress, Receipts
from auralis_trio.library.store import Library
from auralis_trio.mastering import AS_RECORDED
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.whole import Outcome, OutcomeMeter, rendered
from tests.fakes import STEREO, FailingSource, ToneSource, Tracks

FRAMES = 100_000


class Gate(InlineOffload):
    """A door whose work on whole tracks waits until it may pass."""

    def __init__(self) -> None:
        self.open = trio.Event()
        self.open.set()

    async def run_stoppable(self, lane: Any, fn: Any, *args: Any, deadline_s: float | None = None) -> Any:
        await self.open.wait()
        return await super().run_stoppable(lane, fn, *args, deadline_s=deadline_s)


class Bench:
    """Receipts over tones, and what was told of them."""

    def __init__(self, library: Library, pcm: PcmCache, nursery: trio.Nursery, stack: AsyncExitStack) -> None:
        self.tracks, self.door, self.told = Tracks(), Gate(), list[dict[str, Any]]()
        self.renderer = Renderer(self.door, ChunkCache(1 << 20), pcm, 20.0, self.tracks.make_reader)
        catalogue = Catalogue(self.door, library, 10.0)
        self.receipts = Receipts(catalogue, self.renderer, nursery, lambda kind, data: self.told.append(data))
        self._stack = stack

    async def track(self, track_id: int) -> OpenTrack:
        return await self._stack.enter_async_context(self.renderer.open_track(self.tracks.file(track_id)))

    async def end(self, track: OpenTrack) -> Outcome | ReceiptProgress:
        """Ask until nothing is under way."""
        while isinstance(found := await self.receipts.ask(track, AS_RECORDED), ReceiptProgress):
            await wait_all_tasks_blocked()
        return found

    def states(self) -> list[tuple[int, str]]:
        return [(told["track_id"], told["state"]) for told in self.told]


@pytest.fixture
async def bench(library: Library, tmp_path: Path) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack, trio.open_nursery() as nursery:
        made = Bench(library, PcmCache(str(tmp_path / "pcm"), 0, 1.0), nursery, stack)
        for track_id in range(1, MAX_RECEIPTS + 3):
            made.tracks.tone(track_id, FRAMES)
        yield made
        nursery.cancel_scope.cancel()


async def test_a_receipt_is_made_once_and_kept(bench: Bench) -> None:
    track = await bench.track(1)
    first = await bench.receipts.ask(track, AS_RECORDED)
    assert isinstance(first, ReceiptProgress)
    assert (first.total_frames, first.state) == (FRAMES, "waiting")
    found, meter = await bench.end(track), OutcomeMeter(STEREO)
    for block in rendered(ToneSource(STEREO, FRAMES), AS_RECORDED):
        meter.add(block)
    assert found == meter.result()
    assert await bench.receipts.ask(track, AS_RECORDED) == found
    assert bench.states() == [(1, "running"), (1, "finished")]
    assert bench.receipts.under_way() == []


async def test_they_are_made_one_after_the_other_and_only_so_many_wait(bench: Bench) -> None:
    bench.door.open = trio.Event()
    tracks = [await bench.track(track_id) for track_id in range(1, MAX_RECEIPTS + 2)]
    for track in tracks[:-1]:
        await bench.receipts.ask(track, AS_RECORDED)
    await wait_all_tasks_blocked()
    with pytest.raises(Busy):
        await bench.receipts.ask(tracks[-1], AS_RECORDED)
    shown = bench.receipts.under_way()
    assert [each.state for each in shown] == ["running"] + ["waiting"] * (MAX_RECEIPTS - 1)
    bench.door.open.set()
    for track in tracks:
        await bench.end(track)
    states = [state for _, state in bench.states()]
    assert states == ["running", "finished"] * (MAX_RECEIPTS + 1)


async def test_one_that_is_called_off_is_begun_anew_when_it_is_asked_for(bench: Bench) -> None:
    bench.door.open = trio.Event()
    tracks = [await bench.track(track_id) for track_id in (1, 2)]
    progress = [await bench.receipts.ask(track, AS_RECORDED) for track in tracks]
    await wait_all_tasks_blocked()
    for each in progress:
        assert isinstance(each, ReceiptProgress)
        assert bench.receipts.cancel_nowait(each.revision)
    await wait_all_tasks_blocked()
    assert sorted(bench.states()) == [(1, "cancelled"), (1, "running"), (2, "cancelled")]
    assert not bench.receipts.cancel_nowait(tracks[0].revision(AS_RECORDED))
    bench.door.open.set()
    assert isinstance(await bench.end(tracks[0]), Outcome)


async def test_a_failure_is_told_once_and_then_tried_again(bench: Bench) -> None:
    bench.tracks.add(1, lambda: FailingSource(STEREO, FRAMES))
    track = await bench.track(1)
    await bench.receipts.ask(track, AS_RECORDED)
    await wait_all_tasks_blocked()
    with pytest.raises(SourceCorrupt):
        await bench.receipts.ask(track, AS_RECORDED)
    bench.tracks.tone(1, FRAMES)
    assert isinstance(await bench.end(track), Outcome)
    assert bench.states() == [(1, "running"), (1, "failed"), (1, "running"), (1, "finished")]
