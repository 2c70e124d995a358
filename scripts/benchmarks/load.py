"""Listeners by the thousand in one thread: epoll, one buffer, headers parsed, payloads counted.

Only as much of the protocol as a well-behaved server needs. A listener that is told of an error, whose connection
ends or whose packets do not follow each other ends the benchmark: figures of a server that failed are worth nothing.
"""

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from auralis_trio.wire.packets import HEADER_BYTES
from scripts.benchmarks.music import RATE
from scripts.benchmarks.playback import Playback

BUFFER_BYTES = 256 * 1024
TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.1
BINARY, CLOSE, PING = 2, 8, 9
SIZE_FORMS = {2: "!xB", 4: "!xxH", 10: "!xxQ"}
START = b'{"type":"audio_stream_start"'
PONG = b'{"type":"pong"'
ERRORS = (b'{"type":"error"', b'{"type":"audio_stream_error"')
BUSY = b'"server_busy"'
_PLACE = struct.Struct("<4xIQI")
_UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


class ServerFailed(Exception):
    """A server said that something went wrong, hung up, or left something out."""


class Listener(Protocol):
    """One connection that sound comes over."""

    socket: socket.socket
    playback: Playback
    arrivals_s: list[float]
    refusals: int

    def ask_again(self, now_s: float) -> None:
        """Tune in once more, if it was told to and the time has come."""

    def read(self, buffer: memoryview) -> None:
        """Take what has arrived."""


L = TypeVar("L", bound=Listener)


class Client:
    """A WebSocket: when its packets arrived, and what else was heard."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.arrivals_s: list[float] = []
        self.first_packet_s: float | None = None
        self.pongs_s: list[float] = []
        self.playback = Playback()
        self.refusals = 0
        self._played: bytes | None = None
        self._again_at_s: float | None = None
        self._started = False
        self._opcode = 0
        self._left = 0
        self._head = b""
        self._text = b""
        self._next: tuple[int, int] | None = None
        self._answer: bytes | None = b""
        self._unsaid = b""
        self.socket = connect(address)
        self.socket.sendall(_UPGRADE.format(*address).encode())
        self.socket.setblocking(False)

    @property
    def ready(self) -> bool:
        """Whether the handshake is over."""
        return self._answer is None

    def say(self, kind: str, **data: object) -> None:
        """Send a text message, once the handshake is over."""
        message = json.dumps({"type": kind, "data": data}).encode()
        if kind == "play":
            self._played = message
        self._send(0x81, message)

    def ask_again(self, now_s: float) -> None:
        """See `Listener.ask_again`."""
        if self._played is not None and self._again_at_s is not None and now_s >= self._again_at_s:
            self._again_at_s = None
            self._send(0x81, self._played)

    def expect_stream(self) -> None:
        """Forget what is known of the present stream: the packets of the next one follow its start message."""
        self.first_packet_s = None
        self._started = False

    def read(self, buffer: memoryview) -> None:
        """See `Listener.read`."""
        size = self.socket.recv_into(buffer)
        if size == 0:
            fail("hung up")
        data = buffer[:size] if self._answer is None else self._shake_hands(buffer[:size])
        self._take(data, time.monotonic())

    def _shake_hands(self, data: memoryview) -> memoryview:
        """Take the answer to the upgrade; what follows it comes back."""
        self._answer = (self._answer or b"") + data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return data[:0]
        if not head.startswith(b"HTTP/1.1 101"):
            fail(head.decode("latin-1"))
        self._answer = None
        self.socket.sendall(self._unsaid)
        return memoryview(rest)

    def _take(self, data: memoryview, now_s: float) -> None:
        while data:
            if self._left == 0:
                data = self._begin(data)
                if self._head:
                    return
            part = min(self._left, len(data))
            if self._opcode != BINARY:
                self._text += data[:part]
            elif (missing := HEADER_BYTES - len(self._text)) > 0:
                self._text += data[: min(part, missing)]
            self._left -= part
            data = data[part:]
            if self._left == 0:
                self._finish(now_s)

    def _begin(self, data: memoryview) -> memoryview:
        """Read a frame's header; as long as it is incomplete it stays in `_head`."""
        missing = _header_bytes(self._head + bytes(data[:2])) - len(self._head)
        self._head += data[:missing]
        if len(self._head) == _header_bytes(self._head):
            self._opcode = self._head[0] & 15
            (self._left,) = struct.unpack(SIZE_FORMS[len(self._head)], self._head)
            self._head = self._text = b""
        return data[missing:]

    def _finish(self, now_s: float) -> None:
        if self._opcode == BINARY:
            self._note_packet(now_s)
        elif self._opcode == PING:
            self._send(0x8A, self._text)
        elif self._text.startswith(START):
            self._started = True
        elif self._text.startswith(PONG):
            self.pongs_s.append(now_s)
        elif self._text.startswith(ERRORS) and BUSY in self._text:
            self.refusals += 1
            self._again_at_s = now_s + json.loads(self._text)["data"]["retry_after_s"]
        elif self._opcode == CLOSE or self._text.startswith(ERRORS):
            fail(self._text.decode("utf-8", "replace"))

    def _note_packet(self, now_s: float) -> None:
        self.arrivals_s.append(now_s)
        if self._started and self.first_packet_s is None:
            self.first_packet_s = now_s
        stream_id, start_frame, frames = _PLACE.unpack_from(self._text)
        if self._next is not None and self._next[0] == stream_id and self._next[1] != start_frame:
            fail(f"frame {start_frame} came where {self._next[1]} was due")
        self._next = stream_id, start_frame + frames
        self.playback.take(now_s, frames / RATE)

    def _send(self, first: int, payload: bytes) -> None:
        size = len(payload)
        head = struct.pack("!BB", first, 0x80 | size) if size < 126 else struct.pack("!BBH", first, 0xFE, size)
        message = head + bytes(4) + payload  # a mask of zeros changes nothing
        if self._answer is None:
            self.socket.sendall(message)
        else:
            self._unsaid += message


