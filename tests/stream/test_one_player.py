"""The player beside outputs that keep what they are told: who plays what, from where, and who hears of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from auralis_trio.errors import Busy, Conflict, NotFound
from auralis_trio.stream.admission import Admission, Seat
from auralis_trio.stream.output import Place, Position
from auralis_trio.stream.outputs import MAX_STANDSTILL_S
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.player import MAX_TOLD_ENTRIES, Player
from auralis_trio.wire.queue_orders import (
    AddTracks,
    Clear,
    MoveEntry,
    Redo,
    RemoveEntries,
    Repeat,
    SetQueue,
    Undo,
)
from tests.fakes import unnoted

RATE = 44_100


@dataclass
class Told:
    """Every event of a player, in order."""

    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        self.events.append((kind, data))

    def take(self) -> list[str]:
        """The kinds of the events since this was asked last."""
        kinds = [kind for kind, _ in self.events]
        self.events.clear()
        return kinds


@dataclass
class FakeOutput:
    """An output that does what it is told at once; the test says what is heard of it."""

    id: str
    did: list[tuple[Any, ...]] = field(default_factory=list)
    heard: tuple[int, Place] | None = None
    seat: Seat = field(default_factory=lambda: Admission(1, 1, lambda: 0.0).seat("a client"))

    def play_nowait(self, entry: Entry, start: int | float, *, paused: bool, back: bool = False) -> None:
        self.did.append(("play", entry.id, start, paused))

    def hold_nowait(self, paused: bool) -> None:
        self.did.append(("hold", paused))

    def stop_nowait(self) -> None:
        self.did.append(("stop",))

    def heard_now(self) -> tuple[int, Place] | None:
        return self.heard

    def take(self) -> list[tuple[Any, ...]]:
        done, self.did = self.did, []
        return done


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def player(told: Told) -> Player:
    """One with the entries 1, 2 and 3."""
    made = Player(told, unnoted)
    made.order(SetQueue(track_ids=(101, 102, 103)))
    told.take()
    return made


def begun(player: Player, *names: str) -> list[FakeOutput]:
    """Outputs that play the current entry, and have said so."""
    outputs = [FakeOutput(name) for name in names]
    for output in outputs:
        entry, _ = player.begin(output, None, None, takeover=False)
        player.sounding(output, entry.id, Place(0, RATE))
    return outputs


async def test_an_empty_queue_cannot_be_played(told: Told) -> None:
    player = Player(told, unnoted)
    for attempt in (
        lambda: player.begin(FakeOutput("a"), None, None, takeover=False),
        player.next,
        player.previous,
        lambda: player.seek(Position()),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "queue_empty"
    assert player.describe()["entry_id"] is None
    assert told.events == []


async def test_without_an_entry_the_current_one_is_played_from_where_it_is(player: Player) -> None:
    [output] = begun(player, "a")
    player.sounding(output, 1, Place(3 * RATE, RATE))
    player.ended(output)
    assert (player.state, player.describe()["position_s"]) == ("paused", 3.0)
    entry, start = player.begin(FakeOutput("b"), None, None, takeover=False)
    assert (entry, floor(start * RATE)) == (Entry(1, 101), 3 * RATE)
    assert player.state == "playing"


async def test_an_entry_that_is_named_is_played_from_its_beginning_or_where_it_is_said(player: Player) -> None:
    output = FakeOutput("a")
    assert player.begin(output, 2, None, takeover=False) == (Entry(2, 102), 0)
    assert player.begin(output, 3, Position(2.5), takeover=False) == (Entry(3, 103), 2.5)
    assert player.begin(output, None, Position(77), takeover=False) == (Entry(3, 103), 77)
    with pytest.raises(NotFound):
        player.begin(output, 9, None, takeover=False)
    assert player.describe()["entry_id"] == 3


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("frame", [1, 4_409, 123_457, 2**40 + 1])
async def test_a_takeover_keeps_the_frame_that_is_heard_at_this_moment(player: Player, rate: int, frame: int) -> None:
    [first] = begun(player, "first")
    player.sounding(first, 1, Place(frame - 1, rate))
    first.heard = (1, Place(frame, rate))
    entry, start = player.begin(FakeOutput("second"), None, None, takeover=True)
    assert (entry.id, floor(start * rate)) == (1, frame)
    assert first.take() == [("stop",)]
    assert player.describe()["outputs"] == ["second"]
    player.ended(first)
    assert player.state == "playing"


async def test_a_takeover_that_admission_refuses_changes_nothing(player: Player, told: Told) -> None:
    admission = Admission(3, 1, lambda: 0.0)
    first, second = (FakeOutput(name, seat=admission.seat(name)) for name in ("first", "second"))
    player.begin(first, None, None, takeover=False)
    with admission.seat("second") as elsewhere:
        elsewhere.take()
        first.take(), told.take()
        with pytest.raises(Busy):
            player.begin(second, 3, None, takeover=True)
    assert (first.take(), told.take()) == ([], [])
    assert player.describe()["outputs"] == ["first"]
    assert player.queue.current_id == 1
    assert first.seat.taken
    player.begin(second, 3, None, takeover=True)
    assert first.take() == [("stop",)]
    assert (first.seat.taken, second.seat.taken) == (False, True)


async def test_an_output_that_begins_again_is_still_one(player: Player) -> None:
    [output] = begun(player, "a")
    for _ in range(100):
        player.begin(output, 2, None, takeover=False)
    assert (output.take(), player.describe()["outputs"]) == ([], ["a"])


async def test_a_second_output_joins_the_first_where_that_is(player: Player) -> None:
    [first] = begun(player, "first")
    first.heard = (2, Place(100, RATE))
    entry, start = player.begin(FakeOutput("second"), None, None, takeover=False)
    assert (entry.id, floor(start * RATE)) == (2, 100)
    assert first.take() == []
    assert player.describe()["outputs"] == ["first", "second"]


async def test_an_output_that_begins_elsewhere_takes_the_others_along(player: Player) -> None:
    [first] = begun(player, "first")
    player.begin(FakeOutput("second"), 3, None, takeover=False)
    assert first.take() == [("play", 3, 0, False)]


async def test_an_output_that_begins_ends_the_pause_of_the_others(player: Player) -> None:
    [first] = begun(player, "first")
    player.pause()
    player.begin(FakeOutput("second"), None, None, takeover=False)
    assert first.take() == [("hold", True), ("hold", False)]
    assert player.state == "playing"


async def test_commands_reach_every_output(player: Player, told: Told) -> None:
    outputs = begun(player, "a", "b")
    told.take()
    for command, expected in [
        (player.pause, ("hold", True)),
        (player.resume, ("hold", False)),
        (player.pause, ("hold", True)),
        (lambda: player.play(None, None), ("hold", False)),
        (player.next, ("play", 2, 0, False)),
        (lambda: player.seek(Position(12.5)), ("play", 2, 12.5, False)),
        (lambda: player.seek(Position(441)), ("play", 2, 441, False)),
        (player.previous, ("play", 1, 0, False)),
        (player.previous, ("play", 1, 0, False)),
        (lambda: player.jump(3), ("play", 3, 0, False)),
        (lambda: player.play(2, Position(1.5)), ("play", 2, 1.5, False)),
        (player.stop, ("stop",)),
    ]:
        command()
        assert [output.take() for output in outputs] == [[expected], [expected]]
        assert told.take() == ["player_state"]
    assert player.describe() == {
        "state": "stopped",
        "entry_id": 2,
        "track_id": 102,
        "position_s": 0.0,
        "frame": 0,
        "sample_rate": None,
        "outputs": [],
    }


async def test_what_was_paused_stays_so_when_it_goes_elsewhere_until_an_entry_is_chosen(player: Player) -> None:
    [output] = begun(player, "a")
    player.pause()
    output.take()
    player.next()
    player.seek(Position(1.0))
    player.jump(1)
    assert output.take() == [("play", 2, 0, True), ("play", 2, 1.0, True), ("play", 1, 0, False)]
    assert player.state == "playing"


async def test_without_an_output_places_change_and_nothing_plays(player: Player) -> None:
    player.next()
    player.seek(Position(3.5))
    player.pause()
    assert (player.state, player.describe()["entry_id"], player.describe()["position_s"]) == ("stopped", 2, 3.5)
    for attempt in (player.resume, lambda: player.play(1, None), lambda: player.play(None, None)):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "no_output"
    assert player.describe()["entry_id"] == 2


async def test_frames_of_no_known_rate_are_no_seconds(player: Player) -> None:
    player.seek(Position(500))
    described = player.describe()
    assert (described["frame"], described["sample_rate"], described["position_s"]) == (500, None, None)


async def test_what_an_output_goes_on_to_by_itself_becomes_the_current_entry(player: Player, told: Told) -> None:
    [output] = begun(player, "a")
    told.take()
    player.sounding(output, 2, Place(10, 48_000))
    assert told.take() == ["player_state"]
    described = player.describe()
    assert (described["entry_id"], described["frame"], described["sample_rate"]) == (2, 10, 48_000)


async def test_what_is_on_its_way_when_an_output_is_sent_elsewhere_changes_nothing(player: Player) -> None:
    [output] = begun(player, "a")
    player.jump(3)
    player.sounding(output, 1, Place(5_000, RATE))
    assert (player.describe()["entry_id"], player.describe()["frame"]) == (3, 0)
    player.sounding(output, 3, Place(20, RATE))
    player.sounding(output, 1, Place(30, RATE))
    assert (player.describe()["entry_id"], player.describe()["frame"]) == (1, 30)


async def test_only_the_output_that_has_played_for_the_longest_says_where_the_queue_is_heard(player: Player) -> None:
    first, second = begun(player, "first", "second")
    player.sounding(second, 2, Place(9, RATE))
    assert player.describe()["entry_id"] == 1
    player.ended(first)
    player.sounding(second, 2, Place(10, RATE))
    assert (player.describe()["entry_id"], player.state) == (2, "playing")
    player.sounding(first, 3, Place(11, RATE))
    assert player.describe()["entry_id"] == 2


async def test_an_output_that_stands_still_while_another_goes_on_leads_no_more(
    player: Player, autojump_clock: MockClock
) -> None:
    first, second = begun(player, "first", "second")

    async def hear(passed_s: float, entry_id: int, frame: int) -> tuple[Any, Any]:
        await trio.sleep(passed_s)
        player.sounding(second, entry_id, Place(frame, RATE))
        return player.describe()["entry_id"], player.describe()["frame"]

    player.sounding(first, 1, Place(5, RATE))
    first.heard = (1, Place(5, RATE))
    assert await hear(MAX_STANDSTILL_S - 0.1, 2, 7) == (1, 5)
    player.look()  # whoever says the same place again and again stands still as well
    assert await hear(0.2, 2, 8) == (2, 8)
    assert player.describe()["outputs"] == ["second", "first"]
    player.sounding(first, 1, Place(6, RATE))
    assert player.describe()["entry_id"] == 2


async def test_where_all_stand_still_and_in_a_pause_the_first_one_leads_on(
    player: Player, autojump_clock: MockClock
) -> None:
    _, second = begun(player, "first", "second")
    await trio.sleep(2 * MAX_STANDSTILL_S)
    player.sounding(second, 1, Place(0, RATE))
    assert player.describe()["outputs"] == ["first", "second"]
    player.pause()
    await trio.sleep(2 * MAX_STANDSTILL_S)
    player.sounding(second, 1, Place(9, RATE))
    player.resume()
    await trio.sleep(MAX_STANDSTILL_S - 0.1)
    player.sounding(second, 1, Place(10, RATE))
    assert player.describe()["outputs"] == ["first", "second"]


async def test_who_has_not_begun_gives_way_to_one_that_is_heard(player: Player, autojump_clock: MockClock) -> None:
    _, second = begun(player, "first", "second")
    player.jump(3)
    await trio.sleep(MAX_STANDSTILL_S + 0.1)
    player.sounding(second, 3, Place(9, RATE))
    assert (player.describe()["frame"], player.describe()["outputs"]) == (9, ["second", "first"])


async def test_when_that_output_goes_the_next_one_is_asked_at_once(player: Player) -> None:
    first, second = begun(player, "first", "second")
    second.heard = (2, Place(10, RATE))
    player.ended(first)
    assert (player.describe()["entry_id"], player.describe()["frame"]) == (2, 10)


async def test_an_output_that_is_still_at_an_entry_that_is_taken_out_goes_where_the_queue_is_heard(
    player: Player,
) -> None:
    first, second = begun(player, "first", "second")
    player.sounding(first, 2, Place(441, RATE))
    player.order(RemoveEntries(entry_ids=(1,)))
    assert first.take() == []
    [(done, entry_id, start, paused)] = second.take()
    assert (done, entry_id, floor(start * RATE), paused) == ("play", 2, 441, False)


async def test_an_output_that_has_finished_leaves_the_queue_at_what_comes_next(player: Player) -> None:
    [output] = begun(player, "a")
    player.ended(output, finished=True)
    assert (player.state, player.describe()["entry_id"]) == ("stopped", 2)
    [output] = begun(player, "a")
    player.jump(3)
    player.sounding(output, 3, Place(1_000, RATE))
    player.ended(output, finished=True)
    assert (player.state, player.describe()["entry_id"], player.describe()["frame"]) == ("stopped", 1, 0)


async def test_skipping_the_last_entry_stops_the_queue_at_its_beginning(player: Player) -> None:
    [output] = begun(player, "a")
    player.jump(3)
    output.take()
    player.next()
    assert output.take() == [("stop",)]
    assert (player.state, player.describe()["entry_id"]) == ("stopped", 1)


async def test_repeating_decides_what_follows_and_what_a_skip_does(player: Player) -> None:
    [output] = begun(player, "a")
    assert [entry and entry.id for entry in (player.behind(1), player.behind(3), player.behind(9))] == [2, None, None]
    player.order(Repeat(mode="one"))
    assert player.behind(1) == Entry(1, 101)
    player.next()
    player.order(Repeat(mode="all"))
    assert player.behind(3) == Entry(1, 101)
    player.jump(1)
    player.previous()
    assert [done[1] for done in output.take()] == [2, 1, 3]


@pytest.mark.parametrize("paused", [True, False])
async def test_when_the_current_entry_is_taken_out_outputs_go_to_the_one_behind_it(
    player: Player, told: Told, paused: bool
) -> None:
    outputs = begun(player, "a", "b")
    if paused:
        player.pause()
    for output in outputs:
        output.take()
    told.take()
    player.order(RemoveEntries(entry_ids=(1, 2)))
    assert [output.take() for output in outputs] == [[("play", 3, 0, paused)]] * 2
    assert told.take() == ["queue_changed", "player_state"]
    player.order(RemoveEntries(entry_ids=(3,)))
    assert [output.take() for output in outputs] == [[("stop",)]] * 2
    assert (player.state, player.describe()["entry_id"], player.describe()["position_s"]) == ("stopped", None, None)


async def test_when_the_last_entry_is_taken_out_while_it_plays_outputs_stop(player: Player) -> None:
    [output] = begun(player, "a")
    player.jump(3)
    output.take()
    player.order(RemoveEntries(entry_ids=(3,)))
    assert (output.take(), player.state, player.describe()["entry_id"]) == ([("stop",)], "stopped", 1)


async def test_another_queue_is_played_at_once_by_who_plays(player: Player) -> None:
    [output] = begun(player, "a")
    player.order(SetQueue(track_ids=(7, 8), start_index=1))
    assert output.take() == [("play", 5, 0, False)]
    player.order(Clear())
    assert (output.take(), player.state) == ([("stop",)], "stopped")


async def test_edits_leave_what_is_heard_alone(player: Player, told: Told) -> None:
    [output] = begun(player, "a")
    player.sounding(output, 1, Place(77, RATE))
    told.take()
    player.order(MoveEntry(entry_id=1, to_index=2))
    player.order(AddTracks(track_ids=(104,), next=True))
    player.order(RemoveEntries(entry_ids=(2,)))
    player.order(Undo())
    player.order(Undo())
    assert output.take() == []
    assert (player.describe()["entry_id"], player.describe()["frame"]) == (1, 77)
    assert told.take() == ["queue_changed"] * 5


async def test_entries_made_anew_never_get_the_id_of_one_that_was_taken_back(player: Player) -> None:
    [made] = player.order(AddTracks(track_ids=(104,)))
    player.order(Undo())
    [other] = player.order(AddTracks(track_ids=(105,)))
    assert (made, other) == (Entry(4, 104), Entry(5, 105))
    with pytest.raises(Conflict):
        player.order(Redo())


async def test_an_order_for_another_revision_is_refused_and_changes_nothing(player: Player, told: Told) -> None:
    seen = player.revision
    player.order(AddTracks(track_ids=(104,), revision=seen))
    assert player.revision == seen + 1
    told.take()
    with pytest.raises(Conflict) as refused:
        player.order(Clear(revision=seen))
    assert refused.value.code == "stale_revision"
    assert (len(player.queue.entries), told.events) == (4, [])


async def test_an_order_that_changes_nothing_is_not_told_and_cannot_be_taken_back(player: Player, told: Told) -> None:
    before = player.describe_queue()
    player.order(Repeat(mode="off"))
    player.order(MoveEntry(entry_id=2, to_index=1))
    assert (player.describe_queue(), told.events) == (before, [])


async def test_an_order_that_is_refused_changes_nothing(player: Player, told: Told) -> None:
    before = player.describe_queue()
    with pytest.raises(NotFound):
        player.order(RemoveEntries(entry_ids=(1, 99)))
    assert (player.describe_queue(), told.events) == (before, [])


async def test_followers_hear_of_every_change_of_what_comes_next_and_of_nothing_else(player: Player) -> None:
    seen: list[Entry | None] = []
    player.followers.append(lambda: seen.append(player.behind(1)))
    [output] = begun(player, "a")
    player.pause()
    player.seek(Position(1.0))
    player.sounding(output, 1, Place(10, RATE))
    assert seen == []
    player.order(Repeat(mode="one"))
    player.order(Repeat(mode="off"))
    player.order(RemoveEntries(entry_ids=(2,)))
    assert seen == [Entry(1, 101), Entry(2, 102), Entry(3, 103)]


@pytest.mark.parametrize(("count", "told_entries"), [(MAX_TOLD_ENTRIES, True), (MAX_TOLD_ENTRIES + 1, False)])
async def test_a_long_queue_is_told_without_its_entries(told: Told, count: int, told_entries: bool) -> None:
    player = Player(told, unnoted)
    player.order(SetQueue(track_ids=(7,) * count))
    [data] = [data for kind, data in told.events if kind == "queue_changed"]
    assert data["total"] == count
    if told_entries:
        assert data["entries"][-1] == {"entry_id": count, "track_id": 7}
    else:
        assert data["entries"] is None


async def test_clients_are_told_of_a_place_only_where_time_alone_does_not_lead_there(
    player: Player, told: Told, autojump_clock: MockClock
) -> None:
    [output] = begun(player, "a")
    told.take()

    async def hear_after(passed_s: float, place_s: float) -> list[str]:
        await trio.sleep(passed_s)
        player.sounding(output, 1, Place(round(place_s * RATE), RATE))
        return told.take()

    assert await hear_after(10, 10.0) == []
    assert await hear_after(5, 14.1) == []
    assert await hear_after(3, 14.1) == ["player_state"]
    assert await hear_after(1, 15.1) == []
    player.pause()
    told.take()
    assert await hear_after(60, 15.1) == []


async def test_an_output_that_stops_within_a_command_is_no_trouble(player: Player) -> None:
    class Quitter(FakeOutput):
        def stop_nowait(self) -> None:
            player.ended(self)

        def play_nowait(self, entry: Entry, start: int | float, *, paused: bool, back: bool = False) -> None:
            player.ended(self)

    commands: list[Callable[[], object]] = [
        player.next,
        player.stop,
        lambda: player.order(RemoveEntries(entry_ids=(2,))),
    ]
    for command in commands:
        player.jump(2)
        for name in ("a", "b"):
            player.begin(Quitter(name), None, None, takeover=False)
        command()
        assert player.describe()["outputs"] == []
    assert player.begin(FakeOutput("c"), None, None, takeover=True)[0].id == 3


async def test_what_a_reset_made_meaningless_is_forgotten_with_all_its_history(player: Player, told: Told) -> None:
    [output] = begun(player, "a")
    output.take()
    told.take()
    player.forget()
    assert output.take() == [("stop",)]
    assert told.take() == ["queue_changed", "player_state"]
    assert (player.state, player.queue.entries) == ("stopped", ())
    with pytest.raises(Conflict) as refused:
        player.order(Undo())
    assert refused.value.code == "nothing_to_undo"
