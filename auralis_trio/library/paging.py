"""Which part of a list, and in which order: the same rules for every list there is.

A list is gone on with by the cursor of the page before, which holds what its last item was sorted by, and its id.
Whatever is added or goes meanwhile moves nothing else: what was there from the first page to the last comes exactly
once, and what was not, at most once. An offset counts from the start anew, and is for jumping.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from auralis_trio.errors import InvalidRequest

MAX_LIMIT = 500
MAX_OFFSET = 1_000_000_000
MAX_CURSOR_CHARS = 8_192

Value = str | int | float | None

_INTEGERS = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Window:
    """Which part of a list: `limit` items from `offset` on, or behind what `cursor` stands for.

    Raises:
        InvalidRequest: a number is out of range, or both an offset and a cursor are given.
    """

    limit: int = 50
    offset: int = 0
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidRequest(f"The limit is a number from 1 to {MAX_LIMIT}.")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise InvalidRequest(f"The offset is a number from 0 to {MAX_OFFSET}.")
        if self.cursor is not None and self.offset:
            raise InvalidRequest("A cursor says itself where to go on: leave the offset out.")


@dataclass(frozen=True)
class Column:
    """Something that a list can be sorted by: its SQL, what its values are, and whether one may not be known."""

    sql: str
    kind: type[str] | type[int] | type[float]
    nullable: bool = False


@dataclass(frozen=True)
class Key:
    """A column in one direction; what is not known comes last in either."""

    column: Column
    descending: bool = False

    def by(self, known: bool = False) -> str:
        """Its terms in ORDER BY, as they stand in an index; without the first where it is `known` in every row."""
        unknown_last = f"({self.column.sql} IS NULL), " if self.column.nullable and not known else ""
        return f"{unknown_last}{self.column.sql}{' DESC' if self.descending else ''}"

    def takes(self, value: Value) -> bool:
        """Whether `value` can be one of its values."""
        if value is None:
            return self.column.nullable
        if type(value) is not self.column.kind:
            return False
        if isinstance(value, str):
            return "\0" not in value
        return value in _INTEGERS if isinstance(value, int) else math.isfinite(value)


@dataclass(frozen=True)
class Order:
    """An order by its name: `keys`, of which the last is unique and always known."""

    name: str
    keys: tuple[Key, ...]

    @property
    def by(self) -> str:
        """The ORDER BY."""
        return ", ".join(key.by() for key in self.keys)


def order_by(sorts: Mapping[str, tuple[Column, ...]], sort: str, id_sql: str) -> Order:
    """The order for an allowed name: `-` turns its first column and the id, which breaks every tie.

    Raises:
        InvalidRequest: the name is none of `sorts`.
    """
    columns = sorts.get(sort.removeprefix("-"))
    if columns is None:
        raise InvalidRequest(f"The list can be sorted by {', '.join(sorts)}, each with - in front for descending.")
    turned = sort.startswith("-")
    first, *rest = columns
    return Order(sort, (Key(first, turned), *map(Key, rest), Key(Column(id_sql, int), turned)))


class _Written(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A cursor inside: a sum of the list that it belongs to, how much was given before, and the last item's keys."""

    belongs: bytes
    given: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Place:
    """A place in a list: behind the item with these `values`, before which and with which `given` came."""

    given: int
    values: Sequence[Any] = ()


def write_cursor(order: Order, about: str, place: Place) -> str:
    """A cursor for going on at `place` of the list that is `about` something, in this order."""
    written = msgspec.msgpack.encode(_Written(_sum(order, about), place.given, tuple(place.values)))
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


def read_cursor(order: Order, about: str, cursor: str) -> Place:
    """What `write_cursor` wrote.

    Raises:
        InvalidRequest: it is none, or belongs to another list or order; its code is `invalid_cursor`.
    """
    if len(cursor) > MAX_CURSOR_CHARS:
        raise invalid_cursor()
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        written = msgspec.msgpack.decode(data, type=_Written)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise invalid_cursor() from None
    values = written.values
    fits = len(values) == len(order.keys) and all(map(Key.takes, order.keys, values))
    if not fits or written.belongs != _sum(order, about) or not 0 <= written.given <= MAX_OFFSET:
        raise invalid_cursor()
    return Place(written.given, values)


def _sum(order: Order, about: str) -> bytes:
    return hashlib.blake2b(f"{order.name}\0{about}".encode("utf-8", "replace"), digest_size=8).digest()


def invalid_cursor() -> InvalidRequest:
    """What is raised where a cursor cannot be used."""
    return InvalidRequest(
        "This cursor belongs to another list, order or search. Ask for the first page without one.",
        code="invalid_cursor",
    )
