"""What can be asked of the library. Each question is one session of a fixed number of queries, however much it finds.

Pages are in a stable order: the id breaks every tie, and what is not known comes last in either direction.
"""

import os
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pony.orm import Database

from auralis_trio.audio.source import AudioFormat
from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.errors import NotFound
from auralis_trio.library.listing import Listing, read_slice, rows_of, rows_within
from auralis_trio.library.paging import Column, Order, Window, order_by
from auralis_trio.library.query_language import Query, parse_query
from auralis_trio.library.records import (
    AlbumRecord,
    ArtistRecord,
    NamedArtist,
    Page,
    TrackFile,
    TrackRecord,
)
from auralis_trio.library.rows import rows_listed
from auralis_trio.library.search import found_slice, look_up, where_any_found, where_found
from auralis_trio.library.store import Library
from auralis_trio.library.words import LETTERS

MAX_ID = 2**31 - 1

TITLE = Column("track.title_sort_key", str)
ALBUM = Column("track.album_sort_key", str, nullable=True)
NUMBERS = (Column("track.disc_number", int, nullable=True), Column("track.track_number", int, nullable=True))

TRACK_SORTS: Mapping[str, tuple[Column, ...]] = {
    "title": (TITLE,),
    "artist": (Column("track.artist_sort_key", str, nullable=True), ALBUM, *NUMBERS),
    "album": (ALBUM, *NUMBERS),
    "added": (Column("track.added_ns", int),),
    "duration": (Column("track.duration_s", float, nullable=True),),
    "year": (Column("track.year", int, nullable=True),),
    "rating": (Column("track.rating", int, nullable=True),),
    "plays": (Column("track.play_count", int),),
    "last_played": (Column("track.last_played_ns", int, nullable=True),),
}
# An album's or artist's own, out of its tracks.
_ALBUM_ADDED = "(SELECT coalesce(min(track.added_ns), 0) FROM track WHERE track.album_id = album.id)"
_ALBUM_PLAYS = "(SELECT CAST(coalesce(sum(play_count), 0) AS BIGINT) FROM track WHERE track.album_id = album.id)"
_ALBUM_ARTIST = "(SELECT name_sort_key FROM artist WHERE artist.id = album.artist_id)"
_ARTIST_TRACKS = """(SELECT count(*) FROM track_artist
    WHERE track_artist.artist_id = artist.id AND track_artist.role = 'artist')"""
_OF_ARTIST = """FROM track_artist JOIN track ON track.id = track_artist.track_id
    WHERE track_artist.artist_id = artist.id"""
_ARTIST_ALBUMS = f"(SELECT count(DISTINCT track.album_id) {_OF_ARTIST})"
_ARTIST_ADDED = f"(SELECT coalesce(min(track.added_ns), 0) {_OF_ARTIST})"

_NAME_WORDS = reduce(
    lambda sql, pair: "replace({}, '{}', '{}')".format(sql, *pair), LETTERS.items(), "artist.name_key"
)

_ALBUM_TITLE, _ARTIST_NAME = Column("album.title_sort_key", str), Column("artist.name_sort_key", str)
ALBUM_SORTS: Mapping[str, tuple[Column, ...]] = {
    "title": (_ALBUM_TITLE,),
    "artist": (Column(_ALBUM_ARTIST, str, nullable=True), _ALBUM_TITLE),
    "year": (Column("album.year", int, nullable=True),),
    "added": (Column(_ALBUM_ADDED, int),),
    "plays": (Column(_ALBUM_PLAYS, int), _ALBUM_TITLE),
}
ARTIST_SORTS: Mapping[str, tuple[Column, ...]] = {
    "name": (_ARTIST_NAME,),
    "tracks": (Column(_ARTIST_TRACKS, int), _ARTIST_NAME),
    "albums": (Column(_ARTIST_ALBUMS, int), _ARTIST_NAME),
    "added": (Column(_ARTIST_ADDED, int),),
}

_RENAMED = {"artist": "artist_name", "album": "album_title", "format": "kind"}
_OWN = tuple(name for name in TrackRecord.__struct_fields__ if name not in ("artists", "genres"))
TRACK_COLUMNS = ", ".join(f"track.{_RENAMED.get(name, name)}" for name in _OWN)
_SEVERAL = """SELECT track_id, 1 AS kind, position, artist_id, name
        FROM ({listed}) AS listed JOIN track_artist ON track_id = listed.id AND role = 'artist'
    UNION ALL SELECT track_id, 2, position, genre_id, genre.name
        FROM ({listed}) AS listed JOIN track_genre ON track_id = listed.id JOIN genre ON genre.id = genre_id
    ORDER BY 1, 2, 3
"""
_TRACKS = f"SELECT {TRACK_COLUMNS} FROM track WHERE track.id IN ({{ids}})"


