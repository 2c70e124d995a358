"""The server's own description: the OpenAPI document of all routes, this one included."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from quart import Response, request

from auralis_trio.offload import Lane
from auralis_trio.web.answers import Media, caching, not_modified
from auralis_trio.web.openapi import describe
from auralis_trio.web.ranges import is_unchanged
from auralis_trio.web.routes import JSON_TYPE, Route
from auralis_trio.web.services import Services


@dataclass
class DescriptionApi:
    """What stands under `/api/openapi.json`; `table` is the whole table of routes."""

    services: Services
    table: Sequence[Route]
    _document: bytes = field(default=b"")

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [Route("GET", "/api/openapi.json", self.openapi)]

    async def openapi(self) -> Annotated[Response, Media((JSON_TYPE,), conditional=True)]:
        """This description, as OpenAPI 3.1."""
        if not self._document:
            # A tenth of a second's work, once.
            limit_s = self.services.settings.read_deadline_s
            self._document = await self.services.offload.run(Lane.DISK, _written, self.table, deadline_s=limit_s)
        etag = hashlib.blake2b(self._document, digest_size=10).hexdigest()
        headers = caching(etag)
        if is_unchanged(request.headers, etag):
            return not_modified(headers)
        return Response(self._document, 200, headers, content_type=JSON_TYPE)


def _written(table: Sequence[Route]) -> bytes:
    return msgspec.json.encode(describe(table))
