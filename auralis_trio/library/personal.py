"""What a listener thinks of tracks: favourites, ratings, plays and skips, and the lists that follow from them.

Every change is one UPDATE, so two at once are both counted; one that meets no row says that there is no such track.
"""

import time
from collections.abc import Mapping
from typing import Any

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import MAX_ID, no_track
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import Selection, random_order, select_tracks, track_order

MAX_RATING = 5

PLAYED_SHARE = 0.5
PLAYED_S = 240.0
"""A track counts as played once half of it was heard, or four minutes: the rule of the scrobbling services."""

EVERYTHING = Selection("added")
FAVORITES = Selection("favorites", "track.favorite")
PLAYED = Selection("played", "track.play_count > 0")
RECENTLY_PLAYED = Selection("recently played", "track.last_played_ns IS NOT NULL")
RANDOM_CHOICE = Selection("random", "NOT track.missing")


def set_favorite(library: Library, track_id: int, favorite: bool) -> None:
    """Make a track a favourite, or no more one.

    Raises:
        NotFound: there is no such track.
    """
    _update(library, track_id, "favorite = $favorite", {"favorite": favorite})


def set_rating(library: Library, track_id: int, rating: int | None) -> None:
    """Rate a track with 0 to `MAX_RATING` stars; None takes the rating back.

    Raises:
        NotFound: there is no such track.
        InvalidRequest: the rating is out of range.
    """
    if rating is not None and not 0 <= rating <= MAX_RATING:
        raise InvalidRequest(f"A rating is a number from 0 to {MAX_RATING}, or null for none.")
    _update(library, track_id, "rating = $rating", {"rating": rating})


def record_heard(
    library: Library, track_id: int, heard_s: float, duration_s: float | None, now_ns: int | None = None
) -> bool:
    """Count what was heard of a track as a play or as a skip; whether it was a play.

    `heard_s` is the time that sounded, not the place that was sought to. Where the track's length is not known only
    `PLAYED_S` makes a play. Nothing heard at all counts as neither, and is no play.

    Raises:
        NotFound: there is no such track.
    """
    played = is_play(heard_s, duration_s)
    if played:
        change, values = (
            "play_count = play_count + 1, last_played_ns = $now_ns",
            {"now_ns": time.time_ns() if now_ns is None else now_ns},
        )
    else:
        change, values = "skip_count = skip_count + $skipped", {"skipped": int(heard_s > 0)}
    _update(library, track_id, change, values)
    return played


def is_play(heard_s: float, duration_s: float | None) -> bool:
    """Whether so much of a track makes a play."""
    needed_s = PLAYED_S if duration_s is None else min(PLAYED_S, PLAYED_SHARE * duration_s)
    return heard_s > 0 and heard_s >= needed_s


def _update(library: Library, track_id: int, change: str, values: Mapping[str, Any]) -> None:
    if not 0 < track_id <= MAX_ID:
        raise no_track()
    with library.writing():
        changed = library.db.execute(
            f"UPDATE track SET {change} WHERE id = $track_id", {**values, "track_id": track_id}
        )
        if changed.rowcount != 1:
            raise no_track()


def list_favorites(library: Library, window: Window, sort: str = "title") -> Page[TrackRecord]:
    """A page of the favourites.

    Raises:
        InvalidRequest: `sort` is none of `TRACK_SORTS`, or the cursor belongs to another list.
    """
    return select_tracks(library, FAVORITES, track_order(sort), window)


def list_recently_added(library: Library, window: Window, sort: str = "-added") -> Page[TrackRecord]:
    """A page of all tracks, the latest first. Raises as `list_favorites`."""
    return select_tracks(library, EVERYTHING, track_order(sort), window)


def list_recently_played(library: Library, window: Window, sort: str = "-last_played") -> Page[TrackRecord]:
    """A page of what was played, the latest first. Raises as `list_favorites`."""
    return select_tracks(library, RECENTLY_PLAYED, track_order(sort), window)


def list_most_played(library: Library, window: Window, sort: str = "-plays") -> Page[TrackRecord]:
    """A page of what was played, the most often played first. Raises as `list_favorites`."""
    return select_tracks(library, PLAYED, track_order(sort), window)


def list_random(library: Library, window: Window, seed: int) -> Page[TrackRecord]:
    """A page of the tracks that can be played, in the order that belongs to the seed.

    Raises:
        InvalidRequest: the seed is out of range, or the cursor belongs to another list.
    """
    return select_tracks(library, RANDOM_CHOICE, random_order(seed), window)