def list_tracks(
    library: Library,
    limit: int = 50,
    offset: int = 0,
    sort: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
) -> Page[TrackRecord]:
    """A page of the tracks that `search` finds; `query_language` says how it is written.

    Without a `sort` they come by title, or the most telling first where something is searched for; `search` says what
    a cursor does then.

    Raises:
        InvalidRequest: a value is out of range, `sort` is not one of `TRACK_SORTS`, with `-` in front or without,
            `search` cannot be understood, or `cursor` belongs to another list.
    """
    window, wanted = Window(limit, offset, cursor), parse_query(search or "")
    order = order_by(TRACK_SORTS, "title" if sort is None else sort, "track.id")
    with library.reading():
        if not wanted:
            found = read_slice(library.db, Listing("track", order, "tracks"), window)
        elif sort is None:
            found = found_slice(library.db, wanted, window, f"search {search}")
        else:
            those = look_up(library.db, wanted)
            where, values = where_found(library.db, wanted, those, window.offset)
            listing = Listing("track", order, f"search {search}", where, values)
            found = read_slice(library.db, listing, window, those.total)
        return found.page(tracks_of(library, found.ids))


def tracks_of(library: Library, track_ids: Sequence[int]) -> list[TrackRecord]:
    """The records of tracks that are there, in the order of their ids, within a session."""
    return track_records(library.db, rows_of(library.db, _TRACKS, track_ids))


def get_track(library: Library, track_id: int) -> TrackRecord:
    """One track.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.reading():
        found = track_records(library.db, rows_within(library.db, _TRACKS, [track_id]))
    if not found:
        raise no_track()
    return found[0]


def get_track_file(library: Library, track_id: int) -> TrackFile:
    """Where one track's audio lies.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.reading() as entities:
        track = entities.Track.get(id=track_id)
        if track is None:
            raise no_track()
        return track_file(track)


def track_file(track: Any) -> TrackFile:
    """The record of one track's file; within a session."""
    return TrackFile(
        track_id=track.id,
        path=os.fsdecode(track.path),
        content_id=track.content_id,
        size=track.size,
        mtime_ns=track.mtime_ns,
        kind=track.kind,
        format=AudioFormat(track.sample_rate, track.channels, track.bits),
        total_frames=track.total_frames,
        added_ns=track.added_ns,
    )


def set_total_frames(library: Library, track_id: int, frames: int, file_origin: str | None = None) -> None:
    """Keep a number of frames that was counted by decoding; dropped when the file is another by now.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.writing() as entities:
        track = entities.Track.get(id=track_id)
        if track is None:
            raise no_track()
        if file_origin is None or file_origin == track_file(track).file_origin:
            track.set(total_frames=frames, duration_s=frames_to_seconds(frames, track.sample_rate))


_ALBUMS = f"""SELECT album.id, album.title, coalesce(album.artist_name, artist.name), album.artist_id, album.year,
        (SELECT count(*) FROM track WHERE track.album_id = album.id),
        (SELECT CASE WHEN count(*) = count(duration_s) THEN sum(duration_s) END
         FROM track WHERE track.album_id = album.id),
        {_ALBUM_ADDED}, {_ALBUM_PLAYS},
        (SELECT revision FROM album_artwork WHERE album_artwork.album_id = album.id)
    FROM album LEFT JOIN artist ON artist.id = album.artist_id WHERE album.id IN ({{ids}})
