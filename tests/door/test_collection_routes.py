"""Playlists, favourites, pictures and words through the door, beside sessions that hear of every change."""

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from mutagen.flac import FLAC, Picture
from PIL import Image

from auralis_trio.app import Server
from auralis_trio.library.artwork import Owner, artwork_state, keep_found, set_picture
from auralis_trio.library.personal import record_heard
from auralis_trio.web.server import route_table
from tests.library.test_tags import write_with_soundfile
from tests.serving import client_of, running_server, settings_for

JSON = {"Content-Type": "application/json"}
PNG = {"Content-Type": "image/png"}


def picture(colour: tuple[int, int, int], side: int = 300, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, kind)
    return out.getvalue()


INSIDE, BESIDE, SENT = (picture(colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200)))


def make_track(path: Path, number: int, album: str, **tags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_with_soundfile(path)
    file = FLAC(path)  # type: ignore[no-untyped-call]
    file.update({"title": f"Title {number}", "artist": "Nina", "album": album, "tracknumber": str(number), **tags})  # type: ignore[no-untyped-call]
    cover = Picture()  # type: ignore[no-untyped-call]
    cover.type, cover.mime, cover.data = 3, "image/png", INSIDE
    file.add_picture(cover)  # type: ignore[no-untyped-call]
    file.save()


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number in (1, 2, 3):
        make_track(folder / "Nina" / "Live" / f"{number}.flac", number, "Live", lyrics="[00:01]Eins")
    make_track(folder / "Nina" / "Own" / "4.flac", 4, "Own")
    (folder / "Nina" / "Own" / "cover.png").write_bytes(BESIDE)
    return folder


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music, max_artwork_bytes=2_000_000)) as running:
        yield running


class Listening:
    """A session that keeps what it is told."""

    id = "listening"

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell_nowait(self, topic: str, text: str) -> None:
        assert topic == "library"
        self.told.append(json.loads(text))

    def sound_changed(self) -> None: ...

    def end(self, code: int, reason: str) -> None: ...

    def statistics(self) -> dict[str, Any]:
        return {}

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.told]


@pytest.fixture
def heard(server: Server) -> Any:
    session = Listening()
    with server.services.hub.join(session):
        yield session


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def get(http: httpx2.AsyncClient, path: str) -> Any:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids_of(http: httpx2.AsyncClient) -> dict[str, int]:
    page = await get(http, "/api/library/tracks?limit=500")
    return {track["title"]: track["id"] for track in page["items"]}


async def album_named(http: httpx2.AsyncClient, title: str) -> int:
    page = await get(http, "/api/albums")
    return int(next(album["id"] for album in page["items"] if album["title"] == title))


RULES = {"match": {"field": "title", "operator": "is", "value": "title 2"}}

TRACK, ALBUM, ARTIST = (
    "/api/library/tracks/<int:track_id>",
    "/api/albums/<int:album_id>",
    "/api/artists/<int:artist_id>",
)
PLAYLIST = "/api/playlists/<int:playlist_id>"

ARTWORK_CALLS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "/extract", {}),
    ("DELETE", "", None),
    ("POST", "", SENT),
]

