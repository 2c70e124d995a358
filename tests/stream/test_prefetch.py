"""Rendering ahead: bounded, behind the listeners, called off where they need the room, and never in anybody's way."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trio.testing

from auralis_trio.audio.block import Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import AS_RECORDED, Recipe
from auralis_trio.offload import InlineOffload, Lane, ThreadOffload, default_permits, open_offload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.prefetch import Prefetch
from auralis_trio.stream.renderer import Renderer
from auralis_trio.work.rendering import Chunk
from tests.fakes import CHUNK, STEREO, FailingSource, ToneSource, Tracks

PATIENCE_S = 100
TOTAL = 3 * CHUNK + 700
AUDIO_PERMITS = 4


@dataclass
class HeldSource(ToneSource):
    """A source whose reads wait until they are let go or are no longer wanted."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Event = field(default_factory=threading.Event)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        self.entered.release()
        for _ in range(PATIENCE_S * 1000):
            check()
            if self.go.wait(0.001):
                return super().read(start, frames, check)
        raise AssertionError("never let go")

    async def wait_entered(self) -> None:
        assert await trio.to_thread.run_sync(self.entered.acquire, True, PATIENCE_S)


class Held(Tracks):
    """Tracks whose sources are all held."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: dict[int, list[HeldSource]] = {}

    def held(self, track_id: int) -> TrackFile:
        sources = self.sources.setdefault(track_id, [])

        def make() -> HeldSource:
            sources.append(HeldSource(STEREO, TOTAL))
            return sources[-1]

        file = self.add(track_id, make)
        sources.clear()  # the one that told its length
        return file

    async def reading(self, track_id: int, number: int = 1) -> HeldSource:
        """The source of this number, once it is read from."""
        await wait_for(lambda: len(self.sources[track_id]) >= number)
        await self.sources[track_id][number - 1].wait_entered()
        return self.sources[track_id][number - 1]


async def wait_for(reached: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE_S):
        while not reached():
            await trio.to_thread.run_sync(lambda: None)


@pytest.fixture
def pcm(tmp_path: Path) -> PcmCache:
    return PcmCache(str(tmp_path / "pcm"), 0, 1.0)


@pytest.fixture
async def door() -> AsyncIterator[ThreadOffload]:
    async with open_offload({**default_permits(), Lane.AUDIO: AUDIO_PERMITS}) as opened:
        yield opened


@pytest.fixture
def tracks() -> Held:
    made = Held()
    made.tone(1, TOTAL)
    return made


@pytest.fixture
def inline(tracks: Held, pcm: PcmCache) -> Renderer:
    return Renderer(InlineOffload(), ChunkCache(1 << 24), pcm, 5.0, tracks.make_reader)


@pytest.fixture
def threaded(tracks: Held, pcm: PcmCache, door: ThreadOffload) -> Renderer:
    return Renderer(door, ChunkCache(1 << 24), pcm, PATIENCE_S, tracks.make_reader)


@asynccontextmanager
async def prefetch_over(renderer: Renderer, max_chunks: int) -> AsyncIterator[Prefetch]:
    async with trio.open_nursery() as nursery:
        yield Prefetch(renderer, nursery, max_chunks)
        nursery.cancel_scope.cancel()


async def fetch(renderer: Renderer, file: TrackFile, results: list[tuple[Chunk, bool]], index: int = 0) -> None:
    async with renderer.open_track(file) as track:
        results.append(await track.chunk(AS_RECORDED, index, Encoding.S16))


async def test_what_was_rendered_ahead_is_in_the_cache_when_it_is_asked_for(inline: Renderer, tracks: Held) -> None:
    results: list[tuple[Chunk, bool]] = []
    async with prefetch_over(inline, 2) as prefetch:
        prefetch.ahead(tracks.file(1), AS_RECORDED, 1, Encoding.S16)
        await trio.testing.wait_all_tasks_blocked()
        assert (prefetch.statistics().rendered, prefetch.statistics().under_way) == (1, 0)
        await fetch(inline, tracks.file(1), results, 1)
        # There is no need for it now.
        prefetch.ahead(tracks.file(1), AS_RECORDED, 1, Encoding.S16)
        assert (prefetch.statistics().under_way, prefetch.statistics().left_out) == (0, 0)
    assert results[0][1]
    assert results[0][0].data == tracks.pcm(1)[CHUNK * 4 : 2 * CHUNK * 4]
    assert tracks.left_open() == 0


async def test_nothing_is_rendered_behind_the_end_also_where_the_length_is_not_known_yet(
    inline: Renderer, tracks: Held
) -> None:
    file = tracks.file(1)
    unknown = TrackFile(**{**{name: getattr(file, name) for name in file.__struct_fields__}, "total_frames": None})
    async with prefetch_over(inline, 2) as prefetch:
        prefetch.ahead(file, AS_RECORDED, 4, Encoding.S16)
        assert prefetch.statistics().under_way == 0
        prefetch.ahead(unknown, AS_RECORDED, 4, Encoding.S16)
        await trio.testing.wait_all_tasks_blocked()
    assert inline.cache.statistics().entries == 0
    assert prefetch.statistics().failed == 0


async def test_no_more_is_rendered_at_once_than_configured(threaded: Renderer, tracks: Held) -> None:
    files = [tracks.held(track_id) for track_id in (5, 6, 7)]
    async with prefetch_over(threaded, 2) as prefetch:
        for file in files:
            prefetch.ahead(file, AS_RECORDED, 0, Encoding.S16)
        assert (prefetch.statistics().under_way, prefetch.statistics().left_out) == (2, 1)
        for track_id in (5, 6):
            (await tracks.reading(track_id)).go.set()
        await wait_for(lambda: prefetch.statistics().rendered == 2)
        assert tracks.sources[7] == []


async def test_of_none_nothing_is_rendered_ahead(inline: Renderer, tracks: Held) -> None:
    async with prefetch_over(inline, 0) as prefetch:
        prefetch.ahead(tracks.file(1), AS_RECORDED, 0, Encoding.S16)
        await trio.testing.wait_all_tasks_blocked()
    assert tracks.opened == []


async def test_a_chunk_that_is_rendered_ahead_is_rendered_once_for_whoever_asks_meanwhile(
    threaded: Renderer, tracks: Held
) -> None:
    file, results = tracks.held(5), list[tuple[Chunk, bool]]()
    async with prefetch_over(threaded, 2) as prefetch, trio.open_nursery() as nursery:
        for _ in range(3):
            prefetch.ahead(file, AS_RECORDED, 0, Encoding.S16)
        assert prefetch.statistics().under_way == 1
        source = await tracks.reading(5)
        nursery.start_soon(fetch, threaded, file, results)
        await trio.testing.wait_all_tasks_blocked()
        source.go.set()
    assert len(tracks.sources[5]) == 1
    assert results[0][0].span.frames == CHUNK


async def test_a_listener_takes_over_what_is_called_off_and_nothing_is_left(threaded: Renderer, tracks: Held) -> None:
    file, results = tracks.held(5), list[tuple[Chunk, bool]]()
    others = {track_id: tracks.held(track_id) for track_id in range(6, 6 + AUDIO_PERMITS)}
    async with prefetch_over(threaded, 2) as prefetch, trio.open_nursery() as nursery:
        prefetch.ahead(file, AS_RECORDED, 0, Encoding.S16)
        source = await tracks.reading(5)
        nursery.start_soon(fetch, threaded, file, results)
        await trio.testing.wait_all_tasks_blocked()
        for other in others.values():
            nursery.start_soon(fetch, threaded, other, [])
        await wait_for(lambda: prefetch.statistics().called_off == 1)
        assert (prefetch.statistics().under_way, source.reads) == (0, [])
        for track_id in others:
            (await tracks.reading(track_id)).go.set()
        (await tracks.reading(5, 2)).go.set()
    assert results[0][0].span.frames == CHUNK
    await wait_for(lambda: tracks.left_open() == 0)


async def test_nothing_is_begun_unless_a_permit_stays_free_for_a_listener(threaded: Renderer, tracks: Held) -> None:
    files = {track_id: tracks.held(track_id) for track_id in range(5, 5 + AUDIO_PERMITS)}
    async with prefetch_over(threaded, 2) as prefetch, trio.open_nursery() as nursery:
        for track_id in list(files)[: AUDIO_PERMITS - 1]:
            nursery.start_soon(fetch, threaded, files[track_id], [])
            await tracks.reading(track_id)
        prefetch.ahead(tracks.file(1), AS_RECORDED, 0, Encoding.S16)
        assert (prefetch.statistics().under_way, prefetch.statistics().left_out) == (0, 1)
        nursery.cancel_scope.cancel()


async def test_listeners_never_wait_behind_what_is_rendered_ahead(
    threaded: Renderer, tracks: Held, door: ThreadOffload
) -> None:
    files = {track_id: tracks.held(track_id) for track_id in range(5, 7 + AUDIO_PERMITS)}
    async with prefetch_over(threaded, 2) as prefetch, trio.open_nursery() as nursery:
        for track_id in (5, 6):
            prefetch.ahead(files[track_id], AS_RECORDED, 0, Encoding.S16)
            await tracks.reading(track_id)
        for track_id in list(files)[2:]:
            nursery.start_soon(fetch, threaded, files[track_id], [])
        for track_id in list(files)[2:]:
            await tracks.reading(track_id)  # each of them gets a permit
        await wait_for(lambda: prefetch.statistics().called_off == 2)
        assert door.statistics()["audio"].running == AUDIO_PERMITS
        nursery.cancel_scope.cancel()


async def test_a_track_that_cannot_be_played_is_no_matter_until_somebody_asks_for_it(
    inline: Renderer, tracks: Held
) -> None:
    file = tracks.add(5, lambda: FailingSource(STEREO, TOTAL))
    async with prefetch_over(inline, 2) as prefetch:
        prefetch.ahead(file, AS_RECORDED, 0, Encoding.S16)
        await trio.testing.wait_all_tasks_blocked()
        assert (prefetch.statistics().failed, prefetch.statistics().under_way) == (1, 0)
        # The room is there again.
        prefetch.ahead(tracks.file(1), Recipe(trim_db=-1.0), 0, Encoding.S16)
        await trio.testing.wait_all_tasks_blocked()
        assert prefetch.statistics().rendered == 1


async def test_when_the_services_end_so_does_what_is_rendered_ahead(threaded: Renderer, tracks: Held) -> None:
    async with prefetch_over(threaded, 2) as prefetch:
        prefetch.ahead(tracks.held(5), AS_RECORDED, 0, Encoding.S16)
        await tracks.reading(5)
    assert prefetch.statistics().under_way == 0
    await wait_for(lambda: tracks.left_open() == 0)
