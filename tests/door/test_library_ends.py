"""How scans and resets end through the door, whatever comes between: in one stated way, told once."""

import shutil
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio

from auralis_trio.app import Server
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.library.queries import get_track_file
from auralis_trio.library.store import Library
from tests.door.test_collection_routes import Listening, contents
from tests.jobs.test_scan import LAST_EVENTS, write_songs
from tests.jobs.test_scan_ends import mounted, unmounted
from tests.serving import LIMIT_S

SONGS = 30


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    write_songs(folder, SONGS)
    return folder


class Witness(Listening):
    """A session that also does something when it is first told of a kind, and knows when a scan has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.on: dict[str, Any] = {}
        self.ended = trio.Event()

    def tell_nowait(self, topic: str, text: str) -> None:
        if topic != "library":
            return
        super().tell_nowait(topic, text)
        kind = self.told[-1]["type"]
        self.on.pop(kind, bool)()
        if kind in LAST_EVENTS:
            self.ended.set()

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.told if event["type"] == kind]


@pytest.fixture
def heard(server: Server) -> Any:
    session = Witness()
    with server.services.hub.join(session):
        yield session


async def post(http: httpx2.AsyncClient, path: str, status: int, **body: Any) -> Any:
    answer = await http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def get(http: httpx2.AsyncClient, path: str) -> Any:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told_as_stated(heard: Witness) -> None:
    """One start, one end behind everything else, and a total that is there from the first progress on and stays."""
    kinds = [kind for kind in heard.kinds() if kind != "metadata_updated"]
    assert kinds.count("library_scan_started") == 1
    assert sum(kind in LAST_EVENTS for kind in kinds) == 1
    end = next(number for number, kind in enumerate(kinds) if kind in LAST_EVENTS)
    assert kinds[0] == "library_scan_started"
    assert set(kinds[end + 1 :]) <= {"library_updated"}
    totals = {data["total"] for data in heard.data("scan_progress")}
    assert len(totals) <= 1
    assert None not in totals


async def id_in(http: httpx2.AsyncClient, server: Server, folder: Path, name: str | None = None) -> int:
    """A track whose file lies in a folder."""
    for track in (await get(http, "/api/library/tracks?limit=500"))["items"]:
        file = await file_of(server, track["id"])
        if file.parent == folder and name in (None, file.name):
            return int(track["id"])
    raise AssertionError("there is none")


async def file_of(server: Server, track_id: int) -> Path:
    return Path((await server.services.catalogue.ask(get_track_file, track_id)).path)


class HeldWriter:
    """Something long that writes to the library, so that others who write wait for it."""

    def __init__(self) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()

    def __call__(self, library: Library) -> None:
        with library.writing():
            self.begun.set()
            assert self.gate.wait(20)


async def test_a_reset_during_a_scan_ends_it_and_then_forgets_everything_but_no_file(
    server: Server, http: httpx2.AsyncClient, music: Path, heard: Witness
) -> None:
    files = contents(music)
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS
    writer = HeldWriter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.services.catalogue.tell, writer)
        await trio.to_thread.run_sync(writer.begun.wait, 20)
        await post(http, "/api/library/scan", 202, skip_existing=False)
        answers: list[Any] = []

        async def reset() -> None:
            answers.append(await post(http, "/api/library/reset", 200, confirm="reset"))

        nursery.start_soon(reset)
        await heard.ended.wait()
        refused = await post(http, "/api/library/scan", 409)
        assert refused["code"] == "reset_running"
        writer.gate.set()
    assert answers[0]["forgotten"]["tracks"] == SONGS
    told_as_stated(heard)
    assert [kind for kind in heard.kinds() if kind != "scan_progress"] == [
        "library_scan_started", "scan_complete", "library_updated",
    ]  # fmt: skip
    assert heard.data("scan_complete")[0]["cancelled"] is True
    assert heard.data("library_updated")[0]["reset"] is True
    stats = await get(http, "/api/library/stats")
    assert (stats["tracks"], stats["albums"], stats["artists"]) == (0, 0, 0)
    assert contents(music) == files
    await server.services.scan.run()
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS


async def test_a_reset_without_its_word_is_refused_and_says_what_to_send(http: httpx2.AsyncClient) -> None:
    for body in ({}, {"confirm": "yes"}, {"confirm": None}):
        problem = await post(http, "/api/library/reset", 422, **body)
        assert problem["code"] == "confirmation_required"
        assert '{"confirm": "reset"}' in problem["detail"]
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS


async def test_a_missing_track_is_forgotten_with_all_that_hangs_on_it_and_one_that_is_there_is_not(
    server: Server, http: httpx2.AsyncClient, music: Path, heard: Witness
) -> None:
    tracks = (await get(http, "/api/library/tracks?limit=3"))["items"]
    ids = [track["id"] for track in tracks]
    made = (await http.post("/api/playlists", json={"name": "own", "track_ids": [*ids, ids[0]]})).json()
    await post(http, "/api/player/queue/add", 200, track_ids=ids)
    refused = await http.delete(f"/api/library/tracks/{ids[0]}")
    assert (refused.status_code, refused.json()["code"]) == (409, "track_present")
    gone = await file_of(server, ids[0])
    gone.rename(music.parent / "away")
    await server.services.scan.run()
    assert (await get(http, "/api/library/stats"))["missing"] == 1
    assert (await http.delete(f"/api/library/tracks/{ids[0]}")).status_code == 200
    for again in (ids[0], 10**9):
        assert (await http.delete(f"/api/library/tracks/{again}")).status_code == 404
    stats = await get(http, "/api/library/stats")
    assert (stats["tracks"], stats["missing"]) == (SONGS - 1, 0)
    entries = (await get(http, f"/api/playlists/{made['id']}/tracks"))["items"]
    assert [(entry["position"], entry["track"]["id"]) for entry in entries] == [(0, ids[1]), (1, ids[2])]
    queue = (await get(http, "/api/player/queue"))["items"]
    assert [entry["track"]["id"] for entry in queue] == ids[1:]
    assert heard.data("library_updated")[-1]["forgotten"] == 1
    (music.parent / "away").rename(gone)
    await server.services.scan.run()
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS


async def test_a_track_whose_file_is_there_again_is_not_forgotten_though_no_scan_has_seen_it(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    file = await file_of(server, 1)
    file.rename(music.parent / "away")
    await server.services.scan.run()
    (music.parent / "away").rename(file)
    assert (await http.delete("/api/library/tracks/1")).json()["code"] == "track_present"


async def test_all_missing_tracks_are_forgotten_at_once_where_that_is_confirmed(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    left = next(iter(contents(music)))
    for name in contents(music):
        if name != left:
            (music / name).unlink()
    await server.services.scan.run()
    refused = await post(http, "/api/library/missing/forget", 422)
    assert refused["code"] == "confirmation_required"
    assert '{"confirm": "forget"}' in refused["detail"]
    writer = HeldWriter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.services.catalogue.tell, writer)
        await trio.to_thread.run_sync(writer.begun.wait, 20)
        await post(http, "/api/library/scan", 202)
        refused = await post(http, "/api/library/missing/forget", 409, confirm="forget")
        assert refused["code"] == "scan_running"
        writer.gate.set()
    await server.services.scan.wait_idle()
    answer = await post(http, "/api/library/missing/forget", 200, confirm="forget")
    assert answer == {"forgotten": SONGS - 1}
    stats = await get(http, "/api/library/stats")
    assert (stats["tracks"], stats["missing"], stats["artists"]) == (1, 0, 1)


async def test_files_that_are_back_are_not_forgotten_with_the_others_though_no_scan_has_seen_them(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    files = [await file_of(server, track_id) for track_id in (1, 2, 3)]
    for file in files:
        file.rename(music.parent / file.name)
    await server.services.scan.run()
    for file in files[:2]:
        (music.parent / file.name).rename(file)
    assert await post(http, "/api/library/missing/forget", 200, confirm="forget") == {"forgotten": 1}
    assert (await server.services.scan.run()).back == 2
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS - 1


async def test_a_file_that_no_scan_would_find_does_not_keep_its_track_from_being_forgotten(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    left_out = await file_of(server, 1)
    (left_out.parent / ".nomedia").touch()
    await server.services.scan.run()
    assert (await get(http, "/api/library/stats"))["missing"] == 10
    assert (await http.delete("/api/library/tracks/1")).status_code == 200
    assert await post(http, "/api/library/missing/forget", 200, confirm="forget") == {"forgotten": 9}
    assert left_out.exists()


def emptied(folder: Path) -> None:
    for inner in folder.iterdir():
        shutil.rmtree(inner)


async def test_a_track_of_a_disk_that_is_away_is_not_forgotten_and_that_of_an_emptied_folder_is_after_a_scan(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    unmounted(music)
    await server.services.scan.run()
    assert (await http.delete("/api/library/tracks/1")).json()["code"] == "track_unavailable"
    assert await post(http, "/api/library/missing/forget", 200, confirm="forget") == {"forgotten": 0}
    mounted(music)
    emptied(music)
    assert (await http.delete("/api/library/tracks/1")).json()["code"] == "track_unavailable"
    assert (await server.services.scan.run()).missing == SONGS
    assert (await http.delete("/api/library/tracks/1")).status_code == 200


async def copied_and_scanned(server: Server, source: Path, copy: Path) -> None:
    await trio.to_thread.run_sync(shutil.copytree, source, copy)
    await server.services.scan.run()


@pytest.mark.parametrize("apart", [False, True], ids=["one scan", "only where it went"])
async def test_what_is_copied_and_then_deleted_keeps_its_id_rating_and_playlist(
    server: Server, http: httpx2.AsyncClient, music: Path, apart: bool
) -> None:
    old, copy = music / "album 0", music / "new" / "copy"
    track_id = await id_in(http, server, old)
    await http.put(f"/api/library/tracks/{track_id}/rating", json={"rating": 5})
    made = (await http.post("/api/playlists", json={"name": "own", "track_ids": [track_id]})).json()
    await copied_and_scanned(server, old, copy)
    assert (await get(http, "/api/library/stats"))["tracks"] == SONGS + 10
    await trio.to_thread.run_sync(shutil.rmtree, old)
    (music / "album 0").mkdir()
    progress = await server.services.scan.run(ScanOrder([str(old)] if apart else None))
    assert (progress.moved, progress.missing, progress.failed, progress.done) == (10, 0, 0, progress.total)
    assert {change["file"].split("/")[1] for change in (await get(http, "/api/library/scan/report"))["items"]} == {
        "new"
    }
    stats = await get(http, "/api/library/stats")
    assert (stats["tracks"], stats["missing"]) == (SONGS, 0)
    track = await get(http, f"/api/library/tracks/{track_id}")
    assert (track["rating"], track["missing"]) == (5, False)
    assert (await file_of(server, track_id)).parent == copy
    [entry] = (await get(http, f"/api/playlists/{made['id']}/tracks"))["items"]
    assert entry["track"]["id"] == track_id


@pytest.mark.parametrize("use", ["rating", "favorite", "playlist", "queue"])
async def test_a_copy_that_means_something_to_a_listener_stays_itself(
    server: Server, http: httpx2.AsyncClient, music: Path, use: str
) -> None:
    old, copy = music / "album 0", music / "copy"
    track_id = await id_in(http, server, old)
    await copied_and_scanned(server, old, copy)
    copy_id = await id_in(http, server, copy, (await file_of(server, track_id)).name)
    uses: dict[str, tuple[str, str, Any]] = {
        "rating": ("PUT", f"/api/library/tracks/{copy_id}/rating", {"rating": 0}),
        "favorite": ("POST", f"/api/library/tracks/{copy_id}/favorite", {}),
        "playlist": ("POST", "/api/playlists", {"name": "own", "track_ids": [copy_id]}),
        "queue": ("POST", "/api/player/queue/add", {"track_ids": [copy_id]}),
    }
    method, url, sent = uses[use]
    assert (await http.request(method, url, json=sent)).status_code in (200, 201)
    await trio.to_thread.run_sync(shutil.rmtree, old)
    progress = await server.services.scan.run()
    assert (progress.moved, progress.missing) == (9, 1)
    assert (await file_of(server, copy_id)).parent == copy
    assert (await get(http, f"/api/library/tracks/{track_id}"))["missing"] is True


async def test_a_copy_whose_file_has_gone_as_well_is_missing_too(server: Server, music: Path) -> None:
    await copied_and_scanned(server, music / "album 0", music / "copy")
    for folder in ("album 0", "copy"):
        await trio.to_thread.run_sync(shutil.rmtree, music / folder)
    progress = await server.services.scan.run(ScanOrder([str(music)]))
    assert (progress.missing, progress.failed, progress.moved) == (20, 0, 0)


@pytest.mark.parametrize("moment", ["library_scan_started", "scan_progress"])
async def test_a_folder_that_goes_during_a_scan_is_named_and_none_of_its_tracks_is_marked_missing(
    http: httpx2.AsyncClient, music: Path, heard: Witness, moment: str
) -> None:
    away = music.with_name("away")
    heard.on[moment] = lambda: music.rename(away)
    await post(http, "/api/library/scan", 202, skip_existing=False)
    with trio.fail_after(LIMIT_S):
        await heard.ended.wait()
    told_as_stated(heard)
    [end] = heard.data("scan_complete")
    assert (end["state"], end["missing"], end["unavailable"]) == ("finished", 0, ["music"])
    assert end["failed"] == (SONGS if moment == "scan_progress" else 0)
    assert (await get(http, "/api/library/stats"))["missing"] == 0
    reasons = {change["reason"] for change in (await get(http, "/api/library/scan/report"))["items"]}
    assert reasons <= {"track_missing"}
    away.rename(music)


async def test_of_two_scans_asked_for_at_once_one_runs_and_the_other_is_refused(
    http: httpx2.AsyncClient, heard: Witness
) -> None:
    answers: list[int] = []

    async def scan() -> None:
        answers.append((await http.post("/api/library/scan", json={"skip_existing": False})).status_code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(scan)
        nursery.start_soon(scan)
    with trio.fail_after(LIMIT_S):
        await heard.ended.wait()
    assert sorted(answers) == [202, 409]
    told_as_stated(heard)
    assert heard.data("scan_complete")[0]["updated"] == SONGS


async def test_a_cancelled_scan_ends_once(http: httpx2.AsyncClient, heard: Witness, server: Server) -> None:
    heard.on["scan_progress"] = server.services.scan.cancel_nowait
    await post(http, "/api/library/scan", 202, skip_existing=False)
    with trio.fail_after(LIMIT_S):
        await heard.ended.wait()
    told_as_stated(heard)
    assert heard.data("scan_complete")[0]["state"] == "cancelled"
    assert (await post(http, "/api/library/scan/cancel", 409))["code"] == "no_scan"
