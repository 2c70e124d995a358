"""The play queue beside a naive model of it, through any run of edits and their undoing; and its bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.stream.play_queue import Entry, PlayQueue
from auralis_trio.stream.queue_edits import MAX_REMEMBERED, MAX_STEPS, History, edited
from auralis_trio.wire.queue_orders import (
    MAX_ENTRIES,
    MAX_SEED,
    AddTracks,
    Clear,
    Edit,
    MoveEntry,
    Redo,
    RemoveEntries,
    Reorder,
    Repeat,
    RepeatMode,
    SetQueue,
    Shuffle,
    Undo,
)

TRACKS = st.lists(st.integers(1, 5), min_size=1, max_size=6)
ANY_INDEX = st.integers(0, 10_000)


@dataclass
class Naive:
    """What a queue is, in the plainest lists; `natural` is the order that a shuffle has hidden."""

    played: list[int]
    natural: list[int] | None
    current: int | None
    repeat: RepeatMode

    def copy(self) -> "Naive":
        natural = None if self.natural is None else list(self.natural)
        return replace(self, played=list(self.played), natural=natural)


class QueueMachine(RuleBasedStateMachine):
    """Every edit is done to a queue and to a model."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.history = PlayQueue(), History()
        self.model = Naive([], None, None, "off")
        self.past: list[Naive] = []
        self.future: list[Naive] = []
        self.track_of: dict[int, int] = {}

    def make(self, track_ids: Sequence[int]) -> tuple[Entry, ...]:
        first = len(self.track_of) + 1
        made = tuple(Entry(id, track_id) for id, track_id in enumerate(track_ids, first))
        self.track_of |= {entry.id: entry.track_id for entry in made}
        return made

    def do(self, order: Edit) -> list[int]:
        """Carry out an order; the ids of the new entries."""
        before = set(self.track_of)
        self.queue, self.history = edited(self.queue, self.history, order, self.make)
        return sorted(set(self.track_of) - before)

    def change(self, after: Naive) -> None:
        if after != self.model:
            self.past.append(self.model)
            self.future = []
            self.model = after

    def pick(self, number: int) -> int:
        return self.model.played[number % len(self.model.played)]

    filled = precondition(lambda self: bool(self.model.played))

    @rule(tracks=TRACKS, number=ANY_INDEX)
    def fill(self, tracks: list[int], number: int) -> None:
        start = number % len(tracks)
        ids = self.do(SetQueue(track_ids=tuple(tracks), start_index=start))
        self.change(Naive(ids, None, ids[start], self.model.repeat))

    @rule(tracks=TRACKS, number=ANY_INDEX, where=st.sampled_from(["next", "at", "end"]))
    def add(self, tracks: list[int], number: int, where: str) -> None:
        after = self.model.copy()
        at = number % (len(after.played) + 1)
        if where == "end":
            at, ids = len(after.played), self.do(AddTracks(track_ids=tuple(tracks)))
        elif where == "at":
            ids = self.do(AddTracks(track_ids=tuple(tracks), position=at))
        else:
            at = 0 if after.current is None else after.played.index(after.current) + 1
            ids = self.do(AddTracks(track_ids=tuple(tracks), next=True))
        if after.natural is not None:
            if at == len(after.played):
                after.natural.extend(ids)
            else:
                place = 0 if at == 0 else after.natural.index(after.played[at - 1]) + 1
                after.natural[place:place] = ids
        after.played[at:at] = ids
        after.current = ids[0] if after.current is None else after.current
        self.change(after)

    @filled
    @rule(numbers=st.sets(ANY_INDEX, min_size=1, max_size=4))
    def remove(self, numbers: set[int]) -> None:
        gone = {self.pick(number) for number in numbers}
        self.do(RemoveEntries(entry_ids=tuple(gone)))
        after = self.model.copy()
        assert after.current is not None
        while after.current in gone and set(after.played) - gone:
            after.current = after.played[(after.played.index(after.current) + 1) % len(after.played)]
        for entry_id in gone:
            after.played.remove(entry_id)
            if after.natural is not None:
                after.natural.remove(entry_id)
        after.current = after.current if after.played else None
        self.change(after)

    @filled
    @rule(number=ANY_INDEX, to=ANY_INDEX)
    def move(self, number: int, to: int) -> None:
        entry_id, to_index = self.pick(number), to % len(self.model.played)
        self.do(MoveEntry(entry_id=entry_id, to_index=to_index))
        after = self.model.copy()
        after.played.remove(entry_id)
        after.played.insert(to_index, entry_id)
        self.change(after)

    @rule(data=st.data())
    def reorder(self, data: st.DataObject) -> None:
        after = self.model.copy()
        after.played = data.draw(st.permutations(after.played))
        self.do(Reorder(entry_ids=tuple(after.played)))
        self.change(after)

    @rule(seed=st.integers(0, MAX_SEED))
    def shuffle(self, seed: int) -> None:
        before = self.queue
        self.do(Shuffle(enabled=True, seed=seed))
        assert before.shuffle(seed) == self.queue
        after = self.model.copy()
        after.natural = list(after.played) if after.natural is None else after.natural
        after.played = [entry.id for entry in self.queue.entries]
        assert sorted(after.played) == sorted(self.model.played)
        assert after.played[:1] == ([] if after.current is None else [after.current])
        self.change(after)

    @rule()
    def unshuffle(self) -> None:
        self.do(Shuffle(enabled=False))
        after = self.model.copy()
        if after.natural is not None:
            after.played, after.natural = after.natural, None
        self.change(after)

    @rule(mode=st.sampled_from(["off", "one", "all"]))
    def repeat(self, mode: RepeatMode) -> None:
        self.do(Repeat(mode=mode))
        self.change(replace(self.model.copy(), repeat=mode))

    @rule()
    def clear(self) -> None:
        self.do(Clear())
        self.change(Naive([], None, None, self.model.repeat))

    @filled
    @rule(number=ANY_INDEX)
    def jump(self, number: int) -> None:
        self.model = replace(self.model, current=self.pick(number))
        self.queue = self.queue.at(self.pick(number))

    @rule()
    def undo(self) -> None:
        self.turn_back(Undo(), self.past, self.future)

    @rule()
    def redo(self) -> None:
        self.turn_back(Redo(), self.future, self.past)

    def turn_back(self, order: Undo | Redo, source: list[Naive], other: list[Naive]) -> None:
        if not source:
            with pytest.raises(Conflict):
                self.do(order)
            return
        self.do(order)
        other.append(self.model)
        after = source.pop().copy()
        if self.model.current in after.played:
            after.current = self.model.current
        self.model = after

    @invariant()
    def queue_and_model_agree(self) -> None:
        queue, model = self.queue, self.model
        assert [(entry.id, entry.track_id) for entry in queue.entries] == [
            (entry_id, self.track_of[entry_id]) for entry_id in model.played
        ]
        assert queue.before_shuffle == (None if model.natural is None else tuple(model.natural))
        assert (queue.current_id, queue.repeat) == (model.current, model.repeat)
        assert (queue.current_id is None) == (not queue.entries)
        assert (len(self.history.done), len(self.history.undone)) == (len(self.past), len(self.future))

    @invariant()
    def what_follows_and_what_was_before_are_neighbours(self) -> None:
        played, repeat = self.model.played, self.model.repeat
        for index, entry_id in enumerate(played):
            following = self.queue.behind(entry_id, skip=True)
            wrapped = repeat == "all"
            expected = played[(index + 1) % len(played)] if wrapped or index + 1 < len(played) else None
            assert (following and following.id) == expected
            itself = self.queue.behind(entry_id)
            assert (itself and itself.id) == (entry_id if repeat == "one" else expected)
            before = self.queue.before(entry_id)
            expected = played[index - 1] if wrapped or index > 0 else None
            assert (before and before.id) == expected


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def queue_of(count: int) -> PlayQueue:
    return PlayQueue().filled([Entry(number, number) for number in range(1, count + 1)], 0)


