"""A client over one raw connection, which can say and leave out anything, and go in any way."""

import json
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

READ_BYTES = 65_536
PATIENCE_S = 2.0
"""for packets: others may have paused what all hear"""
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


class Gone(Exception):
    """The server has closed the connection."""


@dataclass
class Visitor:
    """One connection, and the dice that decide what it does."""

    stream: trio.SocketStream
    address: tuple[str, int]
    dice: random.Random
    _frames: Connection = field(default_factory=lambda: Connection(ConnectionType.CLIENT))
    _events: list[Event] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        """Say exactly these bytes."""
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, OSError):
            raise Gone from None

    async def receive(self) -> bytes:
        """Whatever comes next."""
        try:
            data = await self.stream.receive_some(READ_BYTES)
        except (trio.BrokenResourceError, OSError):
            raise Gone from None
        if not data:
            raise Gone
        return bytes(data)

    def upgrade(self) -> bytes:
        """A request that asks for a WebSocket."""
        return UPGRADE.format(*self.address).encode()

    async def get(self, path: str, *headers: str) -> None:
        """Ask for something over HTTP."""
        lines = (f"GET {path} HTTP/1.1", f"Host: {self.address[0]}:{self.address[1]}", *headers, "", "")
        await self.send("\r\n".join(lines).encode())

    async def head(self) -> tuple[bytes, bytes]:
        """The head of an answer, and what has come behind it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self.receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest

    async def open(self) -> None:
        """Be let in and greeted."""
        await self.send(self.upgrade())
        head, rest = await self.head()
        if not head.startswith(b"HTTP/1.1 101"):
            raise Gone
        self._frames.receive_data(rest)
        await self.hear_text("hello")

    def message(self, kind: str, **data: Any) -> bytes:
        """A text message, as it goes over the connection."""
        return self._frames.send(TextMessage(json.dumps({"type": kind, "data": data})))

    async def say(self, kind: str, **data: Any) -> None:
        """Send a text message."""
        await self.send(self.message(kind, **data))

    async def hear(self) -> TextMessage | BytesMessage:
        """The next frame of a message; pings are answered."""
        while True:
            while not self._events:
                self._frames.receive_data(await self.receive())
                self._events += list(self._frames.events())
            event = self._events.pop(0)
            if isinstance(event, CloseConnection):
                raise Gone
            if isinstance(event, Ping):
                await self.send(self._frames.send(event.response()))
            elif isinstance(event, TextMessage | BytesMessage):
                return event

    async def hear_text(self, *kinds: str) -> dict[str, Any]:
        """The next text message of one of these types, whatever comes before it."""
        text = ""
        while True:
            event = await self.hear()
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    heard: dict[str, Any] = json.loads(text)
                    if heard["type"] in kinds:
                        return heard
                    text = ""

    async def hear_packets(self, count: int) -> None:
        """So many packets, or fewer if the stream ends before, or pauses for too long."""
        with trio.move_on_after(PATIENCE_S):
            await self._hear_packets(count)

    async def _hear_packets(self, count: int) -> None:
        ended = ("audio_stream_end", "audio_stream_error")
        text = ""
        while count > 0:
            event = await self.hear()
            if isinstance(event, BytesMessage):
                count -= event.message_finished
                continue
            text += event.data
            if event.message_finished:
                kind = json.loads(text)["type"]
                if kind in ended:
                    return
                count -= kind == "audio_chunk"
                text = ""

    async def goodbye(self) -> None:
        """Close as the protocol has it, and wait for the answer."""
        await self.send(self._frames.send(CloseConnection(1000)))
        try:
            while True:
                await self.receive()
        except Gone:
            return

    def reset(self) -> None:
        """Go at once, with a reset in place of an end."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()


@asynccontextmanager
async def visiting(
    address: tuple[str, int], dice: random.Random, receive_buffer_bytes: int | None = None
) -> AsyncIterator[Visitor]:
    """A connection that is closed in the end, if that was not done before."""
    with trio.socket.socket() as sock:
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await sock.connect(address)
        yield Visitor(trio.SocketStream(sock), address, dice)
