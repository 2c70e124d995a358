"""Forgetting tracks one by one, with all that hangs on them. No file is touched, and no id is given again."""

import os
from collections.abc import Sequence

from pony.orm import Database

from auralis_trio.errors import Conflict
from auralis_trio.library.left import Left
from auralis_trio.library.links import Names
from auralis_trio.library.playlist_entries import number_entries
from auralis_trio.library.queries import MAX_ID, no_track
from auralis_trio.library.rows import rows_with, run_with
from auralis_trio.library.store import Library

PAGE = 2_000

_MISSING = "SELECT id, path FROM track WHERE missing AND id > $after_id ORDER BY id LIMIT $limit"
_STILL = "SELECT id FROM track WHERE missing AND id IN ?"
_PLAYLISTS = "SELECT DISTINCT playlist_id FROM playlist_entry WHERE track_id IN ?"


def forget_missing_track(library: Library, track_id: int) -> None:
    """Forget one track whose file is missing, with its plays, its rating and its places in playlists.

    Raises:
        NotFound: there is no such track.
        Conflict: it is not missing, as far as is known.
    """
    with library.writing() as entities:
        track = entities.Track.get(id=track_id) if 0 < track_id <= MAX_ID else None
        if track is None:
            raise no_track()
        if not track.missing:
            raise Conflict(
                "This track's file was not seen now, but no scan has found it missing. Scan the library first. Where"
                " its whole folder is empty or gone, its disk may be away: to forget what lay there for good, start"
                " without that folder.",
                code="track_unavailable",
            )
        drop_tracks(library.db, [track_id])


def missing_page(library: Library, after_id: int) -> list[tuple[int, str]]:
    """The next missing tracks, at most `PAGE`, behind the id `after_id`: their ids and where their files lay."""
    with library.reading():
        rows = library.db.select(_MISSING, {"after_id": after_id, "limit": PAGE})
    return [(track_id, os.fsdecode(path)) for track_id, path in rows]


def forget_missing_tracks(library: Library, track_ids: Sequence[int]) -> list[int]:
    """Forget those of some tracks that are missing, as `forget_missing_track` does, all or none; their ids."""
    gone: list[int] = []
    with library.writing():
        for first in range(0, len(track_ids), PAGE):
            ids = [track_id for (track_id,) in rows_with(library.db, _STILL, track_ids[first : first + PAGE])]
            drop_tracks(library.db, ids)
            gone += ids
    return gone


def file_is_there() -> Conflict:
    """Why a track cannot be forgotten."""
    return Conflict(
        "This track's file is there, and the next scan would find it again. Only a track whose file is missing can be"
        " forgotten.",
        code="track_present",
    )


def drop_tracks(db: Database, track_ids: Sequence[int]) -> None:
    """Take some tracks, at most `PAGE`, out of the library and its playlists; within a session that writes."""
    left = Left.by(db, track_ids)
    playlists = [playlist_id for (playlist_id,) in rows_with(db, _PLAYLISTS, track_ids)]
    run_with(db, "DELETE FROM track WHERE id IN ?", track_ids)
    for playlist_id in playlists:
        number_entries(db, playlist_id)
    Names(db, []).settle(left)
