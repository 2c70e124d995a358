"""The table of routes: each resource gives its part, and no two may answer the same request."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from quart import Response
from quart_trio import QuartTrio

View = Callable[..., Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """One kind of request and what answers it; a GET route answers HEAD as well."""

    method: str
    rule: str
    view: View

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
        app.add_url_rule(route.rule, f"{route.method} {route.rule}", route.view, methods=[route.method], **options)
