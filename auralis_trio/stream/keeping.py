"""Writing down what has changed: the task behind each owner of what outlives a restart, and who waits for it."""

import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio

from auralis_trio.errors import AuralisError

RETRY_S = 5.0
LAST_WORD_S = 2.0
APART_S = 0.1
"""How far apart two writes are at least that nobody waits for: what changes more often is written together."""

WRITTEN_S = 2.0
"""How long somebody waits at most for what was changed to be written."""

Keep = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


class News:
    """That something has changed which is to be written; between its owner, who writes it, and who waits for that."""

    def __init__(self) -> None:
        self._changed = trio.Event()
        self._wanted = trio.Event()
        self._tried = trio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._changed.set()

    @property
    def told(self) -> bool:
        """Whether something has changed since a write was begun last."""
        return self._changed.is_set()

    async def wait_written(self) -> None:
        """Let all that has changed by now be written at once, and wait for it.

        Where it cannot be written, or not within `WRITTEN_S`, this comes to an end too: it is tried again later.
        """
        self._changed.set()
        self._wanted.set()
        with trio.move_on_after(WRITTEN_S):
            await self._tried.wait()

    async def wait_changed(self, limit_s: float) -> None:
        """Wait until something has changed, or for so long."""
        with trio.move_on_after(limit_s):
            await self._changed.wait()

    async def wait_wanted(self, limit_s: float) -> None:
        """Wait until somebody waits, or for so long."""
        with trio.move_on_after(limit_s):
            await self._wanted.wait()

    @contextmanager
    def trying(self) -> Iterator[None]:
        """The body writes all that has changed before; whoever waits for that goes on when it has tried."""
        tried, self._tried = self._tried, trio.Event()
        self._changed, self._wanted = trio.Event(), trio.Event()
        try:
            yield
        finally:
            tried.set()


async def keep_written(
    what: str, news: News, keep: Keep, *, every_s: float = math.inf, at_end: Keep | None = None
) -> None:
    """Call `keep` each time that something has changed or `every_s` have passed, until cancelled.

    Then `at_end` (left out: `keep`) is called, for `LAST_WORD_S` at most.

    News are written at once, or `APART_S` after those before where nobody waits for them. `keep` writes all that is
    not written yet. Where it raises an AuralisError, it is called again after `RETRY_S`, or when somebody waits for
    it, and the log is told once that `what` is not written, and once that it is.
    """
    try:
        while True:
            await news.wait_changed(every_s)
            await _keep_in_the_end(what, news, keep)
            await news.wait_wanted(APART_S)
    finally:
        with trio.move_on_after(LAST_WORD_S, shield=True):
            if refusal := await _refusal(news, at_end or keep):
                log.warning("%s was not written at the end: %s", what, refusal.code)


async def _keep_in_the_end(what: str, news: News, keep: Keep) -> None:
    refusal = await _refusal(news, keep)
    if refusal is None:
        return
    log.warning("%s is not written yet, and tried again every %.0f s: %s", what, RETRY_S, refusal.code)
    while refusal is not None:
        await news.wait_wanted(RETRY_S)
        refusal = await _refusal(news, keep)
    log.info("%s is written now", what)


async def _refusal(news: News, keep: Keep) -> AuralisError | None:
    with news.trying():
        try:
            await keep()
        except AuralisError as error:
            return error
    return None
