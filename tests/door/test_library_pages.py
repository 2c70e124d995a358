"""The lists of a library through the door: gone on with by cursors while a scan adds to it, at a fixed cost each."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio
from pony.orm.core import Database

from auralis_trio.app import Server
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.folders import add_folder
from auralis_trio.library.playlists import PlaylistText, create_playlist
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.smart import SmartRules
from auralis_trio.library.store import Library, open_library
from tests.library.conftest import probed_file
from tests.postgres import Postgres
from tests.serving import client_of, running_server, settings_for

EVERYTHING: dict[str, Any] = {"match": {"all": []}, "sort": "artist"}

LISTS = [
    "/api/library/tracks?sort=title",
    "/api/library/tracks?sort=-artist",
    "/api/library/tracks?sort=year",
    "/api/library/tracks?search=song",
    "/api/library/tracks?search=song&sort=-album",
    "/api/albums?sort=-year",
    "/api/artists?sort=name",
    "/api/albums/1/tracks?sort=number",
    "/api/artists/1/tracks?sort=-title",
    "/api/artists/1/albums?sort=title",
    "/api/library/tracks/favorites?sort=rating",
    "/api/library/tracks/recently-added?limit=5",
    "/api/library/tracks/recently-played?limit=5",
    "/api/library/tracks/most-played?limit=5",
    "/api/library/tracks/random?seed=3",
    "/api/playlists?sort=created",
    "/api/playlists/1/tracks?sort=position",
    "/api/playlists/2/tracks?limit=5",
]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a library is to lie."""
    if request.param == "sqlite":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


def fill(library: Library, numbers: range) -> None:
    for first in numbers[::500]:
        apply_batch(library, [song(number) for number in numbers[first : first + 500]], 5000)


def song(number: int) -> ProbedFile:
    return probed_file(
        f"{number}.wav",
        title=f"Song {number % 7}",
        artist="Nina" if number % 3 else None,
        album=f"Album {number % 4}",
        year=1990 + number % 5 if number % 2 else None,
        genre=f"Genre {number % 3}",
        lyrics="la la",
        album_artist="Nina",
    )


@dataclass(frozen=True)
class Full:
    """A server with a library of so many tracks, and a client of it."""

    server: Server
    http: httpx2.AsyncClient


@asynccontextmanager
async def serving(tmp_path: Path, tracks: int, url: str = "") -> AsyncIterator[Full]:
    await trio.to_thread.run_sync(prepare, tmp_path, tracks, url)
    settings = settings_for(tmp_path, tmp_path / "music", database_url=url)
    async with (
        running_server(settings, scanned=False) as server,
        client_of(server.url) as http,
    ):
        yield Full(server, http)


def prepare(tmp_path: Path, tracks: int, url: str) -> None:
    """Make the library before the server opens it."""
    (tmp_path / "music").mkdir(parents=True)
    library = open_library(tmp_path / "data", url)
    add_folder(library, "/music", 1)
    fill(library, range(tracks))
    with library.writing():
        library.db.execute(
            "UPDATE track SET favorite = TRUE, rating = id % 5, play_count = 1, last_played_ns = id % 9"
        )
    create_playlist(library, PlaylistText(name="own"), range(1, tracks + 1))
    create_playlist(library, PlaylistText(name="smart", rules=SmartRules(**EVERYTHING)))
    for number in range(tracks):
        create_playlist(library, PlaylistText(name=f"list {number % 3}"))
    library.close()


async def get(http: httpx2.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await http.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def key_of(item: dict[str, Any]) -> int:
    if "track" not in item:
        return int(item["id"])
    return int(item["entry_id"] or item["track"]["id"])


async def test_every_list_is_gone_on_with_by_cursor_while_a_scan_adds_to_it(
    tmp_path: Path, database_url: str
) -> None:
    made = count(1000)
    async with serving(tmp_path, 25, database_url) as full:
        for path in LISTS:
            whole = [
                key_of(item) for item in (await get(full.http, f"{path}&limit=500".replace("limit=5&", "")))["items"]
            ]
            met: list[int] = []
            cursor: dict[str, str] = {}
            while True:
                page = await get(full.http, path.replace("limit=5", "") + "&limit=4", **cursor)
                assert page["offset"] == len(met)
                assert page["total"] >= len(whole)
                met += map(key_of, page["items"])
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
                await full.server.services.catalogue.tell(apply_batch, [song(next(made))], 6000)
            assert len(set(met)) == len(met), path
            assert [one for one in met if one in whole] == whole, path


async def test_a_preview_of_rules_is_gone_on_with_by_cursor(tmp_path: Path) -> None:
    async with serving(tmp_path, 12) as full:
        met: list[int] = []
        cursor = None
        while True:
            body = {"rules": EVERYTHING, "limit": 5, "cursor": cursor}
            page = (await full.http.post("/api/playlists/preview", json=body)).json()
            met += [item["id"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert sorted(met) == list(range(1, 13))


async def test_a_cursor_is_taken_only_where_it_belongs(tmp_path: Path) -> None:
    async with serving(tmp_path, 8) as full:
        cursor = (await get(full.http, "/api/library/tracks?limit=2&sort=title"))["next_cursor"]
        for path in (
            f"/api/library/tracks?sort=-title&cursor={cursor}",
            f"/api/library/tracks?sort=title&search=song&cursor={cursor}",
            f"/api/library/tracks/favorites?sort=title&cursor={cursor}",
            "/api/library/tracks?cursor=AAAA",
            "/api/library/tracks?cursor=%00",
        ):
            answer = await full.http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor"), path
        answer = await full.http.get(f"/api/library/tracks?sort=title&offset=1&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


VIEWS = [
    *LISTS,
    "/api/library/tracks?search=year:1990- genre:genre",
    "/api/library/tracks/1",
    "/api/library/stats",
    "/api/library/facets",
    "/api/library/duplicates",
    "/api/library/duplicates?by=tags",
    "/api/albums/1",
    "/api/artists/1",
    "/api/playlists/1",
    "/api/playlists/2",
    "/api/playlists/1/export",
    "/api/metadata/edits",
]


async def test_a_view_asks_as_much_of_the_database_for_a_thousand_tracks_as_for_ten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    really = Database._exec_sql

    def counted(db: Database, sql: str, *args: Any, **options: Any) -> Any:
        sent.append(sql)
        return really(db, sql, *args, **options)

    monkeypatch.setattr(Database, "_exec_sql", counted)
    asked: dict[int, dict[str, int]] = {}
    for tracks in (10, 1_000):
        async with serving(tmp_path / str(tracks), tracks) as full:
            asked[tracks] = {}
            for path in VIEWS:
                sent.clear()
                assert (await full.http.get(path)).status_code == 200
                asked[tracks][path] = len(sent)
    assert asked[10] == asked[1_000]
    assert 0 < max(asked[10].values()) <= 10
    assert min(asked[10].values()) > 0
