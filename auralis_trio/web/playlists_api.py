"""Playlists: their lists, their entries, rules, and M3U in and out. Every change is told to all sessions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

import msgspec
from msgspec import Meta
from quart import Response

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.library.m3u import MEDIA_TYPE
from auralis_trio.library.playlist_entries import (
    IN_ORDER,
    MAX_AT_ONCE,
    EntryRecord,
    add_entries,
    clear_playlist,
    list_entries,
    move_entries,
    remove_entries,
)
from auralis_trio.library.playlist_files import ImportReport, export_playlist, import_playlist
from auralis_trio.library.playlists import (
    PlaylistRecord,
    PlaylistText,
    change_playlist,
    create_playlist,
    delete_playlist,
    get_playlist,
    list_playlists,
)
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.rule_fields import RuleFieldDescription, describe_fields
from auralis_trio.library.smart import SmartRules, evaluate
from auralis_trio.web.answers import Created, Media
from auralis_trio.web.query import Cursor, Limit, Offset, WindowQuery
from auralis_trio.web.routes import Route
from auralis_trio.web.security import Content
from auralis_trio.web.services import Services

Ids = Annotated[list[int], Meta(max_length=MAX_AT_ONCE)]
SomeIds = Annotated[list[int], Meta(min_length=1, max_length=MAX_AT_ONCE)]


class PlaylistsQuery(WindowQuery, frozen=True):
    """Which part of the playlists, in which order."""

    sort: str = "name"


class EntriesQuery(WindowQuery, frozen=True):
    """Which part of a playlist, in its own order or in another."""

    sort: str = IN_ORDER


class NewPlaylist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A playlist to be made: with tracks, or with rules."""

    name: str
    description: str = ""
    track_ids: Ids = []
    rules: SmartRules | None = None


class ChangedPlaylist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays."""

    name: str | None = None
    description: str | None = None
    rules: SmartRules | None = None


class Preview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules to be tried out, and which part of what they find is to be shown."""

    rules: SmartRules
    limit: Limit = 50
    offset: Offset = 0
    cursor: Cursor | None = None


class NewEntries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tracks to put in, from a position on; without one, at the end."""

    track_ids: SomeIds
    position: int | None = None


class MovedEntries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries to move, in the order in which they shall stand from `position` on."""

    entry_ids: SomeIds
    position: int


class Entries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries to take out."""

    entry_ids: SomeIds


class M3uFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A playlist to be made of an M3U's text; `folder` is where it lay, within or relative to a folder of music."""

    name: str
    text: str
    folder: Annotated[str, Meta(max_length=4096)] | None = None


class M3uQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same beside an M3U that is sent as it is; without a name, the list is called as it calls itself."""

    name: str | None = None
    folder: Annotated[str, Meta(max_length=4096)] | None = None


class RuleFields(TypedDict):
    """What rules can ask."""

    fields: list[RuleFieldDescription]


class DeletedPlaylist(TypedDict):
    """The playlist that is gone."""

    playlist_id: int


class ImportedPlaylist(ImportReport, frozen=True, kw_only=True):
    """The playlist that was made, and what was found of the file's entries."""

    playlist: PlaylistRecord


class AddedEntries(TypedDict):
    """The playlist as it is now, and its new entries."""

    playlist: PlaylistRecord
    entry_ids: list[int]


