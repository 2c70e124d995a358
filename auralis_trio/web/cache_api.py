"""The cache of rendered chunks: what is in it, whether it does its work, and how to empty it and what lies behind."""

from dataclasses import dataclass
from typing import TypedDict

from auralis_trio.audio.grid import Grid
from auralis_trio.errors import AuralisError, OutputError
from auralis_trio.jobs.supervision import ServiceState
from auralis_trio.library.contents import tracks_of_origins
from auralis_trio.library.disk_cache import CacheStatistics
from auralis_trio.library.records import TrackFile
from auralis_trio.stream.cache_report import CachedSound, cached_sounds, cached_tracks
from auralis_trio.stream.disk_tier import DiskStatistics, Kept, name_of
from auralis_trio.stream.prefetch import PrefetchStatistics
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services

MAX_TOLD = 100
"""How many tracks, or sounds of one track, are told one by one."""


class CachedOfTrack(TypedDict):
    """What lies in both tiers of one file; `track_id` is null where the library has it no more."""

    track_id: int | None
    memory: Kept
    disk: Kept


class CacheContents(TypedDict):
    """Both tiers, what was rendered ahead, and the tracks that take most room; `left_off` more are not told."""

    memory: CacheStatistics
    disk: DiskStatistics
    prefetch: PrefetchStatistics
    tracks: list[CachedOfTrack]
    left_off: int


class MemoryHealth(TypedDict):
    """How full the memory is."""

    bytes: int
    max_bytes: int


class DiskHealth(TypedDict):
    """How full the disk is, null where it does not tell; why it did not take a chunk; how its keeper does."""

    bytes: int | None
    max_bytes: int
    trouble: str | None
    resting: bool
    keeper: ServiceState | None


class CacheHealth(TypedDict):
    """Whether both tiers are within their bounds and the disk does its work."""

    healthy: bool
    memory: MemoryHealth
    disk: DiskHealth


class CachedSounds(TypedDict):
    """The sounds of a track that there are chunks of; `total_chunks` is null where its length is not known."""

    track_id: int
    total_chunks: int | None
    sounds: list[CachedSound]
    left_off: int


class ClearedCache(TypedDict):
    """How many chunks of how many bytes were forgotten, and how much `decoded` audio; of one track or of all."""

    track_id: int | None
    entries: int
    bytes: int
    decoded: Kept


@dataclass(frozen=True)
class CacheApi:
    """What stands under `/api/cache`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        track = "/api/cache/track/<int:track_id>"
        return [
            Route("GET", "/api/cache/stats", self.stats, raises=(OutputError,)),
            Route("GET", "/api/cache/health", self.health),
            Route("POST", "/api/cache/clear", self.clear, raises=(OutputError,)),
            Route("GET", f"{track}/status", self.track_status, raises=(OutputError,)),
            Route("DELETE", track, self.clear_track, raises=(OutputError,)),
        ]

    async def stats(self) -> CacheContents:
        """Both tiers, what was rendered ahead, and the tracks that take most room."""
        memory, disk = await self._names()
        found = cached_tracks(memory, disk)
        told = found[:MAX_TOLD]
        ids = await self.services.catalogue.ask(tracks_of_origins, [one.origin for one in told])
        return {
            "memory": self.services.renderer.cache.statistics(),
            "disk": self.services.chunks.statistics(),
            "prefetch": self.services.prefetch.statistics(),
            "tracks": [{"track_id": ids.get(one.origin), "memory": one.memory, "disk": one.disk} for one in told],
            "left_off": len(found) - len(told),
        }

    async def health(self) -> CacheHealth:
        """Whether both tiers are within their bounds and the disk takes and gives what it should."""
        memory, disk = self.services.renderer.cache.statistics(), self.services.chunks
        state = disk.statistics()
        try:
            on_disk, trouble = sum((await disk.names()).values()), state.trouble
        except AuralisError as error:
            on_disk, trouble = None, error.code
        fits = memory.bytes <= memory.max_bytes and (on_disk is None or on_disk <= disk.files.max_bytes)
        keeper = self.services.supervisor.states.get("chunks")
        return {
            "healthy": fits and trouble is None and not state.resting and keeper == "running",
            "memory": {"bytes": memory.bytes, "max_bytes": memory.max_bytes},
            "disk": {
                "bytes": on_disk,
                "max_bytes": disk.files.max_bytes,
                "trouble": trouble,
                "resting": state.resting,
                "keeper": keeper,
            },
        }

    async def track_status(self, track_id: int) -> CachedSounds:
        """Which sounds of a track there are chunks of."""
        file = await self.services.catalogue.find_track(track_id)
        memory, disk = await self._names()
        found = cached_sounds(file.file_origin, memory, disk)
        return {
            "track_id": track_id,
            "total_chunks": _total_chunks(file),
            "sounds": found[:MAX_TOLD],
            "left_off": len(found[MAX_TOLD:]),
        }

    async def clear(self) -> ClearedCache:
        """Forget every chunk and all decoded audio; what is asked for again is made again."""
        return await self._clear(None, None)

    async def clear_track(self, track_id: int) -> ClearedCache:
        """Forget the chunks and the decoded audio of one track."""
        file = await self.services.catalogue.find_track(track_id)
        return await self._clear(track_id, file.file_origin)

    async def _clear(self, track_id: int | None, origin: str | None) -> ClearedCache:
        renderer = self.services.renderer
        decoded = Kept(*await renderer.read_disk(renderer.pcm.clear, origin))
        freed = await renderer.cache.clear(origin)
        told = ClearedCache(track_id=track_id, entries=freed.entries, bytes=freed.bytes, decoded=decoded)
        self.services.hub.announce("library", "cache_cleared", told)
        return told

    async def _names(self) -> tuple[dict[str, int], dict[str, int]]:
        """The names of the chunks in memory and on disk, with their sizes."""
        memory = {name_of(key): size for key, size in self.services.renderer.cache.sizes().items()}
        return memory, await self.services.chunks.names()


def _total_chunks(file: TrackFile) -> int | None:
    """How many chunks a track has at its own rate, where its length is known."""
    if file.total_frames is None:
        return None
    return Grid(file.format.sample_rate, file.total_frames).total_chunks
