"""What a library can be narrowed down by: genres, years and formats, with how many tracks each has."""

from collections import Counter

import msgspec

from auralis_trio.library.store import Library

MAX_GENRES = 500

_GENRES = """SELECT genre.id, genre.name, counted.tracks
    FROM (SELECT genre_id, count(*) AS tracks FROM track_genre GROUP BY genre_id) AS counted
    JOIN genre ON genre.id = counted.genre_id
    ORDER BY counted.tracks DESC, genre.name_key, genre.id LIMIT $limit"""
_GENRE_COUNT = """SELECT count(*) FROM genre
    WHERE EXISTS (SELECT 1 FROM track_genre WHERE track_genre.genre_id = genre.id)"""
_YEARS = "SELECT year, count(*) FROM track WHERE year IS NOT NULL GROUP BY year ORDER BY year"
_FORMATS = "SELECT kind, count(*) FROM track GROUP BY kind ORDER BY count(*) DESC, kind"


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
    with library.reading():
        genres = library.db.select(_GENRES, {"limit": MAX_GENRES})
        total_genres = library.db.get(_GENRE_COUNT)
        years = [YearFacet(*row) for row in library.db.select(_YEARS)]
        formats = library.db.select(_FORMATS)
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
