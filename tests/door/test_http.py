"""What HTTP clients rely on: ranges, conditions, errors, and that every route of the table answers."""

import json
import re
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from auralis_trio.web.security import Content
from auralis_trio.web.server import route_table
from tests.door.test_collection_routes import ROUTES as COLLECTION_ROUTES
from tests.door.test_medley_routes import ROUTES as MEDLEY_ROUTES
from tests.door.test_metadata_routes import ROUTES as METADATA_ROUTES
from tests.door.test_player_routes import ROUTES as PLAYER_ROUTES
from tests.web.raw_client import connected, upgrade

RATE = 44_100


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / "one.flac", synthesise(12.0, RATE, 2, seed=1), RATE, subtype="PCM_16")
    return folder


JSON = {"Content-Type": "application/json"}
ROUTES = {
    ("GET", "/"): ("/", 200),
    ("GET", "/player/<path:name>"): ("/player/app.js", 200),
    ("GET", "/api/health"): ("/api/health", 200),
    ("GET", "/api/ready"): ("/api/ready", 200),
    ("GET", "/api/version"): ("/api/version", 200),
    ("GET", "/api/status"): ("/api/status", 200),
    ("GET", "/api/library/tracks"): ("/api/library/tracks?limit=1&sort=-title&search=one", 200),
    ("GET", "/api/library/tracks/<int:track_id>"): ("/api/library/tracks/1", 200),
    ("DELETE", "/api/library/tracks/<int:track_id>"): ("/api/library/tracks/1", 409),
    ("POST", "/api/library/missing/forget"): ("/api/library/missing/forget", 422),
    ("GET", "/api/library/stats"): ("/api/library/stats", 200),
    ("GET", "/api/library/duplicates"): ("/api/library/duplicates?by=tags&sort=-artist&limit=2", 200),
    ("GET", "/api/audio/formats"): ("/api/audio/formats", 200),
    ("GET", "/api/library/uploads"): ("/api/library/uploads", 200),
    ("POST", "/api/library/uploads"): ("/api/library/uploads", 415),
    ("GET", "/api/library/facets"): ("/api/library/facets", 200),
    ("GET", "/api/albums"): ("/api/albums", 200),
    ("GET", "/api/artists"): ("/api/artists", 200),
    ("POST", "/api/library/scan"): ("/api/library/scan", 202),
    ("GET", "/api/library/scan/status"): ("/api/library/scan/status", 200),
    ("GET", "/api/library/scan/report"): ("/api/library/scan/report", 200),
    ("POST", "/api/library/scan/cancel"): ("/api/library/scan/cancel", 409),
    ("POST", "/api/library/reset"): ("/api/library/reset", 422),
    ("GET", "/api/stream/<int:track_id>/metadata"): ("/api/stream/1/metadata", 200),
    ("GET", "/api/stream/<int:track_id>/chunk/<int:index>"): ("/api/stream/1/chunk/0", 200),
    ("GET", "/api/stream/<int:track_id>/audio.wav"): ("/api/stream/1/audio.wav", 200),
    ("GET", "/api/stream/<int:track_id>/audio.flac"): ("/api/stream/1/audio.flac", 200),
    ("GET", "/api/stream/<int:track_id>/audio.opus"): ("/api/stream/1/audio.opus", 200),
    ("GET", "/api/stream/<int:track_id>/file"): ("/api/stream/1/file", 200),
    ("GET", "/api/stream/<int:track_id>/receipt"): ("/api/stream/1/receipt", 202),
    ("POST", "/api/stream/<int:track_id>/receipt/cancel"): ("/api/stream/1/receipt/cancel", 409),
    ("GET", "/api/processing/presets"): ("/api/processing/presets", 200),
    ("GET", "/api/processing/dimensions"): ("/api/processing/dimensions", 200),
    ("GET", "/api/processing/parameters"): ("/api/processing/parameters?track_id=1&preset=warm&intensity=0.5", 200),
    ("GET", "/api/library/tracks/<int:track_id>/profile"): ("/api/library/tracks/1/profile", 200),
    ("GET", "/api/albums/<int:album_id>/profile"): ("/api/albums/1/profile", 404),
    ("GET", "/api/library/analysis/status"): ("/api/library/analysis/status", 200),
    ("GET", "/api/player/mastering/recommendation/<int:track_id>"): ("/api/player/mastering/recommendation/1", 200),
    ("GET", "/api/cache/stats"): ("/api/cache/stats", 200),
    ("GET", "/api/cache/health"): ("/api/cache/health", 200),
    ("POST", "/api/cache/clear"): ("/api/cache/clear", 200),
    ("GET", "/api/cache/track/<int:track_id>/status"): ("/api/cache/track/1/status", 200),
    ("DELETE", "/api/cache/track/<int:track_id>"): ("/api/cache/track/1", 200),
    ("GET", "/api/settings"): ("/api/settings", 200),
    ("PUT", "/api/settings"): ("/api/settings", 200),
    ("GET", "/api/player/enhancement/status"): ("/api/player/enhancement/status", 200),
    ("POST", "/api/player/enhancement/toggle"): ("/api/player/enhancement/toggle", 422),
    ("POST", "/api/player/enhancement/preset"): ("/api/player/enhancement/preset", 422),
    ("POST", "/api/player/enhancement/intensity"): ("/api/player/enhancement/intensity", 422),
}