def test_a_queue_takes_ten_thousand_entries_and_not_one_more() -> None:
    full = queue_of(MAX_ENTRIES - 1).added([Entry(MAX_ENTRIES, 1)])
    assert len(full.entries) == MAX_ENTRIES == 10_000
    for more in (full.added, full.added_next):
        with pytest.raises(Conflict) as refused:
            more([Entry(20_000, 1)])
        assert refused.value.code == "queue_full"
    with pytest.raises(Conflict):
        PlayQueue().filled([*full.entries, Entry(20_000, 1)], 0)


def test_a_hundred_edits_can_be_taken_back_and_not_one_more() -> None:
    queue, history = queue_of(2), History()
    for number in range(MAX_STEPS + 1):
        queue, history = edited(queue, history, Repeat(mode="all" if number % 2 else "one"), lambda ids: ())
    assert len(history.done) == MAX_STEPS == 100
    for _ in range(MAX_STEPS):
        queue, history = edited(queue, history, Undo(), lambda ids: ())
    assert queue.repeat == "one"  # the first edit stays: it had been forgotten
    with pytest.raises(Conflict) as refused:
        history.undo(queue)
    assert refused.value.code == "nothing_to_undo"
    for _ in range(MAX_STEPS):
        queue, history = edited(queue, history, Redo(), lambda ids: ())
    with pytest.raises(Conflict) as refused:
        history.redo(queue)
    assert refused.value.code == "nothing_to_redo"


