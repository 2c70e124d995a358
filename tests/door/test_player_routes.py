"""The player over HTTP: the queue read and edited, commands, lost updates refused, and a server that starts again."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from auralis_trio.app import Server
from auralis_trio.stream.output import Place
from auralis_trio.web.server import route_table
from auralis_trio.wire.queue_orders import MAX_ENTRIES
from tests.door.test_collection_routes import make_track
from tests.player_client import open_player
from tests.serving import client_of, running_server, settings_for
from tests.stream.test_one_player import FakeOutput

PLAYER = "/api/player"
QUEUE = f"{PLAYER}/queue"
ROUTES = {
    ("GET", f"{PLAYER}/status"),
    ("POST", f"{PLAYER}/play"),
    ("POST", f"{PLAYER}/pause"),
    ("POST", f"{PLAYER}/resume"),
    ("POST", f"{PLAYER}/stop"),
    ("POST", f"{PLAYER}/next"),
    ("POST", f"{PLAYER}/previous"),
    ("POST", f"{PLAYER}/seek"),
    ("POST", f"{PLAYER}/jump"),
    ("GET", QUEUE),
    ("POST", QUEUE),
    ("POST", f"{QUEUE}/from"),
    ("POST", f"{QUEUE}/add"),
    ("POST", f"{QUEUE}/remove"),
    ("DELETE", f"{QUEUE}/<int:entry_id>"),
    ("PUT", f"{QUEUE}/move"),
    ("PUT", f"{QUEUE}/reorder"),
    ("POST", f"{QUEUE}/clear"),
    ("POST", f"{QUEUE}/shuffle"),
    ("POST", f"{QUEUE}/repeat"),
    ("POST", f"{QUEUE}/undo"),
    ("POST", f"{QUEUE}/redo"),
    ("GET", f"{QUEUE}/history"),
    ("POST", f"{QUEUE}/save"),
}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in (1, 2, 3):
        make_track(folder / f"{number}.flac", number, "Live" if number > 1 else "Own")
    return folder


class Listener:
    """A session that keeps the player's events."""

    id = "listener"

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell_nowait(self, topic: str, text: str) -> None:
        if topic == "player":
            self.told.append(json.loads(text))

    def sound_changed(self) -> None: ...

    def end(self, code: int, reason: str) -> None: ...

    def statistics(self) -> Any:
        return {}


async def tracks_in(http: httpx2.AsyncClient) -> list[int]:
    """The entries' tracks in order, page by page."""
    tracks: list[int] = []
    total = 1
    while len(tracks) < total:
        page = (await http.get(f"{QUEUE}?limit=2&offset={len(tracks)}")).json()
        assert [item["position"] for item in page["items"]] == list(
            range(len(tracks), len(tracks) + len(page["items"]))
        )
        assert all(item["track"]["id"] == item["track_id"] for item in page["items"])
        tracks += [item["track_id"] for item in page["items"]]
        total = page["total"]
    return tracks


async def numbers_in(http: httpx2.AsyncClient) -> list[int]:
    """The numbers that the entries' tracks have on their albums."""
    return [item["track"]["track_number"] for item in (await http.get(QUEUE)).json()["items"]]


async def refusal(http: httpx2.AsyncClient, path: str, body: Any, method: str = "POST") -> tuple[int, str]:
    answer = await http.request(method, f"{PLAYER}{path}", json=body)
    return answer.status_code, answer.json()["code"]


async def test_every_route_is_in_the_table(server: Server) -> None:
    table = {(route.method, route.rule) for route in route_table(server.services)}
    others = ("/api/player/enhancement", "/api/player/mastering")
    assert {each for each in table if each[1].startswith(PLAYER) and not each[1].startswith(others)} == ROUTES


async def test_the_queue_is_filled_edited_and_read_in_pages(http: httpx2.AsyncClient) -> None:
    assert (await http.get(QUEUE)).json()["items"] == []
    assert (await http.get(f"{PLAYER}/status")).json()["track"] is None
    answer = await http.post(QUEUE, json={"track_ids": [1, 2, 3], "start_index": 1})
    assert answer.json() == {
        "revision": 1,
        "total": 3,
        "current_entry_id": 2,
        "repeat": "off",
        "shuffled": False,
        "can_undo": True,
        "can_redo": False,
        "entry_ids": [1, 2, 3],
    }
    assert answer.headers["ETag"] == '"1"'
    added = await http.post(f"{QUEUE}/add", json={"track_ids": [3, 3], "next": True})
    assert added.json()["entry_ids"] == [4, 5]
    await http.post(f"{QUEUE}/add", json={"track_ids": [2]})
    assert await tracks_in(http) == [1, 2, 3, 3, 3, 2]
    await http.put(f"{QUEUE}/move", json={"entry_id": 6, "to_index": 0})
    await http.delete(f"{QUEUE}/4")
    await http.post(f"{QUEUE}/remove", json={"entry_ids": [5]})
    assert await tracks_in(http) == [2, 1, 2, 3]
    await http.put(f"{QUEUE}/reorder", json={"entry_ids": [3, 2, 1, 6]})
    assert await tracks_in(http) == [3, 2, 1, 2]
    await http.post(f"{QUEUE}/shuffle", json={"enabled": True, "seed": 4})
    shuffled = (await http.get(QUEUE)).json()
    assert (shuffled["shuffled"], shuffled["items"][0]["entry_id"]) == (True, 2)
    await http.post(f"{QUEUE}/shuffle", json={"enabled": False})
    assert await tracks_in(http) == [3, 2, 1, 2]
    assert (await http.post(f"{QUEUE}/repeat", json={"mode": "all"})).json()["repeat"] == "all"
    assert (await http.post(f"{QUEUE}/clear", json={})).json()["total"] == 0