@dataclass(frozen=True)
class PlaylistsApi:
    """What stands under `/api/playlists`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        all_, one = "/api/playlists", "/api/playlists/<int:playlist_id>"
        return [
            Route("GET", all_, self.playlists),
            Route("POST", all_, self.create, raises=(Conflict, NotFound)),
            Route("GET", f"{all_}/fields", self.fields),
            Route("POST", f"{all_}/preview", self.preview, raises=(Conflict, NotFound)),
            Route("POST", f"{all_}/import", self.import_m3u, content=Content.PLAYLIST, raises=(NotFound,)),
            Route("GET", one, self.playlist),
            Route("PUT", one, self.change, raises=(Conflict, NotFound)),
            Route("DELETE", one, self.delete),
            Route("GET", f"{one}/export", self.export_m3u),
            Route("GET", f"{one}/tracks", self.tracks),
            Route("POST", f"{one}/tracks", self.add, raises=(Conflict, NotFound)),
            Route("DELETE", f"{one}/tracks", self.clear, raises=(Conflict, NotFound)),
            Route("PUT", f"{one}/tracks/reorder", self.move, raises=(Conflict, NotFound)),
            Route("POST", f"{one}/tracks/remove", self.remove, raises=(Conflict, NotFound)),
            Route("DELETE", f"{one}/entries/<int:entry_id>", self.remove_one, raises=(Conflict, NotFound)),
        ]

    async def playlists(self, query: PlaylistsQuery) -> Page[PlaylistRecord]:
        """A page of the playlists."""
        return await self.services.catalogue.ask(list_playlists, query.window, query.sort)

    async def create(self, body: NewPlaylist) -> Created[PlaylistRecord]:
        """Make a playlist."""
        text = PlaylistText(name=body.name, description=body.description, rules=body.rules)
        playlist_id = await self.services.catalogue.tell(create_playlist, text, body.track_ids)
        return Created(await self._told("playlist_created", playlist_id))

    async def fields(self) -> RuleFields:
        """What rules can ask."""
        return {"fields": describe_fields()}

    async def preview(self, body: Preview) -> Page[TrackRecord]:
        """A page of what rules would find."""
        window = WindowQuery(body.limit, body.offset, body.cursor).window
        return await self.services.catalogue.ask(evaluate, body.rules, window, time.time_ns())

    async def import_m3u(self, query: M3uQuery, body: M3uFile | bytes) -> Created[ImportedPlaylist]:
        """Make a playlist of an M3U: of its text within JSON, or of the bytes of the file."""
        wanted: M3uFile | M3uQuery = query
        if isinstance(body, bytes):
            data = body
        elif query == M3uQuery():
            wanted, data = body, body.text.encode()
        else:
            raise InvalidRequest("The name and the folder of a playlist in JSON stand in the JSON.")
        report = await self.services.catalogue.tell(
            import_playlist, wanted.name, data, self.services.settings.folders, wanted.folder
        )
        playlist = await self._told("playlist_created", report.playlist_id)
        return Created(ImportedPlaylist(playlist=playlist, **msgspec.structs.asdict(report)))

    async def playlist(self, playlist_id: int) -> PlaylistRecord:
        """One playlist."""
        return await self.services.catalogue.ask(get_playlist, playlist_id)

    async def change(self, playlist_id: int, body: ChangedPlaylist) -> PlaylistRecord:
        """Rename or describe a playlist, or give a smart one other rules."""
        text = PlaylistText(name=body.name, description=body.description, rules=body.rules)
        return await self._changed(change_playlist, playlist_id, text)

    async def delete(self, playlist_id: int) -> DeletedPlaylist:
        """Delete a playlist."""
        await self.services.catalogue.tell(delete_playlist, playlist_id)
        self._announce("playlist_deleted", playlist_id)
        return {"playlist_id": playlist_id}

    async def export_m3u(self, playlist_id: int) -> Annotated[Response, Media((MEDIA_TYPE,))]:
        """A playlist as M3U8."""
        name, data = await self.services.catalogue.ask(export_playlist, playlist_id, time.time_ns())
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.m3u8",
        }
        return Response(data, 200, headers, content_type=MEDIA_TYPE)

    async def tracks(self, playlist_id: int, query: EntriesQuery) -> Page[EntryRecord]:
        """A page of what is in a playlist."""
        return await self.services.catalogue.ask(list_entries, playlist_id, query.window, query.sort)

    async def add(self, playlist_id: int, body: NewEntries) -> Created[AddedEntries]:
        """Put tracks into a playlist."""
        entry_ids = await self.services.catalogue.tell(add_entries, playlist_id, body.track_ids, body.position)
        playlist = await self._told("playlist_updated", playlist_id)
        return Created(AddedEntries(playlist=playlist, entry_ids=entry_ids))

    async def clear(self, playlist_id: int) -> PlaylistRecord:
        """Take everything out of a playlist."""
        return await self._changed(clear_playlist, playlist_id)

    async def move(self, playlist_id: int, body: MovedEntries) -> PlaylistRecord:
        """Give entries of a playlist another place."""
        return await self._changed(move_entries, playlist_id, body.entry_ids, body.position)

    async def remove(self, playlist_id: int, body: Entries) -> PlaylistRecord:
        """Take entries out of a playlist."""
        return await self._changed(remove_entries, playlist_id, body.entry_ids)

    async def remove_one(self, playlist_id: int, entry_id: int) -> PlaylistRecord:
        """Take one entry out of a playlist."""
        return await self._changed(remove_entries, playlist_id, [entry_id])

    async def _changed(self, change: Callable[..., None], playlist_id: int, *args: Any) -> PlaylistRecord:
        await self.services.catalogue.tell(change, playlist_id, *args)
        return await self._told("playlist_updated", playlist_id)

    async def _told(self, kind: str, playlist_id: int) -> PlaylistRecord:
        self._announce(kind, playlist_id)
        return await self.services.catalogue.ask(get_playlist, playlist_id)

    def _announce(self, kind: str, playlist_id: int) -> None:
        self.services.hub.announce("library", kind, {"playlist_id": playlist_id})
