"""Asking the index of words: how many tracks a query finds, and a page of their ids.

Few finds are ranked by how much each tells (bm25 on SQLite, ts_rank on PostgreSQL). Among more than `MAX_RANKED` such
a rank says little and takes long. They come by the fields that they were found in: first those with every word in the
title, then in title or artist, and so on; within these the oldest of the library first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pony.orm import Database

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.query_language import COLUMNS, Query
from auralis_trio.library.search_terms import match_beyond, match_of, tsquery_beyond, tsquery_of

MAX_RANKED = 5_000

_REACHES = range(1, len(COLUMNS) + 1)
_TELLING = len(COLUMNS) - 1
"""All columns but the lyrics."""


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

    def part(self, reach: int) -> str:
        """A part of the page that `_by_field` puts together."""
        where = self.matches.format(query=f"$query{reach}")
        return f"""SELECT * FROM (SELECT {reach} AS reach, {self.track_id} AS track_id FROM track_search WHERE {where}
            ORDER BY {self.track_id} LIMIT $limit{reach} OFFSET $offset{reach}) AS part{reach}"""


_FTS5 = _Index(
    matches="track_search MATCH {query}",
    track_id="rowid",
    ranked="""SELECT rowid FROM track_search
        WHERE track_search MATCH $query AND rank MATCH 'bm25(10.0, 6.0, 4.0, 2.0, 1.0, 0.0)'
        ORDER BY rank, rowid LIMIT $limit OFFSET $offset""",
    written=match_of,
    beyond=match_beyond,
)
_TSVECTOR = _Index(
    matches="words @@ CAST({query} AS TSQUERY)",
    track_id="track_id",
    ranked="""SELECT track_id FROM track_search WHERE words @@ CAST($query AS TSQUERY)
        ORDER BY ts_rank('{0.2, 0.4, 0.6, 1.0}', words, CAST($telling AS TSQUERY))
            + 0.05 * ts_rank(words, CAST($query AS TSQUERY)) DESC, track_id
        LIMIT $limit OFFSET $offset""",
    written=tsquery_of,
    beyond=tsquery_beyond,
)


def count_found(db: Database, query: Query) -> int:
    """How many tracks the query finds."""
    return int(db.get(f"SELECT {_index(db).count('$query')}", {"query": written(db, query)}))


def where_found(db: Database, total: int) -> str:
    """A condition on `track.id`, for `$query` as `written` gives it; `total` is how many it finds.

    A plus keeps the database from looking up many finds one by one only to sort them: it goes through the tracks in
    their order, until a page is full.
    """
    index = _index(db)
    found = f"SELECT {index.track_id} FROM track_search WHERE {index.matches.format(query='$query')}"
    return f"{'+' if total > MAX_RANKED else ''}id IN ({found})"


def written(db: Database, query: Query) -> str:
    """The query as this database wants it."""
    return _index(db).written(query, len(COLUMNS))


def found_ids(db: Database, query: Query, total: int, limit: int, offset: int) -> Sequence[int]:
    """A page of what the query finds, the most telling first; `total` is how many there are."""
    index = _index(db)
    if total > MAX_RANKED:
        return _by_field(db, index, query, limit, offset)
    values = {
        "query": written(db, query),
        "telling": index.written(query, _TELLING),
        "limit": limit,
        "offset": offset,
    }
    found: Sequence[int] = db.select(index.ranked, values)
    return found


def _by_field(db: Database, index: _Index, query: Query, limit: int, offset: int) -> Sequence[int]:
    """A page of the finds within one field, two, … one behind the other; those before the page are only counted."""
    counting = "SELECT " + ", ".join(index.count(f"$query{reach}") for reach in _REACHES)
    counts = db.get(counting, {f"query{reach}": index.written(query, reach) for reach in _REACHES})
    values: dict[str, Any] = {}
    for reach, before, after in zip(_REACHES, [0, *counts], counts, strict=False):
        first, last = max(offset, before), min(offset + limit, after)
        values[f"query{reach}"] = index.beyond(query, reach)
        values[f"limit{reach}"] = max(0, last - first)
        values[f"offset{reach}"] = max(0, first - before)
    rows = db.select(" UNION ALL ".join(map(index.part, _REACHES)), values)
    return [track_id for _, track_id in sorted(rows)]


def _index(db: Database) -> _Index:
    return _FTS5 if Dialect(db.provider.dialect) is Dialect.SQLITE else _TSVECTOR