async def test_edits_are_listed_taken_back_and_done_again(http: httpx2.AsyncClient) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2, 3]})
    await http.delete(f"{QUEUE}/2")
    await http.post(f"{QUEUE}/clear", json={})
    history = (await http.get(f"{QUEUE}/history")).json()
    assert history["undo"] == [
        {"action": "clear", "total": 2},
        {"action": "remove", "total": 3},
        {"action": "set", "total": 0},
    ]
    assert history["redo"] == []
    await http.post(f"{QUEUE}/undo", json={})
    undone = (await http.post(f"{QUEUE}/undo", json={})).json()
    assert (undone["total"], undone["can_redo"], undone["revision"]) == (3, True, 5)
    assert (await http.get(f"{QUEUE}/history")).json()["redo"] == [
        {"action": "remove", "total": 2},
        {"action": "clear", "total": 0},
    ]
    assert (await http.post(f"{QUEUE}/redo", json={})).json()["total"] == 2
    await http.post(f"{QUEUE}/redo", json={})
    assert await refusal(http, "/queue/redo", {}) == (409, "nothing_to_redo")


async def test_an_edit_for_a_queue_that_has_changed_meanwhile_is_refused(http: httpx2.AsyncClient) -> None:
    seen = (await http.post(QUEUE, json={"track_ids": [1, 2]})).headers["ETag"]
    assert (await http.post(f"{QUEUE}/add", json={"track_ids": [3]}, headers={"If-Match": seen})).status_code == 200
    for attempt in (
        http.post(f"{QUEUE}/clear", json={}, headers={"If-Match": seen}),
        http.post(f"{QUEUE}/clear", json={"revision": 1}),
        http.delete(f"{QUEUE}/1", headers={"If-Match": seen}),
        http.delete(f"{QUEUE}/1?revision=1"),
        http.post(f"{QUEUE}/clear", json={}, headers={"If-Match": '"of something else"'}),
        http.post(QUEUE, json={"track_ids": [1], "revision": 7}),
    ):
        answer = await attempt
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_revision")
    assert await tracks_in(http) == [1, 2, 3]
    assert (await http.post(f"{QUEUE}/clear", json={}, headers={"If-Match": "*"})).json()["total"] == 0


async def test_the_tag_of_a_queue_that_travelled_compressed_guards_an_edit_as_well(http: httpx2.AsyncClient) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2, 3] * 50})
    page = await http.get(f"{QUEUE}?limit=100", headers={"Accept-Encoding": "gzip"})
    assert page.headers["ETag"] == 'W/"1"'
    for known, status in (('W/"1"', 200), ('"7", W/"2"', 200), ('W/"1", "2"', 409), ('"3"', 200), ('W/"3"', 409)):
        answer = await http.post(f"{QUEUE}/add", json={"track_ids": [3]}, headers={"If-Match": known})
        assert answer.status_code == status
    both = await http.post(f"{QUEUE}/clear", json={"revision": 1}, headers={"If-Match": '"4"'})
    assert (both.status_code, both.json()["code"]) == (409, "stale_revision")


