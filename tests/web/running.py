"""The transport, or stock Hypercorn for comparison, on a free port for the length of a `with`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio
import trio.testing
from h11 import LocalProtocolError
from hypercorn.config import Config
from hypercorn.trio import serve

from auralis_trio.web.transport import Counters, Transport, TransportLimits, open_listener, prepare, run_transport
from tests.clock import limited
from tests.web.small_app import SmallApp


@dataclass
class Running:
    """A server in this process."""

    app: SmallApp
    port: int
    transport: Transport
    shutdown: trio.Event
    stopped: trio.Event

    async def stop(self) -> None:
        """Shut down and wait for the end."""
        self.shutdown.set()
        await self.stopped.wait()

    async def until(self, **expected: int) -> None:
        """Wait for the statistics to say so."""
        while any(getattr(self.transport.statistics(), name) != value for name, value in expected.items()):
            await trio.testing.wait_all_tasks_blocked(0.001)


@asynccontextmanager
async def running(**limits: Any) -> AsyncIterator[Running]:
    """The transport with the small app; it must end by itself when it is told to."""
    app = SmallApp()
    prepare(app.quart)
    listener = await open_listener("127.0.0.1", 0)
    port = listener.socket.getsockname()[1]
    shutdown, stopped = trio.Event(), trio.Event()

    async def run(task_status: trio.TaskStatus[Transport]) -> None:
        await run_transport(app, [listener], TransportLimits(**limits), shutdown, Counters(), task_status=task_status)
        stopped.set()

    with limited():
        async with trio.open_nursery() as nursery:
            transport = await nursery.start(run)
            yield Running(app, port, transport, shutdown, stopped)
            shutdown.set()


@asynccontextmanager
async def stock(**options: Any) -> AsyncIterator[tuple[SmallApp, int, trio.Event]]:
    """Stock Hypercorn with the same app: app, port, and the event that is set when it died."""
    app, shutdown, died = SmallApp(), trio.Event(), trio.Event()
    config = Config()
    config.bind, config.errorlog, config.graceful_timeout = ["127.0.0.1:0"], None, 0.1
    for name, value in options.items():
        setattr(config, name, value)

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        try:
            await serve(app, config, shutdown_trigger=shutdown.wait, task_status=task_status)
        except* (LocalProtocolError, ValueError, AttributeError):
            died.set()

    with limited():
        async with trio.open_nursery() as nursery:
            binds = await nursery.start(run)
            yield app, int(binds[0].rpartition(":")[2]), died
            shutdown.set()
