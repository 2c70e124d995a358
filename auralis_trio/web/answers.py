"""Answers that every room gives: JSON, and heads without a body."""

from collections.abc import Mapping
from typing import Any

import msgspec
from quart import Response

from auralis_trio.mastering.solve import Mastered

_encoder = msgspec.json.Encoder()


def json_response(value: Any, status: int = 200) -> Response:
    """`value` (records, dicts, lists, numbers, text, None) as an `application/json` response."""
    headers = {"Cache-Control": "no-store"}
    return Response(_encoder.encode(value), status, headers, content_type="application/json")


def head_response(status: int, headers: Mapping[str, str], content_type: str) -> Response:
    """The head of an answer whose body was not asked for; its length is that of the body."""
    response = Response(b"", status, content_type=content_type)
    response.headers.update(headers)
    return response


def not_modified(headers: Mapping[str, str]) -> Response:
    """The answer to who has it already: no body, nor a word on the kind or length of one (RFC 9110, 8.6)."""
    response = Response(b"", 304, dict(headers))
    del response.headers["Content-Type"], response.headers["Content-Length"]
    return response


def describe_mastering(mastered: Mastered) -> dict[str, Any]:
    """What is done to a track, in a few words and numbers."""
    return {
        "preset": mastered.recipe.preset,
        "intensity": mastered.recipe.intensity,
        "target_lufs": mastered.target_lufs,
        "expected_lufs": mastered.expected_lufs,
        "limited_by": mastered.limited_by,
        "shortfall_lu": mastered.shortfall_lu,
    }
