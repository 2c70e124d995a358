"""WebSockets: Hypercorn's, with early bytes held, honest sends and close codes, pings that want an answer."""

import struct
from collections.abc import Mapping
from math import inf
from typing import Any, cast

import trio
from hypercorn.protocol import events
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import ASGIReceiveEvent, ASGISendEvent
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Event, Message, Ping, Pong

from auralis_trio.stream.rate import Rate
from auralis_trio.web.transport.app_run import AppRun
from auralis_trio.web.transport.limits import ClientGone
from auralis_trio.web.transport.refusals import send_refusal
from auralis_trio.web.transport.wire import Wire

PING = b"\x89\x00"
NORMAL, ABNORMAL, POLICY, TOO_BIG, OUR_FAULT = 1000, 1006, 1008, 1009, 1011
SMALL_PART = 128
"""Bytes of a part of a message, or characters, below which it costs more to take than to send."""


class WebSocket(WSStream):
    """One WebSocket, from its upgrade on."""

    run: AppRun
    wire: Wire

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open = False
        self._code = ABNORMAL
        self._message_bytes = 0
        self._pinged = False
        self._settled = trio.Event()
        self._rate = Rate(1)

    @property
    def patience_s(self) -> float:
        """How long the client may be silent now."""
        if self.state is not ASGIWebsocketState.CONNECTED:
            return inf
        limits = self.wire.limits
        return limits.ping_timeout_s if self._pinged else limits.ping_interval_s

    async def out_of_patience(self) -> bool:
        """Ping a quiet client; cut one that does not answer a ping. Stock Hypercorn pings and never looks."""
        if self._pinged:
            self.wire.counters.cut_for_silence += 1
            self.wire.abort()
            return False
        self._pinged = True
        await self.wire.write(PING)
        return True

    def is_last_word(self, data: bytes) -> bool:
        """Whether the client answers our close; some clients then wait for us to close the connection."""
        if not self._open or self.connection.state is not ConnectionState.LOCAL_CLOSING:
            return False
        self.connection.receive_data(data)
        return any(isinstance(event, CloseConnection) for event in self.connection.events())

    def abandon(self) -> None:
        """End it; the app gets the close code as its last message, and ends by itself."""
        if not self.closed:
            self.closed = True
            self._settled.set()
            self.wire.counters.websockets -= self._open
            self.run.end({"type": "websocket.disconnect", "code": self._code}, cancel=False)

    async def handle(self, event: events.Event) -> None:
        """Take one event of the protocol."""
        if isinstance(event, events.StreamClosed):
            self.abandon()
        elif isinstance(event, events.Data):
            await self._take(event.data)
        else:
            await super().handle(event)

    async def _take(self, data: bytes) -> None:
        self._pinged = False
        if not self._settled.is_set():
            # Bytes behind the upgrade and before its accept, the packet that kills stock Hypercorn: they wait here,
            # and the reader waits with them, so nothing piles up.
            if len(data) > self.wire.limits.early_data_bytes:
                await self._send_error_response(400)
            await self._settled.wait()
        if not self.closed:
            self.connection.receive_data(data)
            await self._handle_events()

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if self.closed:
                return
            if _says_little(event) and not self._rate.allows(trio.current_time()):
                await self._close(POLICY, "too many small frames")
            elif isinstance(event, Message):
                await self._take_part(event)
            elif isinstance(event, Ping):
                await self.wire.write(bytes(self.connection.send(event.response())))
            elif isinstance(event, CloseConnection):  # the client's, or what wsproto says of a broken frame
                await self._close(event.code)

    async def _take_part(self, part: "Message[Any]") -> None:
        """Collect a message, in bytes and up to the limit: stock Hypercorn goes on collecting after its 1009."""
        data = part.data
        self._message_bytes += len(data.encode() if isinstance(data, str) else data)
        if self._message_bytes > self.wire.limits.max_message_bytes:
            await self._close(TOO_BIG)
            return
        self.buffer.extend(part)
        if part.message_finished:
            message = self.buffer.to_message()
            self.buffer.clear()
            self._message_bytes = 0
            await self.run.put(cast(ASGIReceiveEvent, message))

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """ASGI's `send`; None when the app has returned.

        Stock Hypercorn returns at once when the client has gone, so that a loop of sends stops the whole server.
        `websocket.send` also takes `parts`, a binary message in pieces that nobody has to join; it is no checkpoint
        unless the client keeps it waiting.
        """
        fields: Mapping[str, Any] = message or {"type": None}
        connected = self.state is ASGIWebsocketState.CONNECTED
        if connected and not self.closed and "parts" in fields:
            head, payload = fields["parts"]
            await self.wire.write_eagerly(_head(0x82, len(head) + len(payload)) + head, payload)
        elif message is None and connected and not self.closed:
            await self._close(OUR_FAULT if self.run.failed else NORMAL)
        elif message is None:
            await super().app_send(message)
        elif self.closed or self.state is ASGIWebsocketState.CLOSED:
            await trio.lowlevel.checkpoint()
            raise ClientGone
        elif connected and fields["type"] == "websocket.send":
            await self.wire.write(*_frame(fields.get("text"), fields.get("bytes")))
        elif connected and fields["type"] == "websocket.close":
            await self._close(int(fields.get("code") or NORMAL), fields.get("reason"))
        else:
            await super().app_send(message)

    async def _accept(self, message: Any) -> None:
        """Accept without extensions: deflating PCM costs twelve times the rest, and what inflates can be a bomb."""
        self.handshake.extensions = None
        await super()._accept(message)
        if not self.closed:
            self._open = True
            self._rate = Rate(self.wire.limits.max_pings_per_s)
            self.wire.counters.websockets += 1
            self._settled.set()
            self.wire.wait_anew()

    async def _close(self, code: int, reason: str | None = None) -> None:
        """Say goodbye with a code, and hang up."""
        self.state, self._code = ASGIWebsocketState.CLOSED, code
        try:
            if self.connection.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
                await self.wire.write(bytes(self.connection.send(CloseConnection(code, reason))))
        finally:
            self.wire.hang_up()
        if self.connection.state is ConnectionState.CLOSED:
            self.wire.close()  # both have said it: nothing is on its way any more

    async def _send_error_response(self, status_code: int) -> None:
        """Refuse the upgrade, and hang up: stock Hypercorn leaves the connection open for ever."""
        await send_refusal(self.send, self.stream_id, status_code)
        self.wire.hang_up()

    async def _send_rejection(self, message: Any) -> None:
        """The app's own answer to the upgrade; then as above."""
        await super()._send_rejection(message)
        if not message.get("more_body"):
            self.wire.hang_up()


def _says_little(event: Event) -> bool:
    """Pings, pongs, small parts of a message that goes on: no app counts them, and no size bounds their number."""
    if isinstance(event, Message):
        return len(event.data) < SMALL_PART and not event.message_finished
    return isinstance(event, Ping | Pong)


def _frame(text: str | None, data: bytes | bytearray | memoryview | None) -> tuple[bytes, bytes | memoryview]:
    """One whole message as head and payload; the payload is not copied, as wsproto would, three times."""
    payload: bytes | memoryview
    if data is None:
        opcode, payload = 0x81, (text or "").encode()
    else:
        opcode, payload = 0x82, data if isinstance(data, bytes) else memoryview(data).cast("B")
    return _head(opcode, len(payload)), payload


def _head(opcode: int, size: int) -> bytes:
    if size < 126:
        return struct.pack("!BB", opcode, size)
    if size < 65_536:
        return struct.pack("!BBH", opcode, 126, size)
    return struct.pack("!BBQ", opcode, 127, size)
