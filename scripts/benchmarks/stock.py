"""A bare ASGI app on Hypercorn as it comes (its trio worker): gives the same bytes, without an application.

    python -m scripts.benchmarks.stock FOLDER MUSIC.wav AHEAD_S

`/NAME` answers with the bytes of the file NAME, all read at the start. A WebSocket answers each message with a pong,
and after `play` sends the packets of the music when they are due, like `floor`.
"""

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from scripts.benchmarks.floor import PONG, START, Floor, read_floor


@dataclass(frozen=True)
class Stock:
    """What there is to send."""

    bodies: dict[str, bytes]
    floor: Floor

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a request, talk with a WebSocket, or be told of the start."""
        if scope["type"] == "http":
            body = self.bodies[scope["path"]]
            headers = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
            await send({"type": "http.response.body", "body": body, "more_body": False})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await self._converse(receive, send)
        else:
            await receive()
            await send({"type": "lifespan.startup.complete"})

    async def _converse(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        while (event := await receive())["type"] == "websocket.receive":
            message = json.loads(event["text"] or "")
            if message["type"] == "play":
                await send({"type": "websocket.send", "bytes": None, "text": START.decode()})
                for packet in self.floor.packets_from(message["data"]["start_frame"]):
                    await trio.sleep_until(packet.due_s)
                    await send({"type": "websocket.send", "bytes": packet.payload, "text": None})
            await send({"type": "websocket.send", "bytes": None, "text": PONG.decode()})


async def main(bodies: dict[str, bytes], floor: Floor) -> None:
    """Serve until killed."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    config.keep_alive_max_requests = sys.maxsize  # otherwise it hangs up after a thousand
    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(partial(serve, Stock(bodies, floor), config, mode="asgi"))
        print(f"ready {url}", flush=True)


if __name__ == "__main__":
    trio.run(
        main,
        {f"/{path.name}": path.read_bytes() for path in Path(sys.argv[1]).iterdir()},
        read_floor(Path(sys.argv[2]), float(sys.argv[3])),
    )
