"""Errors on their way to an HTTP client: `application/problem+json` (RFC 9457), made in this one place.

A problem has `type`, `title`, `status`, `detail` and a stable `code`. It never holds a path, a trace, or the words
of an exception that was not written for people.
"""

import logging
from http import HTTPStatus

import msgspec
from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from auralis_trio.errors import AuralisError, Busy

CONTENT_TYPE = "application/problem+json"
CODES = {
    400: ("bad_request", "The request is malformed. Send it as HTTP/1.1 has it."),
    404: ("not_found", "There is nothing under this address. Check its spelling."),
    405: (
        "method_not_allowed",
        "This address does not take that method; the header Allow names those that it takes.",
    ),
    408: ("request_timeout", "The request did not come to its end in time. Send it again."),
    413: ("body_too_large", "The request body is too large. Send less at once."),
    416: (
        "range_not_satisfiable",
        "The range lies outside of what there is; the header Content-Range says how much that is.",
    ),
    431: ("head_too_large", "The head of the request is too large. Send fewer headers, or a shorter address."),
    500: (AuralisError.default_code, AuralisError.text),
    501: ("coding_unknown", "This transfer coding is not known here. Send the body as it is, or chunked."),
    503: (Busy.default_code, Busy.text),
    505: ("version_unsupported", "This version of HTTP is not spoken here. Send the request as HTTP/1.1."),
}

log = logging.getLogger(__name__)


class Problem(msgspec.Struct, frozen=True):
    """Why there is no other answer: `code` is stable and for programs, `detail` says to people what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str


def problem(error: AuralisError) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for an error that was raised on purpose."""
    return error.status, error.headers, _body(error.status, error.code, error.message)


def plain_problem(status: int) -> bytes:
    """The body for what is known by its status alone."""
    code, text = CODES.get(status, ("http_error", HTTPStatus(status).phrase))
    return _body(status, code, text)


def log_refusal(method: str, path: str, error: AuralisError) -> None:
    """Tell the log what an answer came from, if it came from anything: in one line, since it was foreseen."""
    if error.__cause__ is not None:
        log.log(logging.WARNING if error.status >= 500 else logging.INFO, "%s %r: %s", method, path, error.log_line)


def install_problems(app: QuartTrio) -> None:
    """Answer every error of the application with a problem."""

    @app.errorhandler(AuralisError)
    async def on_error(error: AuralisError) -> Response:
        log_refusal(request.method, request.path, error)
        status, headers, body = problem(error)
        return Response(body, status, headers, content_type=CONTENT_TYPE)

    @app.errorhandler(HTTPException)
    async def on_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        kept = [(name, value) for name, value in error.get_headers() if name in {"Allow", "Content-Range"}]
        response = Response(plain_problem(status), status, content_type=CONTENT_TYPE)
        response.headers.extend(kept)
        return response

    @app.errorhandler(Exception)
    async def on_fault(error: Exception) -> Response:
        # A border: one request's failure must not reach the others, nor its words the client.
        log.error("request failed", exc_info=error)
        status, headers, body = problem(AuralisError())
        return Response(body, status, headers, content_type=CONTENT_TYPE)


def _body(status: int, code: str, text: str) -> bytes:
    return msgspec.json.encode(Problem("about:blank", HTTPStatus(status).phrase, status, text, code))
