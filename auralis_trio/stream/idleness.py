"""What is done when nothing has been rendered for a while: the memory that renders left goes back to the system."""

from collections.abc import Awaitable, Callable

import trio

IDLE_S = 15.0
"""Longer than a chunk plays: while somebody hears what has to be rendered, there is no such while."""


async def run_giving_back(reads: Callable[[], int], give_back: Callable[[], Awaitable[None]]) -> None:
    """Give back once after each time of work, until cancelled; `reads` counts what was ever begun."""
    seen = given_back_at = reads()
    while True:
        await trio.sleep(IDLE_S)
        if reads() == seen and seen != given_back_at:
            await give_back()
            given_back_at = seen
        seen = reads()
