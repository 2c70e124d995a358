"""The HTTP requests that were answered, by method, route and status, and how long each route took to begin.

Everything is bounded: routes are those of the table, methods those that are known, statuses those that are given.
"""

from collections import Counter
from typing import Any

import msgspec
import trio
from hypercorn.typing import ASGISendCallable, ASGISendEvent, HTTPScope

from auralis_trio.stream.histogram import Histogram, HistogramStatistics

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ELSEWHERE = "other"
"""What is no route, or is refused before it is known which; and every method that is not known."""

_ROUTE = "auralis_trio.route"


class RequestStatistics(msgspec.Struct, frozen=True):
    """So many requests of one kind."""

    method: str
    route: str
    status: int
    count: int


class RequestCounts:
    """The counters of one server."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[tuple[str, str], Histogram] = {}

    def counted(self, scope: HTTPScope, send: ASGISendCallable) -> ASGISendCallable:
        """What sends the answer to a request, and counts it by the route that was named meanwhile."""
        began_s = trio.current_time()

        async def send_and_count(event: ASGISendEvent) -> None:
            if event["type"] == "http.response.start":
                self._note(scope, event["status"], trio.current_time() - began_s)
            await send(event)

        return send_and_count

    def statistics(self) -> list[RequestStatistics]:
        """How many there were of each kind."""
        return [RequestStatistics(*kind, count) for kind, count in sorted(self._counts.items())]

    def durations(self) -> dict[tuple[str, str], HistogramStatistics]:
        """How long it took until the head of the answer was ready, by method and route."""
        return {kind: durations.statistics() for kind, durations in sorted(self._durations.items())}

    def _note(self, scope: Any, status: int, duration_s: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else ELSEWHERE
        kind = method, scope.get(_ROUTE, ELSEWHERE)
        self._counts[*kind, status] += 1
        self._durations.setdefault(kind, Histogram(BOUNDS_S)).add(duration_s)


def name_route(scope: Any, rule: str) -> None:
    """Say which route answers a request."""
    scope[_ROUTE] = rule
