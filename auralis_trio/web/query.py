"""What stands behind the question mark or in a JSON body, as a checked record."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from quart import current_app, request

from auralis_trio.errors import AuralisError, InvalidRequest
from auralis_trio.fitting import misfit
from auralis_trio.library.paging import MAX_CURSOR_CHARS, MAX_LIMIT, MAX_OFFSET, Window

T = TypeVar("T", bound=msgspec.Struct)
B = TypeVar("B")

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
Cursor = Annotated[str, Meta(max_length=MAX_CURSOR_CHARS)]


MAX_JSON_BYTES = "MAX_JSON_BYTES"
"""The application's setting for how large a JSON body may be; the transport takes what the largest upload needs."""


class BodyTooLarge(AuralisError):
    """The request body is larger than what is taken here."""

    status = 413
    default_code = "body_too_large"
    text = "The request body is too large."


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to choose."""


class WindowQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list: from an offset on, or behind the page whose `next_cursor` is given."""

    limit: Limit = 50
    offset: Offset = 0
    cursor: Cursor | None = None

    @property
    def window(self) -> Window:
        """The same for the library."""
        return Window(self.limit, self.offset, self.cursor)


def query(kind: type[T]) -> T:
    """The request's parameters as `kind`.

    Raises:
        InvalidRequest: one is unknown, stands twice, or has a value that cannot be used.
    """
    return checked(kind, request.args.lists())


def checked(kind: type[T], parameters: Iterable[tuple[str, Sequence[str]]]) -> T:
    """Parameters, each with all its values, as `kind`; raises as `query` does."""
    given = {}
    for name, values in parameters:
        if len(values) > 1:
            raise InvalidRequest(f"Give {name} once.")
        given[name] = values[0]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"A parameter cannot be used: {misfit(error, kind)}") from None


async def body(kind: type[B]) -> B:
    """The request's JSON body as `kind`; an empty one gives the defaults.

    Raises:
        InvalidRequest: it is not JSON or does not fit.
        BodyTooLarge: it is larger than a JSON body may be.
    """
    data = await read_body(current_app.config[MAX_JSON_BYTES])
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise InvalidRequest(f"The body cannot be used: {misfit(error, kind)}") from None
        raise InvalidRequest("The body is not JSON. Send it as UTF-8, as RFC 8259 has it.") from None


async def read_body(max_bytes: int) -> bytes:
    """The request's body, which is not read further than it may be large.

    Raises:
        BodyTooLarge: it is larger than `max_bytes`.
    """
    data = bytearray()
    async for part in body_parts(max_bytes):
        data.extend(part)
    return bytes(data)


async def body_parts(max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The request's body as it comes: while a part is looked at, the client is held back. Raises as `read_body`."""
    received = 0
    async for part in request.body:
        received += len(part)
        if received > max_bytes:
            raise BodyTooLarge(f"The request body is too large: at most {max_bytes} bytes are taken here.")
        yield part
