"""When memory that was let go returns: to the system, when no sound has been worked on or sent for a while.

Where somebody always listens there is no such while. But connections that are over hold themselves until they are
looked for, which takes the longer, the more are alive: so that is done when half as many are over as are alive.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

LOOK_S = 1.0
IDLE_S = 10.0
"""Longer than a chunk plays: while somebody hears what has to be rendered, there is no such while."""
LEAST_OVER = 256
"""So many hold 10 MiB; fewer are not worth a search."""


@dataclass(frozen=True)
class Life:
    """What goes on: how much was ever `worked`, and how much is `alive` and was ever `over`."""

    worked: Callable[[], int]
    alive: Callable[[], int]
    over: Callable[[], int]


async def run_giving_back(
    life: Life, search: Callable[[], Awaitable[None]], give_back: Callable[[], Awaitable[None]]
) -> None:
    """Give back once after each time of work, and search when much is over, until cancelled."""
    worked = given_back_at = life.worked()
    searched_at, since_s = life.over(), trio.current_time()
    while True:
        await trio.sleep(LOOK_S)
        if life.worked() != worked:
            worked, since_s = life.worked(), trio.current_time()
        over = life.over()
        if worked != given_back_at and trio.current_time() - since_s >= IDLE_S:
            await give_back()
            given_back_at, searched_at = worked, over
        elif over - searched_at >= max(LEAST_OVER, life.alive() // 2):
            await search()
            searched_at = over
