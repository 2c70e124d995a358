"""HTTP/1.1: Hypercorn's protocol with limits, without HTTP/2, and with one write for head, body and end."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.protocol import events
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol, H11WSConnection
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ASGISendEvent, ConnectionState, TaskGroup

from auralis_trio.web.transport.app_run import AppRun
from auralis_trio.web.transport.limits import ClientGone
from auralis_trio.web.transport.refusals import refusal, send_refusal
from auralis_trio.web.transport.websocket import WebSocket
from auralis_trio.web.transport.wire import Wire

DECODED = {b"connection", b"sec-websocket-extensions", b"sec-websocket-protocol"}
ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#@]+)(/[^#]*|\?[^#]*|)")
WEBSOCKET_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


@dataclass(frozen=True)
class Flush(events.Event):
    """What is written so far may go out."""


class HttpProtocol(H11Protocol):
    """One connection's requests, one after the other, or its WebSocket."""

    def __init__(
        self, app: ASGIFramework, config: Config, context: WorkerContext, wire: Wire, nursery: trio.Nursery
    ) -> None:
        client, server = wire.address(wire.socket.getpeername), wire.address(wire.socket.getsockname)
        no_group = cast(TaskGroup, None)  # each request has its own: AppRun
        common = (cast(Any, app), config, cast(Any, context), no_group, ConnectionState({}))
        super().__init__(*common, False, client, server, wire.take)
        self.wire = wire
        self.limits = wire.limits
        self.nursery = nursery
        self.http = cast(h11.Connection, self.connection)
        self.stream: Exchange | WebSocket | None = None
        self._websocket: WebSocket | None = None
        self._unsent: list[bytes] = []
        self._body_bytes = 0
        self._is_head = False
        self._head_began_at = inf

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.stream is None and self.wire.hung_up_at == inf

    def read_deadline(self) -> float:
        """Until when the client may be silent, in the state that it is in."""
        now = trio.current_time()
        if self.wire.hung_up_at < inf:
            return min(now + self.limits.linger_s, self.wire.hung_up_at + self.limits.linger_total_s)
        if isinstance(self.stream, WebSocket):
            return now + self.stream.patience_s
        if self.http.their_state is h11.SEND_BODY:
            return now + self.limits.body_timeout_s
        if self.http.their_state is not h11.IDLE:
            return inf  # it is the app's turn
        if not self.http.trailing_data[0]:
            self._head_began_at = inf
            return now + self.limits.keep_alive_s
        self._head_began_at = min(self._head_began_at, now)  # further bytes do not move it
        return self._head_began_at + self.limits.header_timeout_s

    async def out_of_patience(self) -> bool:
        """Ping a quiet WebSocket; let a request that does not come go."""
        if isinstance(self.stream, WebSocket):
            return await self.stream.out_of_patience()
        began = self.http.their_state is h11.SEND_BODY or self.http.trailing_data[0]
        if began and self.wire.hung_up_at == inf and not self.context.terminated.is_set():
            await self._refuse(408)
        return False

    def is_last_word(self, data: bytes) -> bool:
        """After the hang-up: whether this is a WebSocket's answer to our close."""
        return self._websocket is not None and self._websocket.is_last_word(data)

    def abandon(self) -> None:
        """Tell the app, if there is one, that nothing more will come."""
        if self.stream is not None:
            self.stream.abandon()
            self.stream = None

    async def stream_send(self, event: events.Event) -> None:
        """What a stream has to say; everything but a whole message or a flush is held back."""
        if isinstance(event, Flush):
            await self._flush()
        else:
            await super().stream_send(event)

    async def _handle_events(self) -> None:
        while self.wire.hung_up_at == inf:
            if self.connection.they_are_waiting_for_100_continue:
                await self._send_h11_event(h11.InformationalResponse(status_code=100, headers=[]))
            try:
                event = self.connection.next_event()
            except h11.RemoteProtocolError as error:
                await self._refuse(error.error_status_hint)
                return
            if isinstance(event, h11.Request):
                await self._begin(event)
            elif event is h11.PAUSED:
                await self.can_read.clear()
                await self.can_read.wait()
            elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed) or self.stream is None:
                return
            else:
                await self._hand_on(self.stream, event)

    async def _hand_on(self, stream: "Exchange | WebSocket", event: Any) -> None:
        if isinstance(event, h11.Data):
            self._body_bytes += len(event.data)  # counted as it comes: a chunked body declares nothing
            if self._body_bytes > self.limits.max_body_bytes:
                await self._refuse(413)
            else:
                await stream.handle(events.Body(STREAM_ID, bytes(event.data)))
        elif isinstance(event, h11.EndOfMessage):
            await stream.handle(events.EndBody(STREAM_ID))
        else:
            await stream.handle(event)

    async def _begin(self, request: h11.Request) -> None:
        """Start the app for one request, or refuse it."""
        self._is_head = request.method == b"HEAD"
        request = _in_origin_form(request)
        upgrade = _asks_for_websocket(request)
        status = _refusal(request, self.limits.max_body_bytes, upgrade=upgrade)
        if status is not None:
            await self._refuse(status)
            return
        self._body_bytes = 0
        run = AppRun(self.wire.counters, self.nursery)
        kind = WebSocket if upgrade else Exchange
        common = (self.app, self.config, self.context, cast(TaskGroup, run))
        stream = kind(*common, self.ssl, self.client, self.server, self.stream_send, STREAM_ID)
        stream.run, stream.wire, self.stream = run, self.wire, stream
        if isinstance(stream, WebSocket):
            self.connection, self._websocket = H11WSConnection(self.http), stream
        version, method = request.http_version.decode(), request.method.decode().upper()
        headers = list(request.headers)
        await stream.handle(
            events.Request(STREAM_ID, headers, version, method, request.target, self.connection_state)
        )

    async def _refuse(self, status: int) -> None:
        """Answer in place of the app, unless it has begun to answer, and hang up."""
        self.abandon()
        if self.http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            with suppress(ClientGone):
                await self._send_error_response(status)
        self.wire.hang_up()

    async def _send_error_response(self, status_code: int) -> None:
        headers, body = refusal(status_code)
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        if not self._is_head:
            await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())

    async def _send_h11_event(self, event: Any) -> None:
        self._unsent += self.http.send_with_data_passthrough(event) or []
        if isinstance(event, h11.EndOfMessage | h11.InformationalResponse):
            await self._flush()

    async def _flush(self) -> None:
        parts = [part for part in self._unsent if part]
        self._unsent.clear()
        if parts:
            await self.wire.write(*parts)


