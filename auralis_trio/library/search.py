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

MAX_RANKED = 5_000

_REACHES = range(1, len(COLUMNS) + 1)
_TELLING = len(COLUMNS) - 1
"""All columns but the lyrics."""

_ORDER = Order("relevance", (Key(Column("reach", int)), Key(Column("track_id", int))))
_IN_RANKS = 0
"""What a cursor has in the place of a reach where finds are ranked; and the newest track then, for the last one."""


@dataclass(frozen=True)
class _Index:
    """What one database understands: which ids match `$query`, their rank, and how a query is written for it.

    `beyond` is the query for what one more field finds.
    """

    matches: str
    track_id: str
    ranked: str
    written: Callable[[Query, int], str]
    beyond: Callable[[Query, int], str]

    def count(self, name: str) -> str:
        """A query in brackets that counts what `$name` finds."""
        return f"(SELECT count(*) FROM track_search WHERE {self.matches.format(query=name)})"

    def part(self, reach: int, first: bool) -> str:
        """A part of the page that `_by_field` puts together; the first may begin in the middle of its finds."""
        where = self.matches.format(query=f"$query{reach}") + (f" AND {self.track_id} > $after" if first else "")
        return f"""SELECT * FROM (SELECT {reach} AS reach, {self.track_id} AS track_id FROM track_search WHERE {where}
            ORDER BY {self.track_id} LIMIT $limit{" OFFSET $skipped" if first else ""}) AS part{reach}"""


_FTS5 = _Index(
    matches="track_search MATCH {query}",
    track_id="rowid",
    ranked="""SELECT rowid FROM track_search
        WHERE track_search MATCH $query AND rank MATCH 'bm25(10.0, 6.0, 4.0, 2.0, 1.0, 0.0)' AND rowid <= $newest
        ORDER BY rank, rowid LIMIT $limit OFFSET $offset""",
    written=match_of,
    beyond=match_beyond,
)
_TSVECTOR = _Index(
    matches="words @@ CAST({query} AS TSQUERY)",
    track_id="track_id",
    ranked="""SELECT track_id FROM track_search WHERE words @@ CAST($query AS TSQUERY) AND track_id <= $newest
        ORDER BY ts_rank('{0.2, 0.4, 0.6, 1.0}', words, CAST($telling AS TSQUERY))
            + 0.05 * ts_rank(words, CAST($query AS TSQUERY)) DESC, track_id
        LIMIT $limit OFFSET $offset""",
    written=tsquery_of,
    beyond=tsquery_beyond,
)


def count_found(db: Database, query: Query) -> int:
    """How many tracks the query finds."""
    return int(db.get(f"SELECT {_index(db).count('$query')}", {"query": written(db, query)}))


def where_found(db: Database, total: int = 0) -> str:
    """A condition on `track.id`, for `$query` as `written` gives it; `total` is how many it finds.

    Where they are many and wanted in an order, the database goes through the tracks in their order until a page is full, rather than looking
    up all finds only to sort them. A plus leads SQLite to that; PostgreSQL is asked of each track whether it fits.
    """
    index = _index(db)
    matches = index.matches.format(query="$query")
    if total > MAX_RANKED and index is _TSVECTOR:
        return f"(SELECT {matches} FROM track_search WHERE track_search.track_id = track.id)"
    plus = "+" if total > MAX_RANKED else ""
    return f"{plus}track.id IN (SELECT {index.track_id} FROM track_search WHERE {matches})"


def written(db: Database, query: Query) -> str:
    """The query as this database wants it."""
    return _index(db).written(query, len(COLUMNS))


def found_slice(db: Database, query: Query, window: Window, about: str) -> Slice:
    """A page of what the query finds, the most telling first; `about` tells the search from others.

    Where finds are ranked a cursor counts on among those that were there at its first page: what is added meanwhile
    is left out and moves nothing, but a change of the library's words can still change a rank. Where they are not, it
    goes on behind the last find.

    Raises:
        InvalidRequest: the window's cursor belongs to another search.
    """
    total = count_found(db, query)
    start = Place(window.offset) if window.cursor is None else read_cursor(_ORDER, about, window.cursor)
    if start.values and start.values[0] not in (_IN_RANKS, *_REACHES):
        raise invalid_cursor()
    in_ranks = start.values[0] == _IN_RANKS if start.values else total <= MAX_RANKED
    found = (_ranked if in_ranks else _by_field)(db, query, start, window.limit + 1)
    rows = found[: window.limit]
    more = len(found) > window.limit
    cursor = write_cursor(_ORDER, about, Place(start.given + window.limit, rows[-1][:2])) if more else None
    return Slice([row[2] for row in rows], total, start.given, window.limit, cursor)


def _ranked(db: Database, query: Query, start: Place, limit: int) -> list[tuple[int, int, int]]:
    """The next finds by rank; each with what a cursor behind it holds: the newest track at the first page."""
    newest = start.values[1] if start.values else db.get("SELECT coalesce(max(id), 0) FROM track")
    index = _index(db)
    values = {
        "query": written(db, query),
        "telling": index.written(query, _TELLING),
        "newest": newest,
        "limit": limit,
        "offset": start.given,
    }
    return [(_IN_RANKS, newest, track_id) for track_id in db.select(index.ranked, values)]


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
