"""Asking the index of words: how many tracks a query finds, and a page of their ids.

Few finds are ranked by how much each tells (bm25 on SQLite, ts_rank on PostgreSQL). Among more than `MAX_RANKED` such
a rank says little and takes long. They come by the fields that they were found in: first those with every word in the
title, then in title or artist, and so on; within these the oldest of the library first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pony.orm import Database

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.listing import Slice
from auralis_trio.library.paging import Column, Key, Order, Place, Window, invalid_cursor, read_cursor, write_cursor
from auralis_trio.library.query_language import COLUMNS, Query
from auralis_trio.library.search_terms import match_beyond, match_of, tsquery_beyond, tsquery_of

MAX_RANKED = 2_000

_REACHES = range(1, len(COLUMNS) + 1)
_TELLING = len(COLUMNS) - 1
"""All columns but the lyrics."""

_ORDER = Order("relevance", (Key(Column("reach", int)), Key(Column("track_id", int))))
_IN_RANKS = 0
"""What a cursor has in the place of a reach where finds are ranked; and the newest track then, for the last one."""


@dataclass(frozen=True)
class Found:
    """How many tracks a query finds, the `newest` track of all, and the `ids` of few, as PostgreSQL writes them.

    To look these up is less work than to find them once more, above all where the index knows the words but not
    their order.
    """

    total: int
    newest: int
    ids: str | None


@dataclass(frozen=True)
class _Index:
    """What one database understands: which ids match `$query`, their rank, and how a query is written for it.

    `few` are the ids of all that match where these are at most `$most`, `beyond` is the query for what one more field
    finds, and `in_order` brings its finds into the order of their ids.
    """

    matches: str
    track_id: str
    in_order: str
    few: str
    ranked: str
    written: Callable[[Query, int], str]
    beyond: Callable[[Query, int], str]

    def count(self, name: str) -> str:
        """A query in brackets that counts what `$name` finds."""
        return f"(SELECT count(*) FROM track_search WHERE {self.matches.format(query=name)})"

    def look_up(self) -> str:
        """A query for the values of `Found` for `$query`."""
        newest = "(SELECT coalesce(max(id), 0) FROM track)"
        return f"SELECT count(*), {newest}, {self.few} FROM track_search WHERE {self.matches.format(query='$query')}"

    def among(self, found: Found) -> str:
        """A condition on the ids in the index: they are among those found."""
        return self.matches.format(query="$query") if found.ids is None else f"{self.track_id} {_OF_THESE}"

    def part(self, reach: int, first: bool) -> str:
        """A part of the page that `_by_field` puts together; the first may begin in the middle of its finds."""
        where = self.matches.format(query=f"$query{reach}") + (f" AND {self.track_id} > $after" if first else "")
        by, skipped = self.track_id if reach == 1 else self.in_order, " OFFSET $skipped" if first else ""
        return f"""SELECT * FROM (SELECT {reach} AS reach, {self.track_id} AS track_id FROM track_search WHERE {where}
            ORDER BY {by} LIMIT $limit{skipped}) AS part{reach}"""


_OF_THESE = "= ANY (CAST($ids AS INTEGER[]))"

_FTS5 = _Index(
    matches="track_search MATCH {query}",
    track_id="rowid",
    in_order="rowid",
    few="NULL",
    ranked="""SELECT rowid FROM track_search
        WHERE {found} AND rank MATCH 'bm25(10.0, 6.0, 4.0, 2.0, 1.0, 0.0)' AND rowid <= $newest
        ORDER BY rank, rowid LIMIT $limit OFFSET $offset""",
    written=match_of,
    beyond=match_beyond,
)
_TSVECTOR = _Index(
    matches="words @@ CAST({query} AS TSQUERY)",
    track_id="track_id",
    in_order="track_id + 0",  # rather than by its index, which means to read the words of each track
    few="CASE WHEN count(*) <= $most THEN coalesce(CAST(array_agg(track_id) AS TEXT), '{}') END",
    ranked="""SELECT track_id FROM track_search WHERE {found} AND track_id <= $newest
        ORDER BY ts_rank('{{0.2, 0.4, 0.6, 1.0}}', words, CAST($telling AS TSQUERY))
            + 0.05 * ts_rank(words, CAST($query AS TSQUERY)) DESC, track_id
        LIMIT $limit OFFSET $offset""",
    written=tsquery_of,
    beyond=tsquery_beyond,
)


def look_up(db: Database, query: Query) -> Found:
    """What the query finds, at first."""
    index = _index(db)
    if index is _TSVECTOR:
        db.execute("SET LOCAL enable_seqscan TO off")  # it takes words that lie apart to be at hand
    return Found(*db.get(index.look_up(), {"query": index.written(query, len(COLUMNS)), "most": MAX_RANKED}))


def where_found(db: Database, query: Query, found: Found, skipped: int) -> tuple[str, dict[str, Any]]:
    """A condition on `track.id` and its values: it is one of those found, of which a page skips so many.

    Where they are many, the database goes through the tracks in their order until a page is full, rather than looking
    up all finds only to sort them. A plus leads SQLite to that. PostgreSQL is asked of each track whether its words
    fit, or where many are skipped, whether it is among the finds, which "is true" leads it to look up once.
    """
    index = _index(db)
    if found.ids is not None:
        return f"track.id {_OF_THESE}", {"ids": found.ids}
    values = {"query": index.written(query, len(COLUMNS))}
    matches = index.matches.format(query="$query")
    is_found = f"track.id IN (SELECT {index.track_id} FROM track_search WHERE {matches})"
    if index is _FTS5:
        return f"{'+' if found.total > MAX_RANKED else ''}{is_found}", values
    if skipped > MAX_RANKED:
        return f"({is_found}) IS TRUE", values
    return f"(SELECT {matches} FROM track_search WHERE track_search.track_id = track.id)", values


def where_any_found(db: Database, query: Query) -> tuple[str, dict[str, Any]]:
    """The same where the order of the tracks means nothing: all finds are looked up."""
    index = _index(db)
    matches = index.matches.format(query="$query")
    found = f"track.id IN (SELECT {index.track_id} FROM track_search WHERE {matches})"
    return found, {"query": index.written(query, len(COLUMNS))}


def found_slice(db: Database, query: Query, window: Window, about: str) -> Slice:
    """A page of what the query finds, the most telling first; `about` tells the search from others.

    Where finds are ranked a cursor counts on among those that were there at its first page: what is added meanwhile
    is left out and moves nothing, but a change of the library's words can still change a rank. Where they are not, it
    goes on behind the last find.

    Raises:
        InvalidRequest: the window's cursor belongs to another search.
    """
    those = look_up(db, query)
    start = Place(window.offset) if window.cursor is None else read_cursor(_ORDER, about, window.cursor)
    if start.values and start.values[0] not in (_IN_RANKS, *_REACHES):
        raise invalid_cursor()
    if start.values[0] == _IN_RANKS if start.values else those.total <= MAX_RANKED:
        found = _ranked(db, query, those, start, window.limit + 1)
    else:
        found = _by_field(db, query, start, window.limit + 1)
    rows = found[: window.limit]
    more = len(found) > window.limit
    cursor = write_cursor(_ORDER, about, Place(start.given + window.limit, rows[-1][:2])) if more else None
    return Slice([row[2] for row in rows], those.total, start.given, window.limit, cursor)


def _ranked(db: Database, query: Query, those: Found, start: Place, limit: int) -> list[tuple[int, int, int]]:
    """The next finds by rank; each with what a cursor behind it holds: the newest track at the first page."""
    newest = start.values[1] if start.values else those.newest
    index = _index(db)
    values = {
        "query": index.written(query, len(COLUMNS)),
        "ids": those.ids,
        "telling": index.written(query, _TELLING),
        "newest": newest,
        "limit": limit,
        "offset": start.given,
    }
    return [
        (_IN_RANKS, newest, track_id) for track_id in db.select(index.ranked.format(found=index.among(those)), values)
    ]


def _by_field(db: Database, query: Query, start: Place, limit: int) -> list[tuple[int, int, int]]:
    """The next finds within one field, two, … one behind the other; each with what a cursor behind it holds."""
    index = _index(db)
    first, after, skipped = (*start.values, 0) if start.values else _jump(db, query, start.given)
    values: dict[str, Any] = {f"query{reach}": index.beyond(query, reach) for reach in _REACHES}
    values |= {"after": after, "skipped": skipped, "limit": limit}
    parts = [index.part(reach, reach == first) for reach in _REACHES if reach >= first]
    # Both databases append the parts in the order in which they stand here, and begin none that is not needed.
    rows = db.select(" UNION ALL ".join(parts) + " LIMIT $limit", values)
    return [(reach, track_id, track_id) for reach, track_id in rows]


def _jump(db: Database, query: Query, offset: int) -> tuple[int, int, int]:
    """The fields within which the find at `offset` is found, and how many of these come before it."""
    if offset == 0:
        return 1, 0, 0
    index = _index(db)
    counting = "SELECT " + ", ".join(index.count(f"$query{reach}") for reach in _REACHES)
    counts = db.get(counting, {f"query{reach}": index.written(query, reach) for reach in _REACHES})
    for reach, before, upto in zip(_REACHES, (0, *counts), counts, strict=False):
        if offset < upto:
            return reach, 0, offset - before
    return _REACHES[-1], 0, offset


def _index(db: Database) -> _Index:
    return _FTS5 if Dialect(db.provider.dialect) is Dialect.SQLITE else _TSVECTOR
