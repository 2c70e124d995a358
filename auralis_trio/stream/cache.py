"""The memory for rendered chunks: bounded in bytes, the least recently used goes first; behind it, a tier on disk."""

from collections import OrderedDict

from auralis_trio.library.disk_cache import CacheStatistics
from auralis_trio.stream.chunk_key import ChunkKey
from auralis_trio.stream.disk_tier import DiskTier, Kept
from auralis_trio.work.rendering import Chunk


class ChunkCache:
    """Chunks by their key. One larger than the whole bound is not kept."""

    def __init__(self, max_bytes: int, disk: DiskTier | None = None) -> None:
        self.max_bytes = max_bytes
        self.disk = disk
        self._chunks: OrderedDict[ChunkKey, Chunk] = OrderedDict()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def __contains__(self, key: ChunkKey) -> bool:
        """Whether it is in memory; counts as no use."""
        return key in self._chunks

    def holds(self, key: ChunkKey) -> bool:
        """Whether it is in memory or on disk; counts as no use."""
        return key in self._chunks or (self.disk is not None and key in self.disk)

    def get(self, key: ChunkKey) -> Chunk | None:
        """The chunk of this key, if it is in memory; it becomes the most recently used."""
        chunk = self._chunks.get(key)
        if chunk is None:
            self._misses += 1
            return None
        self._hits += 1
        self._chunks.move_to_end(key)
        return chunk

    async def load(self, key: ChunkKey) -> Chunk | None:
        """The chunk of this key, if it is on disk and whole; from now on in memory as well."""
        chunk = None if self.disk is None else await self.disk.read(key)
        if chunk is not None:
            self.put(key, chunk)
        return chunk

    def put(self, key: ChunkKey, chunk: Chunk, *, dear: bool = False) -> None:
        """Keep a chunk, and forget others until all fit; on disk as well if it was `dear` to make."""
        if dear and self.disk is not None:
            self.disk.keep_nowait(key, chunk)
        self._remove(key)
        if chunk.nbytes > self.max_bytes:
            return
        self._chunks[key] = chunk
        self._bytes += chunk.nbytes
        while self._bytes > self.max_bytes:
            self._remove(next(iter(self._chunks)))
            self._evictions += 1

    async def clear(self, origin: str | None = None) -> Kept:
        """Forget everything, or all that was made of one file, in memory and on disk; how much that was.

        Raises:
            OutputError: the disk does not give it up.
            TimedOut, Busy: it does not answer.
        """
        unwanted = [key for key in self._chunks if origin in (None, key.file_origin)]
        freed = Kept(len(unwanted), sum(self._remove(key) for key in unwanted))
        return freed if self.disk is None else freed + await self.disk.clear(origin)

    def sizes(self) -> dict[ChunkKey, int]:
        """What is in memory, and how large each is."""
        return {key: chunk.nbytes for key, chunk in self._chunks.items()}

    def statistics(self) -> CacheStatistics:
        """The present figures of the memory."""
        return CacheStatistics(
            len(self._chunks), self._bytes, self.max_bytes, self._hits, self._misses, self._evictions
        )

    def _remove(self, key: ChunkKey) -> int:
        chunk = self._chunks.pop(key, None)
        size = 0 if chunk is None else chunk.nbytes
        self._bytes -= size
        return size
