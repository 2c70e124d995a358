"""The OpenAPI document of a table of routes: read from the signatures of their views, and from nothing else.

What a request is read by describes it (see `routes`), records describe themselves, and errors are those of the tree.
quart-schema would describe routes by decorators of its own beside these signatures, and decode what is decoded here.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from quart import Response

from auralis_trio import __version__
from auralis_trio.errors import AuralisError, Busy, Forbidden, InvalidRequest, NotFound, TimedOut, TooMany
from auralis_trio.web.answers import Media, Told
from auralis_trio.web.problems import CONTENT_TYPE, Problem
from auralis_trio.web.query import Anything, BodyTooLarge, NoParameters
from auralis_trio.web.ranges import PreconditionFailed, RangeRefused
from auralis_trio.web.routes import CHANGES, JSON_TYPE, PARAMETER, Route
from auralis_trio.web.security import REFUSALS, TAKEN

Json = dict[str, Any]

ALWAYS = (InvalidRequest, Forbidden, TooMany, AuralisError, Busy, TimedOut)
"""What may be answered to anything."""

REF = "#/components/schemas/{name}"
RESPONSE_REF = "#/components/responses/{name}"
WORDS = {
    200: "It is done, or here it is.",
    201: "It is made.",
    202: "It is begun, and goes on.",
    204: "There is none.",
}

_KINDS: Mapping[str | None, Json] = {
    "int": {"type": "integer", "minimum": 0},
    "path": {"type": "string"},
    None: {"type": "string"},
}


def describe(routes: Sequence[Route]) -> Json:
    """The document.

    Raises:
        TypeError: the signature of a view does not say what is answered.
    """
    schemas = _Schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        path = paths.setdefault(route.path, {})
        path[route.method.lower()] = _operation(route, schemas)
    problems = {_problem_name(*problem): _problem(*problem) for route in routes for problem in _problems(route)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Auralis-Trio",
            "version": __version__,
            "summary": "A music server that masters a library while it streams.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components, "responses": problems},
    }


class _Schemas:
    """The JSON schema of every record in a table of routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        kinds = {repr(kind): kind for route in routes for kind in _kinds(route)}
        kinds[repr(Problem)] = Problem
        found, self.components = msgspec.json.schema_components(kinds.values(), ref_template=REF)
        self._found = dict(zip(kinds, found, strict=True))
        for schema in self.components.values():
            schema["description"] = inspect.cleandoc(schema.get("description", ""))
            _trim_tag(schema)

    def of(self, kind: Any) -> Json:
        """The schema of one of them."""
        return self._found[repr(kind)]


def _kinds(route: Route) -> Iterator[Any]:
    """The records that are sent, and those that are answered; parameters are told one by one."""
    if route.method in CHANGES:
        yield from _records_sent(route)
    yield from (record for _, record in _answers(route) if record is not None)


def _trim_tag(schema: Json) -> None:
    """Who sends a record by itself may leave out the name that tells it from others."""
    required = schema.get("required", [])
    for name in [name for name in required if set(schema["properties"][name]) == {"enum"}]:
        if len(schema["properties"][name]["enum"]) == 1 and not schema.get("additionalProperties", True):
            required.remove(name)


def _operation(route: Route, schemas: _Schemas) -> Json:
    # Of a view that has several bodies, the body says what is done.
    text = getattr(route.body, "__dict__", {}).get("__doc__") or route.view.__doc__ or ""
    summary, _, rest = inspect.cleandoc(text).partition("\n\n")
    query, parameters = _query(route)
    told = {"description": "\n\n".join(filter(None, [rest, query]))} if rest or query else {}
    operation: Json = {
        "operationId": "_".join([route.method.lower(), *re.findall(r"\w+", route.path)]),
        "tags": [_tag(route.rule)],
        "summary": " ".join(summary.split()),
        **told,
        "parameters": [*_path_parameters(route.rule), *parameters],
        "responses": dict(sorted(_responses(route, schemas))),
    }
    if route.method in CHANGES:
        # No body is an empty object, which is enough where nothing is required.
        operation["requestBody"] = {
            "content": _request_content(route, schemas),
            "required": _needs_body(route),
        }
    return operation


def _tag(rule: str) -> str:
    parts = [part for part in rule.split("/") if part]
    below = parts[1:] if parts[:1] == ["api"] else []
    return below[0] if len(below) > 1 or (below and below[0] in {"albums", "artists", "playlists"}) else "server"


def _path_parameters(rule: str) -> list[Json]:
    return [
        {"name": found["name"], "in": "path", "required": True, "schema": _KINDS[found["kind"]]}
        for found in PARAMETER.finditer(rule)
    ]


