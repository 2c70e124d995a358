"""The table of routes: each resource gives its part, and no two may answer the same request."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from quart import Response, request
from quart_trio import QuartTrio

from auralis_trio.web.security import Content, check_content

CHANGES = frozenset({"POST", "PUT", "PATCH"})

View = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """One kind of request and what answers it; a GET route answers HEAD as well."""

    method: str
    rule: str
    view: View
    content: Content = Content.JSON

    @property
    def shape(self) -> tuple[str, str]:
        """What tells two routes apart: parameters match anything, whatever their names."""
        return self.method, re.sub(r"<[^>]*>", "<>", self.rule)


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
        view = _checked(route) if route.method in CHANGES else route.view
        app.add_url_rule(route.rule, f"{route.method} {route.rule}", view, methods=[route.method], **options)


def _checked(route: Route) -> View:
    """The route's view, for nothing but the content that the route takes."""

    async def view(**arguments: Any) -> Response:
        check_content(request.headers.get("Content-Type", ""), route.content)
        return await route.view(**arguments)

    return view