class Load:
    """All listeners of one server."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self._by_descriptor: dict[int, Listener] = {}
        self._epoll = select.epoll()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))

    def open(self) -> Client:
        """Connect one more WebSocket, and be let in."""
        client = self.add(Client(self.address))
        self.wait(lambda: client.ready)
        return client

    def add(self, listener: L) -> L:
        """Listen to one more connection, which is this load's from now on."""
        self._by_descriptor[listener.socket.fileno()] = listener
        self._epoll.register(listener.socket, select.EPOLLIN)
        return listener

    def run(self, until_s: float, done: Callable[[], bool] = lambda: False) -> None:
        """Read whatever comes until a moment of the monotonic clock, or until `done`."""
        while not done():
            rest_s = max(0.0, until_s - time.monotonic())
            for descriptor, _ in self._epoll.poll(min(rest_s, LOOK_EVERY_S)):
                self._by_descriptor[descriptor].read(self._buffer)
            if rest_s == 0.0:
                return

    def run_for(self, duration_s: float) -> None:
        """Read whatever comes for a while."""
        self.run(time.monotonic() + duration_s)

    def wait(self, done: Callable[[], bool]) -> None:
        """Read until `done`."""
        self.run(time.monotonic() + TIMEOUT_S, done)
        if not done():
            fail("said nothing for too long")

    def close(self) -> None:
        """Hang up."""
        self._epoll.close()
        for listener in self._by_descriptor.values():
            listener.socket.close()


@contextmanager
def open_load(address: tuple[str, int]) -> Iterator[Load]:
    """Listeners of one server, who leave when the body ends."""
    load = Load(address)
    try:
        yield load
    finally:
        load.close()


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection on which nothing waits for more to send."""
    connection = socket.create_connection(address, TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def lateness_s(arrivals_s: Sequence[float], packet_s: float) -> list[float]:
    """How late each packet of a stream came.

    Packet k is due at origin + k * packet_s; the origin is what the most punctual packet of all says it is.
    """
    places = [at_s - number * packet_s for number, at_s in enumerate(arrivals_s)]
    earliest = min(places, default=0.0)
    return [place - earliest for place in places]


def fail(what: str) -> bytes:
    """End the benchmark."""
    raise ServerFailed(what)


def _header_bytes(head: bytes) -> int:
    if len(head) < 2:
        return 2
    return {126: 4, 127: 10}.get(head[1] & 127, 2)
