"""What a library can be narrowed down by: genres, years and formats, with how many tracks each has."""

from collections import Counter

import msgspec

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.store import Library

MAX_GENRES = 500

# How many tracks each genre (by its id), year and format has: counted, or from the tally that PostgreSQL keeps.
_COUNTED = {
    Dialect.SQLITE: (
        "SELECT genre_id AS value, count(*) AS tracks FROM track_genre GROUP BY genre_id",
        "SELECT year AS value, count(*) AS tracks FROM track WHERE year IS NOT NULL GROUP BY year",
        "SELECT kind AS value, count(*) AS tracks FROM track GROUP BY kind",
    ),
    Dialect.POSTGRESQL: (
        "SELECT CAST(value AS INTEGER) AS value, tracks FROM tally WHERE kind = 'genre' AND tracks > 0",
        "SELECT CAST(value AS INTEGER) AS value, tracks FROM tally WHERE kind = 'year' AND tracks > 0",
        "SELECT value, tracks FROM tally WHERE kind = 'format' AND tracks > 0",
    ),
}
_GENRES = """SELECT genre.id, genre.name, counted.tracks FROM ({counted}) AS counted
    JOIN genre ON genre.id = counted.value
    ORDER BY counted.tracks DESC, genre.name_key, genre.id LIMIT $limit"""
_GENRE_COUNT = "SELECT count(*) FROM ({counted}) AS counted"
_YEARS = "SELECT value, tracks FROM ({counted}) AS counted ORDER BY value"
_FORMATS = "SELECT value, tracks FROM ({counted}) AS counted ORDER BY tracks DESC, value"


class GenreFacet(msgspec.Struct, frozen=True):
    """A genre and how many tracks are of it."""

    id: int
    name: str
    tracks: int


class YearFacet(msgspec.Struct, frozen=True):
    """A year, or the first of a decade, and how many tracks are of it."""

    year: int
    tracks: int


class FormatFacet(msgspec.Struct, frozen=True):
    """A file format and how many tracks are of it."""

    format: str
    tracks: int


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; of `total_genres` at most `MAX_GENRES` are told, those with the most tracks first."""

    genres: list[GenreFacet]
    total_genres: int
    years: list[YearFacet]
    decades: list[YearFacet]
    formats: list[FormatFacet]


def facets(library: Library) -> Facets:
    """The facets of the whole library. A track without a year or genre counts for none."""
    of_genre, of_year, of_format = _COUNTED[library.dialect]
    with library.reading():
        genres = library.db.select(_GENRES.format(counted=of_genre), {"limit": MAX_GENRES})
        total_genres = library.db.get(_GENRE_COUNT.format(counted=of_genre))
        years = [YearFacet(*row) for row in library.db.select(_YEARS.format(counted=of_year))]
        formats = library.db.select(_FORMATS.format(counted=of_format))
    decades: Counter[int] = Counter()
    for one in years:
        decades[one.year // 10 * 10] += one.tracks
    return Facets(
        genres=[GenreFacet(*row) for row in genres],
        total_genres=total_genres,
        years=years,
        decades=[YearFacet(*item) for item in decades.items()],
        formats=[FormatFacet(*row) for row in formats],
    )
