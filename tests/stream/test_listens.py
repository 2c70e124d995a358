"""Listens on their way to the library: each is written once, nobody waits for it, and what is lost is counted."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.errors import AuralisError, Busy, NotFound, TimedOut
from auralis_trio.stream.keeping import RETRY_S
from auralis_trio.stream.listens import MAX_WAITING, Listen, Listens
from tests.fakes import FixedCatalogue, Tracks


@pytest.fixture
def catalogue() -> FixedCatalogue:
    return FixedCatalogue(Tracks())


def listen(track_id: int, heard_s: float = 1.0, *, counts: bool = True) -> Listen:
    return Listen(track_id, None, counts, heard_s, 10.0)


async def test_listens_are_written_in_their_order(catalogue: FixedCatalogue) -> None:
    listens = Listens(catalogue)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listens.run_keeper)
        for number in range(5):
            listens.note_nowait(listen(number, number + 0.5))
        await trio.testing.wait_all_tasks_blocked()
        assert catalogue.heard == [(number, number + 0.5) for number in range(5)]
        assert (listens.waiting, listens.dropped) == (0, 0)
        nursery.cancel_scope.cancel()
    assert len(catalogue.heard) == 5


async def test_what_is_not_to_count_and_what_did_not_sound_is_no_listen(catalogue: FixedCatalogue) -> None:
    listens = Listens(catalogue)
    listens.note_nowait(listen(1, counts=False))
    listens.note_nowait(listen(2, 0.0))
    assert listens.waiting == 0


async def test_so_many_wait_and_no_more(catalogue: FixedCatalogue, caplog: pytest.LogCaptureFixture) -> None:
    listens = Listens(catalogue)
    for number in range(MAX_WAITING + 3):
        listens.note_nowait(listen(number))
    assert (listens.waiting, listens.dropped) == (MAX_WAITING, 3)
    assert [record.levelno for record in caplog.records] == [
        logging.WARNING
    ] * 2  # the first and the second, then every power of two
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listens.run_keeper)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [track_id for track_id, _ in catalogue.heard] == list(range(MAX_WAITING))


async def test_a_library_that_is_busy_is_asked_again(catalogue: FixedCatalogue, autojump_clock: MockClock) -> None:
    listens = Listens(catalogue)
    catalogue.tell_error = Busy(retry_after_s=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listens.run_keeper)
        listens.note_nowait(listen(1))
        listens.note_nowait(listen(2))
        await trio.sleep(3.5 * RETRY_S)
        assert (listens.waiting, catalogue.heard) == (2, [])
        catalogue.tell_error = None
        await trio.sleep(RETRY_S)
        assert catalogue.heard == [(1, 1.0), (2, 1.0)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("error", [TimedOut(), NotFound()])
async def test_what_may_have_been_counted_or_never_can_be_is_not_tried_twice(
    catalogue: FixedCatalogue, error: AuralisError, autojump_clock: MockClock
) -> None:
    listens = Listens(catalogue)
    catalogue.tell_error = error
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listens.run_keeper)
        listens.note_nowait(listen(1))
        await trio.testing.wait_all_tasks_blocked()
        catalogue.tell_error = None
        listens.note_nowait(listen(2))
        await trio.sleep(2 * RETRY_S)
        assert catalogue.heard == [(2, 1.0)]
        assert listens.dropped == 1
        nursery.cancel_scope.cancel()


async def test_the_last_listens_are_written_when_the_server_stops(catalogue: FixedCatalogue) -> None:
    listens = Listens(catalogue)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listens.run_keeper)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(10):
            listens.note_nowait(listen(number))
        nursery.cancel_scope.cancel()
    assert [track_id for track_id, _ in catalogue.heard] == list(range(10))


async def test_a_stop_in_the_midst_of_a_write_counts_once(catalogue: FixedCatalogue) -> None:
    class Slow(FixedCatalogue):
        async def tell(self, change: Callable[..., Any], *args: Any) -> Any:
            nursery.cancel_scope.cancel()
            await trio.lowlevel.checkpoint()
            return await super().tell(change, *args)

    slow = Slow(Tracks())
    listens = Listens(slow)
    listens.note_nowait(listen(1))
    async with trio.open_nursery() as nursery:  # noqa: ASYNC112  # the library cancels it
        nursery.start_soon(listens.run_keeper)
    assert slow.heard == [(1, 1.0)]


async def test_a_keeper_that_is_begun_again_goes_on_with_what_waits(catalogue: FixedCatalogue) -> None:
    listens = Listens(catalogue)
    listens.note_nowait(listen(1))
    catalogue.tell_error = Busy(retry_after_s=1)
    for error in (Busy(retry_after_s=1), None):
        catalogue.tell_error = error
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listens.run_keeper)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert catalogue.heard == [(1, 1.0)]
