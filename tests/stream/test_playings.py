"""Playings: what is heard of an entry is counted once, by however many outputs, at once or one behind the other."""

import pytest

from auralis_trio.stream.listens import Listen
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.playings import Playings, Sounded

LENGTH_S = 10.0


class Room:
    """Playings under test, and what they noted: the track and how long it sounded."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, float]] = []
        self.playings = Playings(self.note_nowait)

    def note_nowait(self, listen: Listen) -> None:
        self.noted.append((listen.track_id, listen.heard_s))

    def hear(
        self, entry_id: int | None, heard_s: float, *, before: Listen | None = None, counts: bool = True
    ) -> Listen:
        """A session begins with an entry, the track of which is 100 and its id, and hears so much of it."""
        listen = Listen(100 + (entry_id or 0), entry_id, counts, duration_s=LENGTH_S)
        self.playings.go_on(before, listen)
        listen.heard_s += heard_s
        return listen


@pytest.fixture
def room() -> Room:
    made = Room()
    made.playings.keep(1)
    return made


def test_an_entry_that_is_moved_from_one_output_to_another_is_heard_once(room: Room) -> None:
    for _ in range(4):
        room.playings.go_on(room.hear(1, 2.0), None)
    assert room.noted == [(101, 6.0)]  # it was a play by then, and nobody heard it for a moment
    room.playings.keep(None)
    assert room.noted == [(101, 6.0)]


def test_what_was_left_in_its_first_half_waits_for_whoever_goes_on_and_ends_with_the_players_stay(room: Room) -> None:
    room.playings.go_on(room.hear(1, 2.0), None)
    room.playings.go_on(room.hear(1, 1.0), None)
    assert room.noted == []
    room.playings.keep(2)
    assert room.noted == [(101, 3.0)]
    room.playings.go_on(room.hear(1, 1.0), None)
    assert room.noted == [(101, 3.0), (101, 1.0)]


def test_outputs_at_once_are_one_listener_who_hears_as_much_as_the_one_that_hears_most(room: Room) -> None:
    listens = [room.hear(1, 0.0) for _ in range(3)]
    for listen, heard_s in zip(listens, (2.0, 4.0, 3.0), strict=True):
        listen.heard_s += heard_s
    for listen in listens:
        room.playings.go_on(listen, None)
    room.playings.keep(None)
    assert room.noted == [(101, 4.0)]


def test_who_joins_goes_on_from_where_the_others_are(room: Room) -> None:
    first = room.hear(1, 4.0)
    second = room.hear(1, 0.0)
    first.heard_s, second.heard_s = 5.0, 1.0
    room.playings.go_on(first, None)
    second.heard_s = 6.0
    room.playings.go_on(second, None)
    room.playings.keep(None)
    assert room.noted == [(101, 10.0)]


def test_who_comes_from_a_track_of_its_own_joins_as_well(room: Room) -> None:
    own, first = room.hear(None, 0.0), room.hear(1, 4.0)
    second = room.hear(1, 2.0, before=own)
    for listen in (first, second):
        room.playings.go_on(listen, None)
    assert room.noted == [(100, 0.0), (101, 6.0)]


def test_outputs_that_go_on_a_moment_apart_hear_the_next_entry_from_its_beginning(room: Room) -> None:
    first, second = room.hear(1, 0.0), room.hear(1, 0.0)
    first.heard_s, second.heard_s = 10.0, 9.0
    following = room.hear(2, 1.0, before=first)
    room.playings.keep(2)
    assert room.noted == []
    other = room.hear(2, 0.0, before=second)
    assert room.noted == [(101, 10.0)]
    following.heard_s = other.heard_s = 10.0
    for listen in (following, other):
        room.playings.go_on(listen, None)
    assert room.noted[1:] == [(102, 10.0)]


def test_each_playing_of_an_entry_that_is_repeated_counts_for_all_outputs_once(room: Room) -> None:
    first, second = room.hear(1, 10.0), room.hear(1, 0.0)
    for count in range(3):
        second.heard_s = 0.0 if count == 0 else LENGTH_S
        first = room.hear(1, LENGTH_S, before=first)
        assert len(room.noted) == count
        second = room.hear(1, 0.0, before=second)
        assert len(room.noted) == count + 1
    assert room.noted == [(101, 10.0)] * 3


def test_what_one_only_compares_takes_nothing_from_what_the_others_hear(room: Room) -> None:
    compared, heard = room.hear(1, 1.0, counts=False), room.hear(1, 8.0)
    room.playings.go_on(compared, None)
    room.playings.go_on(heard, None)
    assert room.noted == [(101, 1.0), (101, 8.0)]  # the first is no listen that counts, whatever is noted of it


def test_tracks_of_the_sessions_own_are_theirs_alone(room: Room) -> None:
    one, other = room.hear(None, 1.0), room.hear(None, 2.0)
    for listen in (one, other):
        room.playings.go_on(listen, None)
    assert room.noted == [(100, 1.0), (100, 2.0)]


@pytest.mark.parametrize(("heard_s", "noted"), [(3.0, False), (6.0, True)])
def test_what_sounded_before_a_restart_goes_on_with_it(heard_s: float, noted: bool) -> None:
    before, after = Room(), Room()
    before.playings.keep(7)
    before.playings.go_on(before.hear(7, heard_s), None)
    sounded = before.playings.sounded
    assert sounded is not None
    assert sounded == Sounded(heard_s, LENGTH_S, noted)
    assert before.noted == [(107, heard_s)] * noted
    after.playings.restore(Entry(7, 107), sounded)
    after.playings.keep(7)
    after.playings.go_on(after.hear(7, 4.0), None)
    after.playings.keep(None)
    assert after.noted == ([] if noted else [(107, 7.0)])
    assert after.playings.sounded is None


def test_playings_that_have_ended_are_forgotten(room: Room) -> None:
    listen = None
    for entry_id in range(1, 1_000):
        room.playings.keep(entry_id)
        listen = room.hear(entry_id, 1.0, before=listen)
    assert (len(room.playings._latest), len(room.playings._playings)) == (1, 1)
    room.playings.go_on(listen, None)
    room.playings.keep(None)
    assert (len(room.playings._latest), len(room.playings._playings)) == (0, 0)
    assert len(room.noted) == 999
