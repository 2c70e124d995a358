"""What is in a playlist: entries with ids of their own, since a track may stand in it twice.

Positions rise from 0 without gaps. Every change is a few statements over the one playlist, whose row is written
first, so that two changes of one playlist wait for each other on either database.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from pony.orm import Database

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.library.listing import Listing, read_slice, rows_of
from auralis_trio.library.paging import Column, Place, Window, order_by
from auralis_trio.library.playlists import insert_entries, known_playlist, playlist_for_change
from auralis_trio.library.queries import MAX_ID, TRACK_COLUMNS, TRACK_SORTS, track_records
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.rows import run_listed
from auralis_trio.library.smart import evaluate
from auralis_trio.library.store import Library

IN_ORDER = "position"
MAX_AT_ONCE = 5_000


class EntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One place in a playlist; what a smart one finds has no entries of its own, and so no id."""

    entry_id: int | None
    position: int
    track: TrackRecord


_SOURCE = "playlist_entry JOIN track ON track.id = playlist_entry.track_id"
_ENTRIES = f"""SELECT playlist_entry.id, playlist_entry.position, {TRACK_COLUMNS}
    FROM {_SOURCE} WHERE playlist_entry.id IN ({{ids}})
"""
_SORTS = {IN_ORDER: (Column("playlist_entry.position", int),), **TRACK_SORTS}


def list_entries(library: Library, playlist_id: int, window: Window, sort: str = IN_ORDER) -> Page[EntryRecord]:
    """A page of what is in a playlist: in its own order, or in one of `TRACK_SORTS`. A smart one has only its own.

    In the playlist's own order a cursor goes on behind the last entry wherever that stands by now, or, when it was
    taken out, from the position that it had.

    Raises:
        NotFound: there is no such playlist.
        InvalidRequest: `sort` cannot be used here, or the cursor belongs to another list.
    """
    playlist = known_playlist(library, playlist_id)
    if playlist.rules is not None:
        if sort != IN_ORDER:
            raise InvalidRequest("The order of a smart playlist is among its rules.")
        return _found(evaluate(library, playlist.rules, window, time.time_ns()))
    listing = Listing(
        _SOURCE,
        order_by(_SORTS, sort, "playlist_entry.id"),
        f"playlist {playlist_id}",
        "playlist_entry.playlist_id = $playlist_id",
        {"playlist_id": playlist_id},
    )
    with library.reading():
        place = listing.place(window)
        if sort == IN_ORDER and place.values:
            place = _place_now(library, playlist_id, place)
        found = read_slice(library.db, listing, window, playlist.tracks or 0, place)
        rows = rows_of(library.db, _ENTRIES, found.ids)
        tracks = track_records(library.db, [row for _, _, *row in rows])
    return found.page(
        [
            EntryRecord(entry_id=entry_id, position=position, track=track)
            for (entry_id, position, *_), track in zip(rows, tracks, strict=True)
        ]
    )


def _place_now(library: Library, playlist_id: int, place: Place) -> Place:
    """Behind the entry that `place` was behind, where it stands now."""
    then, entry_id = place.values
    values = {"entry_id": entry_id, "playlist_id": playlist_id}
    now = library.db.select(
        "SELECT position FROM playlist_entry WHERE id = $entry_id AND playlist_id = $playlist_id", values
    )
    return Place(place.given, (now[0], entry_id) if now else (int(then or 0) - 1, MAX_ID))


def _found(page: Page[TrackRecord]) -> Page[EntryRecord]:
    items = [
        EntryRecord(entry_id=None, position=position, track=track)
        for position, track in enumerate(page.items, page.offset)
    ]
    return Page(items=items, total=page.total, offset=page.offset, limit=page.limit, next_cursor=page.next_cursor)


def add_entries(
    library: Library, playlist_id: int, track_ids: Sequence[int], position: int | None = None
) -> list[int]:
    """Put tracks into a playlist from `position` on, None: at its end; the ids of the new entries, in order.

    Raises:
        NotFound: the playlist or one of the tracks is unknown; then nothing is put in.
        InvalidRequest: no tracks, too many at once, or a position outside of the playlist.
        Conflict: the playlist is smart, or would have more than `MAX_ENTRIES`.
    """
    if not 1 <= len(track_ids) <= MAX_AT_ONCE:
        raise InvalidRequest(f"Give 1 to {MAX_AT_ONCE} tracks at once.")
    with library.writing() as entities:
        length = _open_for_change(library, entities, playlist_id)
        at = length if position is None else position
        _check_position(at, length)
        library.db.execute(
            "UPDATE playlist_entry SET position = position + $places"
            " WHERE playlist_id = $playlist_id AND position >= $at",
            {"places": len(track_ids), "playlist_id": playlist_id, "at": at},
        )
        return insert_entries(library, playlist_id, at, track_ids, length)


