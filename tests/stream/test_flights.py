"""Flights: work that is done once, goes on when its askers have left, and is bounded."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from auralis_trio.errors import AuralisError, Busy, NotFound
from auralis_trio.stream.flights import Flights


class Work:
    """Takes a while, and counts how often it was done."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = 0
        self.done = 0
        self.may_end = trio.Event()
        self.error = error

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        self.done += 1
        return 42


async def test_however_many_ask_it_is_done_once(autojump_clock: MockClock) -> None:
    work, got = Work(), []

    async def ask(flights: Flights) -> None:
        got.append(await flights.join("key", work))

    async with trio.open_nursery() as services:
        flights = Flights(services, 8)
        async with trio.open_nursery() as askers:
            for _ in range(5):
                askers.start_soon(ask, flights)
            await wait_all_tasks_blocked()
            assert (len(flights), "key" in flights) == (1, True)
            work.may_end.set()
        assert len(flights) == 0
        assert await flights.join("key", work) == 42
    assert (got, work.begun) == ([42] * 5, 2)


async def test_it_goes_on_when_its_asker_has_left(autojump_clock: MockClock) -> None:
    work = Work()
    async with trio.open_nursery() as services:
        flights = Flights(services, 8)
        with trio.move_on_after(1) as patience:
            await flights.join("key", work)
        assert patience.cancelled_caught
        assert "key" in flights
        work.may_end.set()
        assert await flights.join("key", work) == 42
    assert work.begun == 1


async def test_an_error_is_that_of_every_asker_and_ends_nothing_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    known, unknown = Work(NotFound("gone")), Work(ZeroDivisionError("secret"))
    known.may_end.set()
    unknown.may_end.set()
    async with trio.open_nursery() as services:
        flights = Flights(services, 8)
        with pytest.raises(NotFound, match="gone"):
            await flights.join("known", known)
        with pytest.raises(AuralisError) as caught:
            await flights.join("unknown", unknown)
        assert len(flights) == 0
    assert caught.value.code == "internal_error"
    assert "secret" not in caught.value.message
    assert [record.message for record in caplog.records if record.exc_info] == ["unknown failed"]


async def test_one_more_than_the_bound_is_refused_and_one_that_is_under_way_is_joined() -> None:
    work = Work()
    async with trio.open_nursery() as services:
        flights = Flights(services, 2)
        flights.begin(1, work)
        flights.begin(2, work)
        with pytest.raises(Busy):
            await flights.join(3, work)
        work.may_end.set()
        assert await flights.join(2, work) == 42


async def test_a_flight_can_be_called_off(autojump_clock: MockClock) -> None:
    work, refused = Work(), []

    async def ask(flights: Flights) -> None:
        try:
            await flights.join("key", work)
        except Busy as error:
            refused.append(error)

    async with trio.open_nursery() as services:
        flights = Flights(services, 8)
        services.start_soon(ask, flights)
        await wait_all_tasks_blocked()
        assert flights.cancel_nowait("key")
        await wait_all_tasks_blocked()
        assert not flights.cancel_nowait("key")
    assert len(refused) == 1
    assert work.done == 0
