from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from auralis_trio.stream.idleness import IDLE_S, LEAST_OVER, LOOK_S, Life, run_giving_back


class Work:
    """How much was begun, how much is alive and over, and when that was searched for and given back."""

    def __init__(self) -> None:
        self.begun = 0
        self.alive = 0
        self.over = 0
        self.searched_at: list[int] = []
        self.given_back_s: list[float] = []

    async def search(self) -> None:
        self.searched_at.append(self.over)

    async def give_back(self) -> None:
        self.given_back_s.append(trio.current_time())

    async def run(self) -> None:
        life = Life(lambda: self.begun, lambda: self.alive, lambda: self.over)
        await run_giving_back(life, self.search, self.give_back)


@asynccontextmanager
async def looked_after() -> AsyncIterator[Work]:
    """Work that is looked after while the body runs."""
    work = Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work.run)
        await trio.testing.wait_all_tasks_blocked()
        yield work
        nursery.cancel_scope.cancel()


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
    async with looked_after() as work:
        await script(work)
    assert len(work.given_back_s) == times


async def test_what_was_at_work_a_moment_ago_is_not_idle(autojump_clock: trio.testing.MockClock) -> None:
    async with looked_after() as work:
        await trio.sleep(IDLE_S - 1)
        work.begun += 1
        began_s = trio.current_time()
        await trio.sleep(10 * IDLE_S)
    (given_back_s,) = work.given_back_s
    assert IDLE_S <= given_back_s - began_s <= IDLE_S + LOOK_S


@pytest.mark.parametrize(("alive", "every"), [(0, LEAST_OVER), (64, LEAST_OVER), (1000, 500), (4000, 2000)])
async def test_what_is_over_is_searched_for_when_it_is_half_as_much_as_what_lives(
    alive: int, every: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with looked_after() as work:
        work.alive = alive
        while work.over < 2.5 * every:
            work.begun += 1  # somebody always listens
            work.over += 4
            await trio.sleep(LOOK_S)
    assert [round(at / every, 1) for at in work.searched_at] == [1, 2]
    assert not work.given_back_s
