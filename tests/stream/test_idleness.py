from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
import trio.testing

from auralis_trio.stream.idleness import IDLE_S, run_giving_back


class Work:
    """How much was begun, and when what it left was given back."""

    def __init__(self) -> None:
        self.begun = 0
        self.given_back_s: list[float] = []

    async def give_back(self) -> None:
        self.given_back_s.append(trio.current_time())


Script = Callable[[Work], Awaitable[None]]


async def nothing(work: Work) -> None:
    await trio.sleep(100 * IDLE_S)


async def once(work: Work) -> None:
    work.begun += 1
    await trio.sleep(100 * IDLE_S)


async def twice(work: Work) -> None:
    await once(work)
    await once(work)


async def without_end(work: Work) -> None:
    for _ in range(1000):
        work.begun += 1
        await trio.sleep(IDLE_S / 3)


@pytest.mark.parametrize(("script", "times"), [(nothing, 0), (once, 1), (twice, 2), (without_end, 0)])
async def test_memory_is_given_back_once_after_each_time_of_work(
    script: Script, times: int, autojump_clock: trio.testing.MockClock
) -> None:
    work = Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_giving_back, lambda: work.begun, work.give_back))
        await trio.testing.wait_all_tasks_blocked()
        await script(work)
        nursery.cancel_scope.cancel()
    assert len(work.given_back_s) == times


async def test_what_was_at_work_a_moment_ago_is_not_idle(autojump_clock: trio.testing.MockClock) -> None:
    work = Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_giving_back, lambda: work.begun, work.give_back))
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(IDLE_S - 1)
        work.begun += 1
        began_s = trio.current_time()
        await trio.sleep(10 * IDLE_S)
        nursery.cancel_scope.cancel()
    (given_back_s,) = work.given_back_s
    assert IDLE_S <= given_back_s - began_s <= 2 * IDLE_S
