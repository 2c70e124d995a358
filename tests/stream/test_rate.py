"""The rate: a burst of one second's worth, then the stated number a second."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.stream.rate import Rate


@pytest.mark.parametrize("per_s", [1, 5, 100])
def test_one_seconds_worth_at_once_and_then_no_more(per_s: int) -> None:
    rate = Rate(per_s)
    assert [rate.allows(7.0) for _ in range(per_s + 2)] == [True] * per_s + [False] * 2


def test_it_comes_back_with_time() -> None:
    rate = Rate(10)
    assert all(rate.allows(0.0) for _ in range(10))
    assert [rate.allows(at_s) for at_s in (0.05, 0.125, 0.15, 0.25)] == [False, True, False, True]


def test_it_is_known_when_there_is_one_again() -> None:
    rate = Rate(4)
    assert rate.due_s(5.0) == 5.0
    assert all(rate.allows(5.0) for _ in range(4))
    assert rate.due_s(5.0) == 5.25
    assert rate.due_s(5.125) == 5.25


@settings(deadline=None)
@given(st.integers(1, 50), st.floats(0, 1e7), st.lists(st.floats(0, 0.5), max_size=20))
def test_whoever_sleeps_until_it_is_due_gets_one(per_s: int, now_s: float, gaps_s: list[float]) -> None:
    rate = Rate(per_s)
    for gap_s in gaps_s:
        now_s += gap_s
        while rate.allows(now_s):
            pass
        begun_s, sleeps = now_s, 0
        while not rate.allows(now_s):
            now_s, sleeps = rate.due_s(now_s), sleeps + 1
        assert sleeps <= 3  # what a sleep is short of by rounding, another one adds
        assert now_s <= begun_s + 1 / per_s + 1e-6


def test_a_long_silence_saves_no_more_than_a_second() -> None:
    rate = Rate(3)
    rate.allows(0.0)
    assert [rate.allows(1e6) for _ in range(4)] == [True, True, True, False]


@settings(deadline=None)
@given(st.integers(1, 50), st.lists(st.floats(0, 0.5), max_size=200))
def test_over_any_time_no_more_than_the_burst_and_the_rate(per_s: int, gaps_s: list[float]) -> None:
    rate, now_s, allowed = Rate(per_s), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        allowed += rate.allows(now_s)
    assert allowed <= per_s * (1 + now_s) + 1e-6
