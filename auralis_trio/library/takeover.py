"""Copies that are left when what they were copied from has gone: the old track goes on in the copy's file.

Where a track has just gone missing and a newer one with the same audio means nothing to a listener yet (no rating,
favourite, play or skip, no place in a playlist or the queue), the newer one is dropped and its file read as a new
one, so that it is recognised as the old track, which has moved.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from auralis_trio.audio.source import Check
from auralis_trio.library.forgetting import PAGE, drop_tracks
from auralis_trio.library.rows import rows_with, run_for_each
from auralis_trio.library.scanner import NEW_PENDING, SeenTracks
from auralis_trio.library.store import Library

_MISSING = "SELECT id, content_id FROM track WHERE missing AND id > $after_id ORDER BY id LIMIT $limit"
_UNUSED = """NOT track.missing AND NOT favorite AND rating IS NULL AND play_count = 0 AND skip_count = 0
    AND NOT EXISTS (SELECT 1 FROM playlist_entry WHERE playlist_entry.track_id = track.id)
    AND NOT EXISTS (SELECT 1 FROM pending_file WHERE pending_file.path = track.path)"""
_COPIES = f"""SELECT track.id, track.content_id, track.path, folder.path FROM track
    JOIN folder ON folder.id = track.folder_id WHERE track.content_id IN ? AND {_UNUSED} ORDER BY track.id"""
_STILL = f"SELECT id, path FROM track WHERE id IN ? AND {_UNUSED}"


@dataclass(frozen=True, slots=True)
class Copy:
    """A track that may be dropped, where its file lies, and in which root."""

    track_id: int
    path: str
    root: str


def copies_page(
    library: Library, gone: SeenTracks, spared: Collection[int], after_id: int
) -> tuple[list[Copy], int | None]:
    """The copies of those of the next `PAGE` missing tracks that are `gone` just now, for each at most one and none
    that is `spared`; and the id behind which the next page begins."""
    copies: list[Copy] = []
    with library.reading():
        rows = list(library.db.select(_MISSING, {"after_id": after_id, "limit": PAGE}))
        waiting: dict[str, list[int]] = {}
        for track_id, content_id in rows:
            if track_id in gone:
                waiting.setdefault(content_id, []).append(track_id)
        for track_id, content_id, path, root in rows_with(library.db, _COPIES, waiting):
            olds = waiting[content_id]
            if olds and track_id > olds[0] and track_id not in spared:
                olds.pop(0)
                copies.append(Copy(track_id, os.fsdecode(path), os.fsdecode(root)))
    return copies, rows[-1][0] if len(rows) == PAGE else None


def present_copies(copies: Sequence[Copy], *, check: Check) -> list[Copy]:
    """Those whose files are there."""
    found = []
    for copy in copies:
        check()
        if os.path.isfile(copy.path):
            found.append(copy)
    return found


def take_over(library: Library, copies: Sequence[Copy]) -> int:
    """Drop these tracks as far as they still mean nothing, and have their files read; how many there were."""
    with library.writing():
        rows = rows_with(library.db, _STILL, [copy.track_id for copy in copies])
        run_for_each(library.db, NEW_PENDING, ([path] for _, path in rows))
        drop_tracks(library.db, [track_id for track_id, _ in rows])
    return len(rows)
