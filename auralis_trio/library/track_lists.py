"""Lists of tracks by any condition, in any allowed order: a statement to count, one for the page, one for its tracks.

Conditions and orders are SQL of this package with its values bound; nothing that was asked for becomes SQL itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.listing import Listing, read_slice
from auralis_trio.library.paging import Column, Key, Order, Window, order_by
from auralis_trio.library.queries import TRACK_SORTS, tracks_of
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.store import Library

RANDOM = "random"
MAX_SEED = 2**31 - 1

# A prime, so that multiplying by anything but 0 only changes the order of the numbers below it.
_PRIME = 2_147_483_647


@dataclass(frozen=True)
class Selection:
    """Some of the tracks: a condition in SQL over `track`, and the values bound in it by name.

    `about` is what tells it from others, for as long as a list of it is read.
    """

    about: str
    condition: str = "TRUE"
    values: Mapping[str, Any] = field(default_factory=dict)


def select_tracks(
    library: Library, selection: Selection, order: Order, window: Window, at_most: int | None = None
) -> Page[TrackRecord]:
    """A page of the selected tracks, of which only the first `at_most` count.

    `order` comes from `track_order` or `random_order`.

    Raises:
        InvalidRequest: the window's cursor belongs to another list.
    """
    listing = Listing("track", order, selection.about, selection.condition, selection.values, at_most)
    with library.reading():
        found = read_slice(library.db, listing, window)
        return found.page(tracks_of(library, found.ids))


def track_order(sort: str, sorts: Mapping[str, tuple[Column, ...]] = TRACK_SORTS) -> Order:
    """The order for a name of `sorts`, whose columns are those of `track`.

    Raises:
        InvalidRequest: the name is none of them, with `-` in front or without.
    """
    return order_by(sorts, sort, "track.id")


def random_order(seed: int) -> Order:
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
    scattered = Column(f"(({spread} * {spread}) % {_PRIME})", int)
    return Order(f"{RANDOM} {seed}", (Key(scattered), Key(Column("track.id", int))))
