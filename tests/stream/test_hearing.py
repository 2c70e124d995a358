"""What a listener hears: which of the streams that were sent, where in it, and for how long each track sounded."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from auralis_trio.audio.encoding import Encoding
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.hearing import MAX_ENTRIES_AHEAD, MAX_PARTS, Hearing, Turn
from auralis_trio.stream.listens import Listen, Listens
from auralis_trio.stream.output import Place
from auralis_trio.stream.pipeline import Stream
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.playings import Playings
from auralis_trio.wire.commands import Manner, Request, Start

RATE = 1_000
LENGTH = 10_000
PATIENCE_S = 20.0


class Notes(Listens):
    """Listens that are only noted."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, float]] = []

    def note_nowait(self, listen: Listen) -> None:
        """See `Listens.note_nowait`."""
        self.noted.append((listen.track_id, round(listen.heard_s, 6)))


class Ears:
    """A chain under test, told as a conductor tells it; the entry of track n is 10 n."""

    def __init__(self, *, credited: bool = True) -> None:
        self.notes = Notes()
        self.hearing = Hearing(Playings(self.notes.note_nowait), PATIENCE_S)
        self.credit = 10**9 if credited else None
        self.flows: dict[int, Flow] = {}

    def expect(self, track: int, *, follows: int | None = None, behind: int | None = None, now_s: float = 0.0) -> int:
        """A stream of this track's entry is going to begin; its id."""
        stream_id = len(self.flows) + 1
        self.flows[stream_id] = Flow(RATE, self.credit, 1e6)
        manner = Manner(Encoding.S16, credit=self.credit)
        request = Request(track, 0, manner, entry_id=10 * track)
        self.hearing.expect(Start(stream_id, request, paused=False, follows=follows), now_s, behind)
        return stream_id

    def begin(self, stream_id: int, *, sent: int = LENGTH, first_frame: int = 0, now_s: float = 0.0) -> None:
        """It is there, and so much of it is sent at once."""
        flow = self.flows[stream_id]
        track = SimpleNamespace(total_frames=LENGTH, format=SimpleNamespace(sample_rate=RATE))
        plan = SimpleNamespace(track=track, start_frame=first_frame)
        stream: Any = SimpleNamespace(stream_id=stream_id, flow=flow, plan=plan)
        self.hearing.begin(cast(Stream, stream), now_s)
        flow.room(now_s)
        flow.sent = sent

    def play(self, track: int, *, follows: int | None = None, behind: int | None = None, **options: Any) -> int:
        """Both at once."""
        stream_id = self.expect(track, follows=follows, behind=behind, now_s=options.get("now_s", 0.0))
        self.begin(stream_id, **options)
        return stream_id

    def take_over(self, stream_id: int, frame: int) -> None:
        """Another stream is going to take over from there on."""
        stream: Any = SimpleNamespace(stream_id=stream_id)
        self.hearing.take_over(Turn(cast(Stream, stream), cast(Request, None), frame, fresh=False))

    def played(self, stream_id: int, frames: int, now_s: float = 0.0) -> None:
        self.hearing.grant(stream_id, None, frames, now_s)

    def place(self, now_s: float = 0.0) -> tuple[int, int] | None:
        """The entry and the frame that are heard."""
        heard = self.hearing.heard_now(now_s)
        return None if heard is None else (heard[0], heard[1].frame)


def test_a_stream_that_has_begun_is_heard_as_far_as_the_client_says() -> None:
    ears = Ears()
    assert ears.place() is None
    stream_id = ears.expect(1)
    assert ears.place() is None
    ears.begin(stream_id, first_frame=500)
    assert ears.place() == (10, 500)
    ears.played(stream_id, 20)
    assert ears.hearing.heard_now(0.0) == (10, Place(520, RATE))


def test_the_tail_is_heard_until_something_behind_it_is() -> None:
    ears = Ears()
    one = ears.play(1)
    two = ears.play(2, follows=one, behind=10)
    ears.played(one, 9_000)
    assert ears.place() == (10, 9_000)
    ears.played(two, 5)
    assert ears.place() == (20, 5)
    ears.played(one, 9_500)  # too late to be of interest
    assert ears.place() == (20, 5)
    assert ears.notes.noted == [(1, 10.0)]
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 10.0), (2, 0.005)]


def test_behind_the_last_frame_of_one_the_first_of_the_next_is_heard() -> None:
    ears = Ears()
    one = ears.play(1)
    ears.play(2, follows=one, behind=10)
    ears.played(one, LENGTH)
    assert ears.place() == (20, 0)