# Method, rule, what is put behind a question mark, body, and status. The ids are those of things that are there.
CALLS: list[tuple[str, str, str, Any, int]] = [
    ("GET", ALBUM, "", None, 200),
    ("GET", f"{ALBUM}/tracks", "sort=-number&limit=2", None, 200),
    ("GET", ARTIST, "", None, 200),
    ("GET", f"{ARTIST}/tracks", "sort=title", None, 200),
    ("GET", f"{ARTIST}/albums", "sort=title", None, 200),
    ("GET", "/api/library/tracks/favorites", "sort=-rating", None, 200),
    ("GET", "/api/library/tracks/recently-added", "", None, 200),
    ("GET", "/api/library/tracks/recently-played", "limit=1", None, 200),
    ("GET", "/api/library/tracks/most-played", "offset=1", None, 200),
    ("GET", "/api/library/tracks/random", "seed=3", None, 200),
    ("POST", f"{TRACK}/favorite", "", {}, 200),
    ("DELETE", f"{TRACK}/favorite", "", None, 200),
    ("PUT", f"{TRACK}/rating", "", {"rating": 4}, 200),
    ("GET", f"{TRACK}/lyrics", "", None, 200),
    ("GET", "/api/playlists", "sort=-updated", None, 200),
    ("POST", "/api/playlists", "", {"name": "Mine"}, 201),
    ("GET", "/api/playlists/fields", "", None, 200),
    ("POST", "/api/playlists/preview", "", {"rules": RULES, "limit": 5}, 200),
    ("POST", "/api/playlists/import", "", {"name": "M", "text": "Nina/Live/1.flac"}, 201),
    ("GET", PLAYLIST, "", None, 200),
    ("PUT", PLAYLIST, "", {"name": "New"}, 200),
    ("DELETE", PLAYLIST, "", None, 200),
    ("GET", f"{PLAYLIST}/export", "", None, 200),
    ("GET", f"{PLAYLIST}/tracks", "sort=title", None, 200),
    ("POST", f"{PLAYLIST}/tracks", "", {"track_ids": [1]}, 201),
    ("DELETE", f"{PLAYLIST}/tracks", "", None, 200),
    ("PUT", f"{PLAYLIST}/tracks/reorder", "", {"entry_ids": [1], "position": 0}, 200),
    ("POST", f"{PLAYLIST}/tracks/remove", "", {"entry_ids": [1]}, 200),
    ("DELETE", f"{PLAYLIST}/entries/<int:entry_id>", "", None, 200),
    *(
        (method, f"/api/{kind}s/<int:owner_id>/artwork{rest}", "", content, 200)
        for kind in ("album", "artist")
        for method, rest, content in ARTWORK_CALLS
    ),
]
ROUTES = {(method, rule) for method, rule, *_ in CALLS}


async def call(http: httpx2.AsyncClient, method: str, path: str, content: Any) -> httpx2.Response:
    if isinstance(content, bytes):
        return await http.request(method, path, content=content, headers=PNG)
    return await http.request(method, path, json=content)


async def test_every_one_of_these_routes_answers(server: Server, http: httpx2.AsyncClient) -> None:
    assert {(route.method, route.rule) for route in route_table(server.services)} >= ROUTES
    for method, rule, options, content, status in CALLS:
        made = (await http.post("/api/playlists", json={"name": "First", "track_ids": [1]})).json()
        entries = await get(http, f"/api/playlists/{made['id']}/tracks")
        entry_id = entries["items"][0]["entry_id"]
        path = rule.replace("<int:playlist_id>", str(made["id"])).replace("<int:entry_id>", str(entry_id))
        takes_entries = isinstance(content, dict) and "entry_ids" in content
        sent = {**content, "entry_ids": [entry_id]} if takes_entries else content
        answer = await call(http, method, re.sub("<.*?>", "1", path) + "?" * bool(options) + options, sent)
        assert answer.status_code == status, (method, path, answer.text)


