"""A bare ASGI app on Hypercorn as it comes (its trio worker): gives the same bytes over HTTP, without an application.

    python -m scripts.benchmarks.stock FOLDER

`/NAME` answers with the bytes of the file NAME, all read at the start.
"""

import sys
from functools import partial
from pathlib import Path

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope


async def app(bodies: dict[str, bytes], scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer a request, or be told of the start."""
    if scope["type"] == "http":
        body = bodies[scope["path"]]
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})
    else:
        await receive()
        await send({"type": "lifespan.startup.complete"})


async def main(bodies: dict[str, bytes]) -> None:
    """Serve until killed."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    config.keep_alive_max_requests = sys.maxsize  # otherwise it hangs up after a thousand
    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(partial(serve, partial(app, bodies), config, mode="asgi"))
        print(f"ready {url}", flush=True)


if __name__ == "__main__":
    trio.run(main, {f"/{path.name}": path.read_bytes() for path in Path(sys.argv[1]).iterdir()})
