"""Every edit of the play queue, as WebSocket messages (`queue`) and HTTP bodies say it: one record for each action.

An order may name the `revision` of the queue that it was made for; where the queue has another by now, the order is
refused, so that nobody overwrites what somebody else has done meanwhile.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from auralis_trio.wire.wishes import Id

MAX_ENTRIES = 10_000
"""How long a play queue can be."""

MAX_SEED = 2**31 - 1

RepeatMode = Literal["off", "one", "all"]
TrackIds = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_ENTRIES)]
EntryIds = Annotated[tuple[Id, ...], Meta(max_length=MAX_ENTRIES)]
Index = Annotated[int, Meta(ge=0, le=MAX_ENTRIES)]
Revision = Annotated[int, Meta(ge=0, le=2**53)]


class _Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", forbid_unknown_fields=True):
    """What all orders share."""

    revision: Revision | None = None

    @property
    def action(self) -> str:
        """The order's name."""
        return str(self.__struct_config__.tag)


class SetQueue(_Order, frozen=True, kw_only=True, tag="set"):
    """Have these tracks and no others, and be at the one at `start_index`."""

    track_ids: TrackIds
    start_index: Index = 0


class QueueFrom(_Order, frozen=True, kw_only=True, tag="from"):
    """The same with the tracks of an album, an artist or a playlist: exactly one of them."""

    album_id: Id | None = None
    artist_id: Id | None = None
    playlist_id: Id | None = None
    start_index: Index = 0


class AddTracks(_Order, frozen=True, kw_only=True, tag="add"):
    """Put tracks in: at a position, behind the current entry if `next`, otherwise at the end."""

    track_ids: TrackIds
    position: Index | None = None
    next: bool = False


class RemoveEntries(_Order, frozen=True, kw_only=True, tag="remove"):
    """Take entries out."""

    entry_ids: Annotated[EntryIds, Meta(min_length=1)]


class MoveEntry(_Order, frozen=True, kw_only=True, tag="move"):
    """Give an entry the place that is at `to_index` once it has been moved."""

    entry_id: Id
    to_index: Index


class Reorder(_Order, frozen=True, kw_only=True, tag="reorder"):
    """Have all entries in this order; each is named once."""

    entry_ids: EntryIds


class Clear(_Order, frozen=True, kw_only=True, tag="clear"):
    """Take everything out."""


class Shuffle(_Order, frozen=True, kw_only=True, tag="shuffle"):
    """Play in an order by chance, or in the one from before it.

    The current entry comes first; the others follow in an order that depends on the one before and `seed` alone.
    """

    enabled: bool
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] | None = None


class Repeat(_Order, frozen=True, kw_only=True, tag="repeat"):
    """Play one entry or all of them again and again, or not."""

    mode: RepeatMode


class Undo(_Order, frozen=True, kw_only=True, tag="undo"):
    """Take back the last edit."""


class Redo(_Order, frozen=True, kw_only=True, tag="redo"):
    """Do again what was taken back last."""


Edit = SetQueue | AddTracks | RemoveEntries | MoveEntry | Reorder | Clear | Shuffle | Repeat | Undo | Redo
"""What a queue can carry out as it is."""

QueueOrder = Edit | QueueFrom
"""What clients say."""
