"""Copies that are left when what they were copied from has gone: the old track goes on in the copy's file.

Where a track is missing and another one with the same audio means nothing to a listener (no rating, favourite, play
or skip, no place in a playlist or the queue), the latter is dropped and its file read for the former, which has
moved. A missing track that means nothing either takes only a newer copy. Which tracks these are, the database alone
says: so nothing is lost by a scan that did not come so far.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from auralis_trio.audio.source import Check
from auralis_trio.library.forgetting import PAGE, drop_tracks
from auralis_trio.library.rows import rows_with, run_for_each
from auralis_trio.library.store import Library

_UNUSED = """NOT track.favorite AND track.rating IS NULL AND track.play_count = 0 AND track.skip_count = 0
    AND NOT EXISTS (SELECT 1 FROM playlist_entry WHERE playlist_entry.track_id = track.id)"""
_IS_COPY = f"""NOT track.missing AND {_UNUSED}
    AND NOT EXISTS (SELECT 1 FROM pending_file WHERE pending_file.path = track.path)"""
# In the order of the index of missing tracks, which are few.
_CONTENTS = f"""SELECT DISTINCT gone.content_id FROM track AS gone
    WHERE gone.missing AND gone.content_id > $after AND EXISTS (
        SELECT 1 FROM track WHERE track.content_id = gone.content_id AND {_IS_COPY})
    ORDER BY gone.content_id LIMIT $limit"""
_GONE = f"""SELECT id, content_id, NOT ({_UNUSED}) FROM track WHERE missing AND content_id IN ? ORDER BY id"""
_COPIES = f"""SELECT track.id, track.content_id, track.path, folder.path FROM track
    JOIN folder ON folder.id = track.folder_id WHERE track.content_id IN ? AND {_IS_COPY} ORDER BY track.id"""
_STILL_COPY = f"SELECT id, path FROM track WHERE id IN ? AND {_IS_COPY}"
_STILL_GONE = "SELECT id FROM track WHERE id IN ? AND missing"
_PENDING = "INSERT INTO pending_file (path, track_id) VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Copy:
    """A track that may be dropped, where its file lies and in which root; and the missing track to have that."""

    track_id: int
    path: str
    root: str
    gone_id: int


def copies_page(library: Library, spared: Collection[int], after: str = "") -> tuple[list[Copy], str | None]:
    """The copies for the missing tracks of the next `PAGE` contents behind `after`, for each track at most one, none
    that is `spared`, and not more than `PAGE`; and the content behind which the next page begins."""
    copies: list[Copy] = []
    with library.reading():
        contents = list(library.db.select(_CONTENTS, {"after": after, "limit": PAGE}))
        waiting: dict[str, list[tuple[int, bool]]] = {}
        for track_id, content_id, used in rows_with(library.db, _GONE, contents):
            waiting.setdefault(content_id, []).append((track_id, bool(used) or track_id in spared))
        for track_id, content_id, path, root in rows_with(library.db, _COPIES, contents):
            gone = _heir(waiting.get(content_id, []), track_id)
            if gone is not None and track_id not in spared:
                waiting[content_id].remove(gone)
                copies.append(Copy(track_id, os.fsdecode(path), os.fsdecode(root), gone[0]))
    return copies[:PAGE], contents[-1] if len(contents) == PAGE else None


def _heir(waiting: Sequence[tuple[int, bool]], copy_id: int) -> tuple[int, bool] | None:
    """Which missing track is to have a copy's file: one that means something before any other, and the oldest."""
    fit = [(not used, track_id) for track_id, used in waiting if used or track_id < copy_id]
    return (min(fit)[1], not min(fit)[0]) if fit else None


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
    gone_ids = {copy.track_id: copy.gone_id for copy in copies}
    with library.writing():
        gone = {track_id for (track_id,) in rows_with(library.db, _STILL_GONE, gone_ids.values())}
        rows = rows_with(library.db, _STILL_COPY, gone_ids)
        taken = [(path, track_id) for track_id, path in rows if gone_ids[track_id] in gone]
        run_for_each(library.db, _PENDING, ((path, gone_ids[track_id]) for path, track_id in taken))
        drop_tracks(library.db, [track_id for _, track_id in taken])
    return len(taken)
