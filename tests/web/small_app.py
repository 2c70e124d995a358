"""A small application for the transport's tests, plain ASGI with Quart under /q, that tells what became of it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import trio
from quart import Response, request
from quart.wrappers.response import ResponseBody
from quart_trio import QuartTrio
from quart_trio.wrappers import TrioResponse

PART = bytes(65_536)
PAYLOADS = (1, 121, 122, 65_531, 65_532)
"""sizes around those at which the form of a frame's head changes, less 4 bytes that stand before them"""
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class SmallApp:
    """`ended[path]` is set when a handler of that path was left, however that came about."""

    def __init__(self) -> None:
        self.ended: dict[str, trio.Event] = defaultdict(trio.Event)
        self.running: dict[str, trio.Event] = defaultdict(trio.Event)
        self.go_on = trio.Event()
        self.going_down = trio.Event()
        self.codes: list[int] = []
        self.checkpoints: list[bool] = []
        self.interruption = trio.CancelScope()
        self.gone = trio.Event()
        self.refusals = 0
        self.sent = 0
        self.quart = make_quart(self)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "lifespan" or path.startswith("/q/"):
            await self.quart(scope, receive, send)
            return
        kind = "socket" if scope["type"] == "websocket" else "http"
        name = f"{kind}_{path.rpartition('/')[2]}"
        handler = getattr(self, name, self.http_plain if kind == "http" else self.socket_echo)
        self.running[path].set()
        if kind == "socket":
            assert (await receive())["type"] == "websocket.connect"
        try:
            await handler(receive, send)
        finally:
            self.ended[path].set()

    async def http_plain(self, receive: Receive, send: Send) -> None:
        await answer(send, b"fine")

    async def http_count(self, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message["body"])
            more = message["more_body"]
        await answer(send, str(size).encode())

    async def http_disconnect(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def http_wait(self, receive: Receive, send: Send) -> None:
        await self.go_on.wait()
        await answer(send, b"waited")

    async def http_after(self, receive: Receive, send: Send) -> None:
        await answer(send, b"fine")
        self.gone.set()
        await self.go_on.wait()

    async def http_stream(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": PART, "more_body": True})
            self.sent += len(PART)

    async def http_raise(self, receive: Receive, send: Send) -> None:
        raise ValueError("/home/somebody/secret")

    async def http_break(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("/home/somebody/secret")

    async def socket_echo(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        self.codes.append(message["code"])

    async def socket_late(self, receive: Receive, send: Send) -> None:
        await self.go_on.wait()
        await self.socket_echo(receive, send)

    async def socket_refuse(self, receive: Receive, send: Send) -> None:
        await self.go_on.wait()
        await send({"type": "websocket.close"})

    async def socket_flow(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "bytes": bytes(2000)})
            await trio.sleep(0.005)

    async def socket_blast(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "bytes": PART})
            self.sent += len(PART)
            await trio.lowlevel.checkpoint()  # for stock Hypercorn, whose sends stop being one

    async def socket_buffers(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        for data in (bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"abcd").cast("I")):
            await send({"type": "websocket.send", "bytes": data})

    async def socket_insist(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        while self.refusals < 100:
            try:
                await send({"type": "websocket.send", "text": "still there?"})
            except trio.BrokenResourceError:
                self.refusals += 1
                self.gone.set()

    async def socket_posthumous(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        with trio.CancelScope() as scope:
            scope.cancel()
            await send({"type": "websocket.send", "text": "still there?"})
        self.checkpoints.append(scope.cancelled_caught)

    async def socket_interrupted(self, receive: Receive, send: Send) -> None:
        await self._send_until_interrupted(send, {"type": "websocket.send", "bytes": PART})

    async def socket_interrupted_parts(self, receive: Receive, send: Send) -> None:
        await self._send_until_interrupted(send, {"type": "websocket.send", "parts": (PART[:24], PART[24:])})

    async def _send_until_interrupted(self, send: Send, message: Any) -> None:
        await send({"type": "websocket.accept"})
        with trio.CancelScope() as self.interruption:
            while True:
                await send(message)
                self.sent += 1
        self.gone.set()
        await send({"type": "websocket.send", "text": str(self.sent)})

    async def socket_parts(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        for size in PAYLOADS:
            await send({"type": "websocket.send", "parts": (b"head", memoryview(bytes(size)))})
        with trio.CancelScope() as scope:
            scope.cancel()
            await send({"type": "websocket.send", "parts": (b"head", b"of nothing")})

    async def socket_chorus(self, receive: Receive, send: Send) -> None:
        async def voice(letter: bytes) -> None:
            for _ in range(10):
                await send({"type": "websocket.send", "bytes": letter * 200_000})

        async def voice_in_parts(letter: bytes) -> None:
            for _ in range(10):
                await send({"type": "websocket.send", "parts": (letter * 24, memoryview(letter * 199_976))})

        await send({"type": "websocket.accept"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(voice, b"a")
            nursery.start_soon(voice, b"b")
            nursery.start_soon(voice_in_parts, b"c")
            nursery.start_soon(voice_in_parts, b"d")

    async def socket_session(self, receive: Receive, send: Send) -> None:
        async def play() -> None:
            with suppress(trio.BrokenResourceError):
                while True:
                    await send({"type": "websocket.send", "bytes": PART})

        await send({"type": "websocket.accept"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play)
            self.codes.append((await receive())["code"])

    async def socket_subprotocol(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept", "subprotocol": "never offered"})

    async def socket_deaf(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await self.go_on.wait()

    async def socket_raise(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("/home/somebody/secret")

    async def socket_return(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def socket_farewell(self, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await self.going_down.wait()
        await send({"type": "websocket.close", "code": 1001, "reason": "bye"})
        self.codes.append((await receive())["code"])


async def answer(send: Send, body: bytes) -> None:
    """A whole answer of 200."""
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Parts(ResponseBody):
    """A streaming body with a way in and a way out; its parts never end."""

    def __init__(self, app: SmallApp) -> None:
        self.app = app

    async def __aenter__(self) -> "Parts":
        self.app.running["/q/body"].set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.app.ended["/q/body"].set()

    def __aiter__(self) -> "Parts":
        return self

    async def __anext__(self) -> bytes:
        return PART


def make_quart(small: SmallApp) -> QuartTrio:
    """The Quart part; not yet prepared for the transport."""
    app = QuartTrio(__name__, static_folder=None)
    views = QuartViews(small)
    for view in (views.plain, views.slow, views.stream, views.body, views.fail):
        app.get(f"/q/{view.__name__}")(view)
    for reader in (views.count, views.iterate, views.late):
        app.post(f"/q/{reader.__name__}")(reader)
    app.websocket("/q/ws")(views.socket)
    return app


class QuartViews:
    """Handlers that are named as their paths."""

    def __init__(self, small: SmallApp) -> None:
        self.small = small

    async def plain(self) -> dict[str, bool]:
        return {"fine": True}

    async def count(self) -> str:
        return str(len(await request.get_data()))

    async def iterate(self) -> str:
        size = 0
        async for part in request.body:
            size += len(part)
        return str(size)

    async def late(self) -> str:
        await self.small.go_on.wait()
        return await self.count()

    async def stream(self) -> AsyncIterator[bytes]:
        async def parts() -> AsyncIterator[bytes]:
            self.small.running["/q/stream"].set()
            try:
                while True:
                    self.small.sent += len(PART)
                    yield PART
            finally:
                self.small.ended["/q/stream"].set()

        return parts()

    async def slow(self) -> AsyncIterator[bytes]:
        async def parts() -> AsyncIterator[bytes]:
            self.small.running["/q/slow"].set()
            yield b"first "
            await self.small.go_on.wait()
            yield b"second"

        return parts()

    async def body(self) -> Response:
        return TrioResponse(Parts(self.small))

    async def fail(self) -> str:
        raise ValueError("/home/somebody/secret")

    async def socket(self) -> None:
        raise ValueError("/home/somebody/secret")
