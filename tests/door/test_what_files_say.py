"""What files and their neighbours say, as a client of a server that scanned them sees it."""

import io
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from PIL import Image

from auralis_trio.app import Server
from tests.library.test_tags import TONE, make_tagged, write_with_soundfile
from tests.serving import client_of, running_server, settings_for


def make_flac(path: Path, **tags: str | list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_with_soundfile(path)
    file = FLAC(path)  # type: ignore[no-untyped-call]
    file.update(tags)  # type: ignore[no-untyped-call]
    file.save()
    return path


@pytest.fixture
def music(tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    return tmp_path / "music"


@dataclass
class Client:
    """A client of a server; `scan` has it read what a test has put into `music`."""

    http: httpx2.AsyncClient
    server: Server

    async def scan(self) -> None:
        progress = await self.server.services.scan.run()
        assert (progress.state, progress.failed) == ("finished", 0)

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listed(self, path: str, name: str, **parameters: Any) -> list[Any]:
        """One field of all items of a list."""
        return [item[name] for item in (await self.get(path, **parameters))["items"]]


@pytest.fixture
async def client(tmp_path: Path, music: Path) -> AsyncIterator[Client]:
    async with (
        running_server(settings_for(tmp_path, music, allow_tag_edits=True), scanned=False) as server,
        client_of(server.url) as http,
    ):
        yield Client(http, server)


async def test_a_damaged_cover_does_not_hide_a_good_one_beside_it(client: Client, music: Path) -> None:
    make_flac(music / "live" / "1.flac", title="One", album="Live")
    out = io.BytesIO()
    Image.new("RGB", (30, 30), (9, 90, 200)).save(out, "JPEG")
    (music / "live" / "cover.jpg").write_bytes(b"no picture")
    (music / "live" / "front.jpg").write_bytes(out.getvalue())
    await client.scan()
    [album_id] = await client.listed("/api/albums", "id")
    shown = await client.http.get(f"/api/albums/{album_id}/artwork")
    assert (shown.status_code, shown.content) == (200, out.getvalue())


async def test_an_artist_with_markup_in_the_name_is_one_artist(client: Client, music: Path) -> None:
    make_flac(music / "1.flac", title="One", artist="<b>Bold</b>")
    make_flac(music / "2.flac", title="Two", artist="AC/DC / Nina/Bob")
    await client.scan()
    assert await client.listed("/api/artists", "name") == ["<b>Bold</b>", "AC/DC", "Bob", "Nina"]


async def test_words_beside_the_music_are_found_and_follow_their_file(client: Client, music: Path) -> None:
    make_flac(music / "1.flac", title="One")
    make_flac(music / "2.flac", title="Two", lyrics="within the tags")
    for number in (1, 2):
        (music / f"{number}.lrc").write_text(f"[00:01.00]beside number{number}")
    await client.scan()

    async def found(search: str) -> list[Any]:
        return await client.listed("/api/library/tracks", "title", search=search, sort="title")

    assert await found("lyrics:beside") == ["One", "Two"]
    assert await found("lyrics:within") == []
    rules = {"match": {"field": "lyrics", "operator": "known"}}
    made = await client.http.post("/api/playlists", json={"name": "sung", "rules": rules})
    assert (made.status_code, made.json()["tracks"]) == (201, 2), made.text
    (music / "1.lrc").write_text("changed since")
    os.utime(music / "1.lrc", ns=(1, 1))
    (music / "2.lrc").unlink()
    await client.scan()
    assert (await found("lyrics:beside"), await found("lyrics:changed")) == ([], ["One"])
    assert await found("lyrics:within") == ["Two"]
    assert client.server.services.scan.progress.updated == 2
    await client.scan()
    assert client.server.services.scan.progress.unchanged == 2


async def test_words_in_the_tags_can_be_edited_while_those_beside_are_found(client: Client, music: Path) -> None:
    make_flac(music / "1.flac", title="One")
    (music / "1.lrc").write_text("beside")
    await client.scan()
    [track_id] = await client.listed("/api/library/tracks", "id")
    edited = await client.http.put(f"/api/metadata/tracks/{track_id}", json={"lyrics": "within"})
    assert edited.json()["metadata"]["lyrics"] == "within"
    assert await client.listed("/api/library/tracks", "title", search="lyrics:beside") == ["One"]
    await client.scan()
    assert client.server.services.scan.progress.unchanged == 1


async def test_names_to_sort_by_order_tracks_albums_and_artists(client: Client, music: Path) -> None:
    make_flac(music / "1.flac", title="Mad", artist="Mo", album="Map")
    tags = {"titlesort": "Aaa", "artistsort": "Aaa", "albumsort": "Aaa"}
    make_flac(music / "2.flac", title="The Zone", artist="The Zed", album="The Zoo", **tags)
    await client.scan()
    for sort, other_way in (("title", "-title"), ("artist", "-artist"), ("album", "-album")):
        assert await client.listed("/api/library/tracks", "title", sort=sort) == ["The Zone", "Mad"]
        assert await client.listed("/api/library/tracks", "title", sort=other_way) == ["Mad", "The Zone"]
    assert await client.listed("/api/albums", "title") == ["The Zoo", "Map"]
    assert await client.listed("/api/artists", "name") == ["The Zed", "Mo"]


async def test_a_track_names_all_its_artists_and_genres_wherever_it_stands_and_when_its_file_has_gone(
    client: Client, music: Path
) -> None:
    make_flac(music / "1.flac", title="One", artist=["Nina", "Bob"], genre=["Jazz", "Soul"])
    make_flac(music / "2.flac", title="Two")
    await client.scan()
    ids = {item["name"]: item["id"] for item in (await client.get("/api/artists"))["items"]}
    expected = ([{"id": ids["Nina"], "name": "Nina"}, {"id": ids["Bob"], "name": "Bob"}], ["Jazz", "Soul"])
    [one, two] = (await client.get("/api/library/tracks"))["items"]
    await client.http.post("/api/playlists", json={"name": "both", "track_ids": [two["id"], one["id"], one["id"]]})
    (music / "1.flac").unlink()
    await client.scan()
    entries = (await client.get("/api/playlists/1/tracks"))["items"]
    shown = [
        one,
        await client.get(f"/api/library/tracks/{one['id']}"),
        (await client.get("/api/library/tracks", search="nina"))["items"][0],
        entries[1]["track"],
        entries[2]["track"],
    ]
    assert [(track["artists"], track["genres"]) for track in shown] == [expected] * 5
    assert [(track["artists"], track["genres"]) for track in (two, entries[0]["track"])] == [([], [])] * 2


M3U = {"Content-Type": "application/vnd.apple.mpegurl"}


async def test_a_playlist_with_names_in_any_encoding_goes_out_as_a_file_and_comes_back(
    client: Client, music: Path
) -> None:
    names = [b"caf\xe9.flac", "Ærø 100%.flac".encode(), b"huge lyrics.flac"]
    for number, name in enumerate(names):
        make_flac(music / "new.flac", title=f"Title {number}").rename(music / os.fsdecode(name))
    await client.scan()
    ids = await client.listed("/api/library/tracks", "id", sort="title")
    await client.http.post("/api/playlists", json={"name": "Mine", "track_ids": ids})
    exported = await client.http.get("/api/playlists/1/export")
    again = await client.http.post(
        "/api/playlists/import", content=exported.content, headers={"Content-Type": "audio/x-mpegurl; charset=utf-8"}
    )
    assert (again.status_code, again.json()["added"], again.json()["playlist"]["name"]) == (201, 3, "Mine")

    async def found(data: bytes, **parameters: str) -> list[Any]:
        sent = await client.http.post("/api/playlists/import", params=parameters, content=data, headers=M3U)
        assert sent.status_code == 201, sent.text
        assert (sent.json()["playlist"]["name"], sent.json()["unknown"]) == (parameters["name"], 0)
        entries = (await client.get(f"/api/playlists/{sent.json()['playlist_id']}/tracks"))["items"]
        return [entry["track"]["title"] for entry in entries]

    assert await found(b"huge%20lyrics.flac\ncaf%E9.flac", name="Other") == ["Title 2", "Title 0"]
    assert await found("Ærø 100%.flac".encode("latin-1"), name="Latin", folder=".") == ["Title 1"]
    for refused in (
        await client.http.post("/api/playlists/import", content=b"caf\xe9.flac", headers=M3U),
        await client.http.post("/api/playlists/import?names=x", content=b"caf\xe9.flac", headers=M3U),
        await client.http.post("/api/playlists/import?name=x", content=b"gone.flac", headers=M3U),
        await client.http.post("/api/playlists/import?name=x", content=b"#" * 2_000_000, headers=M3U),
        await client.http.post(
            "/api/playlists/import?name=x", content=b"caf\xe9.flac", headers={"Content-Type": "text/plain"}
        ),
    ):
        assert 400 <= refused.status_code < 500


async def test_a_flac_whose_comments_claim_more_than_their_block_plays(client: Client, music: Path) -> None:
    whole, damaged = make_flac(music / "whole.flac", title="One"), make_flac(music / "lies.flac", title="One")
    data = bytearray(damaged.read_bytes())
    at = data.index(b"title=") - 4
    data[at : at + 4] = (2**31 - 1).to_bytes(4, "little")
    damaged.write_bytes(data)
    await client.scan()
    assert await client.listed("/api/library/tracks", "title") == ["One", "One"]
    ids = await client.listed("/api/library/tracks", "id")
    played = [await client.http.get(f"/api/stream/{track_id}/audio.wav") for track_id in ids]
    assert [answer.status_code for answer in played] == [200, 200]
    assert played[0].content == played[1].content
    samples, _ = soundfile.read(whole, dtype="int16")
    assert samples.tobytes() in played[0].content


async def test_a_wav_is_called_what_its_info_says_and_an_mp3_has_the_gain_of_its_ape_tag(
    client: Client, music: Path
) -> None:
    with soundfile.SoundFile(music / "song.wav", "w", 48_000, 1) as wav:
        wav.title, wav.artist = "Of the Info", "Nina"
        wav.write(TONE)
    write_with_soundfile(music / "song.mp3")
    ape = APEv2()  # type: ignore[no-untyped-call]
    ape["REPLAYGAIN_TRACK_GAIN"] = "-7.50 dB"
    ape.save(music / "song.mp3")
    await client.scan()
    named = {track["format"]: track for track in (await client.get("/api/library/tracks"))["items"]}
    assert (named["wav"]["title"], named["wav"]["artist"]) == ("Of the Info", "Nina")
    assert named["mp3"]["replaygain_track_gain_db"] == -7.5


async def test_albums_and_artists_are_sorted_and_searched_through_the_door(client: Client, music: Path) -> None:
    for number, (artist, album) in enumerate([("Nina", "Late"), ("Nina", "Live"), ("Bob", "Own")]):
        make_flac(music / f"{number}.flac", title=f"{number}", artist=artist, album=album, albumartist=artist)
    await client.scan()
    assert await client.listed("/api/albums", "title", sort="artist") == ["Own", "Late", "Live"]
    assert await client.listed("/api/albums", "title", search="nina", sort="-plays") == ["Late", "Live"]
    assert await client.listed("/api/artists", "name", sort="-tracks") == ["Nina", "Bob"]
    assert await client.listed("/api/artists", "name", search="bob", sort="-added") == ["Bob"]
    refused = await client.http.get("/api/artists", params={"sort": "plays"})
    assert (refused.status_code, "name, tracks, albums, added" in refused.text) == (422, True)


async def test_an_edit_that_does_not_fit_the_kind_of_tag_says_which_field_it_is(client: Client, music: Path) -> None:
    make_tagged(music / "song.m4a")
    before = (music / "song.m4a").read_bytes()
    await client.scan()
    [track_id] = await client.listed("/api/library/tracks", "id")
    refused = await client.http.put(f"/api/metadata/tracks/{track_id}", json={"title": "new", "track_number": 99_999})
    assert (refused.status_code, refused.json()["code"]) == (422, "tag_not_kept")
    assert "track_number" in refused.json()["detail"]
    assert (music / "song.m4a").read_bytes() == before


async def test_what_second_tags_hold_is_not_said_to_be_cleared(client: Client, music: Path) -> None:
    with soundfile.SoundFile(music / "info.wav", "w", 48_000, 1) as wav:
        wav.artist = "Nina"
        wav.write(TONE)
    write_with_soundfile(music / "ape.mp3")
    ape = APEv2()  # type: ignore[no-untyped-call]
    ape["Artist"] = "Nina"
    ape.save(music / "ape.mp3")
    files = [music / "ape.mp3", music / "info.wav"]
    before = [file.read_bytes() for file in files]
    await client.scan()
    for track_id in await client.listed("/api/library/tracks", "id"):
        place = f"/api/metadata/tracks/{track_id}"
        refused = await client.http.put(place, json={"artist": None, "title": "Feel"})
        assert (refused.status_code, refused.json()["code"]) == (422, "tag_not_kept")
        assert "artist" in refused.json()["detail"]
        assert [file.read_bytes() for file in files] == before
    for track_id in await client.listed("/api/library/tracks", "id"):
        edited = await client.http.put(f"/api/metadata/tracks/{track_id}", json={"artist": "Bob", "album": None})
        assert edited.json()["metadata"]["artist"] == "Bob"
        cleared = await client.http.put(f"/api/metadata/tracks/{track_id}", json={"comment": None})
        assert cleared.status_code == 200


async def test_names_with_letters_of_their_own_are_found_as_they_are_often_written(
    client: Client, music: Path
) -> None:
    make_flac(music / "1.flac", title="Ved Ærø", artist="Møller Ærø")
    await client.scan()
    for search in ("aero", "Ærø", "ÆRØ", "moller"):
        assert await client.listed("/api/library/tracks", "title", search=search) == ["Ved Ærø"]
        assert await client.listed("/api/artists", "name", search=search) == ["Møller Ærø"]


async def test_an_edit_and_undoing_it_keep_what_the_system_keeps_beside_the_bytes(
    client: Client, music: Path
) -> None:
    path = make_flac(music / "1.flac", title="One")
    path.chmod(0o640)
    os.setxattr(path, "user.auralis.test", b"kept")
    await client.scan()
    [track_id] = await client.listed("/api/library/tracks", "id")
    edited = await client.http.put(f"/api/metadata/tracks/{track_id}", json={"title": "Two"})
    assert edited.status_code == 200, edited.text
    assert (os.getxattr(path, "user.auralis.test"), path.stat().st_mode & 0o777) == (b"kept", 0o640)
    undone = await client.http.post(f"/api/metadata/undo/{edited.json()['edit_id']}", json={})
    assert undone.status_code == 200, undone.text
    assert (os.getxattr(path, "user.auralis.test"), path.stat().st_mode & 0o777) == (b"kept", 0o640)


async def test_many_artists_of_one_track_are_all_told(client: Client, music: Path) -> None:
    names = [f"artist {number:03}" for number in range(200)]
    make_flac(music / "1.flac", title="One", artist=names)
    await client.scan()
    assert (await client.get("/api/artists"))["total"] == 200
