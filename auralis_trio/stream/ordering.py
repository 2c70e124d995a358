"""Orders from clients on their way to the player: what they ask of the library is asked first, by way of the door."""

from collections.abc import Callable

from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library.queue_tracks import (
    album_track_ids,
    artist_track_ids,
    check_tracks,
    playlist_track_ids,
)
from auralis_trio.library.store import Library
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.player import Player
from auralis_trio.wire.queue_orders import MAX_ENTRIES, AddTracks, QueueFrom, QueueOrder, SetQueue


async def carry_out(order: QueueOrder, player: Player, catalogue: Catalogue) -> tuple[Entry, ...]:
    """Let the player carry out an order; the entries that were made for tracks.

    Orders of one client are to be carried out one after the other, since a later one may wait for less.

    Raises:
        NotFound: the library does not know a track, or the album, artist or playlist; then nothing is done.
        InvalidRequest, Conflict, NotFound: see `Player.order`.
        Busy, TimedOut: see `Catalogue.ask`.
    """
    if isinstance(order, QueueFrom):
        return player.order(await _resolved(order, catalogue))
    if isinstance(order, SetQueue | AddTracks):
        await catalogue.ask(check_tracks, order.track_ids)
    return player.order(order)


async def seek_in_current(start: int | float, player: Player, catalogue: Catalogue) -> None:
    """Let the player go to another place in the current entry.

    An output finds out by itself where its track ends. Where there is none, the place lies within the track, if the
    library knows how long that is.

    Raises:
        Conflict: the queue is empty.
        Busy, TimedOut: see `Catalogue.ask`.
    """
    while not player.has_outputs and (entry := player.queue.current) is not None:
        place = await _within(entry, start, catalogue)
        if entry == player.queue.current:
            player.seek(place)
            return
    player.seek(start)


async def _within(entry: Entry, start: int | float, catalogue: Catalogue) -> int | float:
    """This place in frames (int) or seconds (float), or the end of the entry's track where that comes before it."""
    try:
        file = await catalogue.find_track(entry.track_id)
    except NotFound:
        return start
    if file.total_frames is None:
        return start
    if isinstance(start, float):
        return min(start, frames_to_seconds(file.total_frames, file.format.sample_rate))
    return min(start, file.total_frames)


async def _resolved(order: QueueFrom, catalogue: Catalogue) -> SetQueue:
    sources: list[tuple[Callable[[Library, int, int], list[int]], int | None]] = [
        (album_track_ids, order.album_id),
        (artist_track_ids, order.artist_id),
        (playlist_track_ids, order.playlist_id),
    ]
    given = [(ask, owner_id) for ask, owner_id in sources if owner_id is not None]
    if len(given) != 1:
        raise InvalidRequest("Give one of album_id, artist_id and playlist_id.")
    [(ask, owner_id)] = given
    # One more than there is room for: too many are refused, not cut off.
    track_ids = await catalogue.ask(ask, owner_id, MAX_ENTRIES + 1)
    if not track_ids:
        raise InvalidRequest("There are no tracks in it.", code="nothing_to_play")
    return SetQueue(track_ids=tuple(track_ids), start_index=order.start_index, revision=order.revision)
