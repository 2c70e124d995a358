"""A client that says exactly the bytes it is told to, well-formed or not, and reads what comes back."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import trio
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    b"GET %b HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: " + KEY + b"\r\n%b\r\n"
)


def upgrade(path: bytes = b"/ws/echo", *extra: bytes) -> bytes:
    """The head of a WebSocket upgrade, with further header lines."""
    return UPGRADE % (path, b"".join(line + b"\r\n" for line in extra))


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"\0\0\0\0"
) -> bytes:
    """One frame as a client would send it; the mask of zeros leaves the payload as it is."""
    size = len(payload)
    masked = 0x80 if mask is not None else 0
    if size < 126:
        length = bytes([masked | size])
    elif size < 65_536:
        length = struct.pack("!BH", masked | 126, size)
    else:
        length = struct.pack("!BQ", masked | 127, size)
    return bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length + (mask or b"") + payload


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class RawClient:
    """One connection."""

    stream: trio.SocketStream
    port: int
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.CLIENT))
    frames: Connection = field(default_factory=lambda: Connection(ConnectionType.CLIENT))
    _events: list[Event] = field(default_factory=list)

    async def say(self, data: bytes) -> None:
        """Send bytes, `{host}` in them being this server."""
        await self.stream.send_all(data.replace(b"{host}", b"127.0.0.1:%d" % self.port))

    async def get(self, path: bytes, *lines: bytes) -> None:
        """Send a request without a body."""
        await self.say(b"GET %b HTTP/1.1\r\nhost: {host}\r\n" % path + b"".join(x + b"\r\n" for x in lines) + b"\r\n")

    async def answer(self, method: str = "GET") -> Answer:
        """Read the next HTTP answer to its end."""
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        if self.http.our_state is h11.IDLE:
            self.http.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
            self.http.send(h11.EndOfMessage())
        head, body = h11.Response(status_code=599, headers=[]), b""
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.stream.receive_some(65_536))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Answer(head.status_code, dict(head.headers), body)
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("the connection was closed without an answer")

    async def rest(self) -> bytes:
        """Everything up to the end of the connection, be it an end or a reset."""
        data = b""
        try:
            async for part in self.stream:
                data += part
        except trio.BrokenResourceError:
            pass
        return data

    async def open_websocket(self, path: bytes = b"/ws/echo", *extra: bytes) -> bytes:
        """Upgrade; gives back the head of the answer."""
        await self.say(upgrade(path, *extra))
        return await self.accepted()

    async def accepted(self) -> bytes:
        """Read the head of the answer to an upgrade, which must be a 101."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = await self.stream.receive_some(65_536)
            assert part, data
            data += part
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.frames.receive_data(rest)
        return head

    async def send(self, event: Event) -> None:
        """Send a well-formed frame."""
        await self.stream.send_all(self.frames.send(event))

    async def hear(self) -> Event:
        """The next frame from the server, in one piece."""
        text, data = "", b""
        while True:
            while not self._events:
                self._events += list(self.frames.events())
                if not self._events:
                    part = await self.stream.receive_some(65_536)
                    if not part:
                        raise EOFError("the connection was closed without a close frame")
                    self.frames.receive_data(part)
            event = self._events.pop(0)
            if isinstance(event, TextMessage):
                text += event.data
                event = TextMessage(text, True, event.message_finished)
            elif isinstance(event, BytesMessage):
                data += bytes(event.data)
                event = BytesMessage(data, True, event.message_finished)
            if not isinstance(event, TextMessage | BytesMessage) or event.message_finished:
                return event

    async def close_code(self) -> int:
        """The code of the server's close frame, whatever comes before it."""
        while True:
            event = await self.hear()
            if isinstance(event, CloseConnection):
                return int(event.code)

    async def pong(self) -> None:
        """Answer the next ping of the server."""
        while True:
            event = await self.hear()
            if isinstance(event, Ping):
                await self.send(event.response())
                return

    async def reset(self) -> None:
        """Close with a reset, as a process that is killed would with data unread."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.stream.aclose()


@asynccontextmanager
async def connected(port: int, *, receive_buffer_bytes: int | None = None) -> AsyncIterator[RawClient]:
    """One connection; a small receive buffer makes it stall soon."""
    with trio.socket.socket() as sock:
        if receive_buffer_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await sock.connect(("127.0.0.1", port))
        yield RawClient(trio.SocketStream(sock), port)
