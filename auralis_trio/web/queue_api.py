"""The play queue: read in pages, edited by orders that are the same as those of WebSocket clients.

Every answer says the queue's revision, also as `ETag`. An edit that names one, in its body or in `If-Match`, is
refused where the queue has another by now. An edit is answered when it is written down, or cannot be for now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, TypeVar

import msgspec
from msgspec.structs import replace
from quart import request
from werkzeug.http import parse_etags

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.library.playlists import PlaylistRecord, PlaylistText, create_playlist, get_playlist
from auralis_trio.library.queue_tracks import tracks_by_id
from auralis_trio.library.records import TrackRecord
from auralis_trio.stream.ordering import carry_out
from auralis_trio.stream.play_queue import queue_changed, queue_empty
from auralis_trio.stream.player import Player
from auralis_trio.stream.queue_edits import Step
from auralis_trio.stream.telling import QueueEntry, QueueSummary
from auralis_trio.web.answers import Created, Told
from auralis_trio.web.query import Limit, Offset
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


EDIT_ERRORS = (Conflict, NotFound)
"""What comes of an edit that does not fit the queue, or names what is not there."""


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


class QueueItem(QueueEntry):
    """One place in the queue with its track; null where the library has it no more."""

    position: int
    track: TrackRecord | None


class QueuePage(QueueSummary):
    """A page of the queue."""

    items: list[QueueItem]
    offset: int
    limit: int


class QueueEdited(QueueSummary):
    """What the queue is like now, and the entries that the edit made."""

    entry_ids: list[int]


class QueueStep(TypedDict):
    """An edit, and how many entries there are on the other side of it."""

    action: str
    total: int


class QueueHistory(QueueSummary):
    """The edits that can be taken back, and those that can be done again, the next one first."""

    undo: list[QueueStep]
    redo: list[QueueStep]


class SavedQueue(TypedDict):
    """The playlist that was made, and the revision of the queue that it has."""

    playlist: PlaylistRecord
    revision: int


Q = TypeVar("Q", QueuePage, QueueEdited, QueueHistory)


@dataclass(frozen=True)
class QueueApi:
    """What stands under `/api/player/queue`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        root = "/api/player/queue"
        return [
            Route("GET", root, self.queue),
            *(
                Route(method, root + path, self.order, body=kind, raises=EDIT_ERRORS)
                for (method, path), kind in ORDERS.items()
            ),
            Route("DELETE", f"{root}/<int:entry_id>", self.remove_one, raises=EDIT_ERRORS),
            Route("GET", f"{root}/history", self.history),
            Route("POST", f"{root}/save", self.save, raises=(Conflict,)),
        ]

    @property
    def player(self) -> Player:
        """The one player."""
        return self.services.sessions.player

    async def queue(self, query: QueueQuery) -> Told[QueuePage]:
        """A page of the queue, in the order in which it is played."""
        some = self.player.queue.entries[query.offset : query.offset + query.limit]
        told = self.player.summary()
        tracks = await self.services.catalogue.ask(tracks_by_id, [entry.track_id for entry in some])
        items = [
            QueueItem(entry_id=each.id, position=position, track_id=each.track_id, track=tracks.get(each.track_id))
            for position, each in enumerate(some, query.offset)
        ]
        return _tagged(QueuePage(**told, items=items, offset=query.offset, limit=query.limit))

    async def remove_one(self, entry_id: int, query: Guarded) -> Told[QueueEdited]:
        """Take one entry out."""
        return await self._carry_out(RemoveEntries(entry_ids=(entry_id,), revision=query.revision))

    async def order(self, body: QueueOrder) -> Told[QueueEdited]:
        """Carry out the order in the body."""
        return await self._carry_out(body)

    async def _carry_out(self, order: QueueOrder) -> Told[QueueEdited]:
        if (header := request.headers.get("If-Match")) is not None:
            order = _guarded(order, header, self.player.revision)
        made = await carry_out(order, self.player, self.services.catalogue)
        told = QueueEdited(**self.player.summary(), entry_ids=[entry.id for entry in made])
        await self.player.news.wait_written()
        return _tagged(told)

    async def history(self) -> Told[QueueHistory]:
        """The edits that can be taken back, and those that can be done again, the next one first."""
        history = self.player.history
        return _tagged(QueueHistory(**self.player.summary(), undo=_steps(history.done), redo=_steps(history.undone)))

    async def save(self, body: NewName) -> Created[SavedQueue]:
        """Make a playlist of the queue."""
        entries = self.player.queue.entries
        if not entries:
            raise queue_empty()
        text = PlaylistText(name=body.name, description=body.description)
        revision, catalogue = self.player.revision, self.services.catalogue
        playlist_id = await catalogue.tell(create_playlist, text, [entry.track_id for entry in entries])
        self.services.hub.announce("library", "playlist_created", {"playlist_id": playlist_id})
        playlist = await catalogue.ask(get_playlist, playlist_id)
        return Created(SavedQueue(playlist=playlist, revision=revision))


def _steps(steps: Sequence[Step]) -> list[QueueStep]:
    return [QueueStep(action=step.action, total=len(step.queue.entries)) for step in reversed(steps)]


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
        raise queue_changed()
    return order if order.revision is not None else replace(order, revision=revision)


def _tagged(told: Q) -> Told[Q]:
    return Told(told, {"ETag": f'"{told["revision"]}"'})
