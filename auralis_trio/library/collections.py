"""One album and one artist, and what belongs to them; each question is the same few statements, at any size."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from auralis_trio.errors import NotFound
from auralis_trio.library.listing import Listing
from auralis_trio.library.paging import Column, Window
from auralis_trio.library.queries import MAX_ID, NUMBERS, TITLE, TRACK_SORTS, album_order, album_page
from auralis_trio.library.records import AlbumRecord, Page, TrackRecord
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import Selection, select_tracks, track_order

ALBUM_TRACK_SORTS: Mapping[str, tuple[Column, ...]] = {"number": (*NUMBERS, TITLE), **TRACK_SORTS}


class AlbumDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One album; `discs` counts those that its tracks name, `artwork` is the picture's revision, if one is known."""

    id: int
    title: str
    artist: str | None
    artist_id: int | None
    year: int | None
    tracks: int
    missing: int
    discs: int
    duration_s: float | None
    size_bytes: int
    genres: list[str]
    artwork: str | None


class ArtistDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One artist: how many albums and tracks are theirs, when these are from, and of which genres."""

    id: int
    name: str
    albums: int
    tracks: int
    duration_s: float | None
    first_year: int | None
    last_year: int | None
    genres: list[str]
    artwork: str | None


_ALBUM = """SELECT album.id, album.title, coalesce(album.artist_name, artist.name), album.artist_id, album.year,
        count(*),
        count(CASE WHEN track.missing THEN 1 END), count(DISTINCT track.disc_number),
        CASE WHEN count(*) = count(duration_s) THEN sum(duration_s) END, CAST(sum(size) AS BIGINT),
        (SELECT revision FROM album_artwork WHERE album_artwork.album_id = album.id)
    FROM album JOIN track ON track.album_id = album.id LEFT JOIN artist ON artist.id = album.artist_id
    WHERE album.id = $album_id GROUP BY album.id, artist.id
"""
_GENRES = """SELECT genre.name FROM track_genre JOIN track ON track.id = track_genre.track_id
        JOIN genre ON genre.id = track_genre.genre_id
    WHERE {} GROUP BY genre.id ORDER BY count(*) DESC, genre.name
"""
_ALBUM_GENRES = _GENRES.format("track.album_id = $album_id")

_THEIRS = "track.id IN (SELECT track_id FROM track_artist WHERE artist_id = $artist_id AND role = 'artist')"
_ARTIST_GENRES = _GENRES.format(_THEIRS)
_ARTISTS_ALBUMS = """album.id IN (SELECT track.album_id FROM track_artist
            JOIN track ON track.id = track_artist.track_id WHERE track_artist.artist_id = $artist_id)
"""
_ARTIST = f"""SELECT artist.id, artist.name, (SELECT count(*) FROM album WHERE {_ARTISTS_ALBUMS}), count(track.id),
        CASE WHEN count(track.id) = count(duration_s) THEN coalesce(sum(duration_s), 0.0) END, min(year), max(year),
        (SELECT revision FROM artist_artwork WHERE artist_artwork.artist_id = artist.id)
    FROM artist LEFT JOIN track ON {_THEIRS} WHERE artist.id = $artist_id GROUP BY artist.id
"""


def get_album(library: Library, album_id: int) -> AlbumDetail:
    """One album, with the genres of its tracks, the most frequent first.

    Raises:
        NotFound: there is no such album.
    """
    _check_id(album_id, "album")
    with library.reading():
        row = _one(library.db.select(_ALBUM, {"album_id": album_id}), "album")
        genres = library.db.select(_ALBUM_GENRES, {"album_id": album_id})
    names = [name for name in AlbumDetail.__struct_fields__ if name != "genres"]
    return AlbumDetail(**dict(zip(names, row, strict=True)), genres=list(genres))


def list_album_tracks(library: Library, album_id: int, window: Window, sort: str = "number") -> Page[TrackRecord]:
    """A page of an album's tracks, by the numbers of disc and track if nothing else is said.

    Raises:
        NotFound: there is no such album.
        InvalidRequest: `sort` is none of `ALBUM_TRACK_SORTS`.
    """
    order = track_order(sort, ALBUM_TRACK_SORTS)
    _check_known(library, album_id, "album")
    theirs = Selection(f"album {album_id}", "track.album_id = $album_id", {"album_id": album_id})
    return select_tracks(library, theirs, order, window)


def get_artist(library: Library, artist_id: int) -> ArtistDetail:
    """One artist, with the genres of the artist's tracks, the most frequent first.

    Raises:
        NotFound: there is no such artist.
    """
    _check_id(artist_id, "artist")
    with library.reading():
        row = _one(library.db.select(_ARTIST, {"artist_id": artist_id}), "artist")
        genres = library.db.select(_ARTIST_GENRES, {"artist_id": artist_id})
    names = [name for name in ArtistDetail.__struct_fields__ if name != "genres"]
    return ArtistDetail(**dict(zip(names, row, strict=True)), genres=list(genres))


def list_artist_tracks(library: Library, artist_id: int, window: Window, sort: str = "album") -> Page[TrackRecord]:
    """A page of an artist's tracks.

    Raises:
        NotFound: there is no such artist.
        InvalidRequest: `sort` is none of `TRACK_SORTS`.
    """
    order = track_order(sort)
    _check_known(library, artist_id, "artist")
    theirs = Selection(f"artist {artist_id}", _THEIRS, {"artist_id": artist_id})
    return select_tracks(library, theirs, order, window)


def list_artist_albums(library: Library, artist_id: int, window: Window, sort: str = "-year") -> Page[AlbumRecord]:
    """A page of the albums by an artist or with a track of theirs, the newest first if nothing else is said.

    Raises:
        NotFound: there is no such artist.
        InvalidRequest: `sort` is none of `ALBUM_SORTS`.
    """
    theirs = {"artist_id": artist_id}
    listing = Listing("album", album_order(sort), f"artist {artist_id}", _ARTISTS_ALBUMS, theirs)
    _check_known(library, artist_id, "artist")
    with library.reading():
        return album_page(library, listing, window)


def _check_known(library: Library, owner_id: int, kind: str) -> None:
    _check_id(owner_id, kind)
    with library.reading():
        _one(library.db.select(f"SELECT id FROM {kind} WHERE id = $owner_id", {"owner_id": owner_id}), kind)


def _check_id(owner_id: int, kind: str) -> None:
    if not 0 < owner_id <= MAX_ID:
        raise _unknown(kind)


def _one(rows: Sequence[Any], kind: str) -> Any:
    if not rows:
        raise _unknown(kind)
    return rows[0]


def _unknown(kind: str) -> NotFound:
    return NotFound(f"There is no {kind} with this id. Ask for the list of them again.", code=f"{kind}_not_found")
