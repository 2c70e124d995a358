"""Writing down what has changed, soon after it has: the task behind each owner of what outlives a restart."""

from collections.abc import Awaitable, Callable

import trio

RETRY_S = 5.0
LAST_WORD_S = 2.0
APART_S = 0.1
"""How far apart two writes are at least: what changes more often is written together."""


async def keep_written(wait_news: Callable[[], Awaitable[None]], keep: Callable[[], Awaitable[bool]]) -> None:
    """Call `keep` each time that `wait_news` returns, until cancelled; then once more, for `LAST_WORD_S` at most.

    News are written at once, or `APART_S` after those before. `keep` says whether all is written; where it is not, it
    is called again after `RETRY_S`.
    """
    try:
        while True:
            await wait_news()
            written = await keep()
            while not written:
                await trio.sleep(RETRY_S)
                written = await keep()
            await trio.sleep(APART_S)
    finally:
        with trio.move_on_after(LAST_WORD_S, shield=True):
            await keep()
