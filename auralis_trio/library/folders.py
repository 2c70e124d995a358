"""Which folders the operator names, and which of them are away: what is to be thought of a file that was not seen.

After a scan a track is

- *present*: its file was seen;
- *missing*: it could be looked for where it lay and is not there, or it lies in no folder that is named any more;
- *unavailable*: its folder is named, but cannot be looked at, or stands empty like the mount point of a disk that is
  not there. Nothing is marked then; `away` says it of the folder.

A root that has lost all its music is away, unless it is still the very folder that held it (`Walk.identity`): then
it was emptied. Folders that are not named any more count as away until their tracks are marked as missing.

A new file is taken for a track that is missing or unavailable and has its audio (`moves`), at once. A track that is
missing, but not one that is only unavailable, goes on in a copy that means nothing to anybody (`takeover`).
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pony.orm import Database

from auralis_trio.library.records import FolderRecord
from auralis_trio.library.rows import rows_with, run_for_each, run_with
from auralis_trio.library.store import Library
from auralis_trio.library.walk import Walk

PAGE = 5_000

_ALL = "SELECT id, path FROM folder"
_NEW = "INSERT INTO folder (path, added_ns, away) VALUES (?, ?, FALSE)"
_HAND_OVER = "UPDATE track SET folder_id = ? WHERE folder_id = ? AND path > ? AND path < ?"
_PART = "UPDATE folder SET away = TRUE WHERE id IN ?"
_DROP = "DELETE FROM folder WHERE id IN ? AND NOT EXISTS (SELECT 1 FROM track WHERE folder_id = folder.id)"
_PRESENT = "SELECT id, path FROM track WHERE folder_id = $folder_id AND missing = FALSE LIMIT $limit"
_STATE = "SELECT away, identity FROM folder WHERE path IN ?"
_KEEP_STATE = "UPDATE folder SET away = ?, identity = ? WHERE path = ?"
_FOLDERS = """SELECT folder.id, folder.path,
        (SELECT count(*) FROM track WHERE track.folder_id = folder.id), folder.added_ns
    FROM folder ORDER BY folder.id
"""


@dataclass(frozen=True)
class Parted:
    """Tracks that are not missing yet, in a folder that is not named any more."""

    folder: str
    track_ids: Sequence[int]
    paths: Sequence[str]


@dataclass(frozen=True)
class RootState:
    """What is known of a root: whether it is away, and the identity of the folder in which music was last found."""

    away: bool
    identity: str | None


def span_of(folder: bytes) -> tuple[bytes, bytes]:
    """Between which two, without these, all paths within `folder` lie in their order."""
    prefix = folder.rstrip(b"/")
    return prefix + b"/", prefix + b"0"  # the byte behind the slash


def name_folders(db: Database, folders: Iterable[str], now_ns: int) -> None:
    """Make these the folders that are named, none of which lies within another; within a session that writes.

    Each track comes to lie in the one that holds it. A folder that is not named and holds no track is dropped.
    """
    named = [os.fsencode(folder) for folder in folders]
    known = {path for _, path in _folders(db)}
    run_for_each(db, _NEW, ((path, now_ns) for path in named if path not in known))
    ids = {path: folder_id for folder_id, path in _folders(db)}
    others = {path: ids[path] for path in ids.keys() - set(named)}
    run_for_each(
        db,
        _HAND_OVER,
        (
            (ids[to], folder_id, *span_of(to))
            for path, folder_id in others.items()
            for to in named
            if _lies_in(path, to) or _lies_in(to, path)
        ),
    )
    run_with(db, _PART, others.values())
    run_with(db, _DROP, others.values())


def parted_page(library: Library, folders: Iterable[str]) -> Parted | None:
    """The next tracks, at most `PAGE`, which are to be marked as missing, since no such folder is among `folders`."""
    named = set(map(os.fsencode, folders))
    with library.reading():
        for folder_id, path in _folders(library.db):
            if path in named:
                continue
            rows = library.db.select(_PRESENT, {"folder_id": folder_id, "limit": PAGE})
            if rows:
                paths = [os.fsdecode(path) for _, path in rows]
                return Parted(os.fsdecode(path), [track_id for track_id, _ in rows], paths)
    return None


def root_state(library: Library, root: str) -> RootState | None:
    """What is known of a root; None if it is none by itself."""
    with library.reading():
        rows = rows_with(library.db, _STATE, [os.fsencode(root)])
    return RootState(bool(rows[0][0]), rows[0][1]) if rows else None


def changed_state(library: Library, walk: Walk, unavailable: bool) -> RootState | None:
    """What is known of a root after all of it or a folder in it was looked through; None if that is nothing new."""
    before = root_state(library, walk.target.root)
    whole = walk.target.path == walk.target.root
    if before is None or not (whole or walk.found):
        return None
    identity = walk.identity if whole and walk.target.recursive and walk.found else before.identity
    after = RootState(whole and unavailable, identity)
    return None if after == before else after


def keep_state(library: Library, root: str, state: RootState) -> None:
    """Keep what is known of a root."""
    with library.writing():
        run_for_each(library.db, _KEEP_STATE, [(state.away, state.identity, os.fsencode(root))])


def _folders(db: Database) -> list[tuple[int, bytes]]:
    return [(folder_id, bytes(path)) for folder_id, path in db.select(_ALL)]


def _lies_in(path: bytes, folder: bytes) -> bool:
    after, end = span_of(folder)
    return after < path < end


def add_folder(library: Library, path: str, now_ns: int) -> FolderRecord:
    """Make a folder known by its real path; one that is known already stays as it is."""
    raw = os.fsencode(path)
    with library.writing() as entities:
        folder = entities.Folder.get(path=raw) or entities.Folder(path=raw, added_ns=now_ns)
        folder.flush()
        return _folder_record((folder.id, raw, folder.tracks.count(), folder.added_ns))


def list_folders(library: Library) -> list[FolderRecord]:
    """All the folders of music; they are few, since an operator names each."""
    with library.reading():
        rows = library.db.select(_FOLDERS)
    return [_folder_record(row) for row in rows]


def _folder_record(row: Sequence[Any]) -> FolderRecord:
    id, path, tracks, added_ns = row
    return FolderRecord(
        id=id, name=os.path.basename(path).decode("utf-8", "replace"), tracks=tracks, added_ns=added_ns
    )
