"""Flow: how much may be sent, never a frame more, and never for ever none."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auralis_trio.stream.credit import Flow

RATE = 44_100
AHEAD_S = 3.0
times = st.floats(0, 40, allow_nan=False)


class CreditedFlow(RuleBasedStateMachine):
    """A client that grants in any order, and a sender that takes all the room it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = Flow(RATE, 500, AHEAD_S)
        self.most = 500
        self.now_s = 100.0

    @rule(credit=st.integers(0, 100_000), played=st.none() | st.integers(0, 200_000))
    def grant(self, credit: int, played: int | None) -> None:
        before, changed = self.flow.played, self.flow.changed
        self.flow.grant(credit, played)
        assert changed.is_set() == (credit > self.most)
        self.most = max(self.most, credit)
        assert before <= self.flow.played <= self.flow.sent

    @rule(share=st.floats(0, 1))
    def send(self, share: float) -> None:
        self.flow.sent += int(self.flow.room(self.now_s) * share)

    @rule(elapsed_s=times)
    def wait(self, elapsed_s: float) -> None:
        self.now_s += elapsed_s

    @rule(paused=st.booleans())
    def hold(self, paused: bool) -> None:
        self.flow.hold(paused, self.now_s)

    @invariant()
    def never_more_than_the_credit(self) -> None:
        assert self.flow.sent <= self.most

    @invariant()
    def room_is_what_is_left_of_the_credit(self) -> None:
        expected = 0 if self.flow.paused else self.most - self.flow.sent
        assert self.flow.room(self.now_s) == expected

    @invariant()
    def only_the_client_can_make_room(self) -> None:
        assert self.flow.due_s(1) == math.inf


