"""What stands behind the question mark or in a JSON body, as a checked record."""

from typing import TypeVar

import msgspec
from quart import request

from auralis_trio.errors import InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)
B = TypeVar("B")


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to choose."""


def query(kind: type[T]) -> T:
    """The request's parameters as `kind`.

    Raises:
        InvalidRequest: one is unknown, stands twice, or has a value that cannot be used.
    """
    given = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidRequest(f"Give {name} once.")
        given[name] = values[0]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"A parameter cannot be used: {error}") from None


async def body(kind: type[B]) -> B:
    """The request's JSON body as `kind`; an empty one gives the defaults.

    Raises:
        InvalidRequest: it is not JSON or does not fit.
    """
    data = await request.get_data(as_text=False)
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise InvalidRequest(f"The body cannot be used: {error}") from None
        raise InvalidRequest("The body is not JSON.") from None
