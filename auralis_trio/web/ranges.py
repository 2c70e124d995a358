"""Conditional and partial requests (RFC 9110 sections 13 and 14), for bodies whose length is known."""

import re
from dataclasses import dataclass

from werkzeug.datastructures import Headers
from werkzeug.http import parse_etags, parse_range_header, quote_etag

from auralis_trio.errors import AuralisError

NOTHING_OF_IT = re.compile(r"bytes\s*=\s*-0+\s*", re.ASCII | re.IGNORECASE)
"""The last no bytes."""


@dataclass(frozen=True)
class Part:
    """What is to be sent of `total` bytes: from `start` up to, not including, `end`."""

    start: int
    end: int
    total: int
    partial: bool

    @property
    def status(self) -> int:
        """200 for all, 206 for a part."""
        return 206 if self.partial else 200

    def headers(self) -> dict[str, str]:
        """The headers that describe the part."""
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.end - self.start)}
        if self.partial:
            headers["Content-Range"] = f"bytes {self.start}-{self.end - 1}/{self.total}"
        return headers


class RangeRefused(AuralisError):
    """The range cannot be sent; the client learns how much there is."""

    status = 416
    default_code = "range_not_satisfiable"
    text = "The range lies outside of what there is; the header Content-Range says how much that is."

    def __init__(self, total: int, message: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.headers = {"Content-Range": f"bytes */{total}"}


class PreconditionFailed(AuralisError):
    """The client wants a version that is not there any more."""

    status = 412
    default_code = "precondition_failed"
    text = "This is another version by now. Ask for it without If-Match, or begin anew."


def is_unchanged(headers: Headers, etag: str) -> bool:
    """Whether the client has this already (`If-None-Match`, compared weakly).

    Raises:
        PreconditionFailed: it wants another version than this (`If-Match`, compared strongly).
    """
    wanted = headers.get("If-Match")
    if wanted is not None and not parse_etags(wanted).contains(etag):
        raise PreconditionFailed
    given = headers.get("If-None-Match")
    return given is not None and parse_etags(given).contains_weak(etag)


def requested_part(method: str, headers: Headers, etag: str, total: int) -> Part:
    """The part that `Range` and `If-Range` ask for; all of it where they are absent, malformed or outdated.

    Raises:
        RangeRefused: the range lies outside, or there are several.
    """
    whole = Part(0, total, total, partial=False)
    if method == "GET" and NOTHING_OF_IT.fullmatch(headers.get("Range", "")):  # taken for all of it by Werkzeug
        raise RangeRefused(total)
    wanted = parse_range_header(headers.get("Range"))
    if method != "GET" or wanted is None or wanted.units != "bytes":
        return whole
    # Compared strongly: a weak validator, or a date, does not say that the bytes are the same.
    if "If-Range" in headers and headers["If-Range"] != quote_etag(etag):
        return whole
    if len(wanted.ranges) > 1:
        raise RangeRefused(total, "Ask for one range at a time.", code="multiple_ranges")
    first, end = wanted.ranges[0]
    if first < 0:  # so many from the end; of what is shorter, all
        first = max(0, total + first)
    if first >= total:
        raise RangeRefused(total)
    return Part(first, total if end is None else min(end, total), total, partial=True)