def remove_entries(library: Library, playlist_id: int, entry_ids: Sequence[int]) -> None:
    """Take entries out of a playlist.

    Raises:
        NotFound: the playlist or one of the entries is unknown; then nothing is taken out.
        InvalidRequest: no entries, too many at once, or one twice.
        Conflict: the playlist is smart.
    """
    _check_entry_ids(entry_ids)
    with library.writing() as entities:
        _open_for_change(library, entities, playlist_id)
        _change_these(library, _TAKE_OUT, playlist_id, entry_ids)
        number_entries(library.db, playlist_id)


def move_entries(library: Library, playlist_id: int, entry_ids: Sequence[int], position: int) -> None:
    """Put entries, in the order given, where the first of them then stands at `position` of the playlist.

    Raises:
        NotFound, InvalidRequest, Conflict: as in `remove_entries`.
        InvalidRequest: so many entries do not fit behind the position.
    """
    _check_entry_ids(entry_ids)
    with library.writing() as entities:
        length = _open_for_change(library, entities, playlist_id)
        _check_position(position, length - len(entry_ids))
        _change_these(library, _TAKE_UP, playlist_id, entry_ids)
        behind = library.db.select(_STAYING, {"playlist_id": playlist_id, "at": position})
        number_entries(library.db, playlist_id, behind[0] if behind else length)


def clear_playlist(library: Library, playlist_id: int) -> None:
    """Take everything out of a playlist.

    Raises:
        NotFound: there is no such playlist.
        Conflict: the playlist is smart.
    """
    with library.writing() as entities:
        _open_for_change(library, entities, playlist_id)
        library.db.execute("DELETE FROM playlist_entry WHERE playlist_id = $id", {"id": playlist_id})


# Entries that are being moved have positions below 0: the first -1, the next -2. A plus leads SQLite to look each one
# up by its id, rather than to go through the list for every entry of the playlist.
_TAKE_UP = """UPDATE playlist_entry SET position = -1 - listed.place FROM ({listed}) AS listed
    WHERE playlist_entry.id = listed.id AND +playlist_id = $playlist_id
"""
_TAKE_OUT = """DELETE FROM playlist_entry
    WHERE id IN (SELECT listed.id FROM ({listed}) AS listed) AND playlist_id = $playlist_id
"""
_STAYING = """SELECT position FROM playlist_entry WHERE playlist_id = $playlist_id AND position >= 0
    ORDER BY position LIMIT 1 OFFSET $at"""
_NUMBER = """UPDATE playlist_entry SET position = numbered.place
    FROM (SELECT id, row_number() OVER (
              ORDER BY CASE WHEN position < 0 THEN $before ELSE position END, position >= 0, position DESC
          ) - 1 AS place FROM playlist_entry WHERE playlist_id = $playlist_id) AS numbered
    WHERE playlist_entry.id = numbered.id AND playlist_entry.position <> numbered.place
"""


def number_entries(db: Database, playlist_id: int, before: int = 0) -> None:
    """Number all entries from 0 on, those that are being moved before the one at the position `before`; within a
    session that writes."""
    db.execute(_NUMBER, {"playlist_id": playlist_id, "before": before})


def _change_these(library: Library, change: str, playlist_id: int, entry_ids: Sequence[int]) -> None:
    """Change exactly these entries.

    Raises:
        NotFound: one of them is not in the playlist.
    """
    possible = [entry_id for entry_id in entry_ids if 0 < entry_id <= MAX_ID]
    done = run_listed(library.db, change, possible, playlist_id=playlist_id).rowcount
    if done != len(entry_ids):
        raise NotFound("There is no entry with this id in the playlist.", code="entry_not_found")


def _open_for_change(library: Library, entities: Any, playlist_id: int) -> int:
    """Note that a playlist changes now; how many entries it has."""
    playlist = playlist_for_change(entities, playlist_id)
    if playlist.rules is not None:
        raise Conflict("A smart playlist is changed by its rules.", code="smart_playlist")
    playlist.updated_ns = time.time_ns()
    playlist.flush()
    return int(library.db.get("SELECT count(*) FROM playlist_entry WHERE playlist_id = $id", {"id": playlist_id}))


def _check_entry_ids(entry_ids: Sequence[int]) -> None:
    if not 1 <= len(entry_ids) <= MAX_AT_ONCE:
        raise InvalidRequest(f"Give 1 to {MAX_AT_ONCE} entries at once.")
    if len(set(entry_ids)) != len(entry_ids):
        raise InvalidRequest("Give each entry once.")


def _check_position(position: int, last: int) -> None:
    if not 0 <= position <= last:
        raise InvalidRequest(f"The position is a number from 0 to {max(0, last)}.")
