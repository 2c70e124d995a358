"""What a play queue asks of the library: whether tracks are known, what they are, and which a list consists of."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auralis_trio.errors import NotFound
from auralis_trio.library.collections import ALBUM_TRACK_SORTS, get_album, get_artist
from auralis_trio.library.paging import Order
from auralis_trio.library.playlists import known_playlist
from auralis_trio.library.queries import MAX_ID, tracks_of
from auralis_trio.library.records import TrackRecord
from auralis_trio.library.rows import rows_with
from auralis_trio.library.smart import compile_rules
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import Selection, track_order

MAX_NAMED = 5
_LOOK_UP = 512


def check_tracks(library: Library, track_ids: Sequence[int]) -> None:
    """Make sure that the library knows all of these.

    Raises:
        NotFound: it does not know some of them, of which the first few are named.
    """
    known = _known(library, {track_id for track_id in track_ids if 0 < track_id <= MAX_ID})
    unknown = list(dict.fromkeys(track_id for track_id in track_ids if track_id not in known))
    if unknown:
        named = ", ".join(map(str, unknown[:MAX_NAMED])) + (", ..." if len(unknown) > MAX_NAMED else "")
        raise NotFound(f"There are no tracks with these ids: {named}.", code="track_not_found")


def _known(library: Library, track_ids: Iterable[int]) -> set[int]:
    wanted, known = list(track_ids), set[int]()
    with library.reading():
        for first in range(0, len(wanted), _LOOK_UP):
            rows = rows_with(library.db, "SELECT id FROM track WHERE id IN ?", wanted[first : first + _LOOK_UP])
            known |= {row[0] for row in rows}
    return known


def album_track_ids(library: Library, album_id: int, at_most: int) -> list[int]:
    """The tracks of an album, in the order of its discs.

    Raises:
        NotFound: there is no such album.
    """
    get_album(library, album_id)
    selection = Selection(f"album {album_id}", "track.album_id = $album_id", {"album_id": album_id})
    return _track_ids(library, selection, track_order("number", ALBUM_TRACK_SORTS), at_most)


def artist_track_ids(library: Library, artist_id: int, at_most: int) -> list[int]:
    """The tracks of an artist, album by album.

    Raises:
        NotFound: there is no such artist.
    """
    get_artist(library, artist_id)
    theirs = "track.id IN (SELECT track_id FROM track_artist WHERE artist_id = $artist_id AND role = 'artist')"
    return _track_ids(
        library, Selection(f"artist {artist_id}", theirs, {"artist_id": artist_id}), track_order("album"), at_most
    )


def playlist_track_ids(library: Library, playlist_id: int, at_most: int) -> list[int]:
    """The tracks in a playlist; of a smart one, what it finds now.

    Raises:
        NotFound: there is no such playlist.
    """
    rules = known_playlist(library, playlist_id).rules
    if rules is not None:
        limit = at_most if rules.limit is None else min(rules.limit, at_most)
        return _track_ids(library, compile_rules(rules, time.time_ns()), rules.order, limit)
    return _ask(
        library,
        "SELECT track_id FROM playlist_entry WHERE playlist_id = $playlist_id ORDER BY position LIMIT $at_most",
        {"playlist_id": playlist_id, "at_most": at_most},
    )


def _track_ids(library: Library, selection: Selection, order: Order, at_most: int) -> list[int]:
    sql = f"SELECT track.id FROM track WHERE {selection.condition} ORDER BY {order.by} LIMIT $at_most"
    return _ask(library, sql, {**selection.values, "at_most": at_most})


def _ask(library: Library, sql: str, values: Mapping[str, Any]) -> list[int]:
    with library.reading():
        return list(library.db.select(sql, dict(values)))


def tracks_by_id(library: Library, track_ids: Iterable[int]) -> dict[int, TrackRecord]:
    """The tracks with these ids, as far as they are known."""
    known = sorted(_known(library, set(track_ids)))
    with library.reading():
        return dict(zip(known, tracks_of(library, known), strict=True))
