"""Requests that are answered without Quart: what players fetch by the thousand, behind the same guard.

Quart makes objects of routes, contexts, requests and responses, and that costs as much as handing out a chunk that
lies in memory. A plain route stands in the table of routes as well: what does not fit its pattern to the letter, such
as another method or a slash at the end, is Quart's to answer, with the same words.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

from hypercorn.typing import ASGISendCallable, HTTPScope
from quart import Response
from werkzeug.datastructures import Headers

from auralis_trio.errors import AuralisError
from auralis_trio.web.answers import not_modified
from auralis_trio.web.problems import CONTENT_TYPE, log_refusal, problem
from auralis_trio.web.query import checked
from auralis_trio.web.request_counts import name_route
from auralis_trio.web.routes import path_of
from auralis_trio.web.security import PAGE_HEADERS

QUOTED = "werkzeug.url_quote"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content_type: str | None = None
    body: bytes = b""

    def response(self) -> Response:
        """The same for Quart."""
        if self.status == 304:
            return not_modified(self.headers)
        return Response(self.body, self.status, dict(self.headers), content_type=self.content_type)


@dataclass(frozen=True)
class PlainRoute:
    """A path of the table, and what answers it: a view of the headers, the `query` and the numbers in the path."""

    rule: str
    pattern: re.Pattern[str]
    view: Callable[..., Awaitable[Answer]]

    @cached_property
    def query_kind(self) -> Any:
        """What stands behind the question mark."""
        return get_type_hints(self.view)["query"]


async def answer_plainly(routes: Sequence[PlainRoute], scope: HTTPScope, send: ASGISendCallable) -> bool:
    """Answer a request if one of the routes fits; whether it did."""
    if scope["method"] not in {"GET", "HEAD"}:
        return False
    for route in routes:
        found = route.pattern.fullmatch(scope["path"])
        if found is not None:
            answer = await _answer(route, [int(number) for number in found.groups()], scope)
            await send_answer(answer, send, with_body=scope["method"] == "GET")
            return True
    return False


async def _answer(route: PlainRoute, numbers: Sequence[int], scope: HTTPScope) -> Answer:
    name_route(scope, path_of(route.rule))
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
    try:
        return await route.view(headers, checked(route.query_kind, _parameters(scope["query_string"])), *numbers)
    except AuralisError as error:
        log_refusal(scope["method"], scope["path"], error)
        return problem_answer(error)
    except Exception:
        # A border: one request's failure must not reach the others, nor its words the client.
        log.exception("request failed")
        return problem_answer(AuralisError())


def _parameters(query_string: bytes) -> Sequence[tuple[str, Sequence[str]]]:
    """As Quart reads them: what is no UTF-8 stays quoted."""
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors=QUOTED):
        given.setdefault(name, []).append(value)
    return list(given.items())


def problem_answer(error: AuralisError) -> Answer:
    """An error that was raised on purpose."""
    status, headers, body = problem(error)
    return Answer(status, headers, CONTENT_TYPE, body)


async def send_answer(
    answer: Answer, send: ASGISendCallable, *, with_body: bool = True, to_upgrade: bool = False
) -> None:
    """Send an answer with the headers that every page gets, or its head alone; also to who asked for a WebSocket."""
    kind = [] if answer.content_type is None else [("content-type", answer.content_type)]
    length = [] if answer.status == 304 else [("content-length", str(len(answer.body)))]
    encoded = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in (*kind, *length, *answer.headers.items(), *PAGE_HEADERS)
    ]
    body = answer.body if with_body else b""
    if to_upgrade:
        await send({"type": "websocket.http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