class PacedFlow(RuleBasedStateMachine):
    """A sender without credit: what it sent is compared with the time that the listener has heard."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = Flow(RATE, None, AHEAD_S)
        self.now_s = 1000.0
        self.heard_s = 0.0
        self.flow.room(self.now_s)

    @rule(elapsed_s=times)
    def wait(self, elapsed_s: float) -> None:
        self.now_s += elapsed_s
        self.heard_s += 0.0 if self.flow.paused else elapsed_s

    @rule(paused=st.booleans())
    def hold(self, paused: bool) -> None:
        self.flow.hold(paused, self.now_s)

    @rule(share=st.floats(0, 1))
    def send(self, share: float) -> None:
        self.flow.sent += int(self.flow.room(self.now_s) * share)

    @precondition(lambda self: not self.flow.paused)
    @rule(frames=st.integers(1, 8192))
    def wait_until_due(self, frames: int) -> None:
        elapsed_s = max(0.0, self.flow.due_s(frames) - self.now_s)
        assert elapsed_s < math.inf
        self.wait(elapsed_s)
        assert self.flow.room(self.now_s) >= frames

    @rule(credit=st.integers(0, 10**9))
    def grant(self, credit: int) -> None:
        self.flow.grant(credit, None)

    @invariant()
    def never_further_ahead_than_agreed(self) -> None:
        assert self.flow.sent / RATE <= self.heard_s + AHEAD_S + 1e-6

    @invariant()
    def nothing_is_due_in_a_pause(self) -> None:
        if self.flow.paused:
            assert self.flow.room(self.now_s) == 0
            assert self.flow.due_s(1) == math.inf


TestCreditedFlow = CreditedFlow.TestCase
TestPacedFlow = PacedFlow.TestCase
TestCreditedFlow.settings = TestPacedFlow.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 8192), min_size=1, max_size=50))
def test_a_client_that_grants_what_it_heard_never_waits_for_ever(credit: int, sizes: list[int]) -> None:
    flow = Flow(RATE, credit, AHEAD_S)
    for size in sizes:
        flow.grant(flow.sent + size, flow.sent)
        assert flow.room(0.0) >= size
        flow.sent += size


@pytest.mark.parametrize("pause_s", [0.0, 1.0, 60.0, 86_400.0])
def test_the_time_of_a_pause_does_not_count_as_played(pause_s: float) -> None:
    flow = Flow(RATE, None, AHEAD_S)
    flow.sent = flow.room(10.0)
    flow.hold(True, 12.0)
    flow.hold(False, 12.0 + pause_s)
    assert flow.room(12.0 + pause_s) == pytest.approx(2 * RATE, abs=1)


def test_a_stream_that_starts_paused_begins_to_count_when_it_goes_on() -> None:
    flow = Flow(RATE, None, AHEAD_S)
    flow.hold(True, 0.0)
    assert flow.room(50.0) == 0
    flow.hold(False, 100.0)
    assert flow.room(100.0) == AHEAD_S * RATE


def test_repeated_and_late_credit_does_no_harm() -> None:
    flow = Flow(RATE, 100, AHEAD_S)
    for credit in (200, 200, 150, 0):
        flow.grant(credit, None)
    assert flow.room(0.0) == 200


def test_what_was_heard_is_never_more_than_what_was_sent_and_never_falls() -> None:
    flow = Flow(RATE, 1000, AHEAD_S)
    flow.sent = 300
    for played, believed in ((100, 100), (50, 100), (5000, 300)):
        flow.grant(1000, played)
        assert flow.played == believed


def test_who_waits_for_a_change_is_told_once_of_each() -> None:
    flow = Flow(RATE, 0, AHEAD_S)
    first = flow.changed
    flow.hold(False, 0.0)
    flow.grant(0, 0)
    assert not first.is_set()
    flow.hold(True, 0.0)
    second = flow.changed
    assert first.is_set()
    flow.grant(5, None)
    assert second.is_set()
    assert not flow.changed.is_set()


# Streams that follow each other


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([8_000, 44_100, 48_000]), st.integers(1, 400_000) | st.just(0)),
        min_size=2,
        max_size=6,
    ),
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), max_size=4),
)
def test_paced_streams_behind_each_other_have_one_pace_whatever_their_rates_and_pauses(
    streams: list[tuple[int, int]], pauses: list[tuple[float, float]]
) -> None:
    """Time passes in the steps in which there is room; what was sent of all of them never runs further ahead."""
    now_s, heard_s, before_s = 50.0, 0.0, 0.0
    flow: Flow | None = None
    for rate, frames in streams:
        following = Flow(rate, None, AHEAD_S)
        if flow is not None:
            following.follow(flow, flow.sent, now_s)
        older, flow = flow, following
        while flow.sent < frames:
            room = flow.room(now_s)
            flow.sent += min(room, frames - flow.sent)
            assert before_s + flow.sent / rate <= heard_s + AHEAD_S + 1e-4
            if pauses and room == 0:
                wait_s, pause_s = pauses.pop()
                now_s, heard_s = now_s + wait_s, heard_s + wait_s
                for each in (older, flow):
                    if each is not None:
                        each.hold(True, now_s)
                now_s += pause_s
                for each in (older, flow):
                    if each is not None:
                        each.hold(False, now_s)
            wait_s = max(0.0, flow.due_s(min(4096, frames - flow.sent)) - now_s) if flow.sent < frames else 0.0
            now_s, heard_s = now_s + wait_s, heard_s + wait_s
        assert flow.heard(now_s) <= max(0.0, heard_s - before_s) * rate + 1
        before_s += frames / rate


def test_what_follows_is_not_heard_before_the_last_frame_of_what_it_follows() -> None:
    first = Flow(RATE, None, AHEAD_S)
    first.sent = first.room(10.0)  # three seconds, heard from 10 to 13
    second = Flow(RATE, None, AHEAD_S)
    second.follow(first, first.sent, 11.0)
    assert second.room(11.0) == RATE
    second.sent = RATE
    assert [first.heard(at_s) for at_s in (11.5, 13.0, 20.0)] == [1.5 * RATE, 3 * RATE, 3 * RATE]
    assert [second.heard(at_s) for at_s in (11.5, 13.0, 13.5, 20.0)] == [0, 0, RATE / 2, RATE]


def test_behind_a_stream_without_frames_the_pace_is_that_of_the_one_before() -> None:
    first = Flow(RATE, None, AHEAD_S)
    first.sent = first.room(10.0)  # three seconds, heard from 10 to 13
    empty, second = Flow(RATE, None, AHEAD_S), Flow(RATE, None, AHEAD_S)
    empty.follow(first, first.sent, 11.0)
    second.follow(empty, empty.sent, 11.0)
    assert second.room(11.0) == RATE


def test_a_pause_before_the_first_room_puts_off_what_follows() -> None:
    first = Flow(RATE, None, AHEAD_S)
    first.sent = first.room(10.0)
    first.hold(True, 11.0)
    second = Flow(RATE, None, AHEAD_S)
    second.follow(first, first.sent, 12.0)
    second.hold(True, 12.0)
    for flow in (first, second):
        flow.hold(False, 21.0)
    assert second.room(21.0) == RATE
    second.sent = RATE
    assert (first.heard(23.0), second.heard(23.0), second.heard(23.5)) == (3 * RATE, 0, RATE / 2)


def test_what_comes_too_late_to_follow_is_heard_from_its_first_room_on() -> None:
    first = Flow(RATE, None, AHEAD_S)
    first.sent = first.room(10.0)
    second = Flow(RATE, None, AHEAD_S)
    second.follow(first, first.sent, 12.0)
    assert second.room(15.0) == 3 * RATE
    second.sent = RATE
    assert second.heard(15.5) == RATE / 2


def test_of_a_client_with_credit_the_clock_tells_what_was_heard_until_it_says_so_itself() -> None:
    flow = Flow(RATE, 10 * RATE, AHEAD_S)
    flow.sent = flow.room(5.0)
    assert flow.heard(8.0) == 3 * RATE
    flow.grant(None, RATE)
    assert flow.heard(8.0) == RATE


def test_a_paced_client_has_no_say_in_what_was_heard() -> None:
    flow = Flow(RATE, None, AHEAD_S)
    flow.sent = flow.room(5.0)
    flow.grant(None, 7)
    assert flow.heard(6.0) == RATE


def test_while_a_client_without_credit_has_nothing_left_it_hears_nothing() -> None:
    flow = Flow(RATE, 0, AHEAD_S)
    assert flow.room(5.0) == 0
    flow.grant(RATE, None)
    flow.sent += flow.room(15.0)
    assert [flow.heard(at_s) for at_s in (15.0, 15.5, 16.0, 25.0)] == [0, RATE / 2, RATE, RATE]
    flow.grant(3 * RATE, None)
    flow.sent += flow.room(25.0)
    assert [flow.heard(at_s) for at_s in (25.0, 26.0, 27.0)] == [RATE, 2 * RATE, 3 * RATE]
    following = Flow(RATE, RATE, AHEAD_S)
    following.follow(flow, flow.sent, 25.0)
    following.sent += following.room(25.5)
    assert [following.heard(at_s) for at_s in (25.5, 27.0, 27.5)] == [0, 0, RATE / 2]