"""


def list_albums(
    library: Library,
    limit: int = 50,
    offset: int = 0,
    sort: str = "title",
    search: str | None = None,
    cursor: str | None = None,
) -> Page[AlbumRecord]:
    """A page of the albums, or of those with a track that `search` finds; `query_language` says how it is written.

    A length is only given where that of every track is known.

    Raises:
        InvalidRequest: a value is out of range, `sort` is not one of `ALBUM_SORTS`, with `-` in front or without,
            `search` cannot be understood, or `cursor` belongs to another list.
    """
    window, wanted, order = Window(limit, offset, cursor), parse_query(search or ""), album_order(sort)
    listing = Listing("album", order, "albums")
    with library.reading():
        if wanted:
            found, values = where_any_found(library.db, wanted)
            condition = f"album.id IN (SELECT track.album_id FROM track WHERE {found})"
            listing = Listing("album", order, f"albums by {search}", condition, values)
        return album_page(library, listing, window)


def album_order(sort: str) -> Order:
    """The order of albums for a name of `ALBUM_SORTS`.

    Raises:
        InvalidRequest: it is none of them, with `-` in front or without.
    """
    return order_by(ALBUM_SORTS, sort, "album.id")


def album_page(library: Library, listing: Listing, window: Window) -> Page[AlbumRecord]:
    """A page of albums, within a session."""
    found = read_slice(library.db, listing, window)
    names = AlbumRecord.__struct_fields__
    return found.page(
        [AlbumRecord(**dict(zip(names, row, strict=True))) for row in rows_of(library.db, _ALBUMS, found.ids)]
    )


_ARTISTS = f"""SELECT artist.id, artist.name, {_ARTIST_ALBUMS}, {_ARTIST_TRACKS}, {_ARTIST_ADDED},
        (SELECT revision FROM artist_artwork WHERE artist_artwork.artist_id = artist.id)
    FROM artist WHERE artist.id IN ({{ids}})
"""


def list_artists(
    library: Library,
    limit: int = 50,
    offset: int = 0,
    sort: str = "name",
    search: str | None = None,
    cursor: str | None = None,
) -> Page[ArtistRecord]:
    """A page of the artists, or of those that `search` finds.

    Words without a field, or with that of artists, are looked for in the artist's name. Whatever else is asked for,
    one of the artist's tracks has to fulfil.

    Raises:
        InvalidRequest: a value is out of range, `sort` is not one of `ARTIST_SORTS`, with `-` in front or without,
            `search` cannot be understood, or `cursor` belongs to another list.
    """
    window, wanted = Window(limit, offset, cursor), parse_query(search or "")
    order = order_by(ARTIST_SORTS, sort, "artist.id")
    listing = Listing("artist", order, "artists")
    with library.reading():
        if wanted:
            condition, values = _where_artist(library.db, wanted)
            listing = Listing("artist", order, f"artists by {search}", condition, values)
        found = read_slice(library.db, listing, window)
        rows = rows_of(library.db, _ARTISTS, found.ids)
    names = ArtistRecord.__struct_fields__
    return found.page([ArtistRecord(**dict(zip(names, row, strict=True))) for row in rows])


def _where_artist(db: Database, wanted: Query) -> tuple[str, dict[str, Any]]:
    """A condition on `artist` and its values."""
    named = [term for term in wanted.terms if term.column in (None, "artist")]
    others = Query(tuple(term for term in wanted.terms if term not in named), wanted.facts)
    conditions, values = ["TRUE"], dict[str, Any]()
    for at, term in enumerate(named):
        like = f"({_NAME_WORDS} LIKE $name{at} OR artist.name_sort_key LIKE $name{at})"
        conditions.append(f"NOT {like}" if term.negated else like)
        values[f"name{at}"] = f"%{'%'.join(term.words)}%"  # words hold letters and digits alone
    if others:
        found, more = where_any_found(db, others)
        theirs = f"track_artist JOIN track ON track.id = track_artist.track_id WHERE {found}"
        conditions.append(f"artist.id IN (SELECT track_artist.artist_id FROM {theirs})")
        values |= more
    return " AND ".join(conditions), values


def track_records(db: Database, rows: Sequence[Sequence[Any]]) -> list[TrackRecord]:
    """The records of rows of `TRACK_COLUMNS`, with what tracks have several of; within a session."""
    artists: dict[int, list[NamedArtist]] = {}
    genres: dict[int, list[str]] = {}
    for track_id, kind, _, found_id, name in rows_listed(db, _SEVERAL, list({row[0] for row in rows})):
        if kind == 1:
            artists.setdefault(track_id, []).append(NamedArtist(found_id, name))
        else:
            genres.setdefault(track_id, []).append(name)
    return [_track_record(row, artists.get(row[0], ()), genres.get(row[0], ())) for row in rows]


def _track_record(row: Sequence[Any], artists: Sequence[NamedArtist], genres: Sequence[str]) -> TrackRecord:
    values = dict(zip(_OWN, row, strict=True))
    values |= {"missing": bool(values["missing"]), "favorite": bool(values["favorite"])}
    return TrackRecord(**values, artists=artists, genres=genres)


def _check_track_id(track_id: int) -> None:
    if not 0 < track_id <= MAX_ID:
        raise no_track()


def no_track() -> NotFound:
    """What is raised where a track's id is unknown."""
    return NotFound("There is no track with this id. Ask for the list of tracks again.", code="track_not_found")
