"""What tracks share: artists, albums and genres, and the links between them; within the session of one batch."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

from pony.orm import Database, select

from auralis_trio.library.entities import Entities
from auralis_trio.library.records import ProbedFile, Tags
from auralis_trio.library.text import fold

T = TypeVar("T")

_NEW_ARTIST = "INSERT INTO artist (name, name_key) VALUES ($name, $key) RETURNING id"
_NEW_GENRE = "INSERT INTO genre (name, name_key) VALUES ($name, $key) RETURNING id"
_NEW_ALBUM = """
    INSERT INTO album (title, title_key, owner_key, artist_id, artist_name)
    VALUES ($title, $title_key, $owner_key, $artist_id, $artist_name) RETURNING id
"""
_SETTLE_ALBUM = """
    UPDATE album SET
        year = (SELECT max(year) FROM track WHERE album_id = album.id),
        artist_id = CASE
            WHEN owner_key LIKE 'artist:%' THEN artist_id
            ELSE (SELECT CASE WHEN count(DISTINCT artist_id) = 1 THEN max(artist_id) END
                  FROM track WHERE album_id = album.id)
        END
    WHERE id = $album_id
"""
_DROP_ALBUM = "DELETE FROM album WHERE id = $album_id AND NOT EXISTS (SELECT 1 FROM track WHERE album_id = album.id)"
_DROP_ARTIST = """
    DELETE FROM artist WHERE id = $artist_id
        AND NOT EXISTS (SELECT 1 FROM track WHERE artist_id = artist.id)
        AND NOT EXISTS (SELECT 1 FROM track_artist WHERE artist_id = artist.id)
        AND NOT EXISTS (SELECT 1 FROM album WHERE artist_id = artist.id)
"""
_LINK_ARTIST = """
    INSERT INTO track_artist (track_id, role, position, artist_id, name, musicbrainz_id)
    VALUES ($track_id, $role, $position, $artist_id, $name, $musicbrainz_id)
