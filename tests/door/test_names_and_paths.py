"""What names hold comes out as it went in, and nothing that is written where a path could be reaches one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from mutagen.flac import FLAC

from auralis_trio.app import Server
from auralis_trio.library.m3u import MEDIA_TYPE
from auralis_trio.web.server import route_table
from tests.jobs.test_scan import write_song
from tests.serving import running_server, settings_for

LONG = "Ein sehr langer Name mit Ümläuten 🎶 " * 260
NAMES = {
    "markup": '<script>alert("1")</script> & <b>bold</b> &amp; \'"><img src=x>',
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301\u0302 🎵",
    "right to left": "שלום עולם \u202eabc\u202c مرحبا بالعالم",
    "long": LONG[:10_000].strip(),
    "sql": "'; DROP TABLE track; -- $track_id %s {ids} \\",
    "control": "tab\there",
}
SHOWN = {**NAMES, "control": "tab here"}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number, name in enumerate(NAMES.values()):
        tags = {"title": name, "artist": name, "artists": name, "album": name, "genre": name}
        write_song(folder / f"{number}.flac", **tags, tracknumber=str(number))  # type: ignore[arg-type]
    (tmp_path / "secret.txt").write_text("a secret beside the music")
    (folder / "out").symlink_to(tmp_path)
    (folder / "secret.flac").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music, allow_tag_edits=True)) as running:
        yield running


async def get(http: httpx2.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", NAMES)
async def test_a_name_comes_out_as_it_went_in(http: httpx2.AsyncClient, kind: str) -> None:
    tracks = (await get(http, "/api/library/tracks", limit=500))["items"]
    [track] = [track for track in tracks if track["title"] == SHOWN[kind]]
    assert (track["artist"], track["album"], track["genre"]) == (SHOWN[kind], SHOWN[kind], SHOWN[kind])
    assert (await get(http, f"/api/library/tracks/{track['id']}"))["title"] == SHOWN[kind]
    assert SHOWN[kind] in [one["title"] for one in (await get(http, "/api/albums", limit=500))["items"]]
    assert SHOWN[kind] in [one["name"] for one in (await get(http, "/api/artists", limit=500))["items"]]
    genres = [one["name"] for one in (await get(http, "/api/library/facets"))["genres"]]
    assert {part.strip() for part in SHOWN[kind].split(";")} <= set(genres), "several genres may stand in one tag"


async def test_pages_go_on_behind_names_of_every_kind(http: httpx2.AsyncClient) -> None:
    for sort in ("title", "-artist", "album"):
        titles: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await get(http, "/api/library/tracks", limit=1, sort=sort, **cursor)
            titles += [track["title"] for track in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert sorted(titles) == sorted(SHOWN.values())


async def test_a_playlist_is_called_what_it_was_called(http: httpx2.AsyncClient) -> None:
    for kind, name in NAMES.items():
        answer = await http.post("/api/playlists", json={"name": name})
        if kind == "long":
            assert answer.status_code == 422
        else:
            assert answer.json()["name"] == SHOWN[kind]
            exported = await http.get(f"/api/playlists/{answer.json()['id']}/export")
            assert (exported.status_code, exported.headers["content-type"]) == (200, MEDIA_TYPE)


async def test_links_out_of_the_folders_are_not_followed(http: httpx2.AsyncClient) -> None:
    assert (await get(http, "/api/library/tracks"))["total"] == len(NAMES)


PLACES = [
    "..",
    "../secret.txt",
    "../../etc/passwd",
    "/etc/passwd",
    "/",
    "out",
    "out/secret.txt",
    "a\0b",
    "\0",
    "x" * 10_000,
    "..%2f..%2fetc%2fpasswd",
    "....//secret.txt",
    "C:\\windows",
    "\udcff",
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
async def test_a_scan_of_a_place_that_is_none_of_the_folders_is_refused(
    http: httpx2.AsyncClient, tmp_path: Path, place: str
) -> None:
    before = await get(http, "/api/library/stats")
    answer = await http.post(
        "/api/library/scan",
        content=b'{"directories": ["%s"]}'
        % place.encode("utf-8", "surrogatepass").replace(b"\\", b"\\\\").replace(b"\0", b"\\u0000"),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert str(tmp_path) not in answer.text
    assert "secret" not in answer.text.replace(place, "")
    assert await get(http, "/api/library/stats") == before


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
async def test_an_imported_playlist_names_no_file_outside_of_the_library(
    http: httpx2.AsyncClient, tmp_path: Path, place: str
) -> None:
    text = place.encode("utf-8", "replace").decode()
    answer = await http.post("/api/playlists/import", json={"name": "list", "text": f"{text}\n"})
    assert answer.status_code == 422
    assert str(tmp_path) not in answer.text
    answer = await http.post("/api/playlists/import", json={"name": "list", "text": "0.flac\n", "folder": text})
    assert answer.status_code == 422
    assert (await get(http, "/api/playlists"))["total"] == 0


async def test_a_path_in_the_place_of_an_id_or_a_value_gets_4xx_and_no_file(
    server: Server, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Every route with something to fill in, and every place."""
    rules = [(route.method, route.rule) for route in route_table(server.services) if "<" in route.rule]
    for method, rule in rules:
        for place in PLACES[1:-1]:  # a client goes up by two dots itself
            parts = [quote(place, safe="") if part.startswith("<") else part for part in rule.split("/")]
            answer = await http.request(
                method, "/".join(parts), json=None if method in {"GET", "DELETE", "HEAD"} else {}
            )
            merged = answer.status_code == 308 and place.startswith("/")  # of two slashes the router makes one
            assert merged or 400 <= answer.status_code < 500, (method, rule, place)
            assert str(tmp_path) not in answer.text
            assert "a secret beside" not in answer.text


@pytest.mark.parametrize("parameter", ["sort", "search", "cursor", "limit", "offset"])
async def test_a_path_in_the_place_of_a_parameter_names_no_file(
    http: httpx2.AsyncClient, tmp_path: Path, parameter: str
) -> None:
    for place in PLACES[:-1]:
        answer = await http.get("/api/library/tracks", params={parameter: place})
        assert answer.status_code == 422 or (parameter == "search" and answer.status_code == 200)
        assert str(tmp_path) not in answer.text
        if answer.status_code == 200:
            assert {track["title"] for track in answer.json()["items"]} <= set(SHOWN.values())


async def test_no_answer_about_a_track_holds_where_its_file_lies(
    server: Server, http: httpx2.AsyncClient, tmp_path: Path, music: Path
) -> None:
    assert FLAC(music / "0.flac")["title"] == [NAMES["markup"]]  # type: ignore[no-untyped-call]
    paths = [
        route.rule for route in route_table(server.services) if route.method == "GET" and "audio" not in route.rule
    ]
    for rule in paths:
        if "<path:" in rule:
            continue
        answer = await http.get("/".join("1" if part.startswith("<") else part for part in rule.split("/")))
        assert str(tmp_path) not in answer.text, rule
