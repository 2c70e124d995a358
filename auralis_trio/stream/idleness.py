"""What is done when no sound has been worked on or sent for a while: memory that was let go returns to the system."""

from collections.abc import Awaitable, Callable

import trio

IDLE_S = 10.0
"""Longer than a chunk plays: while somebody hears what has to be rendered, there is no such while."""


async def run_giving_back(ended: Callable[[], int], give_back: Callable[[], Awaitable[None]]) -> None:
    """Give back once after each time of work, until cancelled; `ended` counts the work that was ever done."""
    seen = given_back_at = ended()
    while True:
        await trio.sleep(IDLE_S)
        if ended() == seen and seen != given_back_at:
            await give_back()
            given_back_at = seen
        seen = ended()
