"""Time in tests: a clock that stands still until a test moves it on, and a limit by the clock on the wall."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trio
import trio.testing
from trio.testing import MockClock

LIMIT_S = 100.0
"""No test waits longer for anything; only a fault lets it come to that."""


async def pass_time(clock: MockClock, seconds: float) -> None:
    """Move a test's clock on, once everything that can be done before has been done."""
    await trio.testing.wait_all_tasks_blocked(0.01)
    clock.jump(seconds)


@contextmanager
def limited() -> Iterator[None]:
    """Fail what takes longer than `LIMIT_S`, by the clock on the wall: a test's own may stand still."""
    with trio.CancelScope() as scope:
        soon = trio.lowlevel.current_trio_token().run_sync_soon
        timer = threading.Timer(LIMIT_S, soon, (scope.cancel,))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
    assert not scope.cancelled_caught, f"not done after {LIMIT_S} s"
