"""Writing down what has changed, soon after it has: the task behind each owner of what outlives a restart."""

import logging
from collections.abc import Awaitable, Callable

import trio

from auralis_trio.errors import AuralisError

RETRY_S = 5.0
LAST_WORD_S = 2.0
APART_S = 0.1
"""How far apart two writes are at least: what changes more often is written together."""

Keep = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)


async def keep_written(what: str, wait_news: Callable[[], Awaitable[None]], keep: Keep) -> None:
    """Call `keep` each time that `wait_news` returns, until cancelled; then once more, for `LAST_WORD_S` at most.

    News are written at once, or `APART_S` after those before. `keep` writes all that is not written yet. Where it
    raises an AuralisError, it is called again after `RETRY_S`, and the log is told once that `what` is not written,
    and once that it is.
    """
    try:
        while True:
            await wait_news()
            await _keep_in_the_end(what, keep)
            await trio.sleep(APART_S)
    finally:
        with trio.move_on_after(LAST_WORD_S, shield=True):
            if refusal := await _refusal(keep):
                log.warning("%s was not written at the end: %s", what, refusal.code)


async def _keep_in_the_end(what: str, keep: Keep) -> None:
    refusal = await _refusal(keep)
    if refusal is None:
        return
    log.warning("%s is not written yet, and tried again every %.0f s: %s", what, RETRY_S, refusal.code)
    while refusal is not None:
        await trio.sleep(RETRY_S)
        refusal = await _refusal(keep)
    log.info("%s is written now", what)


async def _refusal(keep: Keep) -> AuralisError | None:
    try:
        await keep()
    except AuralisError as error:
        return error
    return None
