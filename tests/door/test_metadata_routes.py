"""Tags through the door: read, edited, undone; what is refused changes nothing, and no answer holds a path."""

import hashlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio
import trio.testing

from auralis_trio.app import Server
from auralis_trio.jobs.watch import WatchState
from auralis_trio.library.tag_fields import EDITABLE
from tests.door.test_collection_routes import picture
from tests.library.test_tags import make_tagged
from tests.serving import LIMIT_S, client_of, running_server, settings_for

ROUTES = {
    ("GET", "/api/metadata/tracks/<int:track_id>"),
    ("GET", "/api/metadata/tracks/<int:track_id>/fields"),
    ("PUT", "/api/metadata/tracks/<int:track_id>"),
    ("POST", "/api/metadata/batch"),
    ("GET", "/api/metadata/edits"),
    ("POST", "/api/metadata/undo/<int:edit_id>"),
    ("GET", "/api/library/scan/report"),
}
HOSTILE = ["../../etc/passwd", "/etc/passwd", "nul\0", "x" * 10_240]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in ("a.flac", "b.mp3"):
        make_tagged(folder / name)
    return folder


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music, allow_tag_edits=True)) as running:
        yield running


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


async def test_tags_are_read_written_listed_and_given_back(http: httpx2.AsyncClient, music: Path) -> None:
    before = hashes(music)
    [first] = [t for t in (await http.get("/api/library/tracks")).json()["items"] if t["format"] == "flac"]
    url = f"/api/metadata/tracks/{first['id']}"
    read = (await http.get(url)).json()
    assert (read["track_id"], read["format"], read["metadata"]["track_total"]) == (first["id"], "flac", 12)
    fields = (await http.get(f"{url}/fields")).json()
    assert (fields["editable"], [field["name"] for field in fields["fields"]]) == (True, list(EDITABLE))
    odd = "<img src=x onerror=alert(1)> \u202e\u05e9\u05dc\u05d5\u05dd \U0001f3a7" + "ж" * 5_000
    written = await http.put(url, json={"title": odd, "bpm": 99, "comment": None})
    assert written.status_code == 200
    edit = written.json()
    assert (edit["updated_fields"], edit["metadata"]["title"]) == (["bpm", "comment", "title"], odd)
    assert (await http.get(f"/api/library/tracks/{first['id']}")).json()["title"] == odd
    batch = {"updates": [{"track_id": track_id, "metadata": {"album": "One"}} for track_id in (1, 2)]}
    both = await http.post("/api/metadata/batch", json=batch)
    assert (both.status_code, both.json()["track_ids"]) == (200, [1, 2])
    for edit_id in (both.json()["edit_id"], edit["edit_id"]):
        assert (await http.post(f"/api/metadata/undo/{edit_id}", json={})).status_code == 200
    assert hashes(music) == before
    edits = (await http.get("/api/metadata/edits")).json()
    assert [one["state"] for one in edits["items"]] == ["done", "done", "undone", "undone"]


async def test_a_picture_that_was_set_follows_the_tracks_of_its_album_and_comes_back_with_them(
    http: httpx2.AsyncClient, music: Path
) -> None:
    async def album() -> tuple[str, int, bytes | None]:
        [only] = (await http.get("/api/albums")).json()["items"]
        found = await http.get(f"/api/albums/{only['id']}/artwork")
        return only["title"], only["id"], found.content if found.status_code == 200 else None

    def renamed(title: str) -> dict[str, object]:
        return {"updates": [{"track_id": track_id, "metadata": {"album": title}} for track_id in (1, 2)]}

    assert (await http.post("/api/metadata/batch", json=renamed("Al"))).status_code == 200
    _, first_id, _ = await album()
    png = picture((200, 10, 10))
    sent = await http.post(f"/api/albums/{first_id}/artwork", content=png, headers={"Content-Type": "image/png"})
    assert sent.status_code == 200
    edit = (await http.post("/api/metadata/batch", json=renamed("Al!"))).json()
    title, next_id, shown = await album()
    assert (title, next_id > first_id, shown) == ("Al!", True, png)
    assert (await http.post(f"/api/metadata/undo/{edit['edit_id']}", json={})).status_code == 200
    title, _, shown = await album()
    assert (title, shown) == ("Al", png)


async def test_a_batch_with_one_bad_value_changes_nothing(http: httpx2.AsyncClient, music: Path) -> None:
    before = hashes(music)
    for bad, told in (
        ({"album": 1}, "Track 2: album is a text"),
        ({"year": 0}, "Track 2: year is a whole number from 1"),
        ({"nothing": "x"}, "Track 2: Name one or more of these fields"),
        ({}, "Track 2: Name one or more of these fields"),
        (7, "The body cannot be used: updates[1].metadata is an object."),
    ):
        batch = [{"track_id": 1, "metadata": {"album": "One"}}, {"track_id": 2, "metadata": bad}]
        answer = await http.post("/api/metadata/batch", json={"updates": batch})
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
        assert answer.json()["detail"].startswith(told)
    twice = [{"track_id": 1, "metadata": {"album": "One"}}] * 2
    assert (await http.post("/api/metadata/batch", json={"updates": twice})).status_code == 422
    assert (await http.post("/api/metadata/batch", json={"updates": []})).status_code == 422
    assert hashes(music) == before


