"""What tracks share: artists, albums and genres, and the links between them; within the session of one batch."""

import hashlib
import os
from collections.abc import Iterable, Sequence

from pony.orm import Database

from auralis_trio.library.left import OWNERS, Left
from auralis_trio.library.names import split_names
from auralis_trio.library.records import ProbedFile, Tags
from auralis_trio.library.rows import Row, rows_with, run_for_each, run_with
from auralis_trio.library.text import fold

_KNOWN_ARTISTS = "SELECT name_key, id FROM artist WHERE name_key IN ?"
_KNOWN_GENRES = "SELECT name_key, id FROM genre WHERE name_key IN ?"
_KNOWN_ALBUMS = "SELECT title_key, owner_key, id FROM album WHERE title_key IN ? AND owner_key IN ?"
_NEW_ARTIST = "INSERT INTO artist (name_key, name, name_sort_key) VALUES (?, ?, '')"
_NEW_GENRE = "INSERT INTO genre (name_key, name) VALUES (?, ?)"
_NEW_ALBUM = """INSERT INTO album (title_key, owner_key, title, artist_id, artist_name, title_sort_key)
    VALUES (?, ?, ?, ?, ?, '')"""
_LINK_ARTIST = """INSERT INTO track_artist (track_id, role, position, artist_id, name, musicbrainz_id, sort_key)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_LINK_GENRE = "INSERT INTO track_genre (track_id, position, genre_id) VALUES (?, ?, ?)"
_UNLINK = ("DELETE FROM track_artist WHERE track_id IN ?", "DELETE FROM track_genre WHERE track_id IN ?")
# Of several ways to write the names, an album has the one that most of its tracks have.
_SETTLE_ALBUMS = """
    UPDATE album SET
        title = coalesce((SELECT album_title FROM track WHERE album_id = album.id
            GROUP BY album_title ORDER BY count(*) DESC, min(id) LIMIT 1), title),
        artist_name = CASE WHEN substr(owner_key, 1, 7) = 'artist:' THEN coalesce((SELECT album_artist FROM track
            WHERE album_id = album.id GROUP BY album_artist ORDER BY count(*) DESC, min(id) LIMIT 1), artist_name)
        END,
        title_sort_key = coalesce((SELECT min(album_sort_key) FROM track
            WHERE album_id = album.id AND album_sort IS NOT NULL), title_key),
        year = (SELECT max(year) FROM track WHERE album_id = album.id),
        artist_id = CASE
            WHEN substr(owner_key, 1, 7) = 'artist:' THEN artist_id
            ELSE (SELECT CASE WHEN count(DISTINCT artist_id) = 1 THEN max(artist_id) END
                  FROM track WHERE album_id = album.id)
        END
    WHERE id IN ?
"""
_SETTLE_ARTISTS = """
    UPDATE artist SET name_sort_key = settled.sort_key
    FROM (SELECT id, coalesce((SELECT min(sort_key) FROM track_artist
            WHERE artist_id = artist.id AND sort_key IS NOT NULL), name_key) AS sort_key
        FROM artist WHERE id IN ?) AS settled
    WHERE artist.id = settled.id AND name_sort_key <> settled.sort_key
