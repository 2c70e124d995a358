"""What the library can be narrowed down by."""

from dataclasses import dataclass

from auralis_trio.library.facets import Facets, facets
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services


@dataclass(frozen=True)
class FacetsApi:
    """What stands under `/api/library/facets`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [Route("GET", "/api/library/facets", self.facets)]

    async def facets(self) -> Facets:
        """Genres, years, decades and formats, each with how many tracks it has."""
        return await self.services.catalogue.ask(facets)