async def test_nothing_is_found_under_an_unknown_id(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    for method, rule, _, content, _ in CALLS:
        for unknown in ("999", "99999999999999999999"):
            if "<" in rule:
                answer = await call(http, method, re.sub("<.*?>", unknown, rule), content)
                assert answer.status_code == 404, (method, rule, answer.text)
                assert answer.json()["code"].endswith("_not_found")
                assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/api/playlists", {"name": ""}),
        ("POST", "/api/playlists", {"name": 7}),
        ("POST", "/api/playlists", {"title": "x"}),
        ("POST", "/api/playlists", {"name": "x", "track_ids": ["1"]}),
        ("POST", "/api/playlists", {"name": "x", "rules": {"match": {"field": "path"}}}),
        ("POST", "/api/playlists", {"name": "x", "rules": {"match": [], "more": 1}}),
        ("POST", "/api/playlists/preview", {"rules": {"match": {"all": []}, "sort": "path"}}),
        ("POST", "/api/playlists/preview", {"rules": {"match": {"all": []}, "limit": 0}}),
        ("POST", "/api/playlists/import", {"name": "x", "text": "../../etc/passwd"}),
        ("POST", "/api/playlists/import", {"name": "x", "text": "1.flac", "folder": "../.."}),
        ("PUT", "/api/library/tracks/1/rating", {"rating": 6}),
        ("PUT", "/api/library/tracks/1/rating", {}),
        ("GET", "/api/library/tracks/random?seed=-1", None),
        ("GET", "/api/library/tracks/favorites?sort=path", None),
        ("GET", "/api/library/tracks/most-played?limit=501", None),
        ("GET", "/api/albums?search=colour:red", None),
        ("GET", "/api/albums/1/artwork?size=65", None),
        ("GET", "/api/albums/1/artwork?optional=perhaps", None),
        ("GET", "/api/albums/1/artwork?size=2048", None),
        ("POST", "/api/albums/1/artwork", b"no picture"),
    ],
)
async def test_what_cannot_be_used_is_refused(http: httpx2.AsyncClient, method: str, path: str, content: Any) -> None:
    answer = await call(http, method, path, content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), answer.text


async def test_a_playlist_from_its_making_to_its_end(http: httpx2.AsyncClient, heard: Listening) -> None:
    ids = await ids_of(http)
    made = (await http.post("/api/playlists", json={"name": "Mine <b>", "track_ids": [ids["Title 1"]]})).json()
    place = f"/api/playlists/{made['id']}"
    added = await http.post(f"{place}/tracks", json={"track_ids": [ids["Title 2"], ids["Title 3"]], "position": 0})
    first, second = added.json()["entry_ids"]
    await http.put(f"{place}/tracks/reorder", json={"entry_ids": [second], "position": 0})
    page = await get(http, f"{place}/tracks")
    assert [entry["track"]["title"] for entry in page["items"]] == ["Title 3", "Title 2", "Title 1"]
    assert (page["total"], page["items"][0]["entry_id"], page["items"][0]["position"]) == (3, second, 0)
    await http.delete(f"{place}/entries/{first}")
    assert (await get(http, place))["tracks"] == 2
    exported = await http.get(f"{place}/export")
    assert exported.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Mine%20%3Cb%3E.m3u8"
    lines = [line for line in exported.text.splitlines() if not line.startswith("#")]
    assert lines == ["Nina/Live/3.flac", "Nina/Live/1.flac"]
    again = (
        await http.post("/api/playlists/import", json={"name": "Again", "text": exported.text + "gone.flac"})
    ).json()
    assert (again["added"], again["unknown"], again["playlist"]["tracks"]) == (2, 1, 2)
    assert (
        again["unknown_entries"] == [{"line": 7, "name": "gone.flac"}]
        or again["unknown_entries"][0]["name"] == "gone.flac"
    )
    await http.delete(place)
    assert (await http.get(place)).status_code == 404
    assert heard.kinds() == [
        "playlist_created",
        *["playlist_updated"] * 3,
        "playlist_created",
        "playlist_deleted",
    ]
    assert all(event["data"]["playlist_id"] in {made["id"], again["playlist_id"]} for event in heard.told)


async def test_a_smart_playlist_finds_what_its_preview_showed(http: httpx2.AsyncClient) -> None:
    preview = (await http.post("/api/playlists/preview", json={"rules": RULES})).json()
    assert [track["title"] for track in preview["items"]] == ["Title 2"]
    made = (await http.post("/api/playlists", json={"name": "Smart", "rules": RULES})).json()
    assert (made["smart"], made["tracks"], made["rules"]) == (True, 1, RULES)
    page = await get(http, f"/api/playlists/{made['id']}/tracks")
    assert [entry["track"] for entry in page["items"]] == preview["items"]
    refused = await http.post(f"/api/playlists/{made['id']}/tracks", json={"track_ids": [1]})
    assert (refused.status_code, refused.json()["code"]) == (409, "smart_playlist")


