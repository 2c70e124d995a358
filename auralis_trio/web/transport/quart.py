"""Quart's side of the transport: a request runs in the task that it is given, and its body is read on demand."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio
from quart.utils import encode_headers
from quart.wrappers.response import DataBody
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection, TrioASGIWebsocketConnection
from quart_trio.wrappers.request import TrioBody
from werkzeug import Response as WerkzeugResponse

from auralis_trio.web.transport.limits import ClientGone


class QuartExchange(TrioASGIHTTPConnection):
    """One request.

    The connection of quart-trio runs a second task, whose end cancels the first one in the middle of its last send:
    keep-alive connections then stay open for ever. It also takes a body without back-pressure, cuts an answer after
    60 s, and runs a streaming body for a HEAD.
    """

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer; the transport cancels this when the client goes."""
        request = self._create_request_from_scope(send)
        request.body = PulledBody(receive)
        await self._send_response(send, await self.app.handle_request(request))

    async def _send_response(self, send: Any, response: Any) -> None:
        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        body, last = response.response, b""
        if self.scope["method"] == "HEAD":
            pass
        elif isinstance(response, WerkzeugResponse):
            last = b"".join(response.iter_encoded())
        elif isinstance(body, DataBody):
            last = body.data[body.begin : body.end]
        else:
            async with body as parts:
                async for part in parts:
                    data = part.encode() if isinstance(part, str) else part
                    await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": last, "more_body": False})


class PulledBody(TrioBody):
    """A request body that is received when the handler asks for it; until then the client is held back."""

    def __init__(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        super().__init__(None, None)
        self._receive = receive

    async def __anext__(self) -> bytes:
        while not self._complete.is_set():
            message = await self._receive()
            if message["type"] != "http.request":
                await trio.lowlevel.checkpoint()
                raise ClientGone
            if not message.get("more_body"):
                self.set_complete()
            if message.get("body"):
                return bytes(message["body"])
        raise StopAsyncIteration

    def __await__(self) -> Any:
        return self._collect().__await__()

    async def _collect(self) -> bytes:
        async for part in self:
            self._data.extend(part)
        return bytes(self._data)


class NoWebSocket(TrioASGIWebsocketConnection):
    """WebSockets are plain ASGI here, so Quart refuses them: it closes those of failed handlers with 1000."""

    async def __call__(self, receive: Any, send: Any) -> None:
        """Answer 403."""
        await send({"type": "websocket.close"})


def prepare(app: QuartTrio) -> None:
    """Make a Quart app fit for the transport, whose limits for bodies and times replace Quart's own."""
    app.asgi_http_class = QuartExchange
    app.asgi_websocket_class = NoWebSocket
    app.config.update(RESPONSE_TIMEOUT=None, BODY_TIMEOUT=None, MAX_CONTENT_LENGTH=None)
