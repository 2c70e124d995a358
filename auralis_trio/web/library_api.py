"""What there is to play, and the scan that finds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from quart import Response

from auralis_trio.errors import Conflict
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.library.duplicates import Likeness, list_duplicates
from auralis_trio.library.queries import get_track, list_albums, list_artists, list_tracks, statistics
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import Limit, NoParameters, Offset, WindowQuery, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services

Search = Annotated[str, Meta(max_length=200)] | None


class TracksQuery(WindowQuery, frozen=True):
    """Which page of which tracks; without `sort` by title, or what is searched for by how well it is found."""

    sort: str | None = None
    search: Search = None


class AlbumsQuery(WindowQuery, frozen=True):
    """Which page of which albums."""

    sort: str = "title"
    search: Search = None


class ArtistsQuery(WindowQuery, frozen=True):
    """Which page of which artists."""

    sort: str = "name"
    search: Search = None


class DuplicatesQuery(WindowQuery, frozen=True):
    """Which page of the groups of tracks that are alike, and in what."""

    by: Likeness = "content"
    sort: str = "title"


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of what a scan changed."""

    limit: Limit = 50
    offset: Offset = 0


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The word that says that it is meant."""

    confirm: Annotated[str, Meta(max_length=100)] | None = None


@dataclass(frozen=True)
class LibraryApi:
    """What stands under `/api/library`, and the albums and artists beside it."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/api/library/tracks", self.tracks),
            Route("GET", "/api/library/tracks/<int:track_id>", self.track),
            Route("DELETE", "/api/library/tracks/<int:track_id>", self.forget),
            Route("POST", "/api/library/missing/forget", self.forget_missing),
            Route("GET", "/api/library/stats", self.stats),
            Route("GET", "/api/library/duplicates", self.duplicates),
            Route("GET", "/api/albums", self.albums),
            Route("GET", "/api/artists", self.artists),
            Route("POST", "/api/library/scan", self.scan),
            Route("GET", "/api/library/scan/status", self.scan_status),
            Route("GET", "/api/library/scan/report", self.scan_report),
            Route("POST", "/api/library/scan/cancel", self.cancel_scan),
            Route("POST", "/api/library/reset", self.reset),
        ]

    async def tracks(self) -> Response:
        """A page of tracks."""
        return await self._list(list_tracks, query(TracksQuery))

    async def track(self, track_id: int) -> Response:
        """One track."""
        query(NoParameters)
        return json_response(await self.services.catalogue.ask(get_track, track_id))

    async def forget(self, track_id: int) -> Response:
        """Forget a track whose file is missing."""
        query(NoParameters)
        await self.services.forgetting.forget(track_id)
        return json_response({"track_id": track_id})

    async def forget_missing(self) -> Response:
        """Forget every track whose file is missing."""
        wanted = await body(Confirmation)
        return json_response({"forgotten": await self.services.forgetting.forget_all(wanted.confirm)})

    async def stats(self) -> Response:
        """Totals of the library."""
        query(NoParameters)
        return json_response(await self.services.catalogue.ask(statistics))

    async def duplicates(self) -> Response:
        """A page of what the library has more than once."""
        page = query(DuplicatesQuery)
        return json_response(await self.services.catalogue.ask(list_duplicates, page.window, page.by, page.sort))

    async def albums(self) -> Response:
        """A page of albums."""
        return await self._list(list_albums, query(AlbumsQuery))

    async def artists(self) -> Response:
        """A page of artists."""
        return await self._list(list_artists, query(ArtistsQuery))

    async def scan(self) -> Response:
        """Begin a scan; it goes on when this answer is out."""
        await self.services.start_scan(await body(ScanOrder))
        return json_response(self.services.scan.progress, 202)

    async def scan_status(self) -> Response:
        """What the scan does now, or did last."""
        query(NoParameters)
        return json_response(self.services.scan.progress)

    async def scan_report(self) -> Response:
        """What the scan has changed until now, or the last one did, and why."""
        page, report = query(ReportQuery), self.services.scan.report
        items = report.changes[page.offset : page.offset + page.limit]
        answer = {"items": items, "total": len(report.changes), "offset": page.offset, "limit": page.limit}
        return json_response({**answer, "left_off": report.left_off})

    async def cancel_scan(self) -> Response:
        """Ask the scan to stop."""
        await body(NoParameters)
        if not self.services.scan.cancel_nowait():
            raise Conflict("No scan is running.", code="no_scan")
        return json_response(self.services.scan.progress, 202)

    async def reset(self) -> Response:
        """Forget all that the library holds of the files."""
        wanted = await body(Confirmation)
        return json_response({"forgotten": await self.services.reset.run(wanted.confirm)})

    async def _list(self, ask: Callable[..., Any], wanted: WindowQuery) -> Response:
        return json_response(await self.services.catalogue.ask(ask, **msgspec.structs.asdict(wanted)))