async def test_what_a_listener_thinks_is_shown_and_told(
    server: Server, http: httpx2.AsyncClient, heard: Listening
) -> None:
    assert (await http.post("/api/library/tracks/2/favorite", headers=JSON)).json()["favorite"] is True
    assert (await http.put("/api/library/tracks/2/rating", json={"rating": 5})).json()["rating"] == 5
    await server.services.catalogue.tell(record_heard, 2, 100.0, 100.0)
    for kind in ("favorites", "recently-played", "most-played"):
        page = await get(http, f"/api/library/tracks/{kind}")
        assert [(track["id"], track["rating"], track["play_count"]) for track in page["items"]] == [(2, 5, 1)], kind
    assert (await http.put("/api/library/tracks/2/rating", json={"rating": None})).json()["rating"] is None
    assert (await http.delete("/api/library/tracks/2/favorite")).json()["favorite"] is False
    assert heard.kinds() == ["metadata_updated"] * 4
    assert heard.told[0]["data"]["updated_fields"] == ["favorite"]


async def test_the_picture_beside_the_music_comes_before_the_one_in_it(http: httpx2.AsyncClient) -> None:
    for title, expected in (("Live", INSIDE), ("Own", BESIDE)):
        answer = await http.get(f"/api/albums/{await album_named(http, title)}/artwork")
        assert (answer.content, answer.headers["Content-Type"]) == (expected, "image/png")


async def test_a_thumbnail_is_small_and_may_be_kept_for_its_revision(http: httpx2.AsyncClient) -> None:
    album_id = await album_named(http, "Live")
    small = await http.get(f"/api/albums/{album_id}/artwork?size=64")
    assert (small.headers["Content-Type"], small.headers["Cache-Control"]) == ("image/jpeg", "no-cache")
    assert Image.open(io.BytesIO(small.content)).size == (64, 64)
    fresh = await http.get(
        f"/api/albums/{album_id}/artwork?size=64", headers={"If-None-Match": small.headers["ETag"]}
    )
    assert (fresh.status_code, fresh.content) == (304, b"")
    revision = (await get(http, f"/api/albums/{album_id}"))["artwork"]
    forever = await http.get(f"/api/albums/{album_id}/artwork?size=64&revision={revision}")
    assert "immutable" in forever.headers["Cache-Control"]
    assert (forever.content, forever.headers["ETag"]) == (small.content, small.headers["ETag"])
    other = await http.get(f"/api/albums/{album_id}/artwork?size=128")
    assert other.headers["ETag"] != small.headers["ETag"]
    head = await http.head(f"/api/albums/{album_id}/artwork?size=64")
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(small.content)))


async def test_a_picture_is_set_extracted_and_removed_and_the_music_stays_as_it_is(
    server: Server, http: httpx2.AsyncClient, heard: Listening, music: Path
) -> None:
    before = contents(music)
    place = f"/api/albums/{await album_named(http, 'Live')}/artwork"
    old = (await http.get(f"{place}?size=64")).headers["ETag"]
    stale = old.strip('"').partition("-")[0]
    sent = (await http.post(place, content=SENT, headers=PNG)).json()
    assert (sent["source"], sent["width"], sent["media_type"]) == ("set", 300, "image/png")
    assert (await http.get(place)).content == SENT
    assert (await http.get(f"{place}?size=64")).headers["ETag"] != old
    refused = await http.get(f"{place}?revision={stale}")
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_revision")
    assert (await http.post(f"{place}/extract", headers=JSON)).json()["source"] == "embedded"
    assert (await http.get(place)).content == INSIDE
    assert await server.services.catalogue.ask(set_picture, sent["revision"]) is None
    assert (await http.delete(place)).json()["revision"] is None
    gone = await http.get(place)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_artwork")
    nothing = await http.get(place, params={"optional": "true", "size": 64})
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert (await http.get("/api/albums/987654/artwork", params={"optional": "true"})).status_code == 404
    assert (await http.delete(place)).status_code == 404
    assert (await http.post(f"{place}/extract", headers=JSON)).status_code == 200
    assert heard.kinds() == ["artwork_updated"] * 4
    assert contents(music) == before


