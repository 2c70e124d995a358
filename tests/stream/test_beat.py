"""The beat: sleepers of one moment wake together, never before it, whoever of them leaves."""

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.stream.beat import BEAT_S, Beat


async def sleep(beat: Beat, at_s: float, woken: list[float]) -> None:
    """Sleep as its users do: ask again what the time is."""
    while trio.current_time() < at_s:
        await beat.sleep_until(at_s)
    woken.append(trio.current_time())


@settings(deadline=None)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=20))
def test_nobody_wakes_early_or_more_than_a_beat_late(moments_s: list[float]) -> None:
    async def run() -> None:
        beat, begun_s = Beat(), trio.current_time()
        late: list[float] = []

        async def one(at_s: float) -> None:
            woken: list[float] = []
            await sleep(beat, at_s, woken)
            late.append(woken[0] - at_s)

        async with trio.open_nursery() as nursery:
            for moment_s in moments_s:
                nursery.start_soon(one, begun_s + moment_s)
        assert len(late) == len(moments_s)
        assert all(0 <= by_s <= BEAT_S + 1e-9 for by_s in late)

    trio.run(run, clock=MockClock(autojump_threshold=0))


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_when_one_leaves_the_others_still_wake_in_time(leaving: int, autojump_clock: MockClock) -> None:
    beat, woken, at_s = Beat(), list[float](), trio.current_time() + 100 * BEAT_S
    scopes = [trio.CancelScope() for _ in range(3)]

    async def one(scope: trio.CancelScope) -> None:
        with scope:
            await sleep(beat, at_s, woken)

    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(one, scope)
            await trio.testing.wait_all_tasks_blocked()
        scopes[leaving].cancel()
    assert len(woken) == 2
    assert all(at_s <= moment_s <= at_s + BEAT_S for moment_s in woken)


async def test_a_moment_that_has_passed_is_still_a_checkpoint(autojump_clock: MockClock) -> None:
    with trio.testing.assert_checkpoints():
        await Beat().sleep_until(trio.current_time() - 1)
