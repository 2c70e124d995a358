"""The files that a scan has still to read, between the walk that finds them and the tasks that have them read."""

from collections.abc import Awaitable, Callable

import trio

Page = Callable[[int, int], Awaitable[tuple[list[str], int]]]
"""The paths of the next ones behind an id, at most so many, and the id to ask behind for the page after it."""


class PendingFiles:
    """The files to be read, which several tasks take batch by batch, in turn.

    Until the walk has ended nobody knows which tracks are gone, and so which files are tracks that have moved. But in
    the first scan of a library, which knows of none yet, files can be taken as soon as there are many.
    """

    def __init__(self, page: Page, batch: int, is_first: bool) -> None:
        self.is_first = is_first
        self._page = page
        self._batch = batch
        self._turn = trio.Lock()
        self._after_id = 0
        self._begun, self._grown = trio.Event(), trio.Event()
        self._ended = False

    def grow(self) -> None:
        """There are many more of them, and the walk goes on."""
        if self.is_first:
            self._tell()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        self._begun.set()
        self._grown.set()
        self._grown = trio.Event()

    async def take(self) -> list[str]:
        """The paths of the next ones; none at the end."""
        async with self._turn:
            await self._begun.wait()
            while True:
                grown, ended = self._grown, self._ended  # as they are before the look
                paths, self._after_id = await self._page(self._after_id, self._batch)
                if paths or ended:
                    return paths
                await grown.wait()
