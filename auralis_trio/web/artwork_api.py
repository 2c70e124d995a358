"""Pictures of albums and artists, and the words of songs."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType
from quart import Response, request

from auralis_trio.errors import Conflict, InvalidRequest, NotFound, OutputError, SourceError, WorkerDied
from auralis_trio.library.artwork import ArtworkRecord, Owner
from auralis_trio.library.lyrics import Lyrics
from auralis_trio.stream.artwork import NO_ARTWORK, picture_changed
from auralis_trio.web.answers import Media, caching, no_content, not_modified
from auralis_trio.web.ranges import is_unchanged
from auralis_trio.web.routes import Route
from auralis_trio.web.security import PICTURE_TYPES, Content
from auralis_trio.web.services import Services
from auralis_trio.work.lyrics import lyrics_of
from auralis_trio.work.thumbnails import SIZES

PICTURE_ERRORS = (Conflict, OutputError, WorkerDied)
"""What comes of a picture that cannot be found, shown or kept."""


class ArtworkQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large a picture is wanted (left out: as it is); `revision` makes sure that it is still the same.

    Where there may be none, a page asks for an `optional` one: browsers note every 404 as a fault of the page.
    """

    size: int | None = None
    revision: str | None = None
    optional: bool = False


class TrackLyrics(Lyrics, frozen=True, kw_only=True):
    """The words of one track: `lines` where they have times, `text` in either case; all null where there are none."""

    track_id: int


class OwnedArtwork(ArtworkRecord, frozen=True, kw_only=True):
    """The picture of an album or an artist, or why there is none: nothing was found (`none`), or it was `removed`."""

    album_id: int | UnsetType = UNSET
    artist_id: int | UnsetType = UNSET


@dataclass(frozen=True)
class ArtworkApi:
    """What stands under `artwork` of albums and artists, and under `lyrics` of tracks."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            *OwnersArtworkApi(self.services, Owner.ALBUM).routes(),
            *OwnersArtworkApi(self.services, Owner.ARTIST).routes(),
            Route("GET", "/api/library/tracks/<int:track_id>/lyrics", self.lyrics, raises=(SourceError, WorkerDied)),
        ]

    async def lyrics(self, track_id: int) -> TrackLyrics:
        """The words of one track."""
        file = await self.services.catalogue.find_track(track_id)
        lyrics = await self.services.offload.run_process(
            lyrics_of, file.path, deadline_s=self.services.settings.read_deadline_s
        )
        return TrackLyrics(track_id=track_id, **msgspec.structs.asdict(lyrics))


@dataclass(frozen=True)
class OwnersArtworkApi:
    """The pictures of one kind of owner."""

    services: Services
    owner: Owner

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        max_bytes = self.services.settings.max_artwork_bytes
        place = f"/api/{self.owner.value}s/<int:owner_id>/artwork"
        return [
            Route("GET", place, self.picture, raises=(*PICTURE_ERRORS, SourceError)),
            Route("POST", place, self.set, content=Content.PICTURE, max_bytes=max_bytes, raises=PICTURE_ERRORS),
            Route("DELETE", place, self.remove, raises=PICTURE_ERRORS),
            Route("POST", f"{place}/extract", self.extract, raises=PICTURE_ERRORS),
        ]

    async def picture(
        self, owner_id: int, query: ArtworkQuery
    ) -> Annotated[Response, Media(tuple(sorted(PICTURE_TYPES)), conditional=True, optional=True)]:
        """The picture, small or as it is."""
        if query.size is not None and query.size not in SIZES:
            raise InvalidRequest(f"The size is one of {', '.join(map(str, SIZES))}; left out, the picture as it is.")
        try:
            record = await self.services.artwork.find(self.owner, owner_id)
        except NotFound as error:
            if query.optional and error.code == NO_ARTWORK:
                return no_content()
            raise
        if query.revision not in (None, record.revision):
            raise picture_changed()
        etag = f"{record.revision}-{query.size or 'original'}"
        headers = caching(etag, pinned=query.revision is not None)
        if is_unchanged(request.headers, etag):
            return not_modified(headers)
        data = await self.services.artwork.picture(self.owner, owner_id, record, query.size)
        kind = record.media_type if query.size is None else "image/jpeg"
        return Response(data, 200, headers, content_type=kind)

    async def set(self, owner_id: int, body: bytes) -> OwnedArtwork:
        """Give the owner the picture in the body."""
        return self._told(owner_id, await self.services.artwork.set(self.owner, owner_id, body))

    async def extract(self, owner_id: int) -> OwnedArtwork:
        """Look for a picture in and beside the files again."""
        return self._told(owner_id, await self.services.artwork.extract(self.owner, owner_id))

    async def remove(self, owner_id: int) -> OwnedArtwork:
        """Show no picture any more."""
        return self._told(owner_id, await self.services.artwork.remove(self.owner, owner_id))

    def _told(self, owner_id: int, record: ArtworkRecord) -> OwnedArtwork:
        data: dict[str, Any] = {f"{self.owner.value}_id": owner_id, "revision": record.revision}
        self.services.hub.announce("library", "artwork_updated", data)
        return OwnedArtwork(**{f"{self.owner.value}_id": owner_id, **msgspec.structs.asdict(record)})
