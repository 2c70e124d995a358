"""Answers that every room gives: JSON, and heads without a body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypedDict, TypeVar

import msgspec
from quart import Response

from auralis_trio.mastering.solve import Mastered

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class Told(Generic[T]):
    """A record as the JSON of an answer with headers of its own, or another status than 200."""

    status: ClassVar[int] = 200
    record: T
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Created(Told[T]):
    """Of what was made."""

    status: ClassVar[int] = 201


@dataclass(frozen=True)
class Accepted(Told[T]):
    """Of what goes on when the answer is out."""

    status: ClassVar[int] = 202


@dataclass(frozen=True)
class Media:
    """What a view that makes its response itself says of it, in its signature: ``Annotated[Response, Media(...)]``.

    The kinds of content; whether there is an ETag that conditions may name, whether a range of the bytes can be asked
    for, and whether there may be nothing to send.
    """

    kinds: tuple[str, ...]
    conditional: bool = False
    ranges: bool = False
    optional: bool = False


def json_response(value: Any, status: int = 200) -> Response:
    """`value` (records, dicts, lists, numbers, text, None) as an `application/json` response."""
    headers = {"Cache-Control": "no-store"}
    return Response(_encoder.encode(value), status, headers, content_type="application/json")


def response_of(answer: Any) -> Response:
    """What a view has given, as a response."""
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, Told):
        return json_response(answer)
    response = json_response(answer.record, answer.status)
    response.headers.update(answer.headers)
    return response


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


def caching(etag: str, *, pinned: bool = False) -> dict[str, str]:
    """Headers of what may be kept: until it is another, and for ever where the URL is `pinned` to this version."""
    return {"ETag": f'"{etag}"', "Cache-Control": "public, max-age=31536000, immutable" if pinned else "no-cache"}


def no_content() -> Response:
    """The answer where there may be nothing and is nothing; so it says no kind of it."""
    response = Response(b"", 204, {"Cache-Control": "no-store"})
    del response.headers["Content-Type"]
    return response


class MasteringSummary(TypedDict):
    """What is done to a track, in a few words and numbers.

    Null: not mastered, or a track without loudness. `limited_by` says why the target is missed by `shortfall_lu`.
    """

    preset: str | None
    intensity: float
    target_lufs: float | None
    expected_lufs: float | None
    limited_by: str | None
    shortfall_lu: float


def describe_mastering(mastered: Mastered) -> MasteringSummary:
    """What is done to a track, in a few words and numbers."""
    return {
        "preset": mastered.recipe.preset,
        "intensity": mastered.recipe.intensity,
        "target_lufs": mastered.target_lufs,
        "expected_lufs": mastered.expected_lufs,
        "limited_by": mastered.limited_by,
        "shortfall_lu": mastered.shortfall_lu,
    }
