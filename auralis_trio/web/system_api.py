"""The server about itself: health, readiness, version, and the live tree of what it is doing."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Literal, TypedDict

from quart import Response

from auralis_trio import __version__
from auralis_trio.errors import Busy, TimedOut
from auralis_trio.library.folders import list_folders
from auralis_trio.library.migrations import CHAIN
from auralis_trio.library.records import Statistics
from auralis_trio.library.totals import statistics
from auralis_trio.mastering.recipe import ENGINE_VERSION
from auralis_trio.web.answers import Media
from auralis_trio.web.metrics import CONTENT_TYPE, write_metrics
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.status import Status, look
from auralis_trio.wire.messages import PROTOCOL_VERSION

# Read once: looking them up opens files.
LIBRARIES = {name: version(name) for name in ("trio", "hypercorn", "numpy", "soundfile", "av")}


class Health(TypedDict):
    """The event loop turns."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Requests can be served; the state of each service."""

    ready: bool
    services: dict[str, str]


class Versions(TypedDict):
    """What runs here: the versions of the program, of what clients rely on, and of the libraries that make sound."""

    version: str
    api: int
    protocol: int
    engine: int
    schema: int
    libraries: dict[str, str]


@dataclass(frozen=True)
class SystemApi:
    """What stands directly under `/api`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/api/health", self.health),
            Route("GET", "/api/ready", self.ready),
            Route("GET", "/api/version", self.version),
            Route("GET", "/api/status", self.status),
            Route("GET", "/metrics", self.metrics),
        ]

    async def health(self) -> Health:
        """Answers as long as the event loop does."""
        return {"status": "ok"}

    async def ready(self) -> Readiness:
        """Whether requests can be served: the database answers, and which services run."""
        await self.services.catalogue.ask(list_folders)
        states: dict[str, str] = {"scan": self.services.scan.progress.state, **self.services.supervisor.states}
        if states.get("analysis") == "running":
            states["analysis"] = self.services.analysis.progress.state
        if states.get("watch") == "running" and not self.services.watcher.state.watching:
            states["watch"] = "waiting"
        return {"ready": True, "services": states}

    async def version(self) -> Versions:
        """What runs here."""
        return {
            "version": __version__,
            "api": 1,
            "protocol": PROTOCOL_VERSION,
            "engine": ENGINE_VERSION,
            "schema": CHAIN[-1].version,
            "libraries": LIBRARIES,
        }

    async def status(self) -> Status:
        """What the server is doing at this moment, and within which bounds."""
        return await look(self.services)

    async def metrics(self) -> Annotated[Response, Media((CONTENT_TYPE,))]:
        """The figures of `/api/status` and the totals of the library, in the text format of Prometheus."""
        text = write_metrics(await look(self.services), self.services.requests.durations(), await self._totals())
        return Response(text, 200, {"Cache-Control": "no-store"}, content_type=CONTENT_TYPE)

    async def _totals(self) -> Statistics | None:
        """The library's totals; None where it does not answer: the rest is told all the same."""
        try:
            return await self.services.catalogue.ask(statistics)
        except (TimedOut, Busy):
            return None