def _asks_for_websocket(request: h11.Request) -> bool:
    headers = dict(request.headers)
    tokens = {token.strip() for token in headers.get(b"connection", b"").lower().split(b",")}
    return request.method == b"GET" and b"upgrade" in tokens and headers.get(b"upgrade", b"").lower() == b"websocket"


def _in_origin_form(request: h11.Request) -> h11.Request:
    """A request whose target is a whole URL, as one for the path in it; then its authority counts, not what Host says
    (RFC 9112, 3.2.2)."""
    found = ABSOLUTE.fullmatch(request.target)
    if found is None:
        return request
    authority, path = found.groups()
    headers = [(name, authority if name == b"host" else value) for name, value in request.headers]
    target = path if path.startswith(b"/") else b"/" + path
    return h11.Request(method=request.method, headers=headers, target=target, http_version=request.http_version)


def _refusal(request: h11.Request, max_body_bytes: int, *, upgrade: bool) -> int | None:
    """The status with which a head that can be read is refused all the same."""
    headers = dict(request.headers)
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if request.http_version not in {b"1.0", b"1.1"}:
        return 505  # stock Hypercorn changes to HTTP/2 here
    if not request.target.startswith(b"/"):
        return 400  # nothing that is here
    if coding and (length or request.http_version == b"1.0"):
        return 400  # two opinions about where the body ends: somebody smuggles
    if length and int(length) > max_body_bytes:
        return 413
    if upgrade and (coding or length or not WEBSOCKET_KEY.fullmatch(headers.get(b"sec-websocket-key", b""))):
        return 400
    if upgrade and not all(value.isascii() for name, value in headers.items() if name in DECODED):
        return 400  # stock Hypercorn dies of it
    return None


class Exchange(HTTPStream):
    """One HTTP request and its answer."""

    run: AppRun
    wire: Wire

    def abandon(self) -> None:
        """End it; an app that has not answered in full is cancelled, for nobody listens."""
        if not self.closed:
            self.closed = True
            self.run.end({"type": "http.disconnect"}, cancel=self.state is not ASGIHTTPState.CLOSED)

    async def handle(self, event: events.Event) -> None:
        """Take one event; stock Hypercorn waits, at the end, for room in the app's queue, at times for ever."""
        if isinstance(event, events.StreamClosed):
            self.abandon()
        else:
            await super().handle(event)

    async def _send_error_response(self, status_code: int) -> None:
        """Answer in place of an app that has not."""
        await send_refusal(self.send, self.stream_id, status_code, with_body=self.scope["method"] != "HEAD")
        self.state = ASGIHTTPState.CLOSED

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """ASGI's `send`; None when the app has returned."""
        if message is not None and self.closed and self.state is not ASGIHTTPState.CLOSED:
            await trio.lowlevel.checkpoint()
            raise ClientGone
        await super().app_send(message)
        if message is not None and cast(Mapping[str, Any], message).get("more_body"):
            await self.send(Flush(STREAM_ID))