"""
_LINK_GENRE = "INSERT INTO track_genre (track_id, position, genre_id) VALUES ($track_id, $position, $genre_id)"
_UNLINK = (
    "DELETE FROM track_artist WHERE track_id = $track_id",
    "DELETE FROM track_genre WHERE track_id = $track_id",
)


def _album_keys(file: ProbedFile) -> tuple[str, str]:
    """An album is known by title and owner: the album artist, or else the folder (hashed: it may be no text)."""
    if file.tags.album_artist:
        owner = "artist:" + fold(file.tags.album_artist)
    else:
        owner = "folder:" + hashlib.blake2b(os.fsencode(os.path.dirname(file.path)), digest_size=16).hexdigest()
    return fold(file.tags.album or ""), owner


def padded(values: Iterable[T], filler: T) -> list[T]:
    """Different values and then `filler` up to a power of two: Pony translates and keeps a query for each length."""
    found = list(dict.fromkeys(values))
    return found + [filler] * ((1 << max(0, len(found) - 1).bit_length()) - len(found))


class Names:
    """The ids of the artists, albums and genres that a batch names; those that are not known yet are made."""

    def __init__(self, db: Database, entities: Entities, files: Sequence[ProbedFile]) -> None:
        self._db = db
        tags = [file.tags for file in files]
        artists = padded((fold(name) for one in tags for name in (*one.artists, *one.album_artists)), "")
        genres = padded((fold(name) for one in tags for name in one.genres), "")
        titles, owners = (padded((keys[part] for keys in map(_album_keys, files)), "") for part in (0, 1))
        self._artists = dict(select((a.name_key, a.id) for a in entities.Artist if a.name_key in artists)[:])
        self._genres = dict(select((g.name_key, g.id) for g in entities.Genre if g.name_key in genres)[:])
        rows = select(
            (a.title_key, a.owner_key, a.id)
            for a in entities.Album
            if a.title_key in titles and a.owner_key in owners
        )[:]
        self._albums: dict[tuple[str, str], int] = {(title, owner): album_id for title, owner, album_id in rows}
        self._named_albums: set[int] = set()

    def artist(self, name: str) -> int:
        """The artist of that name."""
        return self._id(self._artists, _NEW_ARTIST, name)

    def genre(self, name: str) -> int:
        """The genre of that name."""
        return self._id(self._genres, _NEW_GENRE, name)

    def album(self, file: ProbedFile) -> int | None:
        """The album of a file; None where its tags name none."""
        if file.tags.album is None:
            return None
        keys = title_key, owner_key = _album_keys(file)
        if keys not in self._albums:
            artists = file.tags.album_artists
            values = {
                "title": file.tags.album,
                "title_key": title_key,
                "owner_key": owner_key,
                "artist_id": self.artist(artists[0]) if artists else None,
                "artist_name": file.tags.album_artist,
            }
            self._albums[keys] = self._db.execute(_NEW_ALBUM, values).fetchone()[0]
        self._named_albums.add(self._albums[keys])
        return self._albums[keys]

    def artists_of(self, track_ids: Sequence[int]) -> set[int]:
        """The artists of some tracks and of their albums, as they are now."""
        found: set[int] = set()
        for track_id in track_ids:
            found.update(
                self._db.select(
                    """SELECT artist_id FROM track_artist WHERE track_id = $track_id
                    UNION SELECT artist_id FROM track WHERE id = $track_id AND artist_id IS NOT NULL
                    UNION SELECT album.artist_id FROM album JOIN track ON track.album_id = album.id
                        WHERE track.id = $track_id AND album.artist_id IS NOT NULL""",
                    {"track_id": track_id},
                )
            )
        return found

    def settle(self, left_albums: Iterable[int], left_artists: Iterable[int]) -> None:
        """Let the albums follow their tracks, and drop albums and artists that nothing is by any more."""
        left_albums = set(left_albums)
        for album_id in left_albums | self._named_albums:
            self._db.execute(_SETTLE_ALBUM, {"album_id": album_id})
        for album_id in left_albums:
            self._db.execute(_DROP_ALBUM, {"album_id": album_id})
        for artist_id in left_artists:
            self._db.execute(_DROP_ARTIST, {"artist_id": artist_id})

    def _id(self, ids: dict[str, int], insert: str, name: str) -> int:
        key = fold(name)
        if key not in ids:
            ids[key] = self._db.execute(insert, {"name": name, "key": key}).fetchone()[0]
        return ids[key]


def keep_links(db: Database, names: Names, track_id: int, tags: Tags, known: bool) -> None:
    """Link a track to its artists and genres; one that was `known` loses the links that it had."""
    if known:
        for statement in _UNLINK:
            db.execute(statement, {"track_id": track_id})
    _link(db, names, track_id, "artist", (tags.artists, tags.musicbrainz_artist_ids))
    _link(db, names, track_id, "album_artist", (tags.album_artists, tags.musicbrainz_album_artist_ids))
    for position, genre in enumerate(tags.genres):
        values = {"track_id": track_id, "position": position, "genre_id": names.genre(genre)}
        db.execute(_LINK_GENRE, values)


def _link(db: Database, names: Names, track_id: int, role: str, who: tuple[Sequence[str], Sequence[str]]) -> None:
    """Link the artists of one role, with their MusicBrainz ids where there is one for each."""
    artists, ids = who
    paired: Any = zip(artists, ids, strict=True) if len(ids) == len(artists) else zip_longest(artists, ())
    for position, (name, musicbrainz_id) in enumerate(paired):
        values = {
            "track_id": track_id,
            "role": role,
            "position": position,
            "artist_id": names.artist(name),
            "name": name,
            "musicbrainz_id": musicbrainz_id,
        }
        db.execute(_LINK_ARTIST, values)