"""

AlbumKeys = tuple[str, str]


def album_keys(file: ProbedFile) -> AlbumKeys | None:
    """An album is known by title and owner: the album artist, or else the folder (hashed: it may be no text)."""
    if file.tags.album is None:
        return None
    if file.tags.album_artist:
        owner = "artist:" + fold(file.tags.album_artist)
    else:
        owner = "folder:" + hashlib.blake2b(os.fsencode(os.path.dirname(file.path)), digest_size=16).hexdigest()
    return fold(file.tags.album), owner


class Names:
    """The ids of the artists, albums and genres that a batch names; those that were not known yet are made."""

    def __init__(self, db: Database, files: Sequence[ProbedFile]) -> None:
        self._db = db
        self._made: dict[str, list[int]] = {}
        tags = [file.tags for file in files]
        artists = (name for one in tags for name in (*one.artists, *one.album_artists))
        self.artists = self._named("artist", artists, _KNOWN_ARTISTS, _NEW_ARTIST)
        genres = (name for one in tags for name in one.genres)
        self.genres = self._named("genre", genres, _KNOWN_GENRES, _NEW_GENRE)
        self.albums = self._albums(files)

    def _named(self, kind: str, names: Iterable[str], known: str, new: str) -> dict[str, int]:
        """Ids by folded names; of several spellings the first is kept."""
        wanted: dict[str, str] = {}
        for name in names:
            wanted.setdefault(fold(name), name)
        ids: dict[str, int] = dict(rows_with(self._db, known, wanted))
        missing = [(key, name) for key, name in wanted.items() if key not in ids]
        run_for_each(self._db, new, missing)
        made: dict[str, int] = dict(rows_with(self._db, known, (key for key, _ in missing)))
        self._made[kind] = list(made.values())
        return ids | made

    def _albums(self, files: Sequence[ProbedFile]) -> dict[AlbumKeys, int]:
        wanted: dict[AlbumKeys, Tags] = {}
        for file in files:
            if keys := album_keys(file):
                wanted.setdefault(keys, file.tags)
        ids = self._known_albums(wanted)
        missing = {keys: tags for keys, tags in wanted.items() if keys not in ids}
        run_for_each(self._db, _NEW_ALBUM, (self._album_row(keys, tags) for keys, tags in missing.items()))
        made = self._known_albums(missing)
        self._made["album"] = list(made.values())
        found = ids | made
        return {keys: found[keys] for keys in wanted}

    def _known_albums(self, wanted: Iterable[AlbumKeys]) -> dict[AlbumKeys, int]:
        titles, owners = [keys[0] for keys in wanted], [keys[1] for keys in wanted]
        return {
            (title, owner): album_id for title, owner, album_id in rows_with(self._db, _KNOWN_ALBUMS, titles, owners)
        }

    def _album_row(self, keys: AlbumKeys, tags: Tags) -> Row:
        first = self.artists[fold(tags.album_artists[0])] if tags.album_artists else None
        return (*keys, tags.album, first, tags.album_artist)

    def settle(self, left: Left) -> None:
        """Let albums and artists follow their tracks, and drop those that nothing is by any more."""
        run_with(self._db, _SETTLE_ALBUMS, [*left.albums, *self.albums.values()])
        run_with(self._db, _SETTLE_ARTISTS, [*left.artists, *self.artists.values()])
        left.drop(self._db)
        for kind in OWNERS:
            left.give_back(self._db, kind, self._made[kind])


def keep_links(db: Database, names: Names, tags_of: dict[int, Tags], known: Iterable[int]) -> None:
    """Link tracks to their artists and genres; those that were `known` lose the links that they had."""
    known = list(known)
    for statement in _UNLINK:
        run_with(db, statement, known)
    run_for_each(db, _LINK_ARTIST, (row for track in tags_of.items() for row in _artist_rows(names, *track)))
    run_for_each(
        db,
        _LINK_GENRE,
        (
            (track_id, position, names.genres[fold(genre)])
            for track_id, tags in tags_of.items()
            for position, genre in enumerate(tags.genres)
        ),
    )


def _artist_rows(names: Names, track_id: int, tags: Tags) -> Iterable[Row]:
    """The artists of both roles, with MusicBrainz ids and names to sort them by where there is one for each."""
    roles = (
        ("artist", tags.artists, tags.musicbrainz_artist_ids, tags.artist_sort),
        ("album_artist", tags.album_artists, tags.musicbrainz_album_artist_ids, tags.album_artist_sort),
    )
    for role, artists, ids, sort in roles:
        sorts = () if sort is None else (sort,) if len(artists) == 1 else split_names(sort)
        for position, name in enumerate(artists):
            musicbrainz_id = ids[position] if len(ids) == len(artists) else None
            sort_key = fold(sorts[position]) if len(sorts) == len(artists) else None
            yield track_id, role, position, names.artists[fold(name)], name, musicbrainz_id, sort_key
