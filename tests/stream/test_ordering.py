"""Orders on their way to the player: the library is asked first, and what has changed meanwhile counts."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from auralis_trio.errors import Busy, Conflict, InvalidRequest, NotFound
from auralis_trio.library.queue_tracks import (
    album_track_ids,
    artist_track_ids,
    check_tracks,
    playlist_track_ids,
)
from auralis_trio.library.records import TrackFile
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.ordering import carry_out, seek_in_current
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.player import Player
from auralis_trio.wire.queue_orders import MAX_ENTRIES, AddTracks, Clear, QueueFrom, Repeat, SetQueue
from tests.fakes import RATE, STEREO, FixedCatalogue, ToneSource, Tracks, unnoted
from tests.stream.test_one_player import FakeOutput, Told


class Answering(Catalogue):
    """A catalogue that notes what it is asked, does `meanwhile`, and then answers or raises what it was given."""

    def __init__(self, answer: Any = None, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.answer = answer
        self.meanwhile = meanwhile
        self.asked: list[tuple[Any, ...]] = []

    async def ask(self, question: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.asked.append((question, *args))
        self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_tracks_are_checked_before_they_become_entries() -> None:
    player, catalogue = Player(Told(), unnoted), Answering()
    assert await carry_out(SetQueue(track_ids=(7, 8)), player, catalogue) == (Entry(1, 7), Entry(2, 8))
    assert await carry_out(AddTracks(track_ids=(9,)), player, catalogue) == (Entry(3, 9),)
    assert catalogue.asked == [(check_tracks, (7, 8)), (check_tracks, (9,))]


async def test_an_order_without_tracks_asks_nothing() -> None:
    catalogue = Answering()
    await carry_out(Repeat(mode="all"), Player(Told(), unnoted), catalogue)
    assert catalogue.asked == []


@pytest.mark.parametrize("error", [NotFound(code="track_not_found"), Busy()])
async def test_what_the_library_refuses_is_not_done(error: Exception) -> None:
    player = Player(Told(), unnoted)
    with pytest.raises(type(error)):
        await carry_out(SetQueue(track_ids=(7,)), player, Answering(error))
    assert (player.queue.entries, player.revision) == ((), 0)


@pytest.mark.parametrize(
    ("order", "question"),
    [
        (QueueFrom(album_id=5, start_index=1), album_track_ids),
        (QueueFrom(artist_id=5, start_index=1), artist_track_ids),
        (QueueFrom(playlist_id=5, start_index=1), playlist_track_ids),
    ],
)
async def test_albums_artists_and_playlists_become_their_tracks(
    order: QueueFrom, question: Callable[..., list[int]]
) -> None:
    player, catalogue = Player(Told(), unnoted), Answering([7, 8, 9])
    await carry_out(order, player, catalogue)
    assert catalogue.asked == [(question, 5, MAX_ENTRIES + 1)]
    assert ([entry.track_id for entry in player.queue.entries], player.queue.current_id) == ([7, 8, 9], 2)


async def test_more_tracks_than_a_queue_holds_are_refused_and_not_cut_off() -> None:
    player = Player(Told(), unnoted)
    with pytest.raises(Conflict) as refused:
        await carry_out(QueueFrom(artist_id=1), player, Answering([7] * (MAX_ENTRIES + 1)))
    assert (refused.value.code, player.queue.entries) == ("queue_full", ())


async def test_nothing_to_play_leaves_the_queue_as_it_is() -> None:
    player = Player(Told(), unnoted)
    await carry_out(SetQueue(track_ids=(7,)), player, Answering())
    for order, answer in [
        (QueueFrom(playlist_id=1), []),
        (QueueFrom(), [7]),
        (QueueFrom(album_id=1, playlist_id=1), [7]),
    ]:
        with pytest.raises(InvalidRequest):
            await carry_out(order, player, Answering(answer))
    assert player.revision == 1


@pytest.mark.parametrize(
    ("order", "answer"), [(AddTracks(track_ids=(8,), revision=1), None), (QueueFrom(album_id=1, revision=1), [8])]
)
async def test_a_queue_that_changes_while_the_library_is_asked_is_not_overwritten(
    order: AddTracks | QueueFrom, answer: list[int] | None
) -> None:
    player = Player(Told(), unnoted)
    player.order(SetQueue(track_ids=(7,)))
    with pytest.raises(Conflict) as refused:
        await carry_out(order, player, Answering(answer, lambda: player.order(Clear())))
    assert (refused.value.code, player.queue.entries) == ("stale_revision", ())


class Lengths(FixedCatalogue):
    """A catalogue that does `meanwhile`, once, before it says where a track lies."""

    def __init__(self, tracks: Tracks) -> None:
        super().__init__(tracks)
        self.meanwhile: Callable[[], object] | None = None

    async def find_track(self, track_id: int) -> TrackFile:
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()
        file = await super().find_track(track_id)
        return file if file.total_frames else replace(file, total_frames=None)


@pytest.fixture
def lengths() -> Lengths:
    tracks = Tracks()
    tracks.tone(7, 5 * RATE)
    tracks.tone(8, 9 * RATE)
    tracks.add(9, lambda: ToneSource(STEREO, 0))  # in the library as one whose length is not known
    return Lengths(tracks)


@pytest.mark.parametrize(
    ("track_id", "start", "place"),
    [
        (7, 1e9, 5.0),
        (7, 2.5, 2.5),
        (7, 2**53, 5 * RATE),
        (7, 5 * RATE - 1, 5 * RATE - 1),
        (9, 1e9, 1e9),
        (404, 1e9, 1e9),
    ],
)
async def test_where_nobody_plays_the_place_lies_within_the_track(
    lengths: Lengths, track_id: int, start: int | float, place: int | float
) -> None:
    player = Player(Told(), unnoted)
    player.order(SetQueue(track_ids=(track_id,)))
    await seek_in_current(start, player, lengths)
    assert player.position.at == place


async def test_an_output_finds_out_by_itself_where_its_track_ends(lengths: Lengths) -> None:
    player, output = Player(Told(), unnoted), FakeOutput("a")
    player.order(SetQueue(track_ids=(7,)))
    player.begin(output, None, None, takeover=False)
    await seek_in_current(1e9, player, lengths)
    assert output.take() == [("play", 1, 1e9, False)]


async def test_the_place_lies_within_the_track_that_is_the_current_one_then(lengths: Lengths) -> None:
    player = Player(Told(), unnoted)
    player.order(SetQueue(track_ids=(7, 8)))
    lengths.meanwhile = player.next
    await seek_in_current(1e9, player, lengths)
    assert (player.queue.current_id, player.position.seconds) == (2, 9.0)
    lengths.meanwhile = lambda: player.order(Clear())
    with pytest.raises(Conflict):
        await seek_in_current(1e9, player, lengths)
