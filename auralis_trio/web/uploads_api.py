"""Uploads: one file a request, as it is, so that no foreign form can send one, and each has an answer of its own."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import request
from werkzeug.http import parse_options_header

from auralis_trio.audio.formats import FORMATS
from auralis_trio.errors import Conflict, OutputError, SourceError, WorkerDied
from auralis_trio.jobs.uploads import (
    MAX_AT_ONCE,
    MAX_PATIENCE_S,
    PATIENCE_S,
    NoMusic,
    TooSlow,
    Uploaded,
    UploadStatistics,
)
from auralis_trio.web.answers import Created
from auralis_trio.web.query import body_parts
from auralis_trio.web.routes import Route
from auralis_trio.web.security import Content
from auralis_trio.web.services import Services

UPLOAD_ERRORS = (NoMusic, TooSlow, Conflict, OutputError, SourceError, WorkerDied)
"""What comes of a file that is not taken."""


class UploadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how long the answer waits for the scan to tell the track."""

    wait_s: Annotated[float, Meta(ge=0, le=MAX_PATIENCE_S)] = PATIENCE_S


class UploadRoom(UploadStatistics):
    """Whether files are taken, how large and how many at once, and how many are under way."""

    allowed: bool
    max_bytes: int
    max_at_once: int
    extensions: list[str]


@dataclass(frozen=True)
class UploadsApi:
    """What stands under `/api/library/uploads`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        place = "/api/library/uploads"
        return [
            Route("GET", place, self.uploads),
            Route("POST", place, self.upload, content=Content.AUDIO, raises=UPLOAD_ERRORS),
        ]

    async def uploads(self) -> UploadRoom:
        """Whether files are taken, how large and how many at once, and how many are under way."""
        uploads = self.services.uploads
        return {
            "allowed": uploads.place.folder is not None,
            "max_bytes": self.services.settings.max_upload_bytes,
            "max_at_once": MAX_AT_ONCE,
            "extensions": sorted({suffix for row in FORMATS if row.upload for suffix in row.suffixes}),
            **uploads.statistics(),
        }

    async def upload(self, query: UploadQuery) -> Uploaded | Created[Uploaded]:
        """Store the file in the body: 201, or 200 where the library has its audio already."""
        name = name_in(request.headers.get("Content-Disposition", ""))
        async with aclosing(body_parts(self.services.settings.max_upload_bytes)) as parts:
            done = await self.services.uploads.take(name, parts, query.wait_s)
        return done if done.duplicate else Created(done)


def name_in(disposition: str) -> str:
    """The file name in a `Content-Disposition` (RFC 6266), which programs also write as plain UTF-8; empty if none.

    >>> name_in("attachment; filename*=UTF-8''%C3%BCber.flac"), name_in('inline; filename="a.mp3"'), name_in("")
    ('über.flac', 'a.mp3', '')
    """
    name = parse_options_header(disposition)[1].get("filename", "")
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name
