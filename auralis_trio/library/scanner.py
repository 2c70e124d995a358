"""A scan beside the database: comparing with what is known, noting what to read, marking what is gone.

A scan (1) compares what lies on the disk with what is known, and notes in the table of pending files what has to be
read; (2) marks as missing what is known and was not seen where it could have been; (3) reads the pending files in
batches, each of which is one transaction (`batch`). A kill in between loses at most the batch under way: the next
scan does what is left.

Nothing is ever deleted for being gone. What a track is whose file was not seen, `folders` says.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pony.orm import select

from auralis_trio.audio.source import Check
from auralis_trio.library.folders import name_folders, root_state, span_of
from auralis_trio.library.rows import rows_with, run_for_each, run_with
from auralis_trio.library.store import Library
from auralis_trio.library.walk import FoundFile, Walk

KNOWN_PAGE = 5_000

# In SQL, since Pony does not know that bytes have an order.
_KNOWN_PAGE = """SELECT path, id FROM track
    WHERE path > $after AND path < $end AND NOT missing ORDER BY path LIMIT $limit"""
_AT_PATHS = "SELECT path, id, size, mtime_ns, lyrics_mtime_ns, missing FROM track WHERE path IN ?"
NEW_PENDING = "INSERT INTO pending_file (path) VALUES (?)"
_PENDING_PAGE = "SELECT id, path FROM pending_file WHERE id > $after_id ORDER BY id LIMIT $limit"


class SeenTracks:
    """A set of track ids at one bit for each id ever given."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, track_id: int) -> None:
        """Note that this track was seen."""
        byte, bit = divmod(track_id, 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        self._bits[byte] |= 1 << bit

    def __contains__(self, track_id: int) -> bool:
        byte, bit = divmod(track_id, 8)
        return byte < len(self._bits) and bool(self._bits[byte] >> bit & 1)


@dataclass(frozen=True)
class BatchPlan:
    """What some files call for: `seen` tracks lie there, `back` ones did not before, the files `to_read` are new or
    changed, and `unchanged` files need nothing at all. `back_paths` are where the tracks that are back lie."""

    seen: Sequence[int]
    back: Sequence[int]
    to_read: Sequence[str]
    unchanged: int
    back_paths: Sequence[str] = ()


@dataclass(frozen=True)
class Unseen:
    """Tracks whose files were not seen, from one page of what is known; `last_path` is where the next page begins."""

    track_ids: Sequence[int]
    last_path: str | None
    paths: Sequence[str] = ()


def begin_scan(library: Library, folders: Iterable[str], now_ns: int) -> None:
    """Make these the folders that are named, and forget what a scan that was killed had still to read."""
    with library.writing() as entities:
        select(pending for pending in entities.PendingFile).delete(bulk=True)
        name_folders(library.db, folders, now_ns)


def plan_batch(library: Library, found: Sequence[FoundFile], reread: bool = False) -> BatchPlan:
    """Compare files with what is known: by path, and by size, modification time and that of its lyrics
    as then seen.

    With `reread` all of them are to be read. The caller keeps the batch small, since its paths are the variables of
    one query.
    """
    paths = [os.fsencode(file.path) for file in found]
    with library.reading():
        rows = rows_with(library.db, _AT_PATHS, paths)
    known = {path: row for path, *row in rows}
    same = 0
    back: list[int] = []
    back_paths: list[str] = []
    to_read: list[str] = []
    for path, file in zip(paths, found, strict=True):
        track_id, *seen, missing = known.get(path, (0, None, None, None, False))
        if reread or seen != [file.size, file.mtime_ns, file.lyrics_mtime_ns]:
            to_read.append(file.path)
        elif missing:
            back.append(track_id)
            back_paths.append(file.path)
        else:
            same += 1
    return BatchPlan([row[0] for row in known.values()], back, to_read, same, back_paths)


def keep_plan(library: Library, plan: BatchPlan) -> None:
    """Note the files that are to be read, and that the tracks which are back are there."""
    with library.writing():
        run_for_each(library.db, NEW_PENDING, ([os.fsencode(path)] for path in plan.to_read))
        run_with(library.db, "UPDATE track SET missing = FALSE WHERE id IN ?", plan.back)


def is_unavailable(library: Library, walk: Walk) -> bool:
    """Whether a folder that was looked through could not be, or is a root that has lost all its music at once and may
    be another folder than the one that held it, such as a mount point."""
    target = walk.target
    if target.path in walk.unreadable:
        return True
    if target.path != target.root or walk.found or walk.ignored or not _known_page(library, target.path, None, 1):
        return False
    state = root_state(library, target.root)
    return state is None or state.identity is None or state.identity != walk.identity


def unseen_page(library: Library, walk: Walk, seen: SeenTracks, after_path: str | None, *, check: Check) -> Unseen:
    """The tracks of the next `KNOWN_PAGE` in the walk's folder that were not `seen` where they could have been."""
    rows = _known_page(library, walk.target.path, after_path, KNOWN_PAGE)
    track_ids, paths = [], []
    for path, track_id in rows:
        check()
        name = os.fsdecode(path)
        if track_id not in seen and walk.target.holds(name) and not walk.missed(name):
            track_ids.append(track_id)
            paths.append(name)
    return Unseen(track_ids, os.fsdecode(rows[-1][0]) if len(rows) == KNOWN_PAGE else None, paths)


def _known_page(library: Library, folder: str, after_path: str | None, limit: int) -> list[tuple[bytes, int]]:
    """Paths and ids of tracks below `folder` that are not missing, in the order of their paths."""
    first, end = span_of(os.fsencode(folder))
    after = first if after_path is None else os.fsencode(after_path)
    with library.reading():
        rows = library.db.select(_KNOWN_PAGE, {"after": after, "end": end, "limit": limit})
    return [(path, track_id) for path, track_id in rows]


def mark_missing(library: Library, track_ids: Sequence[int]) -> None:
    """Mark tracks, at most `KNOWN_PAGE`, whose files are gone; they stay in the library."""
    with library.writing():
        run_with(library.db, "UPDATE track SET missing = TRUE WHERE id IN ?", track_ids)


def pending_page(library: Library, after_id: int, limit: int) -> tuple[list[str], int]:
    """The paths of the next files that are to be read, and the id to ask behind for the page after it."""
    with library.reading():
        rows = library.db.select(_PENDING_PAGE, {"after_id": after_id, "limit": limit})
    return [os.fsdecode(path) for _, path in rows], rows[-1][0] if rows else after_id