def _query(route: Route) -> tuple[str, list[Json]]:
    """What is said of the parameters behind the question mark, and these."""
    kind = route.query_kind
    if kind in (NoParameters, Anything):
        return "", []
    _, components = msgspec.json.schema_components([kind], ref_template=REF)
    record = components[kind.__name__]
    required = record.get("required", [])
    return _text_of(kind), [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(one)}
        for name, one in record["properties"].items()
    ]


def _text_of(record: type) -> str:
    """What a record says of its members, and what those say that it has them from."""
    texts = [vars(kind).get("__doc__") for kind in record.__mro__ if kind.__module__ != msgspec.Struct.__module__]
    return "\n\n".join(inspect.cleandoc(text) for text in texts if text and text != object.__doc__)


def _without_null(schema: Json) -> Json:
    """Behind a question mark nothing is said by leaving it out."""
    known = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(known) != 1:
        return schema
    kept = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    return {**known[0], **kept}


def _records_sent(route: Route) -> Iterator[Any]:
    """The kinds of JSON that a body can be."""
    kinds = get_args(route.body_kind) if isinstance(route.body_kind, UnionType) else [route.body_kind]
    yield from (kind for kind in kinds if kind not in (None, bytes))


def _request_content(route: Route, schemas: _Schemas) -> Json:
    # Bytes have no schema: the kind of content says what they are.
    content: Json = {kind: {} for kind in sorted(TAKEN[route.content])}
    for record in _records_sent(route):
        content[JSON_TYPE] = {"schema": schemas.of(record)}
    return content


def _needs_body(route: Route) -> bool:
    bare = TAKEN[route.content] != {JSON_TYPE}
    return bare or any(field.required for kind in _records_sent(route) for field in msgspec.structs.fields(kind))


def _answers(route: Route) -> Iterator[tuple[int, Any]]:
    """Each status of a JSON answer with its record."""
    for kind in _alternatives(route.answer_kind):
        origin = get_origin(kind)
        if isinstance(origin, type) and issubclass(origin, Told):
            [record] = get_args(kind)
            yield origin.status, record
        elif not _is_response(kind):
            yield 200, kind


def _media(route: Route) -> Iterator[Media]:
    for kind in _alternatives(route.answer_kind):
        if _is_response(kind):
            said = [one for one in getattr(kind, "__metadata__", ()) if isinstance(one, Media)]
            if not said:
                raise TypeError(f"the view of {route.method} {route.rule} does not say what its response is")
            yield from said


def _alternatives(kind: Any) -> Sequence[Any]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else [kind]


def _is_response(kind: Any) -> bool:
    return (get_args(kind)[0] if get_origin(kind) is Annotated else kind) is Response


def _responses(route: Route, schemas: _Schemas) -> Iterator[tuple[str, Json]]:
    for status, record in _answers(route):
        yield str(status), {"description": WORDS[status], "content": {JSON_TYPE: {"schema": schemas.of(record)}}}
    for media in _media(route):
        content: Json = {kind: {} for kind in media.kinds}
        yield "200", {"description": WORDS[200], "content": content}
        if media.ranges:
            yield "206", {"description": "The part that the header Range asks for.", "content": content}
        if media.optional:
            yield "204", {"description": WORDS[204]}
        if media.conditional:
            yield "304", {"description": "The one that If-None-Match names is still the same."}
    for status, codes in _problems(route):
        yield str(status), {"$ref": RESPONSE_REF.format(name=_problem_name(status, codes))}


def _problems(route: Route) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each status of a problem, and its codes with what they mean."""
    kinds: dict[int, dict[str, str]] = {}
    for error in _errors(route):
        kinds.setdefault(error.status, {})[error.default_code] = error.text
    yield from kinds.items()


def _problem_name(status: int, codes: Mapping[str, str]) -> str:
    return "-".join([str(status), *codes])


def _problem(status: int, codes: Mapping[str, str]) -> Json:
    lines = [f"`{code}`: {text}" for code, text in codes.items()]
    content = {CONTENT_TYPE: {"schema": {"$ref": REF.format(name=Problem.__name__)}}}
    return {"description": "\n\n".join(lines), "content": content}


def _errors(route: Route) -> Iterator[type[AuralisError]]:
    yield from ALWAYS
    if "<" in route.rule:
        yield NotFound
    if route.method in CHANGES:
        yield from (BodyTooLarge, REFUSALS[route.content])
    for media in _media(route):
        if media.conditional:
            yield PreconditionFailed
        if media.ranges:
            yield RangeRefused
    for error in route.raises:
        yield from _with_kinds(error)


def _with_kinds(error: type[AuralisError]) -> Iterator[type[AuralisError]]:
    yield error
    for kind in error.__subclasses__():
        yield from _with_kinds(kind)
