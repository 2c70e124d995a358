"""The renderer: each chunk is made once, whoever asks and whoever leaves; errors and hangs reach those who wait."""

import gc
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import trio
import trio.testing

from auralis_trio.audio.block import Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Span
from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.decoder.opening import probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceChanged, SourceCorrupt, SourceHung, SourceMissing
from auralis_trio.library.disk_cache import DiskCache, Files
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import AS_RECORDED, Recipe
from auralis_trio.offload import InlineOffload, Lane, ThreadOffload, open_offload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.disk_tier import DiskTier
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.rendering import Chunk
from tests.fakes import CHUNK, PACKET, STEREO, FailingSource, ToneSource, Tracks

PATIENCE_S = 100
TOTAL = 3 * CHUNK + 700


@dataclass
class SlowSource(ToneSource):
    """A source whose reads wait until they are let go."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Event = field(default_factory=threading.Event)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        self.entered.release()
        assert self.go.wait(PATIENCE_S)
        return super().read(start, frames, check)

    async def wait_entered(self) -> None:
        assert await trio.to_thread.run_sync(self.entered.acquire, True, PATIENCE_S)


async def wait_for(reached: Callable[[], bool]) -> None:
    """Give threads the time to report to the loop."""
    with trio.fail_after(PATIENCE_S):
        while not reached():
            await trio.to_thread.run_sync(lambda: None)


@pytest.fixture
def pcm(tmp_path: Path) -> PcmCache:
    return PcmCache(str(tmp_path / "pcm"), 0, 1.0)


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(1, TOTAL)
    return made


@pytest.fixture
async def door() -> AsyncIterator[ThreadOffload]:
    async with open_offload(
        {Lane.DISK: 2, Lane.AUDIO: 2, Lane.TRACK: 2, Lane.READ: 1, Lane.WRITE: 1, Lane.WATCH: 1, Lane.PROCESS: 1}
    ) as opened:
        yield opened


@pytest.fixture
def inline(tracks: Tracks, pcm: PcmCache) -> Renderer:
    return Renderer(InlineOffload(), ChunkCache(1 << 24), pcm, 5.0, tracks.make_reader)


@pytest.fixture
def threaded(tracks: Tracks, pcm: PcmCache, door: ThreadOffload) -> Renderer:
    return Renderer(door, ChunkCache(1 << 24), pcm, PATIENCE_S, tracks.make_reader)


async def fetch(renderer: Renderer, file: TrackFile, results: list[tuple[Chunk, bool]], index: int = 0) -> None:
    async with renderer.open_track(file) as track:
        results.append(await track.chunk(AS_RECORDED, index, Encoding.S16))


async def test_a_chunk_that_is_not_of_the_length_it_should_be_is_an_error(inline: Renderer, tracks: Tracks) -> None:
    async with inline.open_track(tracks.file(1)) as track:
        await track.chunk(AS_RECORDED, 3, Encoding.S16)
    longer = msgspec.structs.replace(tracks.file(1), total_frames=TOTAL + 1)
    async with inline.open_track(longer) as track:
        with pytest.raises(SourceChanged):
            await track.chunk(AS_RECORDED, 3, Encoding.S16)
        assert (await track.chunk(AS_RECORDED, 2, Encoding.S16))[0].span == Span(2 * CHUNK, CHUNK)


# The first packets


WARM = Recipe(preset="warm", intensity=1.0, gain_db=-3.0)


async def test_first_packets_are_those_of_the_chunk_and_are_had_only_where_it_has_still_to_be_made(
    inline: Renderer, tracks: Tracks
) -> None:
    size = Encoding.F32.frame_bytes(STEREO.channels)
    async with inline.open_track(tracks.file(1)) as track:
        for frame in (0, 5, PACKET - 1, PACKET, CHUNK - 1, CHUNK + 3 * PACKET + 7, TOTAL - 1, TOTAL - 699):
            first = await track.first_packets(WARM, frame, Encoding.F32)
            assert first is not None
            chunk = await track.packets(WARM, frame // CHUNK, Encoding.F32)
            assert await track.first_packets(WARM, frame, Encoding.F32) is None
            end = min((frame // PACKET + 2) * PACKET, chunk.span.end)
            assert first.span == Span(frame, end - frame)
            offset = frame - chunk.span.start
            assert first.data == chunk.data[offset * size : (offset + first.span.frames) * size]
            await inline.cache.clear()
        for sound, encoding in ((AS_RECORDED, Encoding.F32), (WARM, Encoding.FLAC)):
            assert await track.first_packets(sound, 0, encoding) is None


async def test_of_many_who_begin_at_one_place_one_makes_first_packets_and_all_wait_for_the_chunk(
    threaded: Renderer, tracks: Tracks
) -> None:
    slow = SlowSource(STEREO, TOTAL)
    file, firsts = tracks.add(5, lambda: slow), list[Chunk | None]()

    async def begin(track: OpenTrack) -> None:
        firsts.append(await track.first_packets(WARM, 0, Encoding.S16))
        await track.packets(WARM, 0, Encoding.S16)

    async with threaded.open_track(file) as track, trio.open_nursery() as nursery:
        for _ in range(9):
            nursery.start_soon(begin, track)
        await slow.wait_entered()
        await trio.testing.wait_all_tasks_blocked()
        slow.go.set()
    assert [first for first in firsts if first is not None] == [firsts[-1]]
    assert len(slow.reads) == 2


# One render for all


async def test_many_who_ask_for_one_chunk_have_it_rendered_once(threaded: Renderer, tracks: Tracks) -> None:
    slow = SlowSource(STEREO, TOTAL)
    file, results = tracks.add(5, lambda: slow), list[tuple[Chunk, bool]]()
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(fetch, threaded, file, results)
        await slow.wait_entered()
        await trio.testing.wait_all_tasks_blocked()
        slow.go.set()
    assert len(slow.reads) == 1
    assert len({id(chunk) for chunk, _ in results}) == 1
    assert [cached for _, cached in results] == [False] * 20
    assert slow.closed


async def test_when_the_one_who_renders_leaves_another_takes_over(threaded: Renderer, tracks: Tracks) -> None:
    sources: list[SlowSource] = []

    def make() -> SlowSource:
        sources.append(SlowSource(STEREO, TOTAL))
        return sources[-1]

    file, results = tracks.add(5, make), list[tuple[Chunk, bool]]()
    sources.clear()  # the one that told its length
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as leader:
            leader.start_soon(fetch, threaded, file, [])
            await trio.testing.wait_all_tasks_blocked()
            await wait_for(lambda: len(sources) == 1)
            await sources[0].wait_entered()
            for _ in range(3):
                nursery.start_soon(fetch, threaded, file, results)
            await trio.testing.wait_all_tasks_blocked()
            leader.cancel_scope.cancel()
        await wait_for(lambda: len(sources) == 2)
        await sources[1].wait_entered()
        for source in sources:
            source.go.set()
    assert len(results) == 3
    assert [len(source.reads) for source in sources[1:]] == [1]
    await wait_for(lambda: all(source.closed for source in sources))


async def test_an_error_reaches_all_who_wait_and_is_not_kept(threaded: Renderer, tracks: Tracks) -> None:
    gate = threading.Event()
    broken = [True]

    class Breaking(ToneSource):
        def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
            assert gate.wait(PATIENCE_S)
            if broken[0]:
                raise SourceCorrupt(frame=17)
            return super().read(start, frames, check)

    file, frames, results = (
        tracks.add(5, lambda: Breaking(STEREO, TOTAL)),
        list[int | None](),
        list[tuple[Chunk, bool]](),
    )

    async def fail() -> None:
        with pytest.raises(SourceCorrupt) as caught:
            await fetch(threaded, file, [])
        frames.append(caught.value.frame)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(fail)
        await trio.testing.wait_all_tasks_blocked()
        gate.set()
    assert frames == [17] * 5
    assert len(tracks.opened) == 1
    broken[0] = False
    await fetch(threaded, file, results)
    assert len(results) == 1


@dataclass
class ScratchedSource(ToneSource):
    """A source that raises with samples in hand; `seen` knows whether anybody has them still."""

    seen: list["weakref.ref[Samples]"] = field(default_factory=list)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        samples = super().read(start, frames, check)
        self.seen.append(weakref.ref(samples))
        raise SourceCorrupt(frame=start)


async def test_what_a_failed_render_had_in_hand_goes_with_its_error(threaded: Renderer, tracks: Tracks) -> None:
    source = ScratchedSource(STEREO, TOTAL)
    file = tracks.add(5, lambda: source)
    gc.disable()
    try:
        with suppress(SourceCorrupt):
            await fetch(threaded, file, [])
        await wait_for(lambda: source.seen[0]() is None)
    finally:
        gc.enable()


async def test_a_crash_is_each_ones_own(threaded: Renderer, tracks: Tracks) -> None:
    file = tracks.add(5, lambda: FailingSource(STEREO, TOTAL, error=ZeroDivisionError()))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await fetch(threaded, file, [])


async def test_different_chunks_are_rendered_side_by_side(threaded: Renderer, tracks: Tracks) -> None:
    sources: list[SlowSource] = []

    def make() -> SlowSource:
        sources.append(SlowSource(STEREO, TOTAL))
        return sources[-1]

    file, results = tracks.add(5, make), list[tuple[Chunk, bool]]()
    sources.clear()
    async with trio.open_nursery() as nursery:
        for index in (0, 1):
            nursery.start_soon(fetch, threaded, file, results, index)
        await wait_for(lambda: len(sources) == 2)
        for source in sources:
            await source.wait_entered()
        for source in sources:
            source.go.set()
    assert sorted(chunk.span.start for chunk, _ in results) == [0, CHUNK]


# The cache


async def test_a_cached_chunk_does_not_touch_the_source(inline: Renderer, tracks: Tracks) -> None:
    file, results = tracks.file(1), list[tuple[Chunk, bool]]()
    for _ in range(3):
        await fetch(inline, file, results)
    assert [cached for _, cached in results] == [False, True, True]
    assert len(tracks.opened) == 1
    assert tracks.left_open() == 0
    assert inline.cache.statistics().hits == 2


async def test_what_lies_in_memory_costs_no_thread_and_no_turn_of_the_scheduler(
    inline: Renderer, tracks: Tracks
) -> None:
    async with inline.open_track(tracks.file(1)) as track:
        made, _ = await track.chunk(AS_RECORDED, 0, Encoding.S16)
        with trio.testing.assert_no_checkpoints():
            for _ in range(3):
                assert await track.chunk(AS_RECORDED, 0, Encoding.S16) == (made, True)
                assert await track.packets(AS_RECORDED, 0, Encoding.S16) is made


async def test_many_who_ask_for_a_chunk_on_disk_have_it_read_once(
    tracks: Tracks, pcm: PcmCache, door: ThreadOffload, tmp_path: Path
) -> None:
    reads = list[Path]()

    class Counting(Files):
        def read(self, path: Path) -> bytes:
            reads.append(path)
            return super().read(path)

    disk = DiskTier(door, DiskCache(tmp_path / "chunks", 1 << 24, Counting()))
    file, found = tracks.file(1), list[Chunk]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(disk.run_keeper, no_library)
        renderer = Renderer(door, ChunkCache(1 << 24, disk), pcm, PATIENCE_S, tracks.make_reader)
        async with renderer.open_track(file) as track:
            made = await track.packets(AS_RECORDED, 0, Encoding.FLAC)
        await wait_for(lambda: disk.statistics().written == 1)
        nursery.cancel_scope.cancel()
    opened = len(tracks.opened)
    renderer = Renderer(door, ChunkCache(1 << 24, disk), pcm, PATIENCE_S, tracks.make_reader)

    async def ask() -> None:
        async with renderer.open_track(file) as track:
            found.append(await track.packets(AS_RECORDED, 0, Encoding.FLAC))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask)
    assert len(reads) == 1
    assert found == [made] * 20
    assert len(tracks.opened) == opened


async def no_library(contents: object) -> set[str]:
    raise AssertionError("nothing was to be looked up")


async def test_the_cache_stays_within_its_bytes_whatever_is_asked(tracks: Tracks, pcm: PcmCache) -> None:
    bound = 2 * CHUNK * 4
    renderer = Renderer(InlineOffload(), ChunkCache(bound), pcm, 5.0, tracks.make_reader)
    for _ in range(2):
        for index in range(4):
            await fetch(renderer, tracks.file(1), [], index)
            assert renderer.cache.statistics().bytes <= bound
    assert renderer.cache.statistics().evictions > 0


async def test_each_encoding_and_each_track_is_kept_for_itself(inline: Renderer, tracks: Tracks) -> None:
    tracks.tone(2, TOTAL)
    for track_id in (1, 2):
        async with inline.open_track(tracks.file(track_id)) as track:
            for encoding in (Encoding.S16, Encoding.S24, Encoding.F32, Encoding.FLAC, Encoding.WAV):
                assert not (await track.chunk(AS_RECORDED, 0, encoding))[1]
                assert (await track.chunk(AS_RECORDED, 0, encoding))[1]


async def test_a_moved_track_keeps_its_chunks_and_another_recording_does_not_get_them(
    inline: Renderer, tracks: Tracks
) -> None:
    file, results = tracks.file(1), list[tuple[Chunk, bool]]()
    moved = TrackFile(**{**fields(file), "path": "/elsewhere.wav"})
    changed = TrackFile(**{**fields(file), "content_id": "another"})
    written = TrackFile(**{**fields(file), "mtime_ns": 99})
    twin = TrackFile(**{**fields(tracks.tone(2, TOTAL)), "content_id": file.content_id})
    for one in (file, moved, changed, written, twin):
        await fetch(inline, one, results)
    assert [cached for _, cached in results] == [False, True, False, False, False]


def fields(file: TrackFile) -> dict[str, Any]:
    return {name: getattr(file, name) for name in file.__struct_fields__}


# What comes out


async def opened_bytes(track: OpenTrack, encoding: Encoding) -> bytes:
    chunks = [await track.chunk(AS_RECORDED, index, encoding) for index in range(track.grid.total_chunks)]
    return b"".join(chunk.data for chunk, _ in chunks)


async def test_chunks_in_any_order_make_up_the_track(inline: Renderer, tracks: Tracks) -> None:
    async with inline.open_track(tracks.file(1)) as track:
        for index in (3, 0, 2, 1):
            chunk, _ = await track.chunk(AS_RECORDED, index, Encoding.S16)
            assert chunk.span == track.grid.chunk(index)
        assert await opened_bytes(track, Encoding.S16) == tracks.pcm(1)


async def test_any_span_is_that_part_of_the_track(inline: Renderer, tracks: Tracks) -> None:
    async with inline.open_track(tracks.file(1)) as track:
        for span in (Span(0, 1), Span(CHUNK - 1, 2), Span(5, TOTAL - 5)):
            chunk = await track.span(AS_RECORDED, span, Encoding.S16)
            assert chunk.data == tracks.pcm(1)[span.start * 4 : span.end * 4]
    assert inline.cache.statistics().entries == 0


async def test_packets_of_flac_are_cut_where_the_grid_says(inline: Renderer, tracks: Tracks) -> None:
    async with inline.open_track(tracks.file(1)) as track:
        chunk = await track.packets(AS_RECORDED, 3, Encoding.FLAC)
        plain = await track.packets(AS_RECORDED, 3, Encoding.S16)
    assert chunk.span == Span(3 * CHUNK, 700)
    assert chunk.cuts == (0, len(chunk.data))
    assert plain.cuts == ()
    async with inline.open_track(tracks.file(1)) as track:
        whole = await track.packets(AS_RECORDED, 0, Encoding.FLAC)
    assert len(whole.cuts) == CHUNK // PACKET + 1
    assert all(whole.data[cut : cut + 4] == b"fLaC" for cut in whole.cuts[:-1])


async def test_the_length_is_counted_only_where_it_is_not_known(inline: Renderer, tracks: Tracks) -> None:
    unknown = TrackFile(**{**fields(tracks.file(1)), "total_frames": None})
    async with inline.open_track(unknown) as track:
        assert track.total_frames == TOTAL
        assert len(tracks.opened) == 1
    async with inline.open_track(tracks.file(1)) as track:
        assert track.total_frames == TOTAL
    assert len(tracks.opened) == 1


async def test_the_revision_names_the_content(inline: Renderer, tracks: Tracks) -> None:
    tracks.tone(2, TOTAL)
    async with inline.open_track(tracks.file(1)) as one, inline.open_track(tracks.file(2)) as two:
        assert one.revision(AS_RECORDED) != two.revision(AS_RECORDED)
        assert one.revision(AS_RECORDED) == one.revision(AS_RECORDED)


# Hanging, closing


async def test_a_source_that_hangs_is_called_so_and_its_permit_comes_back_once_it_returns(
    tracks: Tracks, pcm: PcmCache, door: ThreadOffload
) -> None:
    slow = SlowSource(STEREO, TOTAL)
    file = tracks.add(5, lambda: slow)
    renderer = Renderer(door, ChunkCache(1 << 20), pcm, 0.05, tracks.make_reader)
    with pytest.raises(SourceHung):
        await fetch(renderer, file, [])
    assert door.statistics()["audio"].running == 1
    assert len(door.statistics()["audio"].stuck) == 1
    slow.go.set()
    await wait_for(lambda: door.statistics()["audio"].running == 0)
    assert door.statistics()["audio"].stuck == []
    await wait_for(lambda: slow.closed == 1)


async def test_a_disk_job_that_hangs_is_called_so(tracks: Tracks, pcm: PcmCache, door: ThreadOffload) -> None:
    go = threading.Event()
    renderer = Renderer(door, ChunkCache(1 << 20), pcm, 0.05, tracks.make_reader)
    with pytest.raises(SourceHung):
        await renderer.read_disk(go.wait, PATIENCE_S)
    go.set()
    await wait_for(lambda: door.statistics()["disk"].running == 0)


async def test_cancelling_anywhere_closes_what_was_opened(threaded: Renderer, tracks: Tracks) -> None:
    for turns in range(40):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetch, threaded, tracks.file(1), [], turns % 4)
            for _ in range(turns):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        threaded.cache = ChunkCache(1 << 24)
    await wait_for(lambda: tracks.left_open() == 0)
    results: list[tuple[Chunk, bool]] = []
    await fetch(threaded, tracks.file(1), results)
    assert len(results) == 1


async def test_full_disk_lanes_do_not_keep_a_source_open(
    threaded: Renderer, tracks: Tracks, door: ThreadOffload
) -> None:
    go, entered = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        entered.release()
        assert go.wait(PATIENCE_S)

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(door.run, Lane.DISK, hang)
        for _ in range(2):
            assert await trio.to_thread.run_sync(entered.acquire, True, PATIENCE_S)
        await fetch(threaded, tracks.file(1), [])
        await wait_for(lambda: tracks.left_open() == 0)
        go.set()


# Real files


@pytest.fixture
def wav(tmp_path: Path) -> TrackFile:
    path = tmp_path / "one.wav"
    samples = np.random.default_rng(1).integers(-32_768, 32_768, (20_000, 2), np.int16)
    soundfile.write(path, samples, 8_000, subtype="PCM_16")
    return known(path)


def known(path: Path) -> TrackFile:
    seen, probed = os.stat(path), probe(str(path))
    return TrackFile(
        track_id=1,
        path=str(path),
        content_id=probed.content_id,
        size=seen.st_size,
        mtime_ns=seen.st_mtime_ns,
        kind=probed.kind,
        format=probed.format,
        total_frames=probed.total_frames,
    )


async def read_first(pcm: PcmCache, file: TrackFile) -> bytes:
    renderer, results = Renderer(InlineOffload(), ChunkCache(0), pcm, 5.0), list[tuple[Chunk, bool]]()
    await fetch(renderer, file, results)
    return results[0][0].data


async def test_a_file_comes_out_as_it_is(pcm: PcmCache, wav: TrackFile) -> None:
    assert await read_first(pcm, wav) == Path(wav.path).read_bytes()[-80_000:]  # noqa: ASYNC240


@pytest.fixture
def flac(tmp_path: Path, wav: TrackFile) -> TrackFile:
    path = tmp_path / "one.flac"
    soundfile.write(path, soundfile.read(wav.path, dtype="int16")[0], 8_000, subtype="PCM_16")
    return known(path)


async def test_a_file_that_was_only_touched_is_played_unless_it_may_differ_where_nobody_looks(
    pcm: PcmCache, wav: TrackFile, flac: TrackFile
) -> None:
    for touched in (flac, wav):
        os.utime(touched.path, ns=(1, 1))
    assert len(await read_first(pcm, flac)) == 80_000
    with pytest.raises(SourceChanged):
        await read_first(pcm, wav)
    scanned = TrackFile(**{**fields(wav), "mtime_ns": 1})
    assert len(await read_first(pcm, scanned)) == 80_000


async def test_a_file_that_holds_another_recording_is_not(pcm: PcmCache, wav: TrackFile) -> None:
    soundfile.write(wav.path, np.zeros((20_000, 2), np.int16), 8_000, subtype="PCM_16")
    os.utime(wav.path, ns=(1, 1))
    with pytest.raises(SourceChanged):
        await read_first(pcm, wav)


async def test_a_file_that_is_gone_is_missing(pcm: PcmCache, wav: TrackFile) -> None:
    os.unlink(wav.path)
    with pytest.raises(SourceMissing) as caught:
        await read_first(pcm, wav)
    assert wav.path not in caught.value.message
