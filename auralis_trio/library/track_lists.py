"""Lists of tracks by any condition, in any allowed order: two statements each, one to count and one for the page.

Conditions and orders are SQL of this package with its values bound; nothing that was asked for becomes SQL itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.paging import Window, order_by
from auralis_trio.library.queries import TRACK_SORTS
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.store import Library

_RENAMED = {"artist": "artist_name", "album": "album_title", "format": "kind"}

TRACK_COLUMNS = ", ".join(f"track.{_RENAMED.get(name, name)}" for name in TrackRecord.__struct_fields__)

LIST_SORTS: Mapping[str, tuple[str, ...]] = {
    **TRACK_SORTS,
    "rating": ("rating",),
    "plays": ("play_count",),
    "last_played": ("last_played_ns",),
}
RANDOM = "random"
MAX_SEED = 2**31 - 1

# A prime, so that multiplying by anything but 0 only changes the order of the numbers below it.
_PRIME = 2_147_483_647


@dataclass(frozen=True)
class Selection:
    """Some of the tracks: a condition in SQL over `track`, and the values bound in it by name."""

    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)


EVERYTHING = Selection("TRUE")


def select_tracks(
    library: Library, selection: Selection, order: str, window: Window, at_most: int | None = None
) -> Page[TrackRecord]:
    """A page of the selected tracks, of which only the first `at_most` count.

    `order` comes from `track_order` or `random_order`.
    """
    wanted = window.limit if at_most is None else max(0, min(window.limit, at_most - window.offset))
    with library.reading():
        total = library.db.get(f"SELECT count(*) FROM track WHERE {selection.condition}", dict(selection.values))
        rows = library.db.select(
            f"SELECT {TRACK_COLUMNS} FROM track WHERE {selection.condition} ORDER BY {order}"
            " LIMIT $page_limit OFFSET $page_offset",
            {**selection.values, "page_limit": wanted, "page_offset": window.offset},
        )
    if at_most is not None:
        total = min(total, at_most)
    return Page(items=[track_record(row) for row in rows], total=total, offset=window.offset, limit=window.limit)


def track_record(row: Sequence[Any]) -> TrackRecord:
    """The record of a row of `TRACK_COLUMNS`."""
    values = dict(zip(TrackRecord.__struct_fields__, row, strict=True))
    return TrackRecord(**{**values, "missing": bool(values["missing"]), "favorite": bool(values["favorite"])})


def track_order(sort: str, sorts: Mapping[str, tuple[str, ...]] = LIST_SORTS) -> str:
    """The ORDER BY for a name of `sorts`, whose columns are those of `track`.

    Raises:
        InvalidRequest: the name is none of them, with `-` in front or without.
    """
    return order_by(sorts, sort, "track.")


def random_order(seed: int) -> str:
    """An order that looks random, and is the same for as long as the seed is, whatever is added meanwhile.

    Ids are scattered by multiplying and squaring modulo a prime; both databases reckon alike with whole numbers.

    Raises:
        InvalidRequest: the seed is out of range.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InvalidRequest(f"The seed is a number from 0 to {MAX_SEED}.")
    digest = hashlib.blake2b(seed.to_bytes(4, "little"), digest_size=16).digest()
    factor, offset = (int.from_bytes(part, "little") % (_PRIME - 1) + 1 for part in (digest[:8], digest[8:]))
    spread = f"((CAST(track.id AS BIGINT) * {factor} + {offset}) % {_PRIME})"
    return f"({spread} * {spread}) % {_PRIME}, track.id"
