"""What the server says of itself: OpenAPI that is valid, whole, and true of what it answers."""

import re
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
import soundfile
from jsonschema import ValidationError
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart import Response

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from auralis_trio.web.answers import Accepted, Created, Media
from auralis_trio.web.openapi import describe
from auralis_trio.web.routes import Route
from auralis_trio.web.security import PICTURE_TYPES, Content
from auralis_trio.web.server import route_table
from tests.described import Description, Json

RATE = 44_100
PROBLEMS = ("403", "404", "409", "412", "415", "416", "422", "429", "500", "503", "504")
PAGES = {"/", "/api/docs", "/player/<path:name>"}
CONTENT_TYPES = {
    Content.JSON: "application/json",
    Content.PICTURE: "image/png",
    Content.PLAYLIST: "audio/mpegurl",
    Content.AUDIO: "audio/flac",
}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / "one.flac", synthesise(2.0, RATE, 2, seed=1), RATE, subtype="PCM_16")
    return folder


@pytest.fixture
async def document(http: httpx2.AsyncClient) -> Json:
    found: Json = (await http.get("/api/openapi.json")).json()
    return found


def operations(document: Json) -> list[Json]:
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_the_document_is_valid_and_has_every_route(server: Server, document: Json) -> None:
    OpenAPIV31SpecValidator(document).validate()
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(route.method, route.path) for route in route_table(server.services)}
    assert all(operation["summary"].endswith((".", "?")) for operation in operations(document))


async def test_who_has_the_document_is_not_sent_it_again(http: httpx2.AsyncClient) -> None:
    first = await http.get("/api/openapi.json")
    again = await http.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_what_is_not_described_is_refused_behind_every_question_mark(
    server: Server, http: httpx2.AsyncClient
) -> None:
    for route in route_table(server.services):
        if route.rule in PAGES:
            continue
        path = re.sub(r"{\w+}", "1", route.path)
        headers = {} if route.method in {"GET", "DELETE"} else {"Content-Type": CONTENT_TYPES[route.content]}
        answer = await http.request(route.method, f"{path}?no_such_thing=1", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), route
        assert "There is no no_such_thing" in answer.json()["detail"], route


async def test_every_member_that_is_described_is_known_and_every_other_is_refused(
    server: Server, http: httpx2.AsyncClient, document: Json
) -> None:
    for route in route_table(server.services):
        body = document["paths"][route.path][route.method.lower()].get("requestBody", {}).get("content", {})
        if "application/json" not in body:
            continue
        schema = document["components"]["schemas"][body["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        assert schema["additionalProperties"] is False, route
        given = {"no_such_thing": 1}
        answer = await http.request(route.method, re.sub(r"{\w+}", "1", route.path), json=given)
        detail = answer.json()["detail"]
        assert answer.status_code == 422, route
        names = re.search(r"what can be given is ([a-z0-9_, ]+)", detail)
        if names is not None:
            assert set(names[1].split(", ")) == schema["properties"].keys() - {"action"}, route


async def test_parameters_say_what_they_take(document: Json) -> None:
    chunk = document["paths"]["/api/stream/{track_id}/chunk/{index}"]["get"]["parameters"]
    told = {one["name"]: one for one in chunk}
    assert told["track_id"] == {
        "name": "track_id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
    assert told["encoding"]["schema"] == {"enum": ["f32", "flac", "s16", "s24", "wav"], "default": "wav"}
    assert told["intensity"]["schema"] == {"type": "number", "minimum": 0, "maximum": 1, "default": 1.0}
    assert told["reference"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    [track_id] = [
        one for one in document["paths"]["/api/processing/parameters"]["get"]["parameters"] if one["required"]
    ]
    assert (track_id["name"], track_id["in"]) == ("track_id", "query")


async def test_errors_come_from_the_tree_with_their_codes_and_what_to_do(document: Json) -> None:
    told = document["paths"]["/api/stream/{track_id}/audio.wav"]["get"]["responses"]
    assert told.keys() == {"200", "206", "304", *PROBLEMS}
    name = told["404"]["$ref"].rpartition("/")[2]
    response = document["components"]["responses"][name]
    assert "`track_missing`: This track's file is missing." in response["description"]
    assert response["content"].keys() == {"application/problem+json"}


async def told_number() -> dict[str, int]:
    """A number.

    And more on it.
    """
    return {"number": 1}


async def bare() -> Response:
    """Nothing is known of this."""
    return Response(b"")


async def several(number: int) -> Created[dict[str, int]] | Accepted[dict[str, str]]:
    """One of two."""
    return Created({})


async def picture() -> Annotated[Response, Media(("image/png",), optional=True)]:
    """A picture, if there is one."""
    return Response(b"")


def described(*routes: Route) -> Json:
    return describe(routes)


def test_a_view_that_does_not_say_what_it_answers_is_not_described() -> None:
    with pytest.raises(TypeError, match="GET /bare"):
        described(Route("GET", "/bare", bare))


def test_all_that_a_signature_says_is_told() -> None:
    told = described(
        Route("POST", "/one/<int:number>", several),
        Route("GET", "/picture", picture),
        Route("PUT", "/picture", told_number, content=Content.PICTURE),
    )
    one, both = told["paths"]["/one/{number}"]["post"], told["paths"]["/picture"]
    assert {"201", "202", "404", "415"} < one["responses"].keys()
    assert "200" not in one["responses"]
    assert both["get"]["responses"]["200"]["content"] == {"image/png": {}}
    assert "content" not in both["get"]["responses"]["204"]
    assert (both["put"]["summary"], both["put"]["description"]) == ("A number.", "And more on it.")
    assert both["put"]["requestBody"] == {"required": True, "content": {kind: {} for kind in sorted(PICTURE_TYPES)}}


def answer(told: Any, status: int = 200, kind: str = "application/json") -> httpx2.Response:
    request = httpx2.Request("GET", "http://here/api/health")
    return httpx2.Response(status, json=told, headers={"Content-Type": kind}, request=request)


async def test_an_answer_that_is_not_as_described_is_found_out(document: Json) -> None:
    """The checks that every answer of these tests goes through do find something."""
    description = Description(document)
    description.check(answer({"status": "ok"}))
    for wrong in ({}, {"status": "ill"}, {"status": "ok", "more": 1}):
        with pytest.raises(ValidationError):
            description.check(answer(wrong))
    for status, kind in ((418, "application/json"), (200, "text/html")):
        with pytest.raises(AssertionError):
            description.check(answer({"status": "ok"}, status, kind))
