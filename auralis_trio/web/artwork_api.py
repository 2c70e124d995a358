"""Pictures of albums and artists, and the words of songs."""

from dataclasses import dataclass
from typing import Any

import msgspec
from quart import Response, request

from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library.artwork import ArtworkRecord, Owner
from auralis_trio.stream.artwork import NO_ARTWORK, picture_changed
from auralis_trio.web.answers import json_response, not_modified
from auralis_trio.web.query import NoParameters, body, query, read_body
from auralis_trio.web.ranges import is_unchanged
from auralis_trio.web.routes import Route
from auralis_trio.web.security import Content
from auralis_trio.web.services import Services
from auralis_trio.web.stream_api import FOREVER
from auralis_trio.work.lyrics import lyrics_of
from auralis_trio.work.thumbnails import SIZES


class ArtworkQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large a picture is wanted (left out: as it is); `revision` makes sure that it is still the same.

    Where there may be none, a page asks for an `optional` one: browsers note every 404 as a fault of the page.
    """

    size: int | None = None
    revision: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class ArtworkApi:
    """What stands under `artwork` of albums and artists, and under `lyrics` of tracks."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            *OwnersArtworkApi(self.services, Owner.ALBUM).routes(),
            *OwnersArtworkApi(self.services, Owner.ARTIST).routes(),
            Route("GET", "/api/library/tracks/<int:track_id>/lyrics", self.lyrics),
        ]

    async def lyrics(self, track_id: int) -> Response:
        """The words of one track."""
        query(NoParameters)
        file = await self.services.catalogue.find_track(track_id)
        lyrics = await self.services.renderer.offload.run_process(
            lyrics_of, file.path, deadline_s=self.services.settings.read_deadline_s
        )
        return json_response({"track_id": track_id, **msgspec.to_builtins(lyrics)})


@dataclass(frozen=True)
class OwnersArtworkApi:
    """The pictures of one kind of owner."""

    services: Services
    owner: Owner

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        place = f"/api/{self.owner.value}s/<int:owner_id>/artwork"
        return [
            Route("GET", place, self.picture),
            Route("POST", place, self.set, content=Content.PICTURE),
            Route("DELETE", place, self.remove),
            Route("POST", f"{place}/extract", self.extract),
        ]

    async def picture(self, owner_id: int) -> Response:
        """The picture, small or as it is."""
        wanted = query(ArtworkQuery)
        if wanted.size is not None and wanted.size not in SIZES:
            raise InvalidRequest(f"The size is one of {', '.join(map(str, SIZES))}; left out, the picture as it is.")
        try:
            record = await self.services.artwork.find(self.owner, owner_id)
        except NotFound as error:
            if wanted.optional and error.code == NO_ARTWORK:
                return Response(b"", 204, {"Cache-Control": "no-store"})
            raise
        if wanted.revision not in (None, record.revision):
            raise picture_changed()
        etag = f"{record.revision}-{wanted.size or 'original'}"
        headers = {"ETag": f'"{etag}"', "Cache-Control": "no-cache" if wanted.revision is None else FOREVER}
        if is_unchanged(request.headers, etag):
            return not_modified(headers)
        data = await self.services.artwork.picture(self.owner, owner_id, record, wanted.size)
        kind = record.media_type if wanted.size is None else "image/jpeg"
        return Response(data, 200, headers, content_type=kind)

    async def set(self, owner_id: int) -> Response:
        """Give the owner the picture in the body."""
        data = await read_body(self.services.settings.max_artwork_bytes)
        return self._told(owner_id, await self.services.artwork.set(self.owner, owner_id, data))

    async def extract(self, owner_id: int) -> Response:
        """Look for a picture in and beside the files again."""
        await body(NoParameters)
        return self._told(owner_id, await self.services.artwork.extract(self.owner, owner_id))

    async def remove(self, owner_id: int) -> Response:
        """Show no picture any more."""
        query(NoParameters)
        return self._told(owner_id, await self.services.artwork.remove(self.owner, owner_id))

    def _told(self, owner_id: int, record: ArtworkRecord) -> Response:
        data: dict[str, Any] = {f"{self.owner.value}_id": owner_id, "revision": record.revision}
        self.services.hub.announce("library", "artwork_updated", data)
        return json_response({f"{self.owner.value}_id": owner_id, **msgspec.structs.asdict(record)})