async def test_a_picture_that_is_overwritten_where_it_lies_is_shown(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    album_id = await album_named(http, "Own")
    cover, place = music / "Nina" / "Own" / "cover.png", f"/api/albums/{album_id}/artwork"
    assert (await http.get(place)).content == BESIDE
    cover.write_bytes(SENT)
    assert (await http.get(place)).content == SENT
    # What is remembered may be wrong all the same, as if the disk had not told of a change.
    state = await server.services.catalogue.ask(artwork_state, Owner.ALBUM, album_id)
    assert state.kept is not None
    wrong = msgspec.structs.replace(state.kept, revision="of another")
    await server.services.catalogue.tell(keep_found, Owner.ALBUM, album_id, wrong, state.seen)
    assert (await http.get(place)).json()["code"] == "stale_revision"
    assert (await http.get(place)).content == SENT


async def test_a_set_picture_outlives_the_cache_and_the_server(tmp_path: Path, music: Path) -> None:
    settings = settings_for(tmp_path, music, artwork_cache_bytes=0)
    for first in (True, False):
        async with running_server(settings) as server, client_of(server.url) as http:
            place = "/api/artists/1/artwork"
            if first:
                await http.post(place, content=SENT, headers=PNG)
            assert (await http.get(place)).content == SENT
            assert (await http.get(f"{place}?size=256")).status_code == 200
            assert (await http.get("/api/albums/1/artwork")).content in {INSIDE, BESIDE}
    assert list((tmp_path / "data" / "artwork" / "cache").iterdir()) == []


async def test_a_cover_that_is_put_beside_the_music_later_is_seen(http: httpx2.AsyncClient, music: Path) -> None:
    place = f"/api/albums/{await album_named(http, 'Live')}/artwork"
    assert (await http.get(place)).content == INSIDE
    (music / "Nina" / "Live" / "Folder.PNG").write_bytes(BESIDE)
    assert (await http.get(place)).content == BESIDE


async def test_an_artist_has_the_picture_beside_the_albums_or_else_that_of_one(
    http: httpx2.AsyncClient, music: Path
) -> None:
    assert (await http.get("/api/artists/1/artwork")).content == INSIDE
    (music / "Nina" / "artist.png").write_bytes(SENT)
    assert (await http.get("/api/artists/1/artwork")).content == SENT


async def test_a_picture_that_is_too_large_is_refused_and_the_connection_serves_on(http: httpx2.AsyncClient) -> None:
    for size in (2_000_001, 30_000_000):
        answer = await http.post("/api/albums/1/artwork", content=bytes(size), headers=PNG)
        assert answer.status_code == 413
    many_rules = await http.post("/api/playlists", content=b" " * 1_500_000, headers=JSON)
    assert (many_rules.status_code, many_rules.json()["code"]) == (413, "body_too_large")
    assert (await http.get("/api/health")).status_code == 200


async def test_the_words_of_a_track_come_with_their_times(http: httpx2.AsyncClient, music: Path) -> None:
    ids = await ids_of(http)
    words = await get(http, f"/api/library/tracks/{ids['Title 1']}/lyrics")
    assert (words["format"], words["source"], words["text"]) == ("lrc", "embedded", "Eins")
    assert words["lines"] == [{"start_s": 1.0, "text": "Eins"}]
    nothing = await get(http, f"/api/library/tracks/{ids['Title 4']}/lyrics")
    assert nothing == {"track_id": ids["Title 4"], "format": None, "source": None, "text": None, "lines": None}
    (music / "Nina" / "Own" / "4.lrc").write_text("[00:02.5]Zwei")
    beside = await get(http, f"/api/library/tracks/{ids['Title 4']}/lyrics")
    assert (beside["source"], beside["lines"]) == ("file", [{"start_s": 2.5, "text": "Zwei"}])
    (music / "Nina" / "Own" / "4.flac").unlink()
    gone = await http.get(f"/api/library/tracks/{ids['Title 4']}/lyrics")
    assert (gone.status_code, gone.json()["code"]) == (404, "track_missing")
