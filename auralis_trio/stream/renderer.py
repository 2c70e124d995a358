"""Chunks on demand: cached, each rendered once however many ask for it, every wait under a deadline.

Whoever asks first renders in its own task; others that ask meanwhile wait for it. When the first one leaves, one
of the others takes over, so a render ends with its last listener and no task runs that nobody owns.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioFormat, AudioSource, Check
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import AuralisError, SourceChanged, SourceHung, TimedOut
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Recipe, Sound
from auralis_trio.offload import STOP_GRACE_S, Lane, Offload, give_back_soon
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.chunk_key import ChunkKey, Form, chunk_key, is_dear, revision_of, within_chunk
from auralis_trio.work.rendering import Chunk, Described, Reader, TrackReader, verify_file

T = TypeVar("T")


@dataclass(eq=False)
class _Flight:
    """A render under way, and what came of it; neither chunk nor error when its owner left."""

    landed: trio.Event = field(default_factory=trio.Event)
    chunk: Chunk | None = None
    error: AuralisError | None = None


class RenderStatistics(msgspec.Struct, frozen=True):
    """How many chunks are being rendered, or looked for on the disk, and how many reads were ever begun."""

    under_way: int
    reads: int


class Renderer:
    """Everything that streams and requests share in order to get at chunks."""

    def __init__(
        self,
        offload: Offload,
        cache: ChunkCache,
        pcm: PcmCache,
        read_deadline_s: float,
        make_reader: Callable[[TrackFile, PcmCache], TrackReader] = TrackReader,
    ) -> None:
        self.offload = offload
        self.cache = cache
        self.pcm = pcm
        self.read_deadline_s = read_deadline_s
        self._make_reader = make_reader
        self.before_read: Callable[[], None] = lambda: None
        self.reads = 0
        self.ended = 0  # reads, and work on whole tracks
        self._flights: dict[ChunkKey, _Flight] = {}
        self._begun: set[ChunkKey] = set()

    @asynccontextmanager
    async def open_track(self, file: TrackFile) -> AsyncIterator["OpenTrack"]:
        """A track to take chunks from; its file is opened when one must be rendered, and closed on leaving.

        Raises:
            SourceError: its frames have to be counted first, and cannot be.
        """
        reader = self._make_reader(file, self.pcm)
        try:
            if file.format is not None and file.total_frames is not None:
                known = Described(file.format, file.total_frames)
            else:
                known = await self.read(reader.describe)
            yield OpenTrack(self, reader, file, known)
        finally:
            if reader.retire():
                # Closing a file can block, and must happen also when this task is cancelled.
                with trio.move_on_after(STOP_GRACE_S, shield=True) as patience:
                    await self.offload.run(Lane.DISK, reader.close)
                if patience.cancelled_caught:
                    give_back_soon(reader.close)

    async def once(self, key: ChunkKey, make: Callable[..., Chunk], *, dear: bool = False) -> tuple[Chunk, bool]:
        """The chunk of this key and whether it was cached; else made by `make`, unless somebody does so already.

        One that is `dear` to make is kept on disk as well. What lies in memory costs no thread and no checkpoint.

        Raises:
            SourceError: `make` could not.
        """
        while True:
            cached = self.cache.get(key)
            if cached is not None:
                return cached, True
            flight = self._flights.get(key)
            if flight is None:
                return await self._find(key, make, dear)
            await flight.landed.wait()
            if flight.error is not None:
                raise copy(flight.error)
            if flight.chunk is not None:
                return flight.chunk, False

    async def _find(self, key: ChunkKey, make: Callable[..., Chunk], dear: bool) -> tuple[Chunk, bool]:
        flight = self._flights[key] = _Flight()
        try:
            flight.chunk = await self.cache.load(key)
            if flight.chunk is not None:
                return flight.chunk, True
            flight.chunk = await self.read(make)
            self.cache.put(key, flight.chunk, dear=dear)
            return flight.chunk, False
        except AuralisError as error:
            flight.error = copy(error)  # without the frames that it came through, which hold what was rendered
            raise
        finally:
            del self._flights[key]
            flight.landed.set()

    async def ahead_of(self, key: ChunkKey, make: Callable[..., Chunk]) -> Chunk | None:
        """A part of the chunk of this key, by `make`, where all of it has still to be made; it is not kept.

        None where somebody makes the chunk or such a part already: many that ask at once all wait for the chunk.
        """
        if self.cache.holds(key) or key in self._flights or key in self._begun:
            return None
        self._begun.add(key)
        try:
            return await self.read(make)
        finally:
            self._begun.remove(key)

    async def read(self, job: Callable[..., T]) -> T:
        """Run ``job(check=check)`` on a source, under the deadline for reading.

        Raises:
            SourceHung: the deadline passed.
        """
        self.before_read()
        self.reads += 1
        try:
            return await self.offload.run_stoppable(Lane.AUDIO, job, deadline_s=self.read_deadline_s)
        except TimedOut:
            raise SourceHung from None
        finally:
            self.ended += 1

    def statistics(self) -> RenderStatistics:
        """The present figures."""
        return RenderStatistics(len(self._flights), self.reads)

    def free_permits(self) -> float:
        """How many more reads could begin at once; none where some wait already."""
        lane = self.offload.statistics().get(Lane.AUDIO.value)
        return math.inf if lane is None else max(0, lane.permits - lane.running - lane.waiting)

    async def read_disk(self, job: Callable[..., T], *args: Any) -> T:
        """Run ``job(*args)`` on a file, under the same deadline.

        Raises:
            SourceHung: the deadline passed.
        """
        try:
            return await self.offload.run(Lane.DISK, job, *args, deadline_s=self.read_deadline_s)
        except TimedOut:
            raise SourceHung from None


class OpenTrack:
    """A track that a stream or request has in hand."""

    def __init__(self, renderer: Renderer, reader: Reader, file: TrackFile, known: Described) -> None:
        self.file = file
        self.format: AudioFormat = known.format
        self.total_frames = known.total_frames
        self.grid = Grid(known.format.sample_rate, known.total_frames)
        self.reader = reader
        self._renderer = renderer

    async def verify(self) -> None:
        """Make sure that the file is there: what is asked for first may be cached, and what comes later is not.

        Raises:
            SourceError: it is missing, or no longer the one that the library knows.
        """
        await self._renderer.read_disk(verify_file, self.file)

    def revision(self, sound: Sound) -> str:
        """A name for exactly these samples: it changes with the audio, the recipe and whatever renders it."""
        return revision_of(self.file.origin, sound.key)

    def key(self, wanted: tuple[Sound, int, Encoding], form: Form = "whole") -> ChunkKey:
        """What a chunk is kept under; see `chunk_key`."""
        return chunk_key(self.file, self.grid, wanted, form)

    async def chunk(self, sound: Sound, index: int, encoding: Encoding) -> tuple[Chunk, bool]:
        """Chunk `index`, encoded as a whole, and whether it came from the cache.

        Raises:
            SourceError: the file cannot be played.
        """
        return await self._once(self.reader.chunk, (sound, index, encoding), "whole")

    async def packets(self, sound: Sound, index: int, encoding: Encoding) -> Chunk:
        """Chunk `index`, from which packets can be taken: plain PCM anywhere, other encodings at its cuts."""
        make = self.reader.chunk if encoding.sample_bytes is not None else self.reader.packets
        return (await self._once(make, (sound, index, encoding), "packets"))[0]

    async def first_packets(self, sound: Sound, frame: int, encoding: Encoding) -> Chunk | None:
        """The packets from `frame` on that are made long before the whole chunk that they are in.

        None where that is made in a moment or by somebody else, or gives packets only as a whole.

        Raises:
            SourceError: the file cannot be played.
        """
        index = self.grid.chunk_of(frame)
        within = within_chunk(sound, index)
        if encoding.sample_bytes is None or (isinstance(within, Recipe) and not within.masters):
            return None
        end = min(self.grid.packet_end(frame) + self.grid.packet_frames, self.grid.chunk(index).end)

        def make(check: Check) -> Chunk:
            return self.reader.span(within, Span(frame, end - frame), encoding, check)

        return await self._renderer.ahead_of(self.key((sound, index, encoding)), make)

    async def _once(
        self, make: Callable[..., Chunk], wanted: tuple[Sound, int, Encoding], form: Form
    ) -> tuple[Chunk, bool]:
        sound, index, encoding = wanted

        def make_it(check: Check) -> Chunk:
            return make(within_chunk(sound, index), index, encoding, check)

        key = self.key(wanted, form)
        chunk, cached = await self._renderer.once(key, make_it, dear=is_dear(self.file, sound, encoding))
        if chunk.span != self.grid.chunk(index):  # the file is of another length than the library knows
            raise SourceChanged
        return chunk, cached

    async def span(self, sound: Sound, span: Span, encoding: Encoding) -> Chunk:
        """Any run of frames, encoded as one; never cached."""
        grain = self.grid.grain
        sound = sound.within(span.start // grain, max(span.start // grain + 1, -(-span.end // grain)))
        return await self._renderer.read(lambda check: self.reader.span(sound, span, encoding, check))

    async def encode(self, job: Callable[[], T]) -> T:
        """Run ``job()``, which encodes what was rendered, where chunks are rendered and under the same deadline."""
        return await self._renderer.read(lambda check: job())

    async def work(self, job: Callable[[AudioSource, Check], T], deadline_s: float) -> T:
        """Run ``job(source, check)``, which goes through the whole track, beside what is rendered for listeners.

        Raises:
            SourceHung: the deadline passed.
            SourceError: the file cannot be played.
        """
        try:
            return await self._renderer.offload.run_stoppable(
                Lane.TRACK, lambda check: self.reader.work(job, check), deadline_s=deadline_s
            )
        except TimedOut:
            raise SourceHung from None
        finally:
            self._renderer.ended += 1
