"""The common beat: nobody wakes early for good, nobody late by more than a beat, nobody hangs on another."""

import pytest
import trio
from trio.testing import MockClock

from auralis_trio.stream.beat import BEAT_S, Beat


async def sleep(beat: Beat, at_s: float, woken_s: list[float]) -> None:
    while trio.current_time() < at_s:
        await beat.sleep_until(at_s)
    woken_s.append(trio.current_time())


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.01, 0.0100001, 0.186, 3600.0])
async def test_a_sleep_ends_at_its_moment_or_within_a_beat_of_it(autojump_clock: MockClock, after_s: float) -> None:
    at_s, woken_s = trio.current_time() + after_s, list[float]()
    await sleep(Beat(), at_s, woken_s)
    assert at_s <= woken_s[0] <= at_s + BEAT_S + 1e-6


async def test_those_who_wait_for_the_same_beat_wake_at_the_same_moment(autojump_clock: MockClock) -> None:
    beat, woken_s = Beat(), list[float]()
    async with trio.open_nursery() as nursery:
        for share in (0.2, 0.5, 0.9):
            nursery.start_soon(sleep, beat, 2.0 + BEAT_S * share, woken_s)
    assert len(set(woken_s)) == 1


async def test_when_the_first_sleeper_is_cancelled_the_others_still_wake_in_time(autojump_clock: MockClock) -> None:
    beat, woken_s = Beat(), list[float]()
    at_s = trio.current_time() + 5.0
    async with trio.open_nursery() as nursery, trio.open_nursery() as impatient:
        impatient.start_soon(sleep, beat, at_s, woken_s)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(3):
            nursery.start_soon(sleep, beat, at_s, woken_s)
        await trio.testing.wait_all_tasks_blocked()
        impatient.cancel_scope.cancel()
    assert len(woken_s) == 3
    assert all(at_s <= woken <= at_s + BEAT_S + 1e-6 for woken in woken_s)


async def test_a_sleep_can_be_cancelled_whoever_has_the_timer(autojump_clock: MockClock) -> None:
    beat = Beat()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(beat.sleep_until, trio.current_time() + 1000.0)
        await trio.testing.wait_all_tasks_blocked()
        began_s = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() == began_s
