"""The tier on disk below the memory for chunks: what was dear to make survives eviction and restarts.

Nobody waits for it: chunks to be written queue up for one keeper task, within a bound, and are left out beyond it. A
read has a deadline. Whatever goes wrong, the chunk is simply not there and is rendered. A file's head repeats the
whole key, so that nothing can be taken for something else.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import msgspec
import trio

from auralis_trio.audio.grid import Span
from auralis_trio.errors import AuralisError, Busy, OutputError, TimedOut
from auralis_trio.library.disk_cache import DiskCache
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.chunk_key import RENDER_VERSION, ChunkKey
from auralis_trio.work.rendering import Chunk

T = TypeVar("T")

MAX_WAITING = 16
MAX_WAITING_BYTES = 32 * 1024**2
READ_DEADLINE_S = 1.0
"""How long a read may take; by then most chunks are rendered."""

WRITE_DEADLINE_S = 20.0
REST_S = 60.0
"""How long a disk is left alone that did not answer in time."""

_LENGTH_BYTES = 4

Known = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these origins the library still knows."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """So many chunks, of so many bytes."""

    entries: int = 0
    bytes: int = 0

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(self.entries + other.entries, self.bytes + other.bytes)


class Head(msgspec.Struct, frozen=True):
    """What stands in a file before the encoded frames."""

    key: ChunkKey
    version: str
    start_frame: int
    frames: int
    cuts: tuple[int, ...]


class DiskStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the disk, and what became of reads and writes.

    `waiting` chunks are still to be written; `left_out` were not written because too many waited, `failed` because
    the disk did not take them. `trouble` is why the last one was not, None if it was. A disk that did not answer in
    time is `resting`.
    """

    waiting: int
    written: int
    left_out: int
    failed: int
    trouble: str | None
    resting: bool
    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    evictions: int


