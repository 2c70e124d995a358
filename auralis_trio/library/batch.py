"""One batch of files that were read becomes tracks, albums, artists and genres, in one transaction."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

from pony.orm import Database

from auralis_trio.audio.content import names_of
from auralis_trio.audio.formats import format_named
from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.library.left import Left
from auralis_trio.library.links import Names, album_keys, keep_links
from auralis_trio.library.mastering_store import forget_failures, forget_findings
from auralis_trio.library.moves import KnownTrack, match_tracks
from auralis_trio.library.records import FailedFile, ProbedFile, Tags
from auralis_trio.library.rows import Row, rows_with, run_for_each, run_with
from auralis_trio.library.search_index import index_tracks
from auralis_trio.library.store import Library
from auralis_trio.library.text import fold

Outcome = Literal["added", "updated", "moved", "back"]
FileTime = tuple[int, int]
"""The size of a file and when it was written last, in nanoseconds."""

NOTHING_PROVED: Mapping[str, FileTime] = {}


@dataclass(frozen=True)
class BatchResult:
    """What became of the files of one batch; `moved` ones are tracks that were known elsewhere, with their ids, and
    those that are `back` were missing and lie where they lay.

    `changes` says it of each path that changed something. `found_again` is where the moved tracks lay that were
    missing until now, by their ids, and `displaced` where those lay that are missing from now on, since another
    track's file has taken the place of theirs.
    """

    added: int
    updated: int
    failed: int
    moved: int = 0
    back: int = 0
    found_again: Mapping[int, str] = field(default_factory=dict, compare=False)
    displaced: Mapping[int, str] = field(default_factory=dict, compare=False)
    changes: Mapping[str, Outcome] = field(default_factory=dict, compare=False)


def apply_batch(
    library: Library,
    files: Sequence[ProbedFile | FailedFile],
    now_ns: int,
    read_ns: int | None = None,
    proved: Mapping[str, FileTime] = NOTHING_PROVED,
) -> BatchResult:
    """Make or renew the tracks of the files that were read, and strike all of them off the pending ones.

    A file that could not be read changes nothing else: its track, if there is one, stays as it is. Neither does one
    whose tags were edited after `read_ns`, when reading began: the edit knows better. The caller keeps the batch
    small, since its paths are the variables of one query.

    What was found out of a file does not outlive it, as its audio may differ where nobody looked; unless it is
    `proved`, by path, that the audio is still that of the file with this size and time.
    """
    paths = [os.fsencode(file.path) for file in files]
    with library.writing():
        edited = _edited_since(library.db, paths, read_ns)
        probed = [file for file in files if isinstance(file, ProbedFile) and os.fsencode(file.path) not in edited]
        batch = _Batch(library.db, probed, proved)
        batch.keep(now_ns)
        run_with(library.db, _STRIKE, paths)
    failed = sum(isinstance(file, FailedFile) for file in files)
    counts = Counter(batch.changes.values())
    return BatchResult(
        added=counts["added"],
        updated=len(files) - failed - counts["added"] - counts["moved"] - counts["back"],
        failed=failed,
        moved=counts["moved"],
        back=counts["back"],
        found_again=batch.found_again,
        displaced=batch.displaced,
        changes=batch.changes,
    )


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
_PLAIN = tuple(name for name in Tags.__struct_fields__ if name not in _LINKED | {"artist", "album", "lyrics"})
_COLUMNS = (
    *("folder_id", "path", "size", "mtime_ns", "content_id", "kind", "sample_rate", "channels", "bits"),
    *("total_frames", "duration_s", "missing", "title_key", "artist_id", "artist_name", "artist_key"),
    *("album_id", "album_title", "album_key", "title_sort_key", "artist_sort_key", "album_sort_key"),
    *("lyrics", "lyrics_mtime_ns", *_PLAIN),
)
_INSERT = (
    f"INSERT INTO track ({', '.join(_COLUMNS)}, added_ns, favorite, play_count, skip_count)"
    f" VALUES ({', '.join('?' * len(_COLUMNS))}, ?, FALSE, 0, 0)"
)
_UPDATE = f"UPDATE track SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"
_DISPLACE = "UPDATE track SET path = ?, missing = TRUE WHERE id = ?"
_IDS = "SELECT path, id FROM track WHERE path IN ?"
_KNOWN = """SELECT track.id, track.path, content_id, missing, away, total_frames, size, mtime_ns
    FROM track JOIN folder ON folder.id = folder_id"""
_AT_PATHS = f"{_KNOWN} WHERE track.path IN ?"
_GONE = f"{_KNOWN} WHERE missing AND content_id IN ?"
_AWAY = f"{_KNOWN} WHERE away AND content_id IN ?"
_CHOSEN = "SELECT path, track_id FROM pending_file WHERE path IN ? AND track_id IS NOT NULL"
_STRIKE = "DELETE FROM pending_file WHERE path IN ?"

_plain_values = attrgetter(*_PLAIN)


class _Batch:
    """One batch on its way into the database; each step is one statement, or one for each row."""

    def __init__(self, db: Database, files: Sequence[ProbedFile], proved: Mapping[str, FileTime]) -> None:
        self._db = db
        self._files = {os.fsencode(file.path): file for file in files}
        self._proved = proved
        folders = rows_with(db, "SELECT path, id, away FROM folder")
        ids = [(path.rstrip(b"/") + b"/", folder_id) for path, folder_id, _ in folders]
        self._folders = sorted(ids, key=lambda row: len(row[0]), reverse=True)
        self._known = _load(db, self._files, any(away for *_, away in folders))
        self._matched = match_tracks(files, self._known, dict(rows_with(db, _CHOSEN, self._files)))
        self._displaced = [
            track for track in self._known if track.path in self._files and track is not self._matched.get(track.path)
        ]
        self.changes = {file.path: self._change(path, file) for path, file in self._files.items()}
        self.found_again = {
            track.id: os.fsdecode(track.path.partition(b"\0")[0])
            for path, track in self._matched.items()
            if track.missing and track.path != path
        }
        found = {track.id for track in self._matched.values()}
        self.displaced = {
            track.id: os.fsdecode(track.path)
            for track in self._displaced
            if not track.missing and track.id not in found
        }

    def _change(self, path: bytes, file: ProbedFile) -> Outcome:
        track = self._matched.get(path)
        if track is None:
            return "added"
        if track.path != path:
            return "moved"
        return "back" if track.missing and track.content_id in names_of(file.content_id) else "updated"

    def keep(self, now_ns: int) -> None:
        """Make or renew the tracks of all files."""
        self._forget_findings()
        left = Left.by(self._db, [track.id for track in self._known])
        self._displace()
        names = Names(self._db, list(self._files.values()))
        old = {path: track.id for path, track in self._matched.items()}
        rows = {path: self._row(names, path, file) for path, file in self._files.items()}
        run_for_each(self._db, _UPDATE, ((*rows[path], track_id) for path, track_id in old.items()))
        new = [path for path in rows if path not in old]
        run_for_each(self._db, _INSERT, ((*rows[path], now_ns) for path in new))
        ids = old | dict(rows_with(self._db, _IDS, new))
        tags_of = {ids[path]: file.tags for path, file in self._files.items()}
        keep_links(self._db, names, tags_of, old.values())
        index_tracks(self._db, {ids[path]: file for path, file in self._files.items()}, old.values())
        names.settle(left)

    def _forget_findings(self) -> None:
        changed = [file for path, file in self._files.items() if self._may_differ(path, file)]
        forget_failures(self._db, [file.content_id for file in changed])
        unchecked = [file for file in changed if not format_named(file.kind).checked]
        forget_findings(self._db, [file.content_id for file in unchecked])

    def _may_differ(self, path: bytes, file: ProbedFile) -> bool:
        """Whether a file is another than the one that its content is known of."""
        track = self._matched.get(path)
        if track is None or track.content_id not in names_of(file.content_id):
            return False
        known, now = (track.size, track.mtime_ns), (file.size, file.mtime_ns)
        anew = track.mtime_ns < 0 and track.size == file.size  # it is only read anew
        return not (known == now or anew or self._proved.get(file.path) == known)

    def _is_the_same(self, path: bytes, file: ProbedFile) -> bool:
        """Whether a file has the very audio that its track had."""
        track = self._matched.get(path)
        if track is None or track.content_id not in names_of(file.content_id):
            return False
        return format_named(file.kind).checked or not self._may_differ(path, file)

    def _displace(self) -> None:
        """Take their paths from tracks that are not there any more, or are about to get another.

        A path with a NUL behind it is no file's, and lies where the real one did in the order of paths.
        """
        rows = ((track.path + b"\0" + str(track.id).encode(), track.id) for track in self._displaced)
        run_for_each(self._db, _DISPLACE, rows)

    def _folder(self, path: bytes) -> int:
        for folder, folder_id in self._folders:
            if path.startswith(folder):
                return folder_id  # type: ignore[no-any-return]
        raise ValueError("the file lies in no folder that is known")

    def _row(self, names: Names, path: bytes, file: ProbedFile) -> Row:
        """The values of `_COLUMNS`."""
        track, frames, tags, audio = self._matched.get(path), file.total_frames, file.tags, file.format
        if frames is None and track is not None and self._is_the_same(path, file):
            frames = track.total_frames  # counted since, and only the tags are new
        album = album_keys(file)
        return (
            self._folder(path),
            path,
            file.size,
            file.mtime_ns,
            file.content_id,
            file.kind,
            audio.sample_rate,
            audio.channels,
            audio.bits,
            frames,
            None if frames is None else frames_to_seconds(frames, audio.sample_rate),
            False,
            fold(tags.title),
            names.artists[fold(tags.artists[0])] if tags.artists else None,
            tags.artist,
            fold(tags.artist) if tags.artist else None,
            names.albums[album] if album else None,
            tags.album,
            album[0] if album else None,
            fold(tags.title_sort or tags.title),
            fold(tags.artist_sort or tags.artist) if tags.artist else None,
            fold(tags.album_sort or tags.album) if tags.album else None,
            file.lyrics,
            file.lyrics_mtime_ns,
            *_plain_values(tags),
        )


def _load(db: Database, files: Mapping[bytes, ProbedFile], any_away: bool) -> list[KnownTrack]:
    """The tracks at the paths of `files`, and those with the audio of one which are missing or unavailable."""
    contents = [name for file in files.values() for name in names_of(file.content_id)]
    rows = rows_with(db, _AT_PATHS, files) + rows_with(db, _GONE, contents)
    rows += rows_with(db, _AWAY, contents) if any_away else []
    return [KnownTrack(*row) for row in {row[0]: row for row in rows}.values()]