REFUSED: list[tuple[str, Any, int, str]] = [
    ("/queue", {"track_ids": []}, 422, "invalid_request"),
    ("/queue", {"track_ids": [1], "start_index": 1}, 422, "invalid_request"),
    ("/queue", {"track_ids": [1], "start_index": -1}, 422, "invalid_request"),
    ("/queue", {"track_ids": [1, 99, 2, 98]}, 404, "track_not_found"),
    ("/queue", {"track_ids": [1] * (MAX_ENTRIES + 1)}, 422, "invalid_request"),
    ("/queue", {"track_ids": [1], "tracks": 1}, 422, "invalid_request"),
    ("/queue", {"action": "add", "track_ids": [1]}, 422, "invalid_request"),
    ("/queue/add", {"track_ids": [1, 99]}, 404, "track_not_found"),
    ("/queue/add", {"track_ids": [1], "position": 4}, 422, "invalid_request"),
    ("/queue/add", {"track_ids": [1], "position": 1, "next": True}, 422, "invalid_request"),
    ("/queue/remove", {"entry_ids": [1, 99]}, 404, "entry_not_found"),
    ("/queue/repeat", {"mode": "twice"}, 422, "invalid_request"),
    ("/queue/shuffle", {}, 422, "invalid_request"),
    ("/queue/from", {}, 422, "invalid_request"),
    ("/queue/from", {"album_id": 1, "artist_id": 1}, 422, "invalid_request"),
    ("/queue/from", {"album_id": 99}, 404, "album_not_found"),
    ("/queue/from", {"artist_id": 99}, 404, "artist_not_found"),
    ("/queue/from", {"playlist_id": 99}, 404, "playlist_not_found"),
    ("/queue/save", {"name": ""}, 422, "invalid_request"),
    ("/play", {}, 409, "no_output"),
    ("/play", {"entry_id": 99}, 409, "no_output"),
    ("/resume", {}, 409, "no_output"),
    ("/jump", {"entry_id": 99}, 404, "entry_not_found"),
    ("/seek", {}, 422, "invalid_request"),
    ("/seek", {"position_s": 1, "start_frame": 1}, 422, "invalid_request"),
    ("/seek", {"position_s": -1}, 422, "invalid_request"),
    ("/pause", {"paused": True}, 422, "invalid_request"),
]


async def test_what_cannot_be_done_is_refused_with_a_code_and_changes_nothing(http: httpx2.AsyncClient) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2, 3]})
    before = (await http.get(f"{PLAYER}/status")).json()
    for path, body, status, code in REFUSED:
        assert (path, body, *await refusal(http, path, body)) == (path, body, status, code)
    assert (await http.get(f"{PLAYER}/status")).json() == before


async def test_ten_thousand_entries_fit_and_not_one_more(http: httpx2.AsyncClient) -> None:
    full = await http.post(QUEUE, json={"track_ids": [1, 2] * (MAX_ENTRIES // 2)})
    assert full.json()["total"] == MAX_ENTRIES
    assert await refusal(http, "/queue/add", {"track_ids": [1]}) == (409, "queue_full")
    last = (await http.get(f"{QUEUE}?offset={MAX_ENTRIES - 1}&limit=500")).json()
    assert [item["entry_id"] for item in last["items"]] == [MAX_ENTRIES]


async def test_unknown_tracks_are_named(http: httpx2.AsyncClient) -> None:
    answer = await http.post(QUEUE, json={"track_ids": [1, 77, 2, 78]})
    assert "77, 78" in answer.json()["detail"]


async def test_the_queue_is_saved_as_a_playlist_and_taken_from_one(http: httpx2.AsyncClient) -> None:
    assert await refusal(http, "/queue/save", {"name": "empty"}) == (409, "queue_empty")
    await http.post(QUEUE, json={"track_ids": [3, 1, 3]})
    saved = await http.post(f"{QUEUE}/save", json={"name": "Evening"})
    assert (saved.status_code, saved.json()["revision"]) == (201, 1)
    playlist = saved.json()["playlist"]
    assert (playlist["name"], playlist["tracks"]) == ("Evening", 3)
    await http.post(f"{QUEUE}/clear", json={})
    taken = await http.post(f"{QUEUE}/from", json={"playlist_id": playlist["id"], "start_index": 1})
    assert (taken.json()["total"], taken.json()["current_entry_id"]) == (3, 5)
    assert await tracks_in(http) == [3, 1, 3]
    albums = {album["title"]: album["id"] for album in (await http.get("/api/albums")).json()["items"]}
    assert (await http.post(f"{QUEUE}/from", json={"album_id": albums["Live"]})).status_code == 200
    assert await numbers_in(http) == [2, 3]
    assert (await http.post(f"{QUEUE}/from", json={"artist_id": 1, "start_index": 2})).status_code == 200
    assert await numbers_in(http) == [2, 3, 1]
    empty = (await http.post("/api/playlists", json={"name": "Nothing"})).json()["id"]
    assert await refusal(http, "/queue/from", {"playlist_id": empty}) == (422, "nothing_to_play")


async def test_commands_reach_who_plays_and_every_answer_says_how_it_stands(
    server: Server, http: httpx2.AsyncClient
) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2, 3]})
    player, output = server.services.sessions.player, FakeOutput("somebody")
    player.begin(output, None, None, takeover=False)
    player.sounding(output, 1, Place(441, 44_100))
    for path, body, done, state in [
        ("pause", {}, ("hold", True), "paused"),
        ("resume", {}, ("hold", False), "playing"),
        ("next", {}, ("play", 2, 0, False), "playing"),
        ("seek", {"position_s": 2}, ("play", 2, 2.0, False), "playing"),
        ("seek", {"start_frame": 5}, ("play", 2, 5.5 / 48_000, False), "playing"),
        ("previous", {}, ("play", 1, 0, False), "playing"),
        ("jump", {"entry_id": 3}, ("play", 3, 0, False), "playing"),
        ("play", {"entry_id": 2, "position_s": 0.5}, ("play", 2, 0.5, False), "playing"),
        ("stop", {}, ("stop",), "stopped"),
    ]:
        told = (await http.post(f"{PLAYER}/{path}", json=body)).json()
        assert (output.take(), told["state"], told["revision"]) == ([done], state, 1)
    status = (await http.get(f"{PLAYER}/status")).json()
    assert (status["entry_id"], status["track"]["id"], status["outputs"]) == (2, 2, [])
    assert status["boot"] == server.services.hub.boot