async def test_a_batch_with_one_file_that_cannot_be_written_names_its_track(
    http: httpx2.AsyncClient, music: Path
) -> None:
    before = hashes(music)
    (music / "b.mp3").rename(music / "away")
    missing = {track["format"]: track["id"] for track in (await http.get("/api/library/tracks")).json()["items"]}
    batch = [{"track_id": track_id, "metadata": {"album": "One"}} for track_id in (1, 2)]
    answer = await http.post("/api/metadata/batch", json={"updates": batch})
    assert (answer.status_code, answer.json()["code"]) == (404, "track_missing")
    assert answer.json()["detail"].startswith(f"Track {missing['mp3']}: ")
    (music / "away").rename(music / "b.mp3")
    assert hashes(music) == before


@pytest.mark.parametrize("name", HOSTILE)
async def test_paths_where_none_belong_change_nothing_and_are_refused(
    http: httpx2.AsyncClient, music: Path, name: str
) -> None:
    before = hashes(music)
    asked: list[tuple[str, str, Any]] = [
        ("PUT", "/api/metadata/tracks/1", {"path": name}),
        ("PUT", "/api/metadata/tracks/1", {"filepath": name}),
        ("POST", "/api/metadata/batch", {"updates": [{"track_id": name, "metadata": {"title": "x"}}]}),
        ("POST", "/api/library/scan", {"directories": [name]}),
        ("POST", "/api/library/scan", {"directory": name}),
    ]
    for method, url, body in asked:
        answer = await http.request(
            method, url, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500
    assert hashes(music) == before


@pytest.mark.parametrize("track_id", ["0", "999", "-1", "..%2f..%2fetc", "1%00", "9" * 30])
async def test_ids_that_are_none_are_not_found(http: httpx2.AsyncClient, track_id: str) -> None:
    assert (await http.get(f"/api/metadata/tracks/{track_id}")).status_code == 404
    assert (await http.put(f"/api/metadata/tracks/{track_id}", json={"title": "x"})).status_code == 404
    assert (await http.post(f"/api/metadata/undo/{track_id}", json={})).status_code == 404


async def test_no_answer_about_tags_or_scans_holds_a_path(http: httpx2.AsyncClient, music: Path) -> None:
    (music / "text.mp3").write_text("no music")
    texts = [
        (await http.get("/api/metadata/tracks/1")).text,
        (await http.get("/api/metadata/tracks/1/fields")).text,
        (await http.put("/api/metadata/tracks/1", json={"title": "x"})).text,
        (await http.get("/api/metadata/edits")).text,
        (await http.get("/api/library/scan/status")).text,
        (await http.get("/api/library/scan/report")).text,
    ]
    (music / "a.flac").unlink()
    texts += [(await http.put(f"/api/metadata/tracks/{track_id}", json={"title": "y"})).text for track_id in (1, 2)]
    assert all(str(music.parent) not in text and str(music) not in text for text in texts)
    assert "music/a.flac" in texts[5]


@contextmanager
def mounted_read_only(folder: Path) -> Iterator[None]:
    """A folder as a disk that can be read only; where this process may not mount, its rights are taken instead."""
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "--bind", folder, folder], check=False).returncode == 0
    if mounted:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    else:
        folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755) if not mounted else subprocess.run(["umount", folder], check=True)


async def test_a_folder_that_can_only_be_read_refuses_edits_and_the_server_starts_again(
    tmp_path: Path, music: Path
) -> None:
    before, settings = hashes(music), settings_for(tmp_path, music, allow_tag_edits=True)
    with mounted_read_only(music):
        async with running_server(settings) as server, client_of(server.url) as http:
            assert (await http.get("/api/metadata/tracks/1/fields")).json()["editable"] is False
            refused = await http.put("/api/metadata/tracks/1", json={"title": "x"})
            assert (refused.status_code, refused.json()["code"]) == (403, "folder_read_only")
            assert (await http.get("/api/metadata/edits")).json()["total"] == 0
        async with running_server(settings) as server:
            assert server.services.scan.progress.unchanged == len(before)
    assert hashes(music) == before


@pytest.mark.parametrize("folder", [".", os.fsdecode(b"l\xe9")], ids=["root", "no text"])
async def test_a_running_server_hears_of_a_new_file_by_itself(tmp_path: Path, music: Path, folder: str) -> None:
    (music / folder).mkdir(exist_ok=True)
    async with running_server(settings_for(tmp_path, music, watch=True)) as server:
        while not server.services.gauges["watch"]().watching:
            await trio.testing.wait_all_tasks_blocked(0.01)
        with trio.fail_after(LIMIT_S):
            make_tagged(tmp_path / "new.flac")
            (tmp_path / "new.flac").rename(music / folder / "new.flac")
            while not any("new" in change.file for change in server.services.scan.report.changes):
                await trio.testing.wait_all_tasks_blocked(0.01)
        async with client_of(server.url) as http:
            for watching, state in ((True, "running"), (False, "waiting")):
                server.services.watcher.state = WatchState(watching)
                assert (await http.get("/api/ready")).json()["services"]["watch"] == state


async def test_without_leave_tags_are_shown_and_not_written(tmp_path: Path, music: Path) -> None:
    before = hashes(music)
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
    ):
        assert (await http.get("/api/metadata/tracks/1")).status_code == 200
        assert (await http.get("/api/metadata/tracks/1/fields")).json()["editable"] is False
        refused = [
            await http.put("/api/metadata/tracks/1", json={"title": "x"}),
            await http.post("/api/metadata/undo/1", json={}),
        ]
        assert [(one.status_code, one.json()["code"]) for one in refused] == [(403, "tag_edits_off")] * 2
    assert hashes(music) == before