@pytest.mark.parametrize(("route", "call"), ROUTES.items(), ids=[" ".join(route) for route in ROUTES])
async def test_every_route_answers(
    server: Server, http: httpx2.AsyncClient, route: tuple[str, str], call: tuple[str, int]
) -> None:
    table = {(one.method, one.rule) for one in route_table(server.services)}
    assert table == set(ROUTES) | COLLECTION_ROUTES | MEDLEY_ROUTES | METADATA_ROUTES | PLAYER_ROUTES
    answer = await http.request(route[0], call[0], headers={} if route[0] == "GET" else JSON)
    assert answer.status_code == call[1]


async def test_chunks_in_every_encoding_hold_the_same_frames(
    http: httpx2.AsyncClient, music: Path, tmp_path: Path
) -> None:
    expected, _ = soundfile.read(music / "one.flac", dtype="int16", frames=221_184)
    for encoding, suffix in (("wav", ".wav"), ("flac", ".flac")):
        answer = await http.get(f"/api/stream/1/chunk/0?encoding={encoding}")
        (tmp_path / f"chunk{suffix}").write_bytes(answer.content)
        decoded, _ = soundfile.read(tmp_path / f"chunk{suffix}", dtype="float32")
        assert np.array_equal(decoded * 32768, expected)
    assert (await http.get("/api/stream/1/chunk/0?encoding=s16")).content == expected.astype("<i2").tobytes()
    s24 = np.frombuffer((await http.get("/api/stream/1/chunk/0?encoding=s24")).content, np.uint8).reshape(-1, 3)
    assert np.array_equal(s24[:, 1:].copy().view("<i2").reshape(-1, 2), expected)
    f32 = np.frombuffer((await http.get("/api/stream/1/chunk/0?encoding=f32")).content, "<f4").reshape(-1, 2)
    assert np.array_equal(f32 * 32768, expected)


