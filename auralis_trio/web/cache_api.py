"""The cache of rendered chunks: what is in it, whether it does its work, and how to empty it and what lies behind."""

from dataclasses import asdict, dataclass

from quart import Response

from auralis_trio.audio.grid import Grid
from auralis_trio.errors import AuralisError
from auralis_trio.library.contents import tracks_of_origins
from auralis_trio.library.records import TrackFile
from auralis_trio.stream.cache_report import cached_sounds, cached_tracks
from auralis_trio.stream.disk_tier import Kept, name_of
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services

MAX_TOLD = 100
"""How many tracks, or sounds of one track, are told one by one."""


@dataclass(frozen=True)
class CacheApi:
    """What stands under `/api/cache`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        track = "/api/cache/track/<int:track_id>"
        return [
            Route("GET", "/api/cache/stats", self.stats),
            Route("GET", "/api/cache/health", self.health),
            Route("POST", "/api/cache/clear", self.clear),
            Route("GET", f"{track}/status", self.track_status),
            Route("DELETE", track, self.clear_track),
        ]

    async def stats(self) -> Response:
        """Both tiers, what was rendered ahead, and the tracks that take most room."""
        query(NoParameters)
        memory, disk = await self._names()
        found = cached_tracks(memory, disk)
        told = found[:MAX_TOLD]
        ids = await self.services.catalogue.ask(tracks_of_origins, [one.origin for one in told])
        return json_response(
            {
                "memory": self.services.renderer.cache.statistics(),
                "disk": self.services.chunks.describe(),
                "prefetch": self.services.prefetch.statistics(),
                "tracks": [{"track_id": ids.get(one.origin), "memory": one.memory, "disk": one.disk} for one in told],
                "left_off": len(found) - len(told),
            }
        )

    async def health(self) -> Response:
        """Whether both tiers are within their bounds and the disk takes and gives what it should."""
        query(NoParameters)
        memory, disk = self.services.renderer.cache.statistics(), self.services.chunks
        state = disk.statistics()
        try:
            on_disk, trouble = sum((await disk.names()).values()), state.trouble
        except AuralisError as error:
            on_disk, trouble = None, error.code
        fits = memory.bytes <= memory.max_bytes and (on_disk is None or on_disk <= disk.files.max_bytes)
        keeper = self.services.supervisor.states.get("chunks")
        return json_response(
            {
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
        )

    async def track_status(self, track_id: int) -> Response:
        """Which sounds of a track there are chunks of."""
        query(NoParameters)
        file = await self.services.catalogue.find_track(track_id)
        memory, disk = await self._names()
        found = cached_sounds(file.file_origin, memory, disk)
        return json_response(
            {
                "track_id": track_id,
                "total_chunks": _total_chunks(file),
                "sounds": found[:MAX_TOLD],
                "left_off": len(found[MAX_TOLD:]),
            }
        )

    async def clear(self) -> Response:
        """Forget every chunk and all decoded audio; what is asked for again is made again."""
        await body(NoParameters)
        return await self._clear(None, None)

    async def clear_track(self, track_id: int) -> Response:
        """Forget the chunks and the decoded audio of one track."""
        query(NoParameters)
        file = await self.services.catalogue.find_track(track_id)
        return await self._clear(track_id, file.file_origin)

    async def _clear(self, track_id: int | None, origin: str | None) -> Response:
        renderer = self.services.renderer
        decoded = Kept(*await renderer.read_disk(renderer.pcm.clear, origin))
        freed = await renderer.cache.clear(origin)
        told = {"track_id": track_id, **asdict(freed), "decoded": asdict(decoded)}
        self.services.hub.announce("library", "cache_cleared", told)
        return json_response(told)

    async def _names(self) -> tuple[dict[str, int], dict[str, int]]:
        """The names of the chunks in memory and on disk, with their sizes."""
        memory = {name_of(key): size for key, size in self.services.renderer.cache.sizes().items()}
        return memory, await self.services.chunks.names()


def _total_chunks(file: TrackFile) -> int | None:
    """How many chunks a track has at its own rate, where its length is known."""
    if file.total_frames is None:
        return None
    return Grid(file.format.sample_rate, file.total_frames).total_chunks
