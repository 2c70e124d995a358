"""Orders from clients on their way to the player: what they ask of the library is asked first, by way of the door.

A frame that a client names is one of the track as it is recorded, or as that client asked to be sent it. Outputs may
play at other rates; so here, at the border, a frame gets the rate that it counts at, and inside none is without.
"""

from collections.abc import Callable
from contextlib import suppress

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
from auralis_trio.stream.output import Position
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


async def seek_in_current(
    start: int | float, player: Player, catalogue: Catalogue, sample_rate: int | None = None
) -> None:
    """Let the player go to another place in the current entry: seconds (float), or frames (int) as `place_of` has it.

    An output finds out by itself where its track ends. Where there is none, the place lies within the track, if the
    library knows how long that is.

    Raises:
        Conflict: the queue is empty.
        Busy, TimedOut: see `Catalogue.ask`.
    """
    while (entry := player.queue.current) is not None:
        played = player.has_outputs
        place = await place_of(entry, start, catalogue, sample_rate, within=not played)
        if (entry, played) == (player.queue.current, player.has_outputs):
            player.seek(place)
            return
    player.seek(Position())


async def place_of(
    entry: Entry, start: int | float, catalogue: Catalogue, sample_rate: int | None, *, within: bool
) -> Position:
    """This place in an entry; with `within` its track's end where that is known to come before it.

    Frames are those of the track as it is recorded, or at `sample_rate`.

    Raises:
        Busy, TimedOut: see `Catalogue.ask`.
    """
    if isinstance(start, float) and not within:
        return Position(start)
    rate, length = sample_rate, None
    with suppress(NotFound):
        file = (await catalogue.find_track(entry.track_id)).at_rate(sample_rate)
        rate, length = file.format.sample_rate, file.total_frames if within else None
    if isinstance(start, float):
        return Position(start if length is None or rate is None else min(start, frames_to_seconds(length, rate)))
    return Position(start if length is None else min(start, length), rate)


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
