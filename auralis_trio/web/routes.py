"""The table of routes: each resource gives its part, and no two may answer the same request.

What a request may say stands in the signature of its view, once: the parameter `query` is the record that stands
behind the question mark, `body` the record or the bytes that are sent, and what is returned is the answer. Requests
are read by it, and described by it (`openapi`). Where there is no `query` or no `body`, nothing can be given.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args, get_type_hints

from quart import Response, request
from quart_trio import QuartTrio

from auralis_trio.errors import AuralisError
from auralis_trio.web.answers import response_of
from auralis_trio.web.query import Anything, NoParameters, json_body, query, read_body
from auralis_trio.web.request_counts import name_route
from auralis_trio.web.security import Content, check_content

CHANGES = frozenset({"POST", "PUT", "PATCH"})
JSON_TYPE = "application/json"

PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")

View = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """One kind of request and what answers it; a GET route answers HEAD as well.

    `body` is for a view that takes one of several kinds, or one that is made at run time; `max_bytes` bounds a body,
    where another bound holds than for JSON; `raises` are the errors that it has a use for besides those that follow
    from what it takes.
    """

    method: str
    rule: str
    view: View
    content: Content = Content.JSON
    body: Any = None
    max_bytes: int | None = None
    raises: tuple[type[AuralisError], ...] = ()

    @property
    def path(self) -> str:
        """The rule with the names of its parameters alone."""
        return path_of(self.rule)

    @property
    def shape(self) -> tuple[str, str]:
        """What tells two routes apart: parameters match anything, whatever their names."""
        return self.method, PARAMETER.sub("<>", self.rule)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.view, include_extras=True)

    @property
    def query_kind(self) -> Any:
        """What stands behind the question mark."""
        return self._hints.get("query", NoParameters)

    @property
    def body_kind(self) -> Any:
        """What is sent; None where that is for the view to read."""
        if self.body is not None:
            return self.body
        return self._hints.get("body", NoParameters if self.content is Content.JSON else None)

    @property
    def answer_kind(self) -> Any:
        """What is answered."""
        return self._hints["return"]

    async def answer(self, **arguments: Any) -> Response:
        """Read a request, have it answered by the view, and make a response of that.

        Raises:
            InvalidRequest: it says something that cannot be used.
            AuralisError: whatever the view raises.
        """
        name_route(request.scope, self.path)
        if self.method in CHANGES:
            check_content(request.headers.get("Content-Type", ""), self.content)
        asked = Anything() if self.query_kind is Anything else query(self.query_kind)
        if "query" in self._hints:
            arguments["query"] = asked
        if self.method in CHANGES and self.body_kind is not None:
            sent = await self._read_body()
            if "body" in self._hints:
                arguments["body"] = sent
        return response_of(await self.view(**arguments))

    async def _read_body(self) -> Any:
        kind = self.body_kind
        if bytes not in (kind, *get_args(kind)):
            return await json_body(kind, self.max_bytes)
        if request.mimetype != JSON_TYPE:
            return await read_body(self.max_bytes)
        [record] = [one for one in get_args(kind) if one is not bytes]
        return await json_body(record, self.max_bytes)


def path_of(rule: str) -> str:
    """A rule as OpenAPI writes it."""
    return PARAMETER.sub(r"{\g<name>}", rule)


def install_routes(app: QuartTrio, routes: Iterable[Route]) -> None:
    """Put the routes into the application.

    Raises:
        ValueError: two of them would answer the same request.
    """
    table = list(routes)
    twice = [shape for shape, count in Counter(route.shape for route in table).items() if count > 1]
    if twice:
        raise ValueError(f"routes that stand twice: {twice}")
    options: dict[str, Any] = {"strict_slashes": False}
    for route in table:
        app.add_url_rule(route.rule, f"{route.method} {route.rule}", route.answer, methods=[route.method], **options)
