"""JSON answers: records and plain values, encoded in one place."""

from typing import Any

import msgspec
from quart import Response

_encoder = msgspec.json.Encoder()


def json_response(value: Any, status: int = 200) -> Response:
    """`value` (records, dicts, lists, numbers, text, None) as an `application/json` response."""
    headers = {"Cache-Control": "no-store"}
    return Response(_encoder.encode(value), status, headers, content_type="application/json")