class DiskTier:
    """Chunks in the files of a `DiskCache`; with a bound of no bytes there are none."""

    def __init__(self, offload: Offload, files: DiskCache) -> None:
        self.files = files
        self._offload = offload
        self._waiting: OrderedDict[ChunkKey, Chunk] = OrderedDict()
        self._news = trio.Event()
        self._stale = False
        # Whoever removes files waits until the one that is being written is there; every write has a deadline.
        self._writing = trio.Lock()
        self._missed = self._written = self._left_out = self._failed = 0
        self._trouble: str | None = None
        self._rests_until_s = -math.inf

    def __contains__(self, key: ChunkKey) -> bool:
        return name_of(key) in self.files

    async def read(self, key: ChunkKey) -> Chunk | None:
        """The chunk of this key; None if there is none, or none that can be had in time."""
        name = name_of(key)
        if name not in self.files or self._resting:
            self._missed += 1
            return None
        try:
            return await self._offload.run(Lane.DISK, self._read, name, key, deadline_s=READ_DEADLINE_S)
        except TimedOut:
            self._rest()
        except (Busy, OSError):
            log.debug("a chunk was not read from the disk", exc_info=True)
        return None

    def keep_nowait(self, key: ChunkKey, chunk: Chunk) -> None:
        """Have a chunk written soon, unless too much waits already."""
        if not self.files.max_bytes:
            return
        waiting_bytes = sum(other.nbytes for other in self._waiting.values())
        full = len(self._waiting) >= MAX_WAITING or waiting_bytes + chunk.nbytes > MAX_WAITING_BYTES
        if full or self._resting:
            self._left_out += 1
            return
        self._waiting[key] = chunk
        self._news.set()

    def library_changed(self) -> None:
        """Have the chunks of what the library no longer knows removed soon."""
        self._stale = True
        self._news.set()

    async def run_keeper(self, known: Known) -> None:
        """Write what is to be kept and remove what is stale, until cancelled."""
        while True:
            await self._news.wait()
            self._news = trio.Event()
            while self._waiting:
                async with self._writing:
                    await self._write_next()
            if self._stale:
                self._stale = False
                await self._sweep(known)

    async def clear(self, origin: str | None = None) -> Kept:
        """Remove everything, or all that was made of one file; how much that was.

        Raises:
            OutputError: the disk does not give it up.
            TimedOut, Busy: it does not answer.
        """
        for key in [key for key in self._waiting if origin in (None, key.file_origin)]:
            del self._waiting[key]
        return await self._drop(lambda other: origin in (None, other))

    async def names(self) -> dict[str, int]:
        """The name of every chunk that lies on the disk now, and its size there.

        Raises:
            OutputError: the folder cannot be read.
            TimedOut, Busy: the disk does not answer.
        """
        return await self._disk(self.files.entries)

    def statistics(self) -> DiskStatistics:
        """The present figures."""
        kept = asdict(self.files.statistics())
        kept["misses"] += self._missed
        return DiskStatistics(
            waiting=len(self._waiting) + self._writing.locked(),
            written=self._written,
            left_out=self._left_out,
            failed=self._failed,
            trouble=self._trouble,
            resting=self._resting,
            **kept,
        )

    @property
    def _resting(self) -> bool:
        return trio.current_time() < self._rests_until_s

    def _rest(self) -> None:
        self._rests_until_s = trio.current_time() + REST_S
        log.warning("the disk with the data directory does not answer; it is left alone for %d s", REST_S)

    def _read(self, name: str, key: ChunkKey) -> Chunk | None:
        data = self.files.get(name)
        chunk = None if data is None else unpack(data, key)
        if data is not None and chunk is None:
            self.files.drop(name.__eq__)
        return chunk

    async def _write_next(self) -> None:
        if not self._waiting:
            return  # forgotten meanwhile
        key, chunk = self._waiting.popitem(last=False)
        try:
            await self._disk(lambda: self.files.put(name_of(key), pack(key, chunk)))
        except AuralisError as error:
            if error.code != self._trouble:
                log.warning("chunks cannot be kept on the disk: %s", error.code)
            self._trouble = error.code
            self._failed += 1
            if isinstance(error, TimedOut):
                self._rest()
        else:
            self._trouble = None
            self._written += 1

    async def _sweep(self, known: Known) -> None:
        try:
            origins = {origin_of(name) for name in await self.names()}
            stale = origins.difference(await known(origins))
            if stale:
                await self._drop(stale.__contains__)
        except AuralisError as error:
            log.warning("stale chunks were not removed yet: %s", error.code)

    async def _drop(self, unwanted: Callable[[str], bool]) -> Kept:
        async with self._writing:
            return Kept(*await self._disk(self.files.drop, lambda name: unwanted(origin_of(name))))

    async def _disk(self, job: Callable[..., T], *args: Any) -> T:
        try:
            return await self._offload.run(Lane.DISK, job, *args, deadline_s=WRITE_DEADLINE_S)
        except OSError as error:
            raise OutputError("The data directory cannot be written to or is full.") from error


def name_of(key: ChunkKey) -> str:
    """The name of a chunk's file: what it was made of comes first."""
    return f"{key.origin}-{key.revision}-{key.encoding}-{key.form}-{key.index}-{key.total}"


def origin_of(name: str) -> str:
    """The origin of the file that the chunk of this name was made of."""
    return name.rsplit("-", 5)[0].partition("@")[0]


def pack(key: ChunkKey, chunk: Chunk) -> bytes:
    """A chunk with its head."""
    head = msgspec.msgpack.encode(Head(key, RENDER_VERSION, chunk.span.start, chunk.span.frames, chunk.cuts))
    return b"".join((len(head).to_bytes(_LENGTH_BYTES, "little"), head, chunk.data))


def unpack(data: bytes, key: ChunkKey) -> Chunk | None:
    """The chunk of this key; None if the head is another's."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    try:
        head = msgspec.msgpack.decode(data[_LENGTH_BYTES:start], type=Head)
    except msgspec.MsgspecError:
        return None
    if (head.key, head.version) != (key, RENDER_VERSION):
        return None
    return Chunk(Span(head.start_frame, head.frames), data[start:], head.cuts)