def test_whoever_hears_a_stream_has_heard_all_before_it_whatever_it_said_of_those() -> None:
    ears = Ears()
    streams = [ears.play(1)]
    for track in (2, 3, 4, 5):
        streams.append(ears.play(track, follows=streams[-1], behind=10 * track - 10))
    ears.played(streams[1], 0)
    assert ears.place() == (10, 0)
    ears.played(streams[3], 7)
    assert ears.place() == (40, 7)
    ears.played(streams[1], 50)  # too late to be of interest
    assert ears.place() == (40, 7)
    assert ears.notes.noted == [(1, 10.0), (2, 10.0), (3, 10.0)]
    ears.played(streams[4], LENGTH)
    assert ears.place() == (50, LENGTH)
    assert ears.hearing.due_s(0.0) == 0.0
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(track, 10.0) for track in (1, 2, 3, 4, 5)]


def test_of_a_stream_that_another_took_over_no_more_is_heard_than_up_to_there() -> None:
    ears = Ears()
    one = ears.play(1)
    ears.take_over(one, 4_000)
    two = ears.play(1, follows=one, first_frame=4_000, sent=6_000)
    ears.played(one, 4_500)
    assert ears.place() == (10, 4_000)
    ears.played(two, 100)
    assert ears.place() == (10, 4_100)
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 4.1)]


def test_by_the_clock_a_stream_that_took_over_is_heard_from_there_on() -> None:
    ears = Ears(credited=False)
    one = ears.play(1)
    ears.take_over(one, 4_000)
    ears.play(1, follows=one, first_frame=4_000, sent=6_000, now_s=3.0)
    assert [ears.place(at_s) for at_s in (3.5, 4.0, 5.0, 9.0)] == [(10, 3_500), (10, 4_000), (10, 5_000), (10, 9_000)]
    ears.hearing.finish(9.5)
    assert ears.notes.noted == [(1, 9.5)]


def test_what_does_not_follow_drops_all_and_the_same_track_goes_on_with_its_listen() -> None:
    ears = Ears()
    one = ears.play(1)
    ears.played(one, 3_000)
    two = ears.play(1, first_frame=8_000, sent=2_000)
    ears.played(one, 3_500)
    assert ears.place() == (10, 8_000)
    ears.played(two, 1_000)
    assert ears.place() == (10, 9_000)
    three = ears.play(2)
    assert ears.notes.noted == []
    ears.played(three, 10)
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 4.0), (2, 0.01)]


def test_the_same_entry_again_is_another_listen() -> None:
    ears = Ears()
    one = ears.play(1)
    two = ears.play(1, follows=one, behind=10)
    ears.played(two, 50)
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 10.0), (1, 0.05)]


def test_what_did_not_begin_is_not_heard() -> None:
    ears = Ears()
    one = ears.play(1)
    two = ears.expect(2, follows=one, behind=10)
    assert ears.hearing.expects(two)
    ears.hearing.fail(two)
    assert not ears.hearing.expects(two)
    assert ears.hearing.last_stream_id == one
    three = ears.play(3, follows=one, behind=20)
    ears.played(three, 1)
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 10.0), (3, 0.001)]


def test_a_stream_that_is_wanted_no_more_when_it_begins_changes_nothing() -> None:
    ears = Ears()
    one, two = ears.expect(1), ears.expect(2)
    ears.begin(one)
    ears.played(one, 100)
    assert ears.place() is None
    assert ears.hearing.last_stream_id == two


def test_what_no_longer_follows_is_cut_with_all_that_is_behind_it() -> None:
    plan = {10: 20, 20: 30, 30: None}
    ears = Ears()
    one = ears.play(1)
    two = ears.play(2, follows=one, behind=10)
    ears.expect(3, follows=two, behind=20)

    def follows(entry_id: int) -> Entry | None:
        following = plan[entry_id]
        return None if following is None else Entry(following, 1)

    assert not ears.hearing.cut_wrong(follows, 0.0)
    plan[20] = 40
    assert ears.hearing.cut_wrong(follows, 0.0)
    assert (ears.hearing.last_stream_id, ears.hearing.last_entry_id) == (two, 20)
    plan[10] = None
    assert ears.hearing.cut_wrong(follows, 0.0)
    assert ears.hearing.last_stream_id == one
    ears.played(one, 10)
    ears.hearing.finish(0.0)
    assert ears.notes.noted == [(1, 0.01)]


