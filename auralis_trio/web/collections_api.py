"""One album, one artist, and what belongs to them."""

from dataclasses import dataclass

from auralis_trio.library.collections import (
    AlbumDetail,
    ArtistDetail,
    get_album,
    get_artist,
    list_album_tracks,
    list_artist_albums,
    list_artist_tracks,
)
from auralis_trio.library.records import AlbumRecord, Page, TrackRecord
from auralis_trio.web.query import WindowQuery
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services


class AlbumTracksQuery(WindowQuery, frozen=True):
    """Which part of an album, in which order."""

    sort: str = "number"


class ArtistTracksQuery(WindowQuery, frozen=True):
    """Which of an artist's tracks, in which order."""

    sort: str = "album"


class ArtistAlbumsQuery(WindowQuery, frozen=True):
    """Which of an artist's albums, in which order."""

    sort: str = "-year"


@dataclass(frozen=True)
class CollectionsApi:
    """What stands under one album and one artist."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        album, artist = "/api/albums/<int:album_id>", "/api/artists/<int:artist_id>"
        return [
            Route("GET", album, self.album),
            Route("GET", f"{album}/tracks", self.album_tracks),
            Route("GET", artist, self.artist),
            Route("GET", f"{artist}/tracks", self.artist_tracks),
            Route("GET", f"{artist}/albums", self.artist_albums),
        ]

    async def album(self, album_id: int) -> AlbumDetail:
        """One album."""
        return await self.services.catalogue.ask(get_album, album_id)

    async def album_tracks(self, album_id: int, query: AlbumTracksQuery) -> Page[TrackRecord]:
        """A page of an album's tracks."""
        return await self.services.catalogue.ask(list_album_tracks, album_id, query.window, query.sort)

    async def artist(self, artist_id: int) -> ArtistDetail:
        """One artist."""
        return await self.services.catalogue.ask(get_artist, artist_id)

    async def artist_tracks(self, artist_id: int, query: ArtistTracksQuery) -> Page[TrackRecord]:
        """A page of an artist's tracks."""
        return await self.services.catalogue.ask(list_artist_tracks, artist_id, query.window, query.sort)

    async def artist_albums(self, artist_id: int, query: ArtistAlbumsQuery) -> Page[AlbumRecord]:
        """A page of an artist's albums."""
        return await self.services.catalogue.ask(list_artist_albums, artist_id, query.window, query.sort)
