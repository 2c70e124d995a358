"""The tags of tracks: what they say, what can be written, single and batch edits, and undoing them."""

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import UNSET, Meta, UnsetType

from auralis_trio.audio.formats import format_named
from auralis_trio.errors import Conflict, InvalidRequest, NotFound, OutputError, SourceError, WorkerDied
from auralis_trio.jobs.editor import MAX_FILES
from auralis_trio.library.queries import get_track
from auralis_trio.library.records import Page, Tags
from auralis_trio.library.tag_changes import TagFieldDescription, describe_fields
from auralis_trio.library.tag_fields import EDITABLE
from auralis_trio.library.tag_journal import EditRecord, list_edits
from auralis_trio.web.query import WindowQuery
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services

EDIT_ERRORS = (NotFound, Conflict, SourceError, OutputError, WorkerDied)
"""What comes of an edit that is not made, or not to its end."""

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


class TrackTags(TypedDict):
    """What a track's file says of itself."""

    track_id: int
    format: str
    metadata: Tags


class EditedTags(TrackTags):
    """The same after an edit."""

    edit_id: int
    updated_fields: list[str]


class EditableFields(TypedDict):
    """The fields that there are, and whether any can be written into this file."""

    track_id: int
    format: str
    editable: bool
    fields: list[TagFieldDescription]


class EditedTracks(TypedDict):
    """An edit of several tracks."""

    edit_id: int
    track_ids: list[int]


class UndoneEdit(TypedDict):
    """The edit that took another back, and that one."""

    edit_id: int
    undone: int


@dataclass(frozen=True)
class MetadataApi:
    """What stands under `/api/metadata`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        track = "/api/metadata/tracks/<int:track_id>"
        return [
            Route("GET", track, self.metadata, raises=(SourceError, WorkerDied)),
            Route("GET", f"{track}/fields", self.fields),
            Route("PUT", track, self.edit, body=TrackChanges, raises=EDIT_ERRORS),
            Route("POST", "/api/metadata/batch", self.edit_batch, raises=EDIT_ERRORS),
            Route("GET", "/api/metadata/edits", self.edits),
            Route("POST", "/api/metadata/undo/<int:edit_id>", self.undo, raises=EDIT_ERRORS),
        ]

    async def metadata(self, track_id: int) -> TrackTags:
        """What a track's file says of itself, as it was last read from the file itself."""
        return await self._metadata(track_id)

    async def fields(self, track_id: int) -> EditableFields:
        """Which fields can be written into a track's file, and what each takes."""
        track = await self.services.catalogue.ask(get_track, track_id)
        editable = format_named(track.format).tag and await self.services.editor.allows(track_id)
        return {"track_id": track_id, "format": track.format, "editable": editable, "fields": describe_fields()}

    async def edit(self, track_id: int, body: msgspec.Struct) -> EditedTags:
        """Write some fields of one track."""
        asked = msgspec.to_builtins(body)
        edit_id = await self.services.editor.edit({track_id: asked})
        answer = await self._metadata(track_id)
        return {"edit_id": edit_id, "updated_fields": sorted(asked), **answer}

    async def edit_batch(self, body: Batch) -> EditedTracks:
        """Write some fields of several tracks, all or none."""
        updates = {update.track_id: update.metadata for update in body.updates}
        if len(updates) < len(body.updates):
            raise InvalidRequest("Each track can stand in a batch once.")
        edit_id = await self.services.editor.edit(updates)
        return {"edit_id": edit_id, "track_ids": list(updates)}

    async def edits(self, query: WindowQuery) -> Page[EditRecord]:
        """A page of the edits, the latest first."""
        return await self.services.catalogue.ask(list_edits, query.window)

    async def undo(self, edit_id: int) -> UndoneEdit:
        """Give the files of an edit back as they were, which is an edit itself."""
        return {"edit_id": await self.services.editor.undo(edit_id), "undone": edit_id}

    async def _metadata(self, track_id: int) -> TrackTags:
        track = await self.services.catalogue.ask(get_track, track_id)
        tags = await self.services.editor.read(track_id)
        return {"track_id": track_id, "format": track.format, "metadata": tags}
