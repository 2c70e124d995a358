"""The whole server on a PostgreSQL of its own, as a process: what a listener does, across a restart, and alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.door.test_collection_routes import make_track
from tests.postgres import Postgres
from tests.serving import LIMIT_S, run_command, server_process


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number in (1, 2, 3):
        make_track(folder / "Live" / f"{number}.flac", number, "Live", genre="Jazz", date="1990", lyrics="la")
    return folder


def get(http: httpx2.Client, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_a_listener_does_is_kept_in_the_database_that_was_named(
    tmp_path: Path, music: Path, database_url: str
) -> None:
    scan = run_command("scan", music, "--data-dir", tmp_path / "one", "--database-url", database_url)
    assert (scan.returncode, scan.stdout[:7]) == (0, "3 added")
    with (
        server_process(tmp_path / "one", music, database_url=database_url) as server,
        httpx2.Client(base_url=server.url, timeout=LIMIT_S) as http,
    ):
        page = get(http, "/api/library/tracks?sort=-title&limit=2")
        rest = get(http, f"/api/library/tracks?sort=-title&limit=2&cursor={page['next_cursor']}")
        titles = [track["title"] for track in (*page["items"], *rest["items"])]
        assert (titles, rest["next_cursor"], rest["total"]) == (["Title 3", "Title 2", "Title 1"], None, 3)
        assert get(http, '/api/library/tracks?search=artist:ni "title 2" year:1990-')["total"] == 1
        assert get(http, "/api/library/facets")["years"] == [{"year": 1990, "tracks": 3}]
        track_id = page["items"][0]["id"]
        assert http.put(f"/api/library/tracks/{track_id}/rating", json={"rating": 5}).status_code == 200
        rules = {"match": {"field": "rating", "operator": "is", "value": 5}}
        assert http.post("/api/playlists", json={"name": "best", "rules": rules}).status_code == 201
        assert len(http.get(f"/api/stream/{track_id}/audio.wav").content) > 44
    assert not (tmp_path / "one" / "library.sqlite3").exists()
    with (
        server_process(tmp_path / "other", music, database_url=database_url) as server,
        httpx2.Client(base_url=server.url, timeout=LIMIT_S) as http,
    ):
        [best] = get(http, "/api/playlists")["items"]
        found = get(http, f"/api/playlists/{best['id']}/tracks")["items"]
        assert [entry["track"]["id"] for entry in found] == [track_id]
        assert http.post("/api/library/reset", json={"confirm": "reset"}).status_code == 200
        assert get(http, "/api/library/stats")["tracks"] == 0


def test_a_second_server_or_scan_on_one_database_is_refused_with_a_sentence(
    tmp_path: Path, music: Path, database_url: str
) -> None:
    with server_process(tmp_path / "one", music, database_url=database_url):
        for command in ("serve", "scan"):
            second = run_command(command, music, "--data-dir", tmp_path / "two", database_url=database_url, port=0)
            assert second.returncode == 1
            assert "Another Auralis-Trio works with this database." in second.stderr
            assert "Traceback" not in second.stderr