def test_what_is_heard_already_is_not_cut() -> None:
    ears = Ears()
    one = ears.play(1)
    two = ears.play(2, follows=one, behind=10)
    ears.played(two, 10)
    assert not ears.hearing.cut_wrong(lambda entry_id: None, 0.0)


@pytest.mark.parametrize("credited", [False, True])
def test_a_pause_holds_everything_that_is_under_way(credited: bool) -> None:
    ears = Ears(credited=credited)
    one = ears.play(1)
    ears.play(2, follows=one, behind=10, now_s=2.0)
    ears.hearing.hold(True, 4.0)
    assert ears.hearing.paused
    assert ears.hearing.due_s(500.0) == math.inf
    before = ears.place(4.0)
    assert ears.place(500.0) == before
    ears.hearing.hold(False, 500.0)
    assert not ears.hearing.paused
    if not credited:
        assert ears.place(501.0) == (10, 5_000)
        assert ears.place(507.0) == (20, 1_000)


def test_by_the_clock_the_next_part_and_the_end_are_due_when_they_are_heard() -> None:
    ears = Ears(credited=False)
    one = ears.play(1)
    ears.play(2, follows=one, behind=10, now_s=1.0)
    assert ears.hearing.due_s(4.0) == pytest.approx(10.0)
    assert ears.hearing.due_s(12.0) == pytest.approx(20.0)
    assert ears.hearing.due_s(20.0) <= 20.0
    assert ears.place(12.0) == (20, 2_000)


def test_of_who_gives_credit_and_tells_nothing_the_clock_tells_all() -> None:
    ears = Ears()
    one = ears.play(1)
    two = ears.play(2, follows=one, behind=10, now_s=1.0)
    for number in range(MAX_ENTRIES_AHEAD - 1):
        two = ears.play(3 + number, follows=two, behind=20 + 10 * number, now_s=1.0)
    assert ears.hearing.full
    assert ears.hearing.due_s(4.0) == pytest.approx(10.0)
    assert [ears.place(at_s) for at_s in (4.0, 12.0)] == [(10, 4_000), (20, 2_000)]
    assert not ears.hearing.full
    assert ears.place(55.0) == (60, 5_000)
    ears.hearing.finish(56.0)
    assert ears.notes.noted == [(track, 10.0) for track in (1, 2, 3, 4, 5)] + [(6, 6.0)]


def test_who_has_told_what_it_hears_is_believed_of_all_that_comes_later() -> None:
    ears = Ears()
    ears.played(ears.play(1), 1)
    two = ears.play(2)
    ears.play(3, follows=two, behind=20)
    assert ears.place(15.0) == (20, 0)


def test_who_tells_is_waited_for_as_long_as_what_is_left_sounds_and_a_while_longer() -> None:
    ears = Ears()
    one = ears.play(1)
    ears.played(one, 0)
    two = ears.play(2, follows=one, behind=10, now_s=3.0)
    assert ears.hearing.due_s(4.0) == 3.0 + 20.0 + PATIENCE_S
    ears.played(one, 9_000, now_s=5.0)
    assert ears.hearing.due_s(6.0) == 5.0 + 11.0 + PATIENCE_S
    ears.played(two, LENGTH, now_s=7.0)
    assert ears.hearing.due_s(8.0) == 8.0


def test_where_nothing_is_under_way_the_end_is_now() -> None:
    ears = Ears()
    assert ears.hearing.due_s(5.0) == 5.0
    ears.hearing.finish(5.0)
    assert ears.notes.noted == []


def test_there_is_room_for_another_entry_when_one_is_heard() -> None:
    ears = Ears()
    streams = [ears.play(1)]
    for number in range(MAX_ENTRIES_AHEAD):
        assert not ears.hearing.full
        streams.append(ears.play(2 + number, follows=streams[-1], behind=10 + 10 * number))
    assert ears.hearing.full
    ears.played(streams[1], 1)
    assert ears.place() == (20, 1)
    assert not ears.hearing.full


def test_of_too_many_short_streams_the_oldest_are_counted_as_far_as_is_known() -> None:
    ears = Ears()
    last = ears.play(1)
    ears.played(last, 7_000)
    for number in range(MAX_PARTS + 5):
        last = ears.play(2 + number % 2, follows=last, behind=10)
    assert ears.hearing.statistics() == {"streams": MAX_PARTS, "paused": False}
    assert ears.notes.noted == [(1, 7.0)] + [(2 + number % 2, 0.0) for number in range(4)]
