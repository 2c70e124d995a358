"""One batch of files that were read becomes tracks, albums, artists and genres, in one transaction."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pony.orm import Database, select

from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.library.entities import Entities
from auralis_trio.library.links import Names, keep_links, padded
from auralis_trio.library.moves import KnownTrack, match_tracks
from auralis_trio.library.records import FailedFile, ProbedFile, Tags
from auralis_trio.library.search_index import index_tracks
from auralis_trio.library.store import Library
from auralis_trio.library.text import fold


@dataclass(frozen=True)
class BatchResult:
    """What became of the files of one batch; `moved` ones are tracks that were known elsewhere, with their ids.

    `changes` says it of each path that changed something: `added`, `updated` or `moved`.
    """

    added: int
    updated: int
    failed: int
    moved: int = 0
    changes: Mapping[str, str] = field(default_factory=dict, compare=False)


def apply_batch(
    library: Library, files: Sequence[ProbedFile | FailedFile], now_ns: int, read_ns: int | None = None
) -> BatchResult:
    """Make or renew the tracks of the files that were read, and strike all of them off the pending ones.

    A file that could not be read changes nothing else: its track, if there is one, stays as it is. Neither does one
    whose tags were edited after `read_ns`, when reading began: the edit knows better. The caller keeps the batch
    small, since its paths are the variables of one query.
    """
    paths = [os.fsencode(file.path) for file in files]
    with library.writing() as entities:
        edited = _edited_since(library.db, paths, read_ns)
        probed = [file for file in files if isinstance(file, ProbedFile) and os.fsencode(file.path) not in edited]
        batch = _Batch(library.db, entities, probed)
        for file in probed:
            batch.keep(file, now_ns)
        batch.settle()
        struck = padded(paths, b"")
        select(p for p in entities.PendingFile if p.path in struck).delete(bulk=True)
    failed = sum(isinstance(file, FailedFile) for file in files)
    added, moved = (sum(change == kind for change in batch.changes.values()) for kind in ("added", "moved"))
    return BatchResult(added, len(files) - failed - added - moved, failed, moved, batch.changes)


def _edited_since(db: Database, paths: Sequence[bytes], read_ns: int | None) -> set[bytes]:
    if read_ns is None:
        return set()
    rows = db.select(
        "SELECT path FROM tag_edit_file JOIN tag_edit ON tag_edit.id = edit_id WHERE done_ns > $read_ns",
        {"read_ns": read_ns},
    )
    return set(rows) & set(paths)


# The fields of `Tags` that stand in a column of their own name.
_LINKED = {"artists", "album_artists", "genres", "musicbrainz_artist_ids", "musicbrainz_album_artist_ids"}
_PLAIN = tuple(name for name in Tags.__struct_fields__ if name not in _LINKED | {"artist", "album"})
_COLUMNS = (
    *("folder_id", "path", "size", "mtime_ns", "content_id", "kind", "sample_rate", "channels", "bits"),
    *("total_frames", "duration_s", "missing", "title_key", "artist_id", "artist_name", "artist_key"),
    *("album_id", "album_title", "album_key", *_PLAIN),
)
_INSERT = (
    f"INSERT INTO track ({', '.join(_COLUMNS)}, added_ns, favorite, play_count, skip_count)"
    f" VALUES ({', '.join('$' + name for name in _COLUMNS)}, $added_ns, FALSE, 0, 0) RETURNING id"
)
_UPDATE = f"UPDATE track SET {', '.join(f'{name} = ${name}' for name in _COLUMNS)} WHERE id = $track_id"
_DISPLACE = "UPDATE track SET path = $path, missing = TRUE WHERE id = $track_id"


@dataclass(frozen=True)
class _Known(KnownTrack):
    """A track as it was before the batch."""

    total_frames: int | None
    album_id: int | None


class _Batch:
    """One batch on its way into the database; what it touches is loaded with one query a kind."""

    def __init__(self, db: Database, entities: Entities, files: Sequence[ProbedFile]) -> None:
        self.changes: dict[str, str] = {}
        self._db = db
        self._names = Names(db, entities, files)
        folders = select((f.path, f.id) for f in entities.Folder)[:]
        self._folders = sorted(folders, key=lambda row: len(row[0]), reverse=True)
        known = _load(entities, files)
        self._known = {track.id: track for track in known}
        self._matched = match_tracks(files, known)
        self._left_artists = self._names.artists_of(list(self._known))
        self._displace(known, {os.fsencode(file.path) for file in files})

    def _displace(self, known: Sequence[_Known], paths: set[bytes]) -> None:
        """Take their paths from tracks that are not there any more, or are about to get another.

        A path with a NUL behind it is no file's, and lies where the real one did in the order of paths.
        """
        for track in known:
            here = self._matched.get(track.path)
            if track.path in paths and (here is None or here.id != track.id):
                path = track.path + b"\0" + str(track.id).encode()
                self._db.execute(_DISPLACE, {"path": path, "track_id": track.id})

    def keep(self, file: ProbedFile, now_ns: int) -> None:
        """Make or renew one track."""
        path = os.fsencode(file.path)
        track = self._known[self._matched[path].id] if path in self._matched else None
        values = self._file_values(file, path, track) | self._tag_values(file)
        if track is None:
            track_id = self._db.execute(_INSERT, {**values, "added_ns": now_ns}).fetchone()[0]
            self.changes[file.path] = "added"
        else:
            track_id = track.id
            self._db.execute(_UPDATE, {**values, "track_id": track_id})
            self.changes[file.path] = "updated" if track.path == path else "moved"
        keep_links(self._db, self._names, track_id, file.tags, track is not None)
        index_tracks(self._db, [track_id])

    def settle(self) -> None:
        """Let the albums follow their tracks, and drop albums and artists that nothing is by any more."""
        left = {track.album_id for track in self._known.values() if track.album_id is not None}
        self._names.settle(left, self._left_artists)

    def _folder(self, path: bytes) -> int:
        for folder, folder_id in self._folders:
            if path.startswith(folder.rstrip(b"/") + b"/"):
                return folder_id  # type: ignore[no-any-return]
        raise ValueError("the file lies in no folder that is known")

    def _file_values(self, file: ProbedFile, path: bytes, track: _Known | None) -> dict[str, Any]:
        frames = file.total_frames
        if frames is None and track is not None and track.content_id == file.content_id:
            frames = track.total_frames  # counted since, and only the tags are new
        return {
            "path": path,
            "folder_id": self._folder(path),
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
            **{name: getattr(tags, name) for name in _PLAIN},
            "title_key": fold(tags.title),
            "artist_id": self._names.artist(tags.artists[0]) if tags.artists else None,
            "artist_name": tags.artist,
            "artist_key": fold(tags.artist) if tags.artist else None,
            "album_id": self._names.album(file),
            "album_title": tags.album,
            "album_key": fold(tags.album) if tags.album else None,
        }


def _load(entities: Entities, files: Sequence[ProbedFile]) -> list[_Known]:
    """The tracks at the paths of `files`, and the missing ones with the audio of one."""
    paths = padded((os.fsencode(file.path) for file in files), b"")
    contents = padded((file.content_id for file in files), "")
    at_paths = select(
        (t.id, t.path, t.content_id, t.missing, t.total_frames, t.album.id) for t in entities.Track if t.path in paths
    )[:]
    gone = select(
        (t.id, t.path, t.content_id, t.missing, t.total_frames, t.album.id)
        for t in entities.Track
        if t.content_id in contents and t.missing
    )[:]
    return [_Known(*row) for row in {row[0]: row for row in [*at_paths, *gone]}.values()]
