"""What there is to play, and the scan that finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.jobs.scan_report import ScanChange, ScanOrder, ScanProgress
from auralis_trio.library.duplicates import Duplicates, Likeness, list_duplicates
from auralis_trio.library.queries import get_track, list_albums, list_artists, list_tracks
from auralis_trio.library.records import AlbumRecord, ArtistRecord, Page, Statistics, TrackRecord
from auralis_trio.library.reset import Forgotten
from auralis_trio.library.totals import statistics
from auralis_trio.web.answers import Accepted
from auralis_trio.web.query import Limit, Offset, WindowQuery
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


class ForgottenTrack(TypedDict):
    """The track that is forgotten."""

    track_id: int


class ForgottenTracks(TypedDict):
    """How many tracks are forgotten."""

    forgotten: int


class ForgottenLibrary(TypedDict):
    """How much is forgotten."""

    forgotten: Forgotten


class ReportPage(TypedDict):
    """A page of what a scan changed; `left_off` is how many more changes there were than are kept."""

    items: Sequence[ScanChange]
    total: int
    offset: int
    limit: int
    left_off: int


@dataclass(frozen=True)
class LibraryApi:
    """What stands under `/api/library`, and the albums and artists beside it."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/api/library/tracks", self.tracks),
            Route("GET", "/api/library/tracks/<int:track_id>", self.track),
            Route("DELETE", "/api/library/tracks/<int:track_id>", self.forget, raises=(Conflict,)),
            Route("POST", "/api/library/missing/forget", self.forget_missing, raises=(Conflict,)),
            Route("GET", "/api/library/stats", self.stats),
            Route("GET", "/api/library/duplicates", self.duplicates),
            Route("GET", "/api/albums", self.albums),
            Route("GET", "/api/artists", self.artists),
            Route("POST", "/api/library/scan", self.scan, raises=(Conflict, NotFound)),
            Route("GET", "/api/library/scan/status", self.scan_status),
            Route("GET", "/api/library/scan/report", self.scan_report),
            Route("POST", "/api/library/scan/cancel", self.cancel_scan, raises=(Conflict,)),
            Route("POST", "/api/library/reset", self.reset, raises=(Conflict,)),
        ]

    async def tracks(self, query: TracksQuery) -> Page[TrackRecord]:
        """A page of tracks."""
        return await self.services.catalogue.ask(list_tracks, **msgspec.structs.asdict(query))

    async def track(self, track_id: int) -> TrackRecord:
        """One track."""
        return await self.services.catalogue.ask(get_track, track_id)

    async def forget(self, track_id: int) -> ForgottenTrack:
        """Forget a track whose file is missing."""
        await self.services.forgetting.forget(track_id)
        return {"track_id": track_id}

    async def forget_missing(self, body: Confirmation) -> ForgottenTracks:
        """Forget every track whose file is missing."""
        return {"forgotten": await self.services.forgetting.forget_all(body.confirm)}

    async def stats(self) -> Statistics:
        """Totals of the library."""
        return await self.services.catalogue.ask(statistics)

    async def duplicates(self, query: DuplicatesQuery) -> Page[Duplicates]:
        """A page of what the library has more than once."""
        return await self.services.catalogue.ask(list_duplicates, query.window, query.by, query.sort)

    async def albums(self, query: AlbumsQuery) -> Page[AlbumRecord]:
        """A page of albums."""
        return await self.services.catalogue.ask(list_albums, **msgspec.structs.asdict(query))

    async def artists(self, query: ArtistsQuery) -> Page[ArtistRecord]:
        """A page of artists."""
        return await self.services.catalogue.ask(list_artists, **msgspec.structs.asdict(query))

    async def scan(self, body: ScanOrder) -> Accepted[ScanProgress]:
        """Begin a scan; it goes on when this answer is out."""
        await self.services.start_scan(body)
        return Accepted(self.services.scan.progress)

    async def scan_status(self) -> ScanProgress:
        """What the scan does now, or did last."""
        return self.services.scan.progress

    async def scan_report(self, query: ReportQuery) -> ReportPage:
        """What the scan has changed until now, or the last one did, and why."""
        report = self.services.scan.report
        changes = report.changes
        return {
            "items": changes[query.offset : query.offset + query.limit],
            "total": len(changes),
            "offset": query.offset,
            "limit": query.limit,
            "left_off": report.left_off,
        }

    async def cancel_scan(self) -> Accepted[ScanProgress]:
        """Ask the scan to stop."""
        if not self.services.scan.cancel_nowait():
            raise Conflict("No scan is running.", code="no_scan")
        return Accepted(self.services.scan.progress)

    async def reset(self, body: Confirmation) -> ForgottenLibrary:
        """Forget all that the library holds of the files."""
        return {"forgotten": await self.services.reset.run(body.confirm)}
