"""What the library can be narrowed down by."""

from dataclasses import dataclass

from quart import Response

from auralis_trio.library.facets import facets
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services


@dataclass(frozen=True)
class FacetsApi:
    """What stands under `/api/library/facets`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [Route("GET", "/api/library/facets", self.facets)]

    async def facets(self) -> Response:
        """Genres, years, decades and formats, each with how many tracks it has."""
        query(NoParameters)
        return json_response(await self.services.catalogue.ask(facets))
