"""The play queue: read in pages, edited by orders that are the same as those of WebSocket clients.

Every answer says the queue's revision, also as `ETag`. An edit that names one, in its body or in `If-Match`, is
refused where the queue has another by now. An edit is answered when it is written down, or cannot be for now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace
from quart import Response, request
from werkzeug.http import parse_etags

from auralis_trio.errors import Conflict
from auralis_trio.library.playlists import PlaylistText, create_playlist, get_playlist
from auralis_trio.library.queue_tracks import tracks_by_id
from auralis_trio.stream.ordering import carry_out
from auralis_trio.stream.player import Player
from auralis_trio.stream.queue_edits import Step
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import Limit, NoParameters, Offset, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.queue_orders import (
    AddTracks,
    Clear,
    MoveEntry,
    QueueFrom,
    QueueOrder,
    Redo,
    RemoveEntries,
    Reorder,
    Repeat,
    Revision,
    SetQueue,
    Shuffle,
    Undo,
)

ORDERS: dict[tuple[str, str], type[QueueOrder]] = {
    ("POST", ""): SetQueue,
    ("POST", "/from"): QueueFrom,
    ("POST", "/add"): AddTracks,
    ("POST", "/remove"): RemoveEntries,
    ("PUT", "/move"): MoveEntry,
    ("PUT", "/reorder"): Reorder,
    ("POST", "/clear"): Clear,
    ("POST", "/shuffle"): Shuffle,
    ("POST", "/repeat"): Repeat,
    ("POST", "/undo"): Undo,
    ("POST", "/redo"): Redo,
}
"""The orders that are a JSON body each, by where they are sent to."""


class Guarded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The revision that an edit was made for."""

    revision: Revision | None = None


class NewName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the playlist is to be called."""

    name: str
    description: str = ""


class QueueQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the queue. Edits move its entries: the revision tells whether two pages belong together."""

    limit: Limit = 50
    offset: Offset = 0


@dataclass(frozen=True)
class QueueApi:
    """What stands under `/api/player/queue`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        root = "/api/player/queue"
        return [
            Route("GET", root, self.queue),
            *(Route(method, root + path, partial(self.order, kind)) for (method, path), kind in ORDERS.items()),
            Route("DELETE", f"{root}/<int:entry_id>", self.remove_one),
            Route("GET", f"{root}/history", self.history),
            Route("POST", f"{root}/save", self.save),
        ]

    @property
    def player(self) -> Player:
        """The one player."""
        return self.services.sessions.player

    async def queue(self) -> Response:
        """A page of the queue, in the order in which it is played."""
        window = query(QueueQuery)
        some = self.player.queue.entries[window.offset : window.offset + window.limit]
        told = self.player.summary()
        tracks = await self.services.catalogue.ask(tracks_by_id, [entry.track_id for entry in some])
        items = [
            {"entry_id": each.id, "position": position, "track_id": each.track_id, "track": tracks.get(each.track_id)}
            for position, each in enumerate(some, window.offset)
        ]
        return _tagged({**told, "items": items, "offset": window.offset, "limit": window.limit})

    async def remove_one(self, entry_id: int) -> Response:
        """Take one entry out."""
        return await self._carry_out(RemoveEntries(entry_ids=(entry_id,), revision=query(Guarded).revision))

    async def order(self, kind: type[QueueOrder]) -> Response:
        """Carry out the order in the body."""
        return await self._carry_out(await body(kind))

    async def _carry_out(self, order: QueueOrder) -> Response:
        if (header := request.headers.get("If-Match")) is not None:
            order = _guarded(order, header, self.player.revision)
        made = await carry_out(order, self.player, self.services.catalogue)
        told = {**self.player.summary(), "entry_ids": [entry.id for entry in made]}
        await self.player.news.wait_written()
        return _tagged(told)

    async def history(self) -> Response:
        """The edits that can be taken back, and those that can be done again, the next one first."""
        query(NoParameters)
        history = self.player.history
        return _tagged({**self.player.summary(), "undo": _steps(history.done), "redo": _steps(history.undone)})

    async def save(self) -> Response:
        """Make a playlist of the queue."""
        wanted, entries = await body(NewName), self.player.queue.entries
        if not entries:
            raise Conflict("The queue is empty: put tracks into it first.", code="queue_empty")
        text = PlaylistText(name=wanted.name, description=wanted.description)
        revision, catalogue = self.player.revision, self.services.catalogue
        playlist_id = await catalogue.tell(create_playlist, text, [entry.track_id for entry in entries])
        self.services.hub.announce("library", "playlist_created", {"playlist_id": playlist_id})
        return json_response(
            {"playlist": await catalogue.ask(get_playlist, playlist_id), "revision": revision}, status=201
        )


def _steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [{"action": step.action, "total": len(step.queue.entries)} for step in reversed(steps)]


def _guarded(order: QueueOrder, header: str, revision: int) -> QueueOrder:
    """An order that counts for `revision` alone, if an `If-Match` header has its tag.

    Tags are compared weakly, for that of a page that travelled compressed is a weak one, and the revision says all.

    Raises:
        Conflict: it has not.
    """
    tags = parse_etags(header)
    if tags.star_tag:
        return order
    if not tags.contains_weak(str(revision)):
        raise Conflict("The queue has changed meanwhile: ask for it again.", code="stale_revision")
    return order if order.revision is not None else replace(order, revision=revision)


def _tagged(told: dict[str, Any]) -> Response:
    response = json_response(told)
    response.headers["ETag"] = f'"{told["revision"]}"'
    return response
