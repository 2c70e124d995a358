"""Steps of long work in the database, each within its time; one that is held by another program is waited for."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import trio

from auralis_trio.errors import Busy
from auralis_trio.library.store import Library
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.catalogue import Catalogue

STEP_DEADLINE_S = 60.0
FIRST_PAUSE_S = 0.5
MAX_PAUSE_S = 8.0

T = TypeVar("T")


class Steps:
    """The steps of one work in one library."""

    def __init__(self, library: Library, offload: Offload) -> None:
        self._library = library
        self._offload = offload
        self._catalogue = Catalogue(offload, library, STEP_DEADLINE_S)

    async def read(self, question: Callable[..., T], *args: Any) -> T:
        """Ask the library something."""
        return await _in_time(partial(self._catalogue.ask, question, *args))

    async def read_stoppable(self, question: Callable[..., T], *args: Any) -> T:
        """Ask it something that looks at its `check` meanwhile, and has no other limit."""
        return await _in_time(partial(self._offload.run_stoppable, Lane.READ, question, self._library, *args))

    async def write(self, change: Callable[..., T], *args: Any) -> T:
        """Change something in it."""
        return await _in_time(partial(self._catalogue.tell, change, *args))


async def _in_time(step: Callable[[], Awaitable[T]]) -> T:
    """Take a step in the database; while another holds that, again and again, with pauses that grow.

    Raises:
        Busy: it was held for all of `STEP_DEADLINE_S`.
    """
    last_try, pause_s = trio.current_time() + STEP_DEADLINE_S, FIRST_PAUSE_S
    while True:
        try:
            return await step()
        except Busy:
            if trio.current_time() + pause_s > last_try:
                raise
        await trio.sleep(pause_s)
        pause_s = min(2 * pause_s, MAX_PAUSE_S)
