"""One batch of files that were read becomes tracks, albums and artists, in one transaction."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pony.orm import Database, flush, select

from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.library.entities import Entities
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.store import Library
from auralis_trio.library.text import fold


@dataclass(frozen=True)
class BatchResult:
    """What became of the files of one batch."""

    added: int
    updated: int
    failed: int


def apply_batch(library: Library, files: Sequence[ProbedFile | FailedFile], now_ns: int) -> BatchResult:
    """Make or renew the tracks of the files that were read, and strike all of them off the pending ones.

    A file that could not be read changes nothing else: its track, if there is one, stays as it is. The caller keeps
    the batch small, since its paths are the variables of one query.
    """
    probed = [file for file in files if isinstance(file, ProbedFile)]
    paths = [os.fsencode(file.path) for file in files]
    with library.writing() as entities:
        batch = _Batch.load(entities, probed)
        added = sum(batch.keep(file, now_ns) for file in probed)
        flush()
        batch.settle(library.db)
        select(p for p in entities.PendingFile if p.path in paths).delete(bulk=True)
    return BatchResult(added, len(probed) - added, len(files) - len(probed))


def _artist_names(file: ProbedFile) -> list[str]:
    return [name for name in (file.tags.artist, file.tags.album_artist) if name]


def _album_keys(file: ProbedFile) -> tuple[str, str]:
    """An album is known by title and owner: the album artist, or else the folder (hashed: it may be no text)."""
    if file.tags.album_artist:
        owner = "artist:" + fold(file.tags.album_artist)
    else:
        owner = "folder:" + hashlib.blake2b(os.fsencode(os.path.dirname(file.path)), digest_size=16).hexdigest()
    return fold(file.tags.album or ""), owner


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
        AND NOT EXISTS (SELECT 1 FROM album WHERE artist_id = artist.id)
"""


@dataclass
class _Batch:
    """The entities that one batch touches, loaded with one query a kind."""

    entities: Entities
    folders: list[Any]
    tracks: dict[bytes, Any]
    artists: dict[str, Any]
    albums: dict[tuple[str, str], Any]
    touched_albums: set[int] = field(default_factory=set)
    left_artists: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, entities: Entities, files: Sequence[ProbedFile]) -> "_Batch":
        paths = [os.fsencode(file.path) for file in files]
        names = list({fold(name) for file in files for name in _artist_names(file)})
        titles, owners = (list({keys[part] for keys in map(_album_keys, files)}) for part in (0, 1))
        albums = select(a for a in entities.Album if a.title_key in titles and a.owner_key in owners)
        return cls(
            entities,
            folders=sorted(select(f for f in entities.Folder), key=lambda f: len(f.path), reverse=True),
            tracks={t.path: t for t in select(t for t in entities.Track if t.path in paths)},
            artists={a.name_key: a for a in select(a for a in entities.Artist if a.name_key in names)},
            albums={(a.title_key, a.owner_key): a for a in albums},
        )

    def keep(self, file: ProbedFile, now_ns: int) -> bool:
        """Make or renew one track; whether it is new."""
        path = os.fsencode(file.path)
        track = self.tracks.get(path)
        values = self._file_values(file, track) | self._tag_values(file)
        if track is None:
            self.entities.Track(path=path, folder=self._folder(path), added_ns=now_ns, **values)
            return True
        self._leave(track)
        track.set(**values)
        return False

    def settle(self, db: Database) -> None:
        """Let the albums follow their tracks, and drop albums and artists that nothing is by any more."""
        albums = self.touched_albums | {album.id for album in self.albums.values()}
        for album_id in albums:
            db.execute(_SETTLE_ALBUM, {"album_id": album_id})
        for album_id in self.touched_albums:
            db.execute(_DROP_ALBUM, {"album_id": album_id})
        for artist_id in self.left_artists:
            db.execute(_DROP_ARTIST, {"artist_id": artist_id})

    def _leave(self, track: Any) -> None:
        if track.album:
            self.touched_albums.add(track.album.id)
            if track.album.artist:
                self.left_artists.add(track.album.artist.id)
        if track.artist:
            self.left_artists.add(track.artist.id)

    def _folder(self, path: bytes) -> Any:
        for folder in self.folders:
            if path.startswith(folder.path.rstrip(b"/") + b"/"):
                return folder
        raise ValueError("the file lies in no folder that is known")

    def _file_values(self, file: ProbedFile, track: Any) -> dict[str, Any]:
        frames = file.total_frames
        if frames is None and track is not None and track.content_id == file.content_id:
            frames = track.total_frames  # counted since, and only the tags are new
        return {
            "size": file.size,
            "mtime_ns": file.mtime_ns,
            "content_id": file.content_id,
            "kind": file.kind,
            "sample_rate": file.format.sample_rate,
            "channels": file.format.channels,
            "bits": file.format.bits,
            "total_frames": frames,
            "duration_s": None if frames is None else frames_to_seconds(frames, file.format.sample_rate),
            "missing": False,
        }

    def _tag_values(self, file: ProbedFile) -> dict[str, Any]:
        tags = file.tags
        return {
            "title": tags.title,
            "title_key": fold(tags.title),
            "artist": self._artist(tags.artist),
            "artist_name": tags.artist,
            "artist_key": fold(tags.artist) if tags.artist else None,
            "album": self._album(file),
            "album_title": tags.album,
            "album_key": fold(tags.album) if tags.album else None,
            "track_number": tags.track_number,
            "disc_number": tags.disc_number,
            "year": tags.year,
            "genre": tags.genre,
            "replaygain_track_gain_db": tags.replaygain_track_gain_db,
            "replaygain_album_gain_db": tags.replaygain_album_gain_db,
            "replaygain_track_peak": tags.replaygain_track_peak,
            "replaygain_album_peak": tags.replaygain_album_peak,
            "r128_track_gain_lu": tags.r128_track_gain_lu,
            "r128_album_gain_lu": tags.r128_album_gain_lu,
        }

    def _artist(self, name: str | None) -> Any:
        if name is None:
            return None
        key = fold(name)
        if key not in self.artists:
            self.artists[key] = self.entities.Artist(name=name, name_key=key)
        return self.artists[key]

    def _album(self, file: ProbedFile) -> Any:
        if file.tags.album is None:
            return None
        keys = title_key, owner_key = _album_keys(file)
        if keys not in self.albums:
            self.albums[keys] = self.entities.Album(
                title=file.tags.album,
                title_key=title_key,
                owner_key=owner_key,
                artist=self._artist(file.tags.album_artist),
            )
        return self.albums[keys]
