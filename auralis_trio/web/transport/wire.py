"""One connection's socket: the task that reads it, and the only place that writes to it."""

import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Protocol

import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.utils import parse_socket_addr

from auralis_trio.web.transport.limits import (
    LINGER_READ_BYTES,
    READ_BYTES,
    ClientGone,
    Counters,
    TransportLimits,
)


class Speaker(Protocol):
    """What the socket needs of the protocol that is spoken over it."""

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when the connection closes now."""

    def read_deadline(self) -> float:
        """Until when the client may be silent, in the state that it is in."""

    async def out_of_patience(self) -> bool:
        """That time has passed; whether the client gets more."""

    async def handle(self, event: Event) -> None:
        """Take what was read."""

    def is_last_word(self, data: bytes) -> bool:
        """After the hang-up: whether the client is known to say no more either."""

    def abandon(self) -> None:
        """Nothing more will be read."""


class Wire:
    """Reads with patience, writes with a deadline, closes for good."""

    speaker: Speaker

    def __init__(self, stream: trio.SocketStream, limits: TransportLimits, counters: Counters) -> None:
        self.limits = limits
        self.counters = counters
        self.socket = stream.socket
        self.hung_up_at = inf
        self._dropped_bytes = 0
        self._sending = trio.Lock()
        self._patience = trio.CancelScope()
        with suppress(OSError):  # the kernel's own deadline, for a peer that vanishes while nobody writes
            stall_ms = int(limits.write_deadline_s * 1000) + 1000
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stall_ms)

    def address(self, end: Callable[[], Any]) -> tuple[str, int] | None:
        """What one end is called; None when the client has already gone."""
        with suppress(OSError):
            return parse_socket_addr(self.socket.family, end())
        return None

    async def read(self) -> None:
        """Hand on what the client sends until it goes or is let go.

        One scope around the read alone: a time-out cannot fall into the handling of what was read.
        """
        while True:
            data = None
            with trio.CancelScope(deadline=self.speaker.read_deadline()) as self._patience:
                try:
                    data = await self.socket.recv(READ_BYTES if self.hung_up_at == inf else LINGER_READ_BYTES)
                except (OSError, trio.ClosedResourceError):
                    return
            if data is None:
                if not await self.speaker.out_of_patience():
                    return
            elif not data:
                return
            elif self.hung_up_at == inf:
                await self.speaker.handle(RawData(data))
            elif self._has_heard_enough(data):
                return

    def _has_heard_enough(self, data: bytes) -> bool:
        """After the hang-up: whether nothing more is worth being waited for."""
        self._dropped_bytes += len(data)
        return self._dropped_bytes > self.limits.linger_bytes or self.speaker.is_last_word(data)

    async def write(self, *parts: bytes | memoryview) -> None:
        """Send all of it or raise ClientGone; always a checkpoint, cancelled before the first byte or not at all."""
        gone = False
        try:
            await self.write_eagerly(*parts)
        except ClientGone:
            gone = True  # a checkpoint also then: some loops go on after it
        await trio.lowlevel.cancel_shielded_checkpoint()
        if gone:
            raise ClientGone

    async def write_eagerly(self, *parts: bytes | memoryview) -> None:
        """The same, but others get a turn only when the client keeps it waiting.

        For whoever gives them one before each write anyway: a second round through the scheduler costs as much as
        all else that a packet needs.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            if self._sending.locked():
                async with self._sending:
                    await self._write_rest(self._write_now(parts))
            elif rest := self._write_now(parts):
                self._sending.acquire_nowait()  # in mid-message: no turn for others before it is locked
                try:
                    await self._write_rest(rest)
                finally:
                    self._sending.release()
        except (OSError, trio.ClosedResourceError):
            raise ClientGone from None

    def _write_now(self, parts: Sequence[bytes | memoryview]) -> list[memoryview]:
        """Give the kernel what it takes at once, with no copy, lock, timer or scope; the rest comes back."""
        try:
            sent = os.writev(self.socket.fileno(), parts)
        except BlockingIOError:
            sent = 0
        if sent == sum(map(len, parts)):
            return []
        rest = []
        for part in parts:
            if sent < len(part):
                rest.append(memoryview(part)[sent:])
            sent = max(0, sent - len(part))
        return rest

    async def _write_rest(self, rest: list[memoryview]) -> None:
        """Wait for a slow client, the deadline being inside the shield: one outside would never fire."""
        limit_s = self.limits.write_deadline_s
        with trio.move_on_after(limit_s, shield=True) as scope:
            for part in rest:
                while part:
                    part = part[await self.socket.send(part) :]
                    scope.deadline = trio.current_time() + limit_s
            return
        self.counters.cut_for_slow_writes += 1
        self.abort()
        raise ClientGone

    async def take(self, event: Event) -> None:
        """What Hypercorn's protocol has to say to the connection."""
        if isinstance(event, RawData):
            await self.write(event.data)
        elif isinstance(event, Closed):
            self.hang_up()
        elif isinstance(event, Updated) and event.idle:
            self.wait_anew()

    def wait_anew(self) -> None:
        """The client's turn has begun, or ended, while the reader waits."""
        self._patience.deadline = self.speaker.read_deadline()

    def hang_up(self) -> None:
        """Say no more, and leave the client a moment to read and to close."""
        if self.hung_up_at == inf:
            self.hung_up_at = trio.current_time()
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            self.speaker.abandon()
            self.wait_anew()

    def end_if_idle(self) -> None:
        """Stop reading a connection that has no request."""
        if self.speaker.idle:
            self._patience.cancel()

    def close(self) -> None:
        """Close; a write or read that is stuck ends."""
        self.socket.close()

    def abort(self) -> None:
        """Close and drop what is unsent: otherwise a stalled client would go on holding kernel memory."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
