"""The memory for rendered chunks: bounded in bytes, the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from auralis_trio.work.rendering import Chunk


@dataclass(frozen=True)
class CacheStatistics:
    """What the cache holds and what it was good for."""

    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    evictions: int


class ChunkCache:
    """Chunks by their key. One larger than the whole bound is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._chunks: OrderedDict[Hashable, Chunk] = OrderedDict()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: Hashable) -> Chunk | None:
        """The chunk of this key, which becomes the most recently used."""
        chunk = self._chunks.get(key)
        if chunk is None:
            self._misses += 1
            return None
        self._hits += 1
        self._chunks.move_to_end(key)
        return chunk

    def put(self, key: Hashable, chunk: Chunk) -> None:
        """Keep a chunk, and forget others until all fit."""
        old = self._chunks.pop(key, None)
        self._bytes -= 0 if old is None else old.nbytes
        if chunk.nbytes > self.max_bytes:
            return
        self._chunks[key] = chunk
        self._bytes += chunk.nbytes
        while self._bytes > self.max_bytes:
            _, oldest = self._chunks.popitem(last=False)
            self._bytes -= oldest.nbytes
            self._evictions += 1

    def statistics(self) -> CacheStatistics:
        """The present figures."""
        return CacheStatistics(
            len(self._chunks), self._bytes, self.max_bytes, self._hits, self._misses, self._evictions
        )
