"""Playlists: their lists, their entries, rules, and M3U in and out. Every change is told to all sessions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import Meta
from quart import Response, current_app, request

from auralis_trio.library.m3u import MEDIA_TYPE, MEDIA_TYPES
from auralis_trio.library.playlist_entries import (
    IN_ORDER,
    MAX_AT_ONCE,
    add_entries,
    clear_playlist,
    list_entries,
    move_entries,
    remove_entries,
)
from auralis_trio.library.playlist_files import export_playlist, import_playlist
from auralis_trio.library.playlists import (
    PlaylistText,
    change_playlist,
    create_playlist,
    delete_playlist,
    get_playlist,
    list_playlists,
)
from auralis_trio.library.rule_fields import describe_fields
from auralis_trio.library.smart import SmartRules, evaluate
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import (
    MAX_JSON_BYTES,
    Cursor,
    Limit,
    NoParameters,
    Offset,
    WindowQuery,
    body,
    query,
    read_body,
)
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


@dataclass(frozen=True)
class PlaylistsApi:
    """What stands under `/api/playlists`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        all_, one = "/api/playlists", "/api/playlists/<int:playlist_id>"
        return [
            Route("GET", all_, self.playlists),
            Route("POST", all_, self.create),
            Route("GET", f"{all_}/fields", self.fields),
            Route("POST", f"{all_}/preview", self.preview),
            Route("POST", f"{all_}/import", self.import_m3u, content=Content.PLAYLIST),
            Route("GET", one, self.playlist),
            Route("PUT", one, self.change),
            Route("DELETE", one, self.delete),
            Route("GET", f"{one}/export", self.export_m3u),
            Route("GET", f"{one}/tracks", self.tracks),
            Route("POST", f"{one}/tracks", self.add),
            Route("DELETE", f"{one}/tracks", self.clear),
            Route("PUT", f"{one}/tracks/reorder", self.move),
            Route("POST", f"{one}/tracks/remove", self.remove),
            Route("DELETE", f"{one}/entries/<int:entry_id>", self.remove_one),
        ]

    async def playlists(self) -> Response:
        """A page of the playlists."""
        page = query(PlaylistsQuery)
        return json_response(await self._ask(list_playlists, page.window, page.sort))

    async def create(self) -> Response:
        """Make a playlist."""
        wanted = await body(NewPlaylist)
        text = PlaylistText(name=wanted.name, description=wanted.description, rules=wanted.rules)
        playlist_id = await self.services.catalogue.tell(create_playlist, text, wanted.track_ids)
        return await self._told("playlist_created", playlist_id, status=201)

    async def fields(self) -> Response:
        """What rules can ask."""
        query(NoParameters)
        return json_response({"fields": describe_fields()})

    async def preview(self) -> Response:
        """A page of what rules would find."""
        wanted = await body(Preview)
        window = WindowQuery(wanted.limit, wanted.offset, wanted.cursor).window
        return json_response(await self._ask(evaluate, wanted.rules, window, time.time_ns()))

    async def import_m3u(self) -> Response:
        """Make a playlist of an M3U: of its text within JSON, or of the bytes of the file."""
        wanted: M3uFile | M3uQuery
        if request.mimetype in MEDIA_TYPES:
            wanted = query(M3uQuery)
            data = await read_body(current_app.config[MAX_JSON_BYTES])
        else:
            wanted = await body(M3uFile)
            data = wanted.text.encode()
        report = await self.services.catalogue.tell(
            import_playlist, wanted.name, data, self.services.settings.folders, wanted.folder
        )
        playlist = await self._ask(get_playlist, report.playlist_id)
        self._announce("playlist_created", report.playlist_id)
        return json_response({"playlist": playlist, **msgspec.structs.asdict(report)}, 201)

    async def playlist(self, playlist_id: int) -> Response:
        """One playlist."""
        query(NoParameters)
        return json_response(await self._ask(get_playlist, playlist_id))

    async def change(self, playlist_id: int) -> Response:
        """Rename or describe a playlist, or give a smart one other rules."""
        wanted = await body(ChangedPlaylist)
        text = PlaylistText(name=wanted.name, description=wanted.description, rules=wanted.rules)
        return await self._changed(change_playlist, playlist_id, text)

    async def delete(self, playlist_id: int) -> Response:
        """Delete a playlist."""
        query(NoParameters)
        await self.services.catalogue.tell(delete_playlist, playlist_id)
        self._announce("playlist_deleted", playlist_id)
        return json_response({"playlist_id": playlist_id})

    async def export_m3u(self, playlist_id: int) -> Response:
        """A playlist as M3U8."""
        query(NoParameters)
        name, data = await self._ask(export_playlist, playlist_id, time.time_ns())
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}.m3u8",
        }
        return Response(data, 200, headers, content_type=MEDIA_TYPE)

    async def tracks(self, playlist_id: int) -> Response:
        """A page of what is in a playlist."""
        page = query(EntriesQuery)
        return json_response(await self._ask(list_entries, playlist_id, page.window, page.sort))

    async def add(self, playlist_id: int) -> Response:
        """Put tracks into a playlist."""
        wanted = await body(NewEntries)
        entry_ids = await self.services.catalogue.tell(add_entries, playlist_id, wanted.track_ids, wanted.position)
        self._announce("playlist_updated", playlist_id)
        return json_response({"playlist": await self._ask(get_playlist, playlist_id), "entry_ids": entry_ids}, 201)

    async def clear(self, playlist_id: int) -> Response:
        """Take everything out of a playlist."""
        query(NoParameters)
        return await self._changed(clear_playlist, playlist_id)

    async def move(self, playlist_id: int) -> Response:
        """Give entries of a playlist another place."""
        wanted = await body(MovedEntries)
        return await self._changed(move_entries, playlist_id, wanted.entry_ids, wanted.position)

    async def remove(self, playlist_id: int) -> Response:
        """Take entries out of a playlist."""
        wanted = await body(Entries)
        return await self._changed(remove_entries, playlist_id, wanted.entry_ids)

    async def remove_one(self, playlist_id: int, entry_id: int) -> Response:
        """Take one entry out of a playlist."""
        query(NoParameters)
        return await self._changed(remove_entries, playlist_id, [entry_id])

    async def _ask(self, question: Callable[..., Any], *args: Any) -> Any:
        return await self.services.catalogue.ask(question, *args)

    async def _changed(self, change: Callable[..., None], playlist_id: int, *args: Any) -> Response:
        await self.services.catalogue.tell(change, playlist_id, *args)
        return await self._told("playlist_updated", playlist_id)

    async def _told(self, kind: str, playlist_id: int, status: int = 200) -> Response:
        self._announce(kind, playlist_id)
        return json_response(await self._ask(get_playlist, playlist_id), status)

    def _announce(self, kind: str, playlist_id: int) -> None:
        self.services.hub.announce("library", kind, {"playlist_id": playlist_id})