async def test_a_seek_behind_the_end_leads_to_the_end_also_while_nobody_plays(http: httpx2.AsyncClient) -> None:
    await http.post(QUEUE, json={"track_ids": [1]})
    told = (await http.post(f"{PLAYER}/seek", json={"position_s": 1e9})).json()
    status = (await http.get(f"{PLAYER}/status")).json()
    assert told["position_s"] == status["position_s"] == status["track"]["duration_s"]


async def test_the_status_says_what_is_heard_at_this_moment(server: Server, http: httpx2.AsyncClient) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2]})
    output = FakeOutput("somebody")
    server.services.sessions.player.begin(output, None, None, takeover=False)
    output.heard = (1, Place(22_050, 44_100))
    status = (await http.get(f"{PLAYER}/status")).json()
    assert (status["state"], status["position_s"], status["frame"], status["sample_rate"]) == (
        "playing", 0.5, 22_050, 44_100,
    )  # fmt: skip


async def test_who_connects_is_told_the_queue_and_what_is_heard_of_it(
    server: Server, http: httpx2.AsyncClient
) -> None:
    await http.post(QUEUE, json={"track_ids": [1, 2]})
    output = FakeOutput("somebody")
    server.services.sessions.player.begin(output, None, None, takeover=False)
    output.heard = (1, Place(22_050, 44_100))
    async with open_player(server.url) as client:
        state = client.hello["state"]
    assert [entry["entry_id"] for entry in state["queue"]["entries"]] == [1, 2]
    assert (state["player"]["outputs"], state["player"]["frame"]) == (["somebody"], 22_050)


async def test_every_change_is_told_to_sessions_and_numbered(server: Server, http: httpx2.AsyncClient) -> None:
    listener, hub = Listener(), server.services.hub
    with hub.join(listener):
        await http.post(QUEUE, json={"track_ids": [1, 2]})
        await http.post(f"{PLAYER}/next", json={})
        await http.post(f"{QUEUE}/repeat", json={"mode": "one"})
    assert [event["type"] for event in listener.told] == [
        "queue_changed",
        "player_state",
        "player_state",
        "queue_changed",
    ]
    numbers = [event["data"]["seq"] for event in listener.told]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert {event["data"]["boot"] for event in listener.told} == {hub.boot}
    assert listener.told[0]["data"]["entries"] == [{"entry_id": 1, "track_id": 1}, {"entry_id": 2, "track_id": 2}]
    assert listener.told[-1]["data"]["revision"] == 2


async def test_a_server_that_starts_again_has_the_queue_and_the_place_and_does_not_play(
    tmp_path: Path, music: Path
) -> None:
    settings = settings_for(tmp_path, music)
    async with running_server(settings) as server, client_of(server.url) as http:
        await http.post(QUEUE, json={"track_ids": [3, 1, 2], "start_index": 1})
        await http.post(f"{QUEUE}/shuffle", json={"enabled": True, "seed": 1})
        await http.post(f"{QUEUE}/repeat", json={"mode": "all"})
        queue = (await http.get(QUEUE)).json()
        output = FakeOutput("somebody")
        server.services.sessions.player.begin(output, None, None, takeover=False)
        output.heard = (2, Place(12_345, 44_100))
    async with running_server(settings, scanned=False) as server, client_of(server.url) as http:
        again = (await http.get(QUEUE)).json()
        status = (await http.get(f"{PLAYER}/status")).json()
        assert again == queue
        assert (status["state"], status["entry_id"], status["frame"], status["outputs"]) == ("paused", 2, 12_345, [])
        await http.post(f"{QUEUE}/shuffle", json={"enabled": False})
        assert await tracks_in(http) == [3, 1, 2]
        made = (await http.post(f"{QUEUE}/add", json={"track_ids": [1]})).json()
        assert (made["entry_ids"], made["revision"]) == ([4], queue["revision"] + 2)
