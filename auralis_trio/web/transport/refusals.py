"""What the transport answers in place of the app: a problem as the app's are, and the end of the connection."""

from collections.abc import Awaitable, Callable

from hypercorn.protocol import events

from auralis_trio.web.problems import CONTENT_TYPE, plain_problem

Headers = list[tuple[bytes, bytes]]


def refusal(status: int) -> tuple[Headers, bytes]:
    """Headers and body of such an answer."""
    body = plain_problem(status)
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    return headers + ([(b"retry-after", b"1")] if status == 503 else []), body


def refusal_bytes(status: int, reason: str) -> bytes:
    """The same as it travels, for whoever has no protocol yet."""
    headers, body = refusal(status)
    lines = [f"HTTP/1.1 {status} {reason}".encode(), *(b": ".join(header) for header in headers)]
    return b"\r\n".join([*lines, b"", body])


async def send_refusal(
    send: Callable[[events.Event], Awaitable[None]], stream_id: int, status: int, *, with_body: bool = True
) -> None:
    """The same as what a stream has to say."""
    headers, body = refusal(status)
    await send(events.Response(stream_id, headers, status))
    if with_body:
        await send(events.Body(stream_id, body))
    await send(events.EndBody(stream_id))
