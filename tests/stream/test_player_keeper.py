"""What the player plays outlives the server: written down soon, and taken up again."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from auralis_trio.errors import Busy
from auralis_trio.library.player_store import keep_player
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import APART_S, RETRY_S, WRITTEN_S
from auralis_trio.stream.listens import Listen
from auralis_trio.stream.output import Place, Position
from auralis_trio.stream.player import Player
from auralis_trio.stream.player_keeper import AHEAD, PLACE_INTERVAL_S, PlayerKeeper
from auralis_trio.stream.queue_edits import History
from auralis_trio.wire.queue_orders import MAX_ENTRIES, AddTracks, Clear, MoveEntry, Repeat, SetQueue, Shuffle, Undo
from tests.fakes import unnoted
from tests.stream.test_one_player import RATE, FakeOutput, Told


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path)
    yield opened
    opened.close()


class Counting(Catalogue):
    """A catalogue that counts what is written, and whose writer is taken as often as `refusals` says."""

    def __init__(self, library: Library, refusals: int = 0) -> None:
        super().__init__(InlineOffload(), library, 10.0)
        self.refusals = refusals
        self.writes: list[list[str]] = []
        self.gate: trio.Event | None = None

    async def tell(self, change: Any, *args: Any) -> Any:
        self.writes.append(sorted(args[0]))
        if self.gate is not None:
            await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise Busy
        return await super().tell(change, *args)


async def taken_up(library: Library) -> Player:
    """The player of a server that starts with this library, which it leaves as it is."""
    player = Player(Told(), unnoted)
    await PlayerKeeper(player, Counting(library, refusals=1)).load()
    return player


async def test_a_restart_goes_on_with_the_same_queue_at_the_same_frame(library: Library) -> None:
    player, output = Player(Told(), unnoted), FakeOutput("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        player.order(SetQueue(track_ids=(7, 8, 9, 7), start_index=1))
        player.order(Shuffle(enabled=True, seed=5))
        player.order(Repeat(mode="all"))
        player.begin(output, None, None, takeover=False)
        await wait_all_tasks_blocked()
        player.sounding(output, 2, Place(1, RATE))
        player.sounding(output, 4, Place(12_345, RATE))
        nursery.cancel_scope.cancel()
    again = await taken_up(library)
    assert again.queue == player.queue
    assert again.position == player.position
    assert (again.state, again.revision, again.describe()["frame"]) == ("paused", 3, 12_345)
    assert again.describe()["outputs"] == []
    assert again.history == player.history
    [made] = again.order(AddTracks(track_ids=(1,)))
    assert made.id == 5
    again.order(Shuffle(enabled=False))
    assert [entry.id for entry in again.queue.entries][:4] == [1, 2, 3, 4]
    for _ in range(5):
        again.order(Undo())
    assert again.queue.entries == ()


async def test_what_was_heard_of_an_entry_before_a_restart_counts_with_what_is_heard_behind_it(
    library: Library,
) -> None:
    player, output = Player(Told(), unnoted), FakeOutput("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        player.order(SetQueue(track_ids=(7,)))
        player.begin(output, None, None, takeover=False)
        player.playings.go_on(None, Listen(7, 1, counts=True, heard_s=3.0, duration_s=10.0))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    noted: list[float] = []
    again = Player(Told(), lambda listen: noted.append(listen.heard_s))
    await PlayerKeeper(again, Counting(library, refusals=1)).load()
    listen = Listen(7, 1, counts=True, duration_s=10.0)
    again.begin(output, None, None, takeover=False)
    again.playings.go_on(None, listen)
    listen.heard_s = 4.0
    again.playings.go_on(listen, None)
    assert noted == [7.0]


async def test_the_latest_edits_of_a_long_queue_are_kept_and_the_others_are_not(library: Library) -> None:
    player = Player(Told(), unnoted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        player.order(SetQueue(track_ids=(7,) * MAX_ENTRIES))
        for number in range(9):
            player.order(MoveEntry(entry_id=1, to_index=9 - number))
        for _ in range(3):
            player.order(Undo())
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    again = await taken_up(library)
    assert again.queue == player.queue
    assert again.history == History(player.history.done[-2:], player.history.undone[-2:])


async def test_the_queue_is_written_when_it_changes_and_the_place_every_few_seconds(
    library: Library, autojump_clock: MockClock
) -> None:
    player, output, catalogue = Player(Told(), unnoted), FakeOutput("a"), Counting(library)
    player.order(SetQueue(track_ids=(7, 8)))
    keeper = PlayerKeeper(player, catalogue)
    await keeper.load()
    player.begin(output, None, None, takeover=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        for number in range(50):
            player.order(Repeat(mode="one" if number % 2 else "all"))
        await wait_all_tasks_blocked()
        assert catalogue.writes == [["numbers"], ["place", "queue"]]
        for second in range(3 * round(PLACE_INTERVAL_S)):
            await trio.sleep(1)
            player.sounding(output, 1, Place(second * RATE, RATE))
        assert 2 <= len(catalogue.writes) - 2 <= 3
        assert catalogue.writes[2:] == [["place"]] * (len(catalogue.writes) - 2)
        player.ended(output)
        await trio.sleep(3 * PLACE_INTERVAL_S)
        written = len(catalogue.writes)
        await trio.sleep(10 * PLACE_INTERVAL_S)
        assert len(catalogue.writes) == written
        nursery.cancel_scope.cancel()
    assert catalogue.writes[written:] == [["numbers"]]


COMMANDS: dict[str, tuple[Callable[[Player, FakeOutput], object], int, float]] = {
    "jump": (lambda player, output: player.jump(3), 3, 0.0),
    "next": (lambda player, output: player.next(), 2, 0.0),
    "previous": (lambda player, output: player.previous(), 1, 0.0),
    "seek": (lambda player, output: player.seek(Position(7.5)), 1, 7.5),
    "play": (lambda player, output: player.play(2, Position(3.5)), 2, 3.5),
    "pause": (lambda player, output: player.pause(), 1, 1.5),
    "stop": (lambda player, output: player.stop(), 1, 0.0),
    "leave": (lambda player, output: player.ended(output), 1, 1.5),
    "another entry is heard": (lambda player, output: player.sounding(output, 2, Place(RATE, RATE)), 2, 1.0),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_what_is_commanded_and_what_is_heard_then_is_written_at_once(
    library: Library, autojump_clock: MockClock, name: str
) -> None:
    player, output = Player(Told(), unnoted), FakeOutput("a")
    command, entry_id, seconds = COMMANDS[name]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        player.order(SetQueue(track_ids=(7, 8, 9)))
        player.begin(output, None, None, takeover=False)
        player.sounding(output, 1, Place(RATE + RATE // 2, RATE))
        await trio.sleep(2 * APART_S)
        command(player, output)
        await wait_all_tasks_blocked()
        killed_here = await taken_up(library)
        nursery.cancel_scope.cancel()
    told = killed_here.describe()
    assert (told["entry_id"], told["position_s"]) == (entry_id, seconds)
    assert told["state"] == ("stopped" if name == "stop" else "paused")


async def test_many_commands_are_written_together_and_the_last_one_soon(
    library: Library, autojump_clock: MockClock
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, catalogue).run)
        player.order(SetQueue(track_ids=(7, 8, 9)))
        for number in range(1_000):
            player.seek(Position(float(number)))
            await trio.sleep(0.001)
        await trio.sleep(APART_S)
        assert len(catalogue.writes) <= 2 + 1 / APART_S
        assert (await taken_up(library)).position == player.position
        nursery.cancel_scope.cancel()


async def test_what_is_forgotten_of_an_empty_queue_is_not_taken_up_again(
    library: Library, autojump_clock: MockClock
) -> None:
    player = Player(Told(), unnoted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        player.order(SetQueue(track_ids=(7,)))
        player.order(Clear())
        await trio.sleep(2 * APART_S)
        player.forget()
        await wait_all_tasks_blocked()
        assert (await taken_up(library)).history == History()
        nursery.cancel_scope.cancel()


async def test_a_player_that_nobody_used_writes_its_numbers_at_both_ends_alone(
    library: Library, autojump_clock: MockClock
) -> None:
    catalogue = Counting(library)
    keeper = PlayerKeeper(Player(Told(), unnoted), catalogue)
    await keeper.load()
    with trio.move_on_after(100):
        await keeper.run()
    assert catalogue.writes == [["numbers"], ["numbers"]]
    assert (await taken_up(library)).next_id == 1


async def test_a_writer_that_is_taken_is_asked_again(
    library: Library, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library, refusals=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, catalogue).run)
        player.order(SetQueue(track_ids=(7,)))
        await trio.sleep(2 * RETRY_S + 1)
        assert len(catalogue.writes) == 3
        nursery.cancel_scope.cancel()
    assert (await taken_up(library)).queue == player.queue


async def test_what_is_not_written_when_the_server_stops_is_written_then(library: Library) -> None:
    player, output = Player(Told(), unnoted), FakeOutput("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PlayerKeeper(player, Counting(library)).run)
        await wait_all_tasks_blocked()
        player.order(SetQueue(track_ids=(7,)))
        player.begin(output, None, None, takeover=False)
        output.heard = (1, Place(99, RATE))
        nursery.cancel_scope.cancel()
    again = await taken_up(library)
    assert (again.describe()["track_id"], again.describe()["frame"], again.state) == (7, 99, "paused")


QUEUE = '{"queue": {"entries": [[1, 7]], "current_id": 1}, "history": {}, "revision": 1, "next_id": 2}'
PLACE = '{"entry_id": 1, "state": "paused", "position": {}}'


async def test_what_was_kept_is_taken_up(library: Library) -> None:
    keep_player(library, {"queue": QUEUE, "place": PLACE})
    again = await taken_up(library)
    assert ([entry.track_id for entry in again.queue.entries], again.state) == ([7], "paused")


@pytest.mark.parametrize(
    "parts",
    [
        {"queue": '{"queue": 7}', "place": PLACE},
        {"queue": QUEUE, "place": "?"},
        {"queue": QUEUE},
        {"place": PLACE},
        {"queue": QUEUE, "place": PLACE.replace("1", "2")},
    ],
)
async def test_what_cannot_be_understood_is_as_good_as_nothing(
    library: Library, caplog: pytest.LogCaptureFixture, parts: dict[str, str]
) -> None:
    keep_player(library, parts)
    again = await taken_up(library)
    assert (again.queue.entries, again.state) == ((), "stopped")
    assert "cannot be used" in caplog.text


@asynccontextmanager
async def kept(player: Player, catalogue: Counting) -> AsyncIterator[None]:
    """With the keeper of a player, which has taken up what was kept."""
    keeper = PlayerKeeper(player, catalogue)
    await keeper.load()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        yield
        nursery.cancel_scope.cancel()


async def test_who_waits_goes_on_when_it_is_written_without_the_time_between_two_writes(
    library: Library, autojump_clock: MockClock
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with kept(player, catalogue):
        for total in range(1, 20):
            player.order(AddTracks(track_ids=(7,)))
            await player.news.wait_written()
            killed_here = await taken_up(library)
            assert len(killed_here.queue.entries) == total
        assert trio.current_time() < APART_S


async def test_all_who_wait_at_once_share_the_write_behind_the_one_under_way(
    library: Library, autojump_clock: MockClock
) -> None:
    player, catalogue, gate, written = Player(Told(), unnoted), Counting(library), trio.Event(), list[int]()

    async def edit() -> None:
        player.order(AddTracks(track_ids=(7,)))
        await player.news.wait_written()
        written.append(len((await taken_up(library)).queue.entries))

    async with kept(player, catalogue), trio.open_nursery() as nursery:
        catalogue.gate = gate
        nursery.start_soon(edit)
        await wait_all_tasks_blocked()
        for _ in range(20):
            nursery.start_soon(edit)
        await wait_all_tasks_blocked()
        assert written == []
        catalogue.writes.clear()
        gate.set()
    assert sorted(written) == [1, *[21] * 20]
    assert catalogue.writes == [["place", "queue"], ["numbers"]]


async def test_who_waits_for_what_cannot_be_written_goes_on_and_it_is_tried_again(
    library: Library, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with kept(player, catalogue):
        catalogue.refusals = 3
        for _ in range(2):
            player.order(AddTracks(track_ids=(7,)))
            await player.news.wait_written()
        assert trio.current_time() < APART_S
        assert (await taken_up(library)).queue.entries == ()
        await trio.sleep(2 * RETRY_S + 1)
        assert (await taken_up(library)).queue == player.queue
    assert caplog.text.count("is not written yet") == 1


async def test_who_waits_for_a_database_that_does_not_answer_waits_so_long_and_no_longer(
    library: Library, autojump_clock: MockClock
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with kept(player, catalogue):
        catalogue.gate = trio.Event()
        player.order(AddTracks(track_ids=(7,)))
        await player.news.wait_written()
        assert trio.current_time() == pytest.approx(WRITTEN_S)
        catalogue.gate.set()


async def test_who_waits_for_nothing_does_not_wait(library: Library, autojump_clock: MockClock) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with kept(player, catalogue):
        await trio.sleep(1)
        await player.news.wait_written()
        assert trio.current_time() == 1


async def test_behind_a_server_that_was_killed_no_revision_and_no_id_is_told_twice(
    library: Library, autojump_clock: MockClock
) -> None:
    revisions, ids = set[int](), set[int]()
    for _ in range(4):  # servers, of which each is killed before it has written its last edits
        player, catalogue = Player(Told(), unnoted), Counting(library)
        await PlayerKeeper(player, catalogue).load()
        for _ in range(30):
            made = {entry.id for entry in player.order(AddTracks(track_ids=(7,) * 50))}
            assert not made & ids
            assert player.revision not in revisions
            ids |= made
            revisions.add(player.revision)


async def test_numbers_go_on_ahead_of_those_that_are_told_and_are_exact_at_the_end(
    library: Library, autojump_clock: MockClock
) -> None:
    player, catalogue = Player(Told(), unnoted), Counting(library)
    async with kept(player, catalogue):
        for _ in range(3):
            player.next_id += AHEAD // 4
            player.order(AddTracks(track_ids=(7,)))
            await player.news.wait_written()
            assert (await taken_up(library)).next_id >= player.next_id + AHEAD // 2
        assert 1 <= sum("numbers" in parts for parts in catalogue.writes[1:]) <= 2
    assert (await taken_up(library)).next_id == player.next_id


async def test_a_queue_that_cannot_be_understood_leaves_the_numbers(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    keep_player(library, {"queue": "?", "place": PLACE, "numbers": '{"revision": 70, "next_id": 700}'})
    again = await taken_up(library)
    assert (again.revision, again.next_id) == (70, 700)
    keep_player(library, {"queue": QUEUE, "place": PLACE, "numbers": "?"})
    again = await taken_up(library)
    assert (again.revision, again.next_id) == (1, 2)
