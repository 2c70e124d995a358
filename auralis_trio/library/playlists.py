"""Playlists: named lists of tracks, and smart ones that rules fill. Their entries are in `playlist_entries`."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.library.listing import Listing, read_slice, rows_of
from auralis_trio.library.paging import Column, Window, order_by
from auralis_trio.library.queries import MAX_ID, no_track
from auralis_trio.library.records import Page
from auralis_trio.library.rows import run_listed
from auralis_trio.library.smart import SmartRules, check_rules, stored_rules, totals
from auralis_trio.library.store import Library
from auralis_trio.library.text import MAX_TEXT_CHARS, clean, clean_lines, fold

MAX_PLAYLISTS = 10_000
MAX_ENTRIES = 20_000
MAX_NAME_CHARS = 255

PLAYLIST_SORTS = {
    "name": (Column("playlist.name_key", str),),
    "created": (Column("playlist.created_ns", int),),
    "updated": (Column("playlist.updated_ns", int),),
}


class PlaylistRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One playlist. `tracks` and `duration_s` of a smart one are null in lists, since they have to be found first;
    a length is only given where that of every track is known."""

    id: int
    name: str
    description: str
    smart: bool
    rules: SmartRules | None
    tracks: int | None
    duration_s: float | None
    created_ns: int
    updated_ns: int


