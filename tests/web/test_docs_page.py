"""The page on every route: it works offline, by keyboard and on a phone, and its shell lines can be run."""

import json
import shlex
import subprocess
from typing import Any
from urllib.request import urlopen

import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Page, expect

from tests.web.player_page import Run

PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def document(empty_url: str) -> dict[str, Any]:
    with urlopen(f"{empty_url}/api/openapi.json") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def routes_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"method": method.upper(), "path": path, "operation": operation}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def test_every_route_stands_on_the_page_and_opens_to_all_that_is_said_of_it(
    page: Page, empty_url: str, document: dict[str, Any]
) -> None:
    page.goto(f"{empty_url}/api/docs")
    expect(page.locator("#note")).to_contain_text(f"{len(routes_of(document))} routes")
    expect(page.locator(".route")).to_have_count(len(routes_of(document)))
    import_ = page.locator("#post_api_playlists_import")
    import_.locator("> summary").click()
    for text in ("Make a playlist of an M3U", "folder", "audio/mpegurl", "201", "playlist_required", "curl -X POST"):
        expect(import_).to_contain_text(text)
    import_.locator("summary", has_text="ImportedPlaylist").click()
    expect(import_).to_contain_text("unknown")
    assert page.url.endswith("#post_api_playlists_import")


def test_all_routes_can_be_opened(page: Page, empty_url: str) -> None:
    page.goto(f"{empty_url}/api/docs")
    expect(page.locator("#note")).to_contain_text("routes")
    page.evaluate("() => { for (const one of document.querySelectorAll('.route')) one.open = true; }")
    expect(page.locator(".route .inside")).to_have_count(page.locator(".route").count())


def test_it_is_used_by_keyboard(page: Page, empty_url: str) -> None:
    page.goto(f"{empty_url}/api/docs")
    expect(page.locator("#note")).to_contain_text("routes")
    page.keyboard.press("/")
    page.keyboard.type("get /api/albums/{album_id}/tracks")
    expect(page.locator(".route:visible")).to_have_count(1)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('.route > summary')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#get_api_albums_album_id_tracks .inside")).to_contain_text("Which part of an album")
    page.keyboard.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type("nothing of the kind")
    expect(page.locator("#note")).to_have_text("Nothing is found.")


def test_an_address_leads_to_its_route(page: Page, empty_url: str) -> None:
    page.goto(f"{empty_url}/api/docs#get_metrics")
    expect(page.locator("#get_metrics .inside")).to_be_in_viewport()


def test_nothing_is_wider_than_a_phone(page: Page, empty_url: str) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(f"{empty_url}/api/docs#get_api_stream_track_id_chunk_index")
    inside = page.locator("#get_api_stream_track_id_chunk_index .inside")
    expect(inside).to_be_visible()
    page.evaluate("() => { for (const one of document.querySelectorAll('.route')) one.open = true; }")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    assert inside.get_by_role("button", name="Copy").bounding_box()["height"] >= 44  # type: ignore[index]


def test_a_line_is_copied_or_at_least_marked(page: Page, empty_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=empty_url)
    page.goto(f"{empty_url}/api/docs#get_api_version")
    page.locator("#get_api_version").get_by_role("button", name="Copy").click()
    expect(page.locator("#get_api_version").get_by_role("button", name="Copied")).to_be_visible()
    line = page.evaluate("() => navigator.clipboard.readText()")
    assert line == f"curl '{empty_url}/api/version'"
    page.context.clear_permissions()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.locator("#get_api_version").get_by_role("button", name="Copied").click()
    assert page.evaluate("() => getSelection().toString()").strip() == line


def test_every_line_says_a_request_that_is_as_described(modules: Run, document: dict[str, Any]) -> None:
    lines = modules(
        """const { curl } = await load("docs/curl.js");
        return given.routes.map((route) => curl(given.document, route, "http://here"));""",
        {"document": document, "routes": routes_of(document)},
    )
    for line, route in zip(lines, routes_of(document), strict=True):
        words = shlex.split(line)
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        assert (words[0], method) == ("curl", route["method"])
        assert "{" not in words[-1]
        content = route["operation"].get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        assert "Content-Type: application/json" in words
        data = json.loads(words[words.index("-d") + 1])
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(data)


def test_a_line_can_be_run_as_it_is(modules: Run, empty_url: str, document: dict[str, Any]) -> None:
    [route] = [one for one in routes_of(document) if one["path"] == "/api/playlists" and one["method"] == "POST"]
    line = modules(
        """const { curl } = await load("docs/curl.js");
        return curl(given.document, given.route, location.origin);""",
        {"document": document, "route": route},
    )
    done = subprocess.run([*shlex.split(line), "-s"], capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout)["name"] == "text"