async def test_a_chunk_says_where_it_lies_and_may_be_kept(http: httpx2.AsyncClient) -> None:
    revision = (await http.get("/api/stream/1/metadata")).json()["revision"]
    answer = await http.get(f"/api/stream/1/chunk/1?revision={revision}")
    assert answer.headers["X-Chunk-Start-Frame"] == "221184"
    assert answer.headers["X-Chunk-Frames"] == "221184"
    assert answer.headers["X-Cache"] == "miss"
    assert "immutable" in answer.headers["Cache-Control"]
    again = await http.get("/api/stream/1/chunk/1")
    assert again.headers["X-Cache"] == "hit"
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert again.headers["Cache-Control"] == "no-cache"
    fresh = await http.get("/api/stream/1/chunk/1", headers={"If-None-Match": answer.headers["ETag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")


async def test_a_url_that_spells_out_the_defaults_is_the_same_chunk(http: httpx2.AsyncClient) -> None:
    short = await http.get("/api/stream/1/chunk/0")
    spelled_out = "/api/stream/1/chunk/0?enhanced=false&preset=adaptive&intensity=1&encoding=wav"
    assert (await http.get(spelled_out)).headers["ETag"] == short.headers["ETag"]


async def test_a_stale_revision_is_a_conflict(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/api/stream/1/chunk/0?revision=old")
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_revision")


@pytest.mark.parametrize("resource", ["audio.wav", "file", "audio.wav?encoding=s24"])
async def test_ranges_are_cut_from_the_whole(http: httpx2.AsyncClient, resource: str) -> None:
    whole = await http.get(f"/api/stream/1/{resource}")
    size = len(whole.content)
    head = await http.head(f"/api/stream/1/{resource}")
    assert head.headers["Content-Length"] == str(size)
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.content == b""
    for wanted, start, end in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-77", size - 77, size),
        (f"bytes=500000-{size + 9}", 500_000, size),
        ("bytes=43-880001", 43, 880_002),
    ]:
        part = await http.get(f"/api/stream/1/{resource}", headers={"Range": wanted})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.content == whole.content[start:end]
    beyond = await http.get(f"/api/stream/1/{resource}", headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    several = await http.get(f"/api/stream/1/{resource}", headers={"Range": "bytes=0-1,5-6"})
    assert (several.status_code, several.json()["code"]) == (416, "multiple_ranges")
    stale = await http.get(f"/api/stream/1/{resource}", headers={"Range": "bytes=0-1", "If-Range": '"old"'})
    assert (stale.status_code, stale.content) == (200, whole.content)


async def test_the_original_file_comes_byte_for_byte(http: httpx2.AsyncClient, music: Path) -> None:
    answer = await http.get("/api/stream/1/file")
    assert answer.content == (music / "one.flac").read_bytes()
    assert answer.headers["Content-Type"] == "audio/flac"


PROBLEMS = [
    ("GET", "/api/nothing", {}, 404, "not_found"),
    ("GET", "/nothing", {}, 404, "not_found"),
    ("GET", "/player/../server.py", {}, 404, "not_found"),
    ("GET", "/player/%2e%2e/server.py", {}, 404, "not_found"),
    ("PUT", "/api/health", JSON, 405, "method_not_allowed"),
    ("POST", "/api/health", {}, 405, "method_not_allowed"),
    ("POST", "/api/nothing", {}, 404, "not_found"),
    ("GET", "/api/library/tracks/99", {}, 404, "track_not_found"),
    ("GET", "/api/library/tracks/99999999999999999999999", {}, 404, "track_not_found"),
    ("GET", "/api/library/tracks/-1", {}, 404, "not_found"),
    ("GET", "/api/library/tracks?limit=0", {}, 422, "invalid_request"),
    ("GET", "/api/library/tracks?limit=501", {}, 422, "invalid_request"),
    ("GET", "/api/library/tracks?offset=-1", {}, 422, "invalid_request"),
    ("GET", "/api/library/tracks?sort=path", {}, 422, "invalid_request"),
    ("GET", "/api/library/tracks?nonsense=1", {}, 422, "invalid_request"),
    ("GET", "/api/library/tracks?limit=1&limit=2", {}, 422, "invalid_request"),
    ("GET", "/api/stream/99/metadata", {}, 404, "track_not_found"),
    ("GET", "/api/stream/1/chunk/0?encoding=mp3", {}, 422, "invalid_request"),
    ("GET", "/api/stream/1/chunk/0?preset=loud", {}, 422, "invalid_request"),
    ("GET", "/api/stream/1/chunk/0?intensity=2", {}, 422, "invalid_request"),
    ("GET", "/api/stream/1/chunk/0?intensity=nan", {}, 422, "invalid_request"),
    ("GET", "/api/stream/1/chunk/77", {}, 404, "chunk_not_found"),
    ("POST", "/api/library/scan", {}, 415, "json_required"),
    ("POST", "/api/library/scan", {"Content-Type": "text/plain"}, 415, "json_required"),
    ("GET", "/api/health", {"Host": "evil.example"}, 403, "host_not_allowed"),
    ("GET", "/api/health", {"Origin": "https://evil.example"}, 403, "origin_not_allowed"),
    ("GET", "/api/stream/1/file", {"Sec-Fetch-Site": "cross-site"}, 403, "origin_not_allowed"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status", "code"), PROBLEMS)
async def test_what_goes_wrong_is_a_problem_with_a_code_and_no_path(
    http: httpx2.AsyncClient, tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await http.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "code"}
    assert str(tmp_path) not in answer.text
    assert not re.search(r"Traceback|File \"|\.py", answer.text)


FORMS = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/svg+xml")


async def test_nothing_is_changed_by_what_a_form_of_another_page_can_send(
    server: Server, http: httpx2.AsyncClient
) -> None:
    changing = [route for route in route_table(server.services) if route.method not in {"GET", "DELETE"}]
    assert len(changing) > 30
    for route in changing:
        path = re.sub("<[^>]*>", "1", route.rule)
        types = [*FORMS, "application/json" if route.content is Content.PICTURE else "image/png"]
        for content_type in types:
            answer = await http.request(route.method, path, headers={"Content-Type": content_type}, content=b"{}")
            told = (answer.status_code, answer.json()["code"])
            assert told == (415, f"{route.content.value}_required"), (path, content_type)


async def test_what_should_be_a_picture_is_told_which_kinds_are_taken(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/api/albums/1/artwork", headers={"Content-Type": "image/bmp"}, content=b"BM")
    assert answer.status_code == 415
    assert "image/gif, image/jpeg, image/png, image/webp" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET http://{host}/api/health HTTP/1.1\r\nhost: evil.example", 200, None),
        (b"GET http://evil.example/api/health HTTP/1.1\r\nhost: {host}", 403, "host_not_allowed"),
        (b"GET http://{host} HTTP/1.1\r\nhost: {host}", 200, None),
        (upgrade(b"/ws", b"origin: http://evil.example")[:-4], 403, "origin_not_allowed"),
        (upgrade(b"/elsewhere")[:-4], 404, "not_found"),
    ],
)
async def test_what_programs_rarely_send_is_answered_in_full(
    server: Server, head: bytes, status: int, code: str | None
) -> None:
    async with connected(int(server.url.rpartition(":")[2])) as client:
        await client.say(head + b"\r\n\r\n")
        answer = await client.answer()
    assert answer.status == status
    if code is not None:
        assert answer.headers[b"content-type"] == b"application/problem+json"
        assert json.loads(answer.body)["code"] == code


PLAIN: list[tuple[str, str, object, str]] = [
    ("GET", "/api/stream/1/audio.wav?sample_rate=384000", None, "sample_rate is one of 8000, "),
    ("GET", "/api/stream/1/chunk/0?preset=loud", None, "preset is one of adaptive, "),
    ("GET", "/api/stream/1/chunk/0?intensity=2", None, "intensity is a number from 0 to 1."),
    ("GET", "/api/library/tracks?limit=0", None, "limit is a whole number from 1 to 500."),
    ("GET", "/api/library/tracks?nonsense=1", None, "There is no nonsense: what can be given is limit, "),
    ("POST", "/api/player/queue", {"track_ids": []}, "track_ids is a list of 1 to 10000."),
    ("POST", "/api/player/queue", {}, "track_ids is missing: it is a list of 1 to 10000."),
    ("POST", "/api/player/queue", [], "it is not an object."),
    ("POST", "/api/player/enhancement/preset", {"preset": "x"}, "preset is one of adaptive, "),
    ("PUT", "/api/settings", {"crossfade_s": 99}, "crossfade_s is a number from 0 to 12."),
    ("PUT", "/api/settings", {"colour": 1}, "There is no colour: what can be given is enhancement_enabled, "),
    ("GET", "/api/stream/1/chunk/77", None, "The track has chunks from 0 to 2, and not this one."),
]


@pytest.mark.parametrize(("method", "path", "body", "told"), PLAIN, ids=[told for *_, told in PLAIN])
async def test_what_does_not_fit_is_told_in_plain_words_with_what_would(
    http: httpx2.AsyncClient, method: str, path: str, body: object, told: str
) -> None:
    answer = await http.request(method, path, json=body)
    assert answer.status_code in {404, 422}
    assert told in answer.json()["detail"]


async def test_a_picture_that_is_too_large_is_a_problem_too(http: httpx2.AsyncClient) -> None:
    answer = await http.post(
        "/api/albums/1/artwork", headers={"Content-Type": "image/png"}, content=bytes(11 * 1024 * 1024)
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    answer = await http.post("/api/playlists", headers=JSON, content=b" " * (2 * 1024 * 1024))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "at most 1048576 bytes" in answer.json()["detail"]


async def test_a_scan_outside_of_the_folders_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/api/library/scan", json={"directories": ["/etc"]})
    assert answer.status_code == 422
    assert "/etc" not in answer.text


async def test_a_file_that_has_gone_or_changed_is_a_typed_error(http: httpx2.AsyncClient, music: Path) -> None:
    soundfile.write(music / "one.flac", synthesise(3.0, RATE, 2, seed=2), RATE, subtype="PCM_16")
    answer = await http.get("/api/stream/1/chunk/0")
    assert (answer.status_code, answer.json()["code"]) == (409, "track_changed")
    (music / "one.flac").unlink()
    answer = await http.get("/api/stream/1/audio.wav")
    assert (answer.status_code, answer.json()["code"]) == (404, "track_missing")
    answer = await http.get("/api/stream/1/file")
    assert (answer.status_code, answer.json()["code"]) == (404, "track_missing")
