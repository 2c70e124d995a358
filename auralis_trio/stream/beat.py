"""A common beat for everything that waits for a moment: many sleepers, one timer.

Each packet of each paced stream waits for its own moment. A timer apiece costs more than the sending, for trio ends
a sleep by cancelling it. So who waits for the same beat wakes with whoever came first, who alone has a timer.
"""

import math

import trio

BEAT_S = 0.01


class Beat:
    """Sleeps that end together; late by a beat at most."""

    def __init__(self) -> None:
        self._ends: dict[int, trio.Event] = {}

    async def sleep_until(self, at_s: float) -> None:
        """Sleep until the first beat from `at_s` on; it may end early, so ask again what the time is."""
        number = math.ceil(at_s / BEAT_S)
        if number in self._ends:
            await self._ends[number].wait()
            return
        end = self._ends[number] = trio.Event()
        try:
            await trio.sleep_until(number * BEAT_S)
        finally:
            # Also when this sleep is cancelled: then one of the others goes on with a timer of its own.
            del self._ends[number]
            end.set()
