"""All connections of one server: the listener, the border that an error does not pass, and the shutdown."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from errno import EACCES, EADDRINUSE

import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework

from auralis_trio.errors import StartupError
from auralis_trio.web.transport.app_run import fence
from auralis_trio.web.transport.http import HttpProtocol
from auralis_trio.web.transport.limits import (
    HEAD_BYTES,
    Counters,
    TransportLimits,
    TransportStatistics,
)
from auralis_trio.web.transport.refusals import refusal_bytes
from auralis_trio.web.transport.wire import Wire

BACKLOG = 128
FULL = refusal_bytes(503, "Service Unavailable")


async def open_listener(host: str, port: int) -> trio.SocketListener:
    """Listen at the first address of `host`, IPv4 before IPv6; port 0 takes a free one. Raises StartupError."""
    try:
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        door = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            await door.bind(address)
            door.listen(BACKLOG)
        except BaseException:
            door.close()
            raise
    except (OSError, UnicodeError) as error:
        reasons = {
            EADDRINUSE: f"Port {port} is taken by another program. Choose another port.",
            EACCES: f"Port {port} may not be opened by this user. Choose one above 1023.",
        }
        code = error.errno if isinstance(error, OSError) else None
        otherwise = f"{host}, port {port}, is not an address of this machine. Choose another one."
        raise StartupError(reasons.get(code or 0, otherwise)) from error
    return trio.SocketListener(door)


class Transport:
    """All connections of one server."""

    def __init__(self, app: ASGIFramework, limits: TransportLimits, counters: Counters) -> None:
        self.app = app
        self.limits = limits
        self.counters = counters
        self.context = WorkerContext(None)
        self.config = Config()
        self.config.include_server_header = False
        self.config.errorlog = None
        self.config.h11_max_incomplete_size = HEAD_BYTES
        self._wires: set[Wire] = set()
        self._empty = trio.Event()

    def statistics(self) -> TransportStatistics:
        """What is open, and what was turned away or cut."""
        return self.counters.statistics()

    async def run(
        self,
        listeners: Sequence[trio.SocketListener],
        shutdown: trio.Event,
        task_status: "trio.TaskStatus[Transport]",
    ) -> None:
        """Serve until `shutdown` is set, then end everything within `graceful_timeout_s`."""
        accepting = trio.CancelScope()

        async def stop_accepting() -> None:
            await shutdown.wait()
            accepting.cancel()

        async with trio.open_nursery() as connections:
            connections.start_soon(stop_accepting)
            task_status.started(self)
            try:
                with accepting:
                    await trio.serve_listeners(self._serve, list(listeners), handler_nursery=connections)
                await self._say_goodbye()
            finally:
                for wire in self._wires:
                    wire.abort()  # ends what is stuck in a shielded write as well
                connections.cancel_scope.cancel()

    async def _say_goodbye(self) -> None:
        await self.context.terminated.set()
        self.config.keep_alive_max_requests = 0  # so that every further answer says "connection: close"
        for wire in self._wires:
            wire.end_if_idle()
        if self._wires:
            with trio.move_on_after(self.limits.graceful_timeout_s):
                await self._empty.wait()

    async def _serve(self, stream: trio.SocketStream) -> None:
        """Carry one connection from its first byte to the end of the last of its tasks."""
        if len(self._wires) >= self.limits.max_connections or self.context.terminated.is_set():
            self.counters.refused += 1
            with suppress(OSError):
                os.write(stream.socket.fileno(), FULL)
            return
        wire = Wire(stream, self.limits, self.counters)
        self._wires.add(wire)
        self.counters.open += 1
        try:
            await fence(self.counters, "A connection", self._converse, wire)
        finally:
            wire.abort()
            self._wires.discard(wire)
            self.counters.open -= 1
            self.counters.over += 1
            if not self._wires and self.context.terminated.is_set():
                self._empty.set()

    async def _converse(self, wire: Wire) -> None:
        async with trio.open_nursery() as nursery:
            wire.speaker = HttpProtocol(self.app, self.config, self.context, wire, nursery)
            try:
                await wire.read()
            finally:
                wire.close()
                wire.speaker.abandon()
