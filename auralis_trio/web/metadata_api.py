"""The tags of tracks: what they say, what can be written, single and batch edits, and undoing them."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from quart import Response

from auralis_trio.audio.formats import format_named
from auralis_trio.errors import InvalidRequest
from auralis_trio.jobs.editor import MAX_FILES
from auralis_trio.library.queries import get_track
from auralis_trio.library.tag_changes import describe_fields
from auralis_trio.library.tag_fields import EDITABLE
from auralis_trio.library.tag_journal import list_edits
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, WindowQuery, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services

# One member for each field that can be edited: null takes it away, and what is not named stays.
TrackChanges = msgspec.defstruct(
    "TrackChanges", [(name, Any | UnsetType, UNSET) for name in EDITABLE], frozen=True, forbid_unknown_fields=True
)


class Update(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One track of a batch."""

    track_id: int
    metadata: dict[str, Any]


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Edits that happen all, or none."""

    updates: Annotated[list[Update], Meta(min_length=1, max_length=MAX_FILES)]


@dataclass(frozen=True)
class MetadataApi:
    """What stands under `/api/metadata`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        track = "/api/metadata/tracks/<int:track_id>"
        return [
            Route("GET", track, self.metadata),
            Route("GET", f"{track}/fields", self.fields),
            Route("PUT", track, self.edit),
            Route("POST", "/api/metadata/batch", self.edit_batch),
            Route("GET", "/api/metadata/edits", self.edits),
            Route("POST", "/api/metadata/undo/<int:edit_id>", self.undo),
        ]

    async def metadata(self, track_id: int) -> Response:
        """What a track's file says of itself, as it was last read from the file itself."""
        query(NoParameters)
        return json_response(await self._metadata(track_id))

    async def fields(self, track_id: int) -> Response:
        """Which fields can be written into a track's file, and what each takes."""
        query(NoParameters)
        track = await self.services.catalogue.ask(get_track, track_id)
        editable = format_named(track.format).tag and await self.services.editor.allows(track_id)
        answer = {"track_id": track_id, "format": track.format, "editable": editable}
        return json_response({**answer, "fields": describe_fields()})

    async def edit(self, track_id: int) -> Response:
        """Write some fields of one track."""
        asked = msgspec.to_builtins(await body(TrackChanges))
        edit_id = await self.services.editor.edit({track_id: asked})
        answer = await self._metadata(track_id)
        return json_response({"edit_id": edit_id, "updated_fields": sorted(asked), **answer})

    async def edit_batch(self) -> Response:
        """Write some fields of several tracks, all or none."""
        wanted = await body(Batch)
        updates = {update.track_id: update.metadata for update in wanted.updates}
        if len(updates) < len(wanted.updates):
            raise InvalidRequest("Each track can stand in a batch once.")
        edit_id = await self.services.editor.edit(updates)
        return json_response({"edit_id": edit_id, "track_ids": list(updates)})

    async def edits(self) -> Response:
        """A page of the edits, the latest first."""
        return json_response(await self.services.catalogue.ask(list_edits, query(WindowQuery).window))

    async def undo(self, edit_id: int) -> Response:
        """Give the files of an edit back as they were, which is an edit itself."""
        await body(NoParameters)
        return json_response({"edit_id": await self.services.editor.undo(edit_id), "undone": edit_id})

    async def _metadata(self, track_id: int) -> dict[str, Any]:
        track = await self.services.catalogue.ask(get_track, track_id)
        tags = await self.services.editor.read(track_id)
        return {"track_id": track_id, "format": track.format, "metadata": tags}