def test_of_long_queues_fewer_edits_can_be_taken_back() -> None:
    queue, history = queue_of(MAX_ENTRIES), History()
    for number in range(MAX_STEPS):
        queue, history = edited(queue, history, MoveEntry(entry_id=1, to_index=1 - number % 2), lambda ids: ())
    assert len(history.done) == MAX_REMEMBERED // MAX_ENTRIES


def test_what_names_no_entry_or_no_place_is_refused() -> None:
    queue = queue_of(3)
    for attempt in (
        lambda: queue.removed([1, 9]),
        lambda: queue.moved(9, 0),
        lambda: queue.at(9),
        lambda: queue.behind(9),
        lambda: queue.before(9),
    ):
        with pytest.raises(NotFound) as unknown:
            attempt()
        assert unknown.value.code == "entry_not_found"
    for attempt in (
        lambda: queue.moved(1, 3),
        lambda: queue.moved(1, -1),
        lambda: queue.added([Entry(4, 1)], 4),
        lambda: queue.added([Entry(4, 1)], -1),
        lambda: queue.filled([Entry(4, 1)], 1),
        lambda: queue.reordered([1, 2]),
        lambda: queue.reordered([1, 2, 2]),
        lambda: queue.reordered([1, 2, 9]),
    ):
        with pytest.raises(InvalidRequest):
            attempt()


def test_going_back_from_a_shuffle_keeps_what_was_put_in_and_taken_out() -> None:
    shuffled = queue_of(5).shuffle(3)
    third = shuffled.entries[2].id
    changed = shuffled.added([Entry(8, 1), Entry(9, 1)], 3).removed([shuffled.entries[4].id])
    back = [entry.id for entry in changed.unshuffle().entries]
    assert back[back.index(third) :][:3] == [third, 8, 9]
    assert sorted(back) == sorted({1, 2, 3, 4, 5, 8, 9} - {shuffled.entries[4].id})
    assert [each for each in back if each < 8] == sorted(each for each in back if each < 8)


@pytest.mark.parametrize(
    ("gone", "repeat", "goes_on"),
    [((2,), "off", True), ((2, 3), "off", False), ((2, 3), "all", True), ((1, 2, 3), "all", False)],
)
def test_whoever_plays_an_entry_that_goes_goes_on_with_the_next_one_if_there_is_one(
    gone: tuple[int, ...], repeat: RepeatMode, goes_on: bool
) -> None:
    before = queue_of(3).at(2).repeating(repeat)
    assert before.goes_on_in(before.removed(gone)) is goes_on


def test_another_queue_is_gone_on_with() -> None:
    assert queue_of(3).goes_on_in(PlayQueue().filled([Entry(7, 1)], 0))


@given(st.integers(0, MAX_SEED), st.integers(0, MAX_SEED), st.integers(1, 9), st.integers(1, 9))
def test_one_seed_is_one_order_behind_the_current_entry(seed: int, other: int, one: int, two: int) -> None:
    queue = queue_of(9).at(one)
    shuffled = queue.shuffle(seed)
    assert shuffled.shuffle(seed) == shuffled.shuffle(other).shuffle(seed) == shuffled
    later = shuffled.at(two).shuffle(seed)
    assert later.current_id == later.entries[0].id == two
    assert [entry for entry in later.entries if entry.id not in {one, two}] == [
        entry for entry in shuffled.entries if entry.id not in {one, two}
    ]
    assert later.unshuffle() == queue.at(two)


def test_a_shuffle_without_a_seed_is_by_chance() -> None:
    orders = {edited(queue_of(20), History(), Shuffle(enabled=True), lambda ids: ())[0].entries for _ in range(5)}
    assert len(orders) > 1
