"""The WebSocket endpoint: an ASGI connection seen as a `Link`, handed to `stream.session`.

It bypasses Quart: a session lives on the ASGI events themselves, so that nothing queues between it and the socket.
"""

from dataclasses import dataclass
from typing import Any

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, WebsocketScope

from auralis_trio.errors import NotFound
from auralis_trio.stream.session import run_session
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.web.plain import problem_answer, send_answer

PATH = "/ws"


def client_of(scope: HTTPScope | WebsocketScope) -> str:
    """The address of whoever asks; those that have left already are one."""
    return "" if scope["client"] is None else scope["client"][0]


@dataclass(frozen=True)
class WebSocketLink:
    """One accepted WebSocket."""

    receive_event: ASGIReceiveCallable
    send_event: ASGISendCallable
    client: str

    async def receive(self) -> str | bytes:
        """See `Link.receive`."""
        event = await self.receive_event()
        if event["type"] != "websocket.receive":
            raise trio.BrokenResourceError("the client is gone")
        text = event["text"]
        return text if text is not None else event["bytes"] or b""

    async def send(self, message: str | bytes) -> None:
        """See `Link.send`: the transport cancels a send before its first byte or not at all, and limits it."""
        text, data = (message, None) if isinstance(message, str) else (None, message)
        await self.send_event({"type": "websocket.send", "bytes": data, "text": text})

    async def send_packet(self, header: bytes, payload: bytes | memoryview) -> None:
        """See `Link.send_packet`; that a message may have `parts` is an addition of our transport to ASGI."""
        message: Any = {"type": "websocket.send", "parts": (header, payload)}
        await self.send_event(message)

    async def close(self, code: int, reason: str) -> None:
        """See `Link.close`."""
        try:
            await self.send_event({"type": "websocket.close", "code": code, "reason": reason})
        except trio.BrokenResourceError:
            return


async def serve_websocket(
    services: SessionServices, scope: WebsocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Accept a WebSocket at `PATH` and talk until it ends; refuse one anywhere else."""
    opening = await receive()
    if opening["type"] != "websocket.connect":
        return
    if scope["path"] != PATH:
        nothing = NotFound(f"WebSockets are taken under {PATH} alone.")
        await send_answer(problem_answer(nothing), send, to_upgrade=True)
        return
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await run_session(WebSocketLink(receive, send, client_of(scope)), services)