class PlaylistText(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of a playlist; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    rules: SmartRules | None = None


_PLAYLISTS = """SELECT playlist.id, name, description, rules, created_ns, updated_ns,
        (SELECT count(*) FROM playlist_entry WHERE playlist_id = playlist.id),
        (SELECT CASE WHEN count(*) = count(duration_s) THEN coalesce(sum(duration_s), 0.0) END
         FROM playlist_entry JOIN track ON track.id = track_id WHERE playlist_id = playlist.id)
    FROM playlist WHERE playlist.id IN ({ids})
"""


def list_playlists(library: Library, window: Window, sort: str = "name") -> Page[PlaylistRecord]:
    """A page of the playlists.

    Raises:
        InvalidRequest: `sort` is none of `PLAYLIST_SORTS`, or the cursor belongs to another list.
    """
    listing = Listing("playlist", order_by(PLAYLIST_SORTS, sort, "playlist.id"), "playlists")
    with library.reading():
        found = read_slice(library.db, listing, window)
        return found.page([_record(row) for row in rows_of(library.db, _PLAYLISTS, found.ids)])


def get_playlist(library: Library, playlist_id: int) -> PlaylistRecord:
    """One playlist; of a smart one, how much it finds now.

    Raises:
        NotFound: there is no such playlist.
    """
    playlist = known_playlist(library, playlist_id)
    if playlist.rules is None:
        return playlist
    tracks, duration_s = totals(library, playlist.rules, time.time_ns())
    return msgspec.structs.replace(playlist, tracks=tracks, duration_s=duration_s)


def known_playlist(library: Library, playlist_id: int) -> PlaylistRecord:
    """One playlist as it is in lists.

    Raises:
        NotFound: there is no such playlist.
    """
    _check_id(playlist_id)
    with library.reading():
        rows = library.db.select(_PLAYLISTS.replace("{ids}", "$playlist_id"), {"playlist_id": playlist_id})
    if not rows:
        raise no_playlist()
    return _record(rows[0])


def _record(row: Sequence[Any]) -> PlaylistRecord:
    id, name, description, rules, created_ns, updated_ns, tracks, duration_s = row
    return PlaylistRecord(
        id=id,
        name=name,
        description=description,
        smart=rules is not None,
        rules=None if rules is None else stored_rules(rules),
        tracks=tracks if rules is None else None,
        duration_s=duration_s if rules is None else None,
        created_ns=created_ns,
        updated_ns=updated_ns,
    )


def create_playlist(library: Library, text: PlaylistText, track_ids: Sequence[int] = ()) -> int:
    """Make a playlist, smart if it has rules, and put the tracks into it; its id.

    Raises:
        InvalidRequest: the name is empty or too long, the rules cannot be evaluated, or a smart one is given tracks.
        NotFound: one of the tracks is unknown; then nothing is made.
        Conflict: there are `MAX_PLAYLISTS` already.
    """
    if text.rules is not None and track_ids:
        raise InvalidRequest("A smart playlist finds its tracks by its rules: give either tracks or rules.")
    values = _written(text)
    now_ns = time.time_ns()
    with library.writing() as entities:
        if library.db.get("SELECT count(*) FROM playlist") >= MAX_PLAYLISTS:
            raise Conflict(f"There are {MAX_PLAYLISTS} playlists. Delete one first.", code="too_many_playlists")
        if "name" not in values:
            raise InvalidRequest("A playlist needs a name.")
        playlist = entities.Playlist(created_ns=now_ns, updated_ns=now_ns, **values)
        playlist.flush()
        insert_entries(library, playlist.id, 0, track_ids)
        return int(playlist.id)


_INSERT = """INSERT INTO playlist_entry (playlist_id, track_id, position, added_ns)
    SELECT $playlist_id, track.id, $at + listed.place, $now_ns
    FROM ({listed}) AS listed JOIN track ON track.id = listed.id ORDER BY listed.place RETURNING id
"""


def insert_entries(
    library: Library, playlist_id: int, position: int, track_ids: Sequence[int], length: int = 0
) -> list[int]:
    """Make entries at positions that nothing else has, in a session; their ids, in order.

    Raises:
        NotFound: one of the tracks is unknown.
        Conflict: they are too many for one playlist.
    """
    if length + len(track_ids) > MAX_ENTRIES:
        raise Conflict(f"A playlist has at most {MAX_ENTRIES} entries: take some out first.", code="playlist_full")
    if not all(0 < track_id <= MAX_ID for track_id in track_ids):
        raise no_track()
    values = {"playlist_id": playlist_id, "at": position, "now_ns": time.time_ns()}
    made = run_listed(library.db, _INSERT, track_ids, **values).fetchall()
    if len(made) != len(track_ids):
        raise no_track()
    return sorted(entry_id for (entry_id,) in made)


def change_playlist(library: Library, playlist_id: int, text: PlaylistText) -> None:
    """Change what is said of a playlist; rules can be changed where there are some.

    Raises:
        NotFound: there is no such playlist.
        InvalidRequest: nothing was given, or as in `create_playlist`.
        Conflict: rules for a playlist that is not smart.
    """
    values = _written(text)
    if not values:
        raise InvalidRequest("Give a name, a description or rules.")
    with library.writing() as entities:
        playlist = playlist_for_change(entities, playlist_id)
        if "rules" in values and playlist.rules is None:
            raise Conflict("This playlist has tracks of its own: rules belong to smart ones.", code="not_smart")
        playlist.set(updated_ns=time.time_ns(), **values)


def delete_playlist(library: Library, playlist_id: int) -> None:
    """Delete a playlist; its tracks stay.

    Raises:
        NotFound: there is no such playlist.
    """
    _check_id(playlist_id)
    with library.writing():
        library.db.execute("DELETE FROM playlist_entry WHERE playlist_id = $id", {"id": playlist_id})
        if library.db.execute("DELETE FROM playlist WHERE id = $id", {"id": playlist_id}).rowcount != 1:
            raise no_playlist()


def playlist_for_change(entities: Any, playlist_id: int) -> Any:
    """The row of one playlist, which nobody else changes until the session ends.

    Raises:
        NotFound: there is no such playlist.
    """
    _check_id(playlist_id)
    playlist = entities.Playlist.get_for_update(id=playlist_id)
    if playlist is None:
        raise no_playlist()
    return playlist


def _written(text: PlaylistText) -> dict[str, Any]:
    """The columns for what was given."""
    values: dict[str, Any] = {}
    if text.name is not None:
        name = clean(text.name)
        if not 1 <= len(name) <= MAX_NAME_CHARS:
            raise InvalidRequest(f"A playlist's name has 1 to {MAX_NAME_CHARS} characters.")
        values |= {"name": name, "name_key": fold(name)}
    if text.description is not None:
        if len(text.description) > MAX_TEXT_CHARS:
            raise InvalidRequest(f"A playlist's description has at most {MAX_TEXT_CHARS} characters.")
        values["description"] = clean_lines(text.description)
    if text.rules is not None:
        values["rules"] = check_rules(text.rules)
    return values


def _check_id(playlist_id: int) -> None:
    if not 0 < playlist_id <= MAX_ID:
        raise no_playlist()


def no_playlist() -> NotFound:
    """What is raised where a playlist's id is unknown."""
    return NotFound("There is no playlist with this id. Ask for the list of them again.", code="playlist_not_found")
