"""JSON and the page, made small for those who can read it so. Sound never is: it does not get smaller.

A compressed answer is the same thing in other bytes, so its ETag becomes a weak one (RFC 9110, 8.8.1).
"""

import gzip
from collections.abc import Awaitable, Callable

from quart import Response, request
from werkzeug.http import quote_etag, unquote_etag

from auralis_trio.errors import Busy, TimedOut

MIN_BYTES = 1024
"""What is smaller fits into the packet that it travels in anyway."""

MAX_BYTES_AT_ONCE = 32_768
"""More than that, a millisecond's work, is done in a thread."""

PATIENCE_S = 1.0
"""How long an answer may wait to be made small."""

LEVEL = 5
TYPES = frozenset(
    {"application/json", "text/html", "text/css", "text/javascript", "image/svg+xml", "application/manifest+json"}
)

InThread = Callable[[Callable[[bytes], bytes], bytes], Awaitable[bytes]]


class Compressor:
    """Compresses answers on their way out; what is large by `in_thread`, and where that gives up, not at all."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread

    async def pack(self, response: Response) -> Response:
        """The answer as it is to be sent."""
        if response.mimetype not in TYPES or response.status_code != 200:
            return response
        response.headers["Vary"] = "Accept-Encoding"
        if not request.accept_encodings["gzip"] or (response.content_length or 0) < MIN_BYTES:
            return response
        data = await response.get_data(as_text=False)
        try:
            small = compress(data) if len(data) <= MAX_BYTES_AT_ONCE else await self._in_thread(compress, data)
        except (Busy, TimedOut):
            return response  # larger, but sent: threads that wait for a disk hold nobody up
        response.set_data(small)
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = unquote_etag(response.headers.get("ETag"))
        if etag is not None:
            response.headers["ETag"] = quote_etag(etag, weak=True)
        return response


def compress(data: bytes) -> bytes:
    """The same in gzip; without a time, so that equal data stay equal."""
    return gzip.compress(data, LEVEL, mtime=0)
