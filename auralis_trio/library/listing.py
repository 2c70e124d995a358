"""One page of any list out of the database: how many there are, and the ids and the cursor of the page.

What lies behind a place in an order is one run of rows for each of its keys: those that are alike up to it and behind
in it. Each run is one stretch of an index, so going on costs the same at any depth; the runs are asked for one behind
the other in one statement, and those that a full page does not need are not begun.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pony.orm import Database

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.paging import Key, Order, Place, Value, Window, read_cursor, write_cursor
from auralis_trio.library.records import Page

T = TypeVar("T")


@dataclass(frozen=True)
class Listing:
    """Some rows of `source` in an order: all for which `condition` holds with its `values`, at most `at_most`.

    `about` tells it from every other list in the same order. The last key of the order is the row's id.
    """

    source: str
    order: Order
    about: str
    condition: str = "TRUE"
    values: Mapping[str, Any] = field(default_factory=dict)
    at_most: int | None = None

    def place(self, window: Window) -> Place:
        """Where a page begins.

        Raises:
            InvalidRequest: the cursor belongs to another list.
        """
        if window.cursor is None:
            return Place(window.offset)
        return read_cursor(self.order, self.about, window.cursor)


@dataclass(frozen=True)
class Slice:
    """A page without its items: their `ids` in order, and what else a `Page` tells."""

    ids: Sequence[int]
    total: int
    offset: int
    limit: int
    next_cursor: str | None

    def page(self, items: Sequence[T]) -> Page[T]:
        """The page with its items."""
        return Page(items=items, total=self.total, offset=self.offset, limit=self.limit, next_cursor=self.next_cursor)


def read_slice(
    db: Database, listing: Listing, window: Window, total: int | None = None, place: Place | None = None
) -> Slice:
    """One page of a list, within a session; `total` and `place` are for callers that know them already.

    Raises:
        InvalidRequest: the cursor belongs to another list.
    """
    start = listing.place(window) if place is None else place
    if total is None:
        total = int(db.get(_counting(db, listing), dict(listing.values)))
    wanted = window.limit
    if listing.at_most is not None:
        total = min(total, listing.at_most)
        wanted = max(0, min(wanted, listing.at_most - start.given))
    rows = _rows_behind(db, listing, start, wanted)
    more = len(rows) > wanted > 0 and (listing.at_most is None or start.given + wanted < listing.at_most)
    rows = rows[:wanted]
    cursor = write_cursor(listing.order, listing.about, Place(start.given + wanted, rows[-1])) if more else None
    return Slice([row[-1] for row in rows], total, start.given, window.limit, cursor)


def _counting(db: Database, listing: Listing) -> str:
    everything = (listing.source, listing.condition) == ("track", "TRUE")
    if everything and Dialect(db.provider.dialect) is Dialect.POSTGRESQL:
        return "SELECT tracks FROM totals"
    return f"SELECT count(*) FROM {listing.source} WHERE {listing.condition}"


def rows_of(db: Database, sql: str, ids: Sequence[int]) -> list[Any]:
    """The row of `sql` for each of these ids, with which it begins, in their order; see `rows_within`."""
    found = {row[0]: row for row in rows_within(db, sql, ids)}
    return [found[one] for one in ids]


def rows_within(db: Database, sql: str, ids: Sequence[int]) -> list[Any]:
    """The rows of `sql`, in which `{ids}` stands for these ids.

    They are filled up to a power of two, so that the statement comes in few lengths.
    """
    slots = 1 << max(0, len(ids) - 1).bit_length()
    values = {f"id{at}": ids[at] if at < len(ids) else 0 for at in range(slots)}
    return list(db.select(sql.replace("{ids}", ", ".join(f"${name}" for name in values)), values))


def _rows_behind(db: Database, listing: Listing, start: Place, wanted: int) -> list[tuple[Any, ...]]:
    """The keys of the next rows: one more than `wanted`, to know whether there are more."""
    keys = listing.order.keys
    columns = ", ".join(key.column.sql for key in keys)
    skipped = 0 if start.values else start.given
    runs = [
        f"SELECT * FROM (SELECT {columns} FROM {listing.source} WHERE {listing.condition} AND {condition}"
        f" ORDER BY {by} LIMIT $run_limit) AS run{number}"
        for number, (condition, by) in enumerate(_runs(keys, start.values))
    ]
    values = {
        **listing.values,
        **{f"key{number}": value for number, value in enumerate(start.values)},
        "page_limit": wanted + 1,
        "page_offset": skipped,
        "run_limit": wanted + 1 + skipped,
    }
    # Both databases append the runs in the order in which they stand here.
    return list(db.select(" UNION ALL ".join(runs) + " LIMIT $page_limit OFFSET $page_offset", values))


def _runs(keys: Sequence[Key], values: Sequence[Value]) -> Iterator[tuple[str, str]]:
    """The condition and the ORDER BY of each run of rows behind `values`, or of all rows where there are none."""
    if not values:
        yield from _from_the_start(keys)
        return
    for level in reversed(range(len(keys))):
        if values[level] is None:
            continue  # nothing lies behind what is not known
        alike = [
            f"{key.column.sql} IS NULL" if values[at] is None else f"{key.column.sql} = $key{at}"
            for at, key in enumerate(keys[:level])
        ]
        key = keys[level]
        behind = f"{key.column.sql} {'<' if key.descending else '>'} $key{level}"
        yield " AND ".join([*alike, behind]), _by(keys[level:])
        if key.column.nullable:
            yield " AND ".join([*alike, f"{key.column.sql} IS NULL"]), _by(keys[level + 1 :], known=False)


def _from_the_start(keys: Sequence[Key]) -> Iterator[tuple[str, str]]:
    first = keys[0].column
    if not first.nullable:
        yield "TRUE", _by(keys)
        return
    yield f"{first.sql} IS NOT NULL", _by(keys)
    yield f"{first.sql} IS NULL", _by(keys[1:], known=False)


def _by(keys: Sequence[Key], known: bool = True) -> str:
    """An ORDER BY; with `known` there is a value for the first key in every row."""
    return ", ".join(key.by(known and at == 0) for at, key in enumerate(keys))
