"""The player page: a handful of static files, read once at the start and served from memory."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from quart import Response, request
from werkzeug.datastructures import Headers

from auralis_trio.errors import NotFound
from auralis_trio.web.answers import Media, caching, not_modified
from auralis_trio.web.query import Anything
from auralis_trio.web.ranges import is_unchanged
from auralis_trio.web.routes import Route

HTML = "text/html"

FOLDER = Path(__file__).parent / "player"


@dataclass(frozen=True)
class StaticFile:
    """One file of the page."""

    data: bytes
    media_type: str
    etag: str


def read_page() -> dict[str, StaticFile]:
    """Every file of the page, by its name relative to the page's folder; blocking."""
    return {
        path.relative_to(FOLDER).as_posix(): _static(path, path.read_bytes())
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file()
    }


def _static(path: Path, data: bytes) -> StaticFile:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(data, media_type, hashlib.blake2b(data, digest_size=10).hexdigest())


def _opener_policy(headers: Headers) -> dict[str, str]:
    """No other page gets hold of this one's window.

    Browsers heed that only where nobody on the way can have changed it, and complain of it elsewhere (HTML, section
    7.1.3); only there do they say what they fetch for (Fetch Metadata).
    """
    return {"Cross-Origin-Opener-Policy": "same-origin"} if "sec-fetch-dest" in headers else {}


@dataclass(frozen=True)
class Page:
    """The routes of the page."""

    files: Mapping[str, StaticFile]

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/", self.index),
            Route("GET", "/player/<path:name>", self.file),
            Route("GET", "/api/docs", self.docs),
        ]

    async def index(self, query: Anything) -> Annotated[Response, Media((HTML,), conditional=True)]:
        """The player page."""
        return self._answer("index.html")

    async def docs(self, query: Anything) -> Annotated[Response, Media((HTML,), conditional=True)]:
        """A page on every route of this server, made of `/api/openapi.json`."""
        return self._answer("docs/index.html")

    async def file(self, name: str, query: Anything) -> Annotated[Response, Media(("*/*",), conditional=True)]:
        """One of the files of these pages."""
        return self._answer(name)

    def _answer(self, name: str) -> Response:
        static = self.files.get(name)
        if static is None:
            raise NotFound
        headers = {**caching(static.etag), **_opener_policy(request.headers)}
        if is_unchanged(request.headers, static.etag):
            return not_modified(headers)
        return Response(static.data, 200, headers, content_type=static.media_type)
