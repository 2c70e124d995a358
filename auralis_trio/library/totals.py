"""What the whole library makes together, in one query."""

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.records import Statistics
from auralis_trio.library.store import Library

# What all tracks make together: counted, or from the totals that PostgreSQL keeps.
_TOTALS = {
    Dialect.SQLITE: """SELECT count(*) AS tracks, count(CASE WHEN missing THEN 1 END) AS missing,
        count(duration_s) AS timed, sum(duration_s) AS duration_s, coalesce(sum(size), 0) AS size FROM track""",
    Dialect.POSTGRESQL: """SELECT tracks, missing, timed,
        CASE WHEN timed > 0 THEN CAST(duration_s AS DOUBLE PRECISION) END AS duration_s, size FROM totals""",
}
# A rendition at another rate (`content@rate`) is measured for itself, and is no content of the library.
_STATISTICS = """SELECT tracks, missing,
        (SELECT count(*) FROM album), (SELECT count(*) FROM artist),
        (SELECT count(*) FROM genre WHERE EXISTS (SELECT 1 FROM track_genre WHERE track_genre.genre_id = genre.id)),
        (SELECT count(*) FROM folder), (SELECT count(*) FROM playlist),
        (SELECT count(*) FROM track WHERE favorite),
        (SELECT CAST(coalesce(sum(play_count), 0) AS BIGINT) FROM track WHERE play_count > 0),
        (SELECT CAST(coalesce(sum(skip_count), 0) AS BIGINT) FROM track WHERE skip_count > 0),
        (SELECT count(*) FROM analysis WHERE content_id NOT LIKE '%@%')
            - (SELECT count(*) FROM analysis WHERE code IS NOT NULL AND content_id NOT LIKE '%@%'),
        duration_s, tracks - timed, size
    FROM ({totals}) AS totals
"""


def statistics(library: Library) -> Statistics:
    """Totals of the whole library."""
    with library.reading():
        row = library.db.get(_STATISTICS.format(totals=_TOTALS[library.dialect]))
    return Statistics(**dict(zip(Statistics.__struct_fields__, row, strict=True)))
