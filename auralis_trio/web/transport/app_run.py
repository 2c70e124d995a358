"""The app's side of a request: what it is sent, the scope that ends it, the border its failure does not pass."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, ASGIReceiveEvent

from auralis_trio.errors import AuralisError, foreseen
from auralis_trio.web.transport.limits import QUEUED_MESSAGES, ClientGone, Counters

logger = logging.getLogger("auralis_trio.web.transport")


async def fence(counters: Counters, what: str, job: Callable[..., Awaitable[None]], *args: Any) -> bool:
    """Run one connection or one request. Its failure is told to the log and ends here; True when there was none.

    This is the border: stock Hypercorn, and with it every client, dies of any error that is not an OSError.
    """
    failed = False
    try:
        await job(*args)
    except* ClientGone:
        pass  # nobody is left to be told
    except* AuralisError as group:
        # The app's word to the client had begun: all that is left is to end it, and one line for the operator.
        error = foreseen(group)
        logger.warning("%s was ended: %s", what, error.log_line if error else "")
        counters.ended_by_errors += 1
        failed = True
    except* Exception:
        logger.exception("%s was ended by an error", what)
        counters.ended_by_errors += 1
        failed = True
    return not failed


class AppRun:
    """One run of the app for one request: in Hypercorn's eyes the task group of that request."""

    def __init__(self, counters: Counters, nursery: trio.Nursery) -> None:
        self.failed = False
        self._counters = counters
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._inbox, self._outbox = trio.open_memory_channel[ASGIReceiveEvent](QUEUED_MESSAGES)
        self._last: ASGIReceiveEvent = {"type": "http.disconnect"}

    async def spawn_app(
        self, app: Any, config: Config, scope: Any, send: Callable[..., Awaitable[None]]
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Start the app; what comes back hands it a message."""
        self._nursery.start_soon(self._run, app, scope, send)
        return self.put

    async def _run(self, app: ASGIFramework, scope: Any, send: Callable[..., Awaitable[None]]) -> None:
        with self._scope:
            what = f"{scope['type']} {scope['path']!r}"
            self.failed = not await fence(self._counters, what, app, scope, self._receive, send)
        await send(None)

    async def put(self, message: ASGIReceiveEvent) -> None:
        """Hand over a message; waits while the app is behind, gives up when it has ended."""
        with suppress(trio.ClosedResourceError):
            try:
                self._inbox.send_nowait(message)
            except trio.WouldBlock:
                await self._inbox.send(message)

    async def _receive(self) -> ASGIReceiveEvent:
        try:
            return await self._outbox.receive()
        except trio.EndOfChannel:
            return self._last

    def end(self, last: ASGIReceiveEvent, *, cancel: bool) -> None:
        """Nothing more will come but `last`, as often as it is asked for. Never waits, however full the channel."""
        self._last = last
        self._inbox.close()
        if cancel:
            self._scope.cancel()
