"""Uploads through the door: what is stored, what is refused, and that nothing is ever left half."""

import io
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import mutagen
import pytest
import soundfile
import trio
import trio.testing

from auralis_trio.app import Server, open_server
from auralis_trio.config import Settings
from auralis_trio.demo import synthesise
from auralis_trio.errors import StartupError
from auralis_trio.jobs.uploads import MAX_AT_ONCE, MAX_PATIENCE_S
from auralis_trio.work.upload import DRAFT_PREFIX, MAX_STEM_BYTES, draft_path
from tests.door.test_full_disk import full_disk
from tests.player_client import open_player
from tests.serving import COMMAND, LIMIT_S, client_of, environment, running_server, server_process, settings_for
from tests.web.raw_client import RawClient, connected

RATE = 8_000
PLACE = "/api/library/uploads"
MAX_BYTES = 300_000


def song(seed: int = 1, seconds: float = 0.5, kind: str = "FLAC", **tags: str) -> bytes:
    """A file of music."""
    out = io.BytesIO()
    soundfile.write(out, synthesise(seconds, RATE, 1, seed=seed), RATE, format=kind, subtype="PCM_16")
    if tags:
        file = mutagen.File(out := io.BytesIO(out.getvalue()))
        file.update({name: [value] for name, value in tags.items()})
        out.seek(0)
        file.save(out)
    return out.getvalue()


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "new").mkdir(parents=True)
    (folder / "here.flac").write_bytes(song(99, title="Here"))
    (tmp_path / "outside").mkdir()
    return folder


@pytest.fixture
def new(music: Path) -> Path:
    return music / "new"


def settings_of(tmp_path: Path, music: Path, new: Path, **options: float) -> Settings:
    return settings_for(tmp_path, music, upload_dir=str(new), max_upload_bytes=MAX_BYTES, **options)


@pytest.fixture
async def server(tmp_path: Path, music: Path, new: Path) -> AsyncIterator[Server]:
    async with running_server(settings_of(tmp_path, music, new)) as running:
        yield running


def headers(name: str, kind: str = "audio/flac") -> dict[str, str]:
    named = f"filename*=UTF-8''{quote(name, safe='')}" if name else 'filename=""'
    return {"Content-Type": kind, "Content-Disposition": f"attachment; {named}"}


async def send(http: httpx2.AsyncClient, name: str, data: Any, wait_s: float = MAX_PATIENCE_S) -> httpx2.Response:
    """Upload a file; however slow the machine, the answer is to tell the track."""
    return await http.post(PLACE, content=data, headers=headers(name), params={"wait_s": wait_s})


def files_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def refused(answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


# What is stored


async def test_an_upload_becomes_a_track_and_both_the_answer_and_an_event_tell_which(
    server: Server, http: httpx2.AsyncClient, new: Path
) -> None:
    data = song(title="Mine", album="New")
    async with open_player(server.url) as player:
        answer = await send(http, "Mine.flac", data)
        event = await player.hear_text("track_uploaded")
    assert answer.status_code == 201
    done = answer.json()
    assert done == {"file": "Mine.flac", "bytes": len(data), "duplicate": False, "track_id": done["track_id"]}
    assert (event["file"], event["track_id"]) == ("Mine.flac", done["track_id"])
    assert files_in(new) == ["Mine.flac"]
    assert (new / "Mine.flac").read_bytes() == data
    track = (await http.get(f"/api/library/tracks/{done['track_id']}")).json()
    assert (track["title"], track["album"], track["format"]) == ("Mine", "New", "flac")
    assert (await http.get(f"/api/stream/{done['track_id']}/file")).content == data


async def test_what_may_be_sent_is_told(http: httpx2.AsyncClient) -> None:
    answer = (await http.get(PLACE)).json()
    assert (answer["allowed"], answer["max_bytes"], answer["max_at_once"]) == (True, MAX_BYTES, MAX_AT_ONCE)
    assert {".flac", ".mp3", ".m4a"} <= set(answer["extensions"])
    assert (answer["under_way"], answer["waiting"]) == (0, 0)


async def test_the_same_audio_is_not_stored_twice_whatever_its_tags_and_its_name(
    http: httpx2.AsyncClient, new: Path
) -> None:
    first = (await send(http, "One.flac", song(title="One"))).json()
    again = await send(http, "Two.flac", song(title="Two"))
    assert again.status_code == 200
    assert again.json() | {"bytes": 0} == {
        "file": None,
        "bytes": 0,
        "duplicate": True,
        "track_id": first["track_id"],
    }
    elsewhere = (await send(http, "Here.flac", song(99, title="Elsewhere"))).json()
    assert elsewhere["duplicate"]
    assert files_in(new) == ["One.flac"]


async def test_the_same_file_that_comes_twice_at_once_is_stored_once(http: httpx2.AsyncClient, new: Path) -> None:
    answers: list[httpx2.Response] = []

    async def send_one(name: str) -> None:
        answers.append(await send(http, name, song()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_one, "a.flac")
        nursery.start_soon(send_one, "b.flac")
    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len({answer.json()["track_id"] for answer in answers}) == 1
    assert len(files_in(new)) == 1


async def test_a_recording_that_differs_in_one_sample_is_another_one(http: httpx2.AsyncClient, new: Path) -> None:
    data = bytearray(song(seconds=8.0, kind="WAV"))
    assert (await send(http, "a.wav", bytes(data))).status_code == 201
    data[44 + (len(data) - 44) // 4 + 5_001] ^= 1
    answer = await send(http, "b.wav", bytes(data))
    assert (answer.status_code, answer.json()["duplicate"]) == (201, False)
    assert (await send(http, "c.wav", bytes(data))).status_code == 200
    assert files_in(new) == ["a.wav", "b.wav"]


async def test_a_track_whose_file_has_gone_goes_on_in_the_upload(
    http: httpx2.AsyncClient, server: Server, music: Path
) -> None:
    [before] = (await http.get("/api/library/tracks")).json()["items"]
    (music / "here.flac").unlink()
    answer = (await send(http, "back.flac", song(99, title="Here"))).json()
    assert not answer["duplicate"], "a file that is not there is no copy"
    await server.services.scan.run()
    tracks = (await http.get("/api/library/tracks")).json()["items"]
    assert [(one["id"], one["missing"]) for one in tracks] == [(before["id"], False)]


async def test_nothing_is_written_over(http: httpx2.AsyncClient, new: Path) -> None:
    (new / "Song.flac").write_bytes(b"something of mine")
    (new / "Song (2).flac").symlink_to(new / "nowhere")
    answer = (await send(http, "Song.flac", song())).json()
    assert answer["file"] == "Song (3).flac"
    assert (new / "Song.flac").read_bytes() == b"something of mine"
    assert not (new / "nowhere").exists()


HOSTILE = {
    "../../escaped.flac": "escaped.flac",
    "/etc/passwd": "passwd.flac",
    "..": "upload.flac",
    "": "upload.flac",
    ".hidden.flac": "hidden.flac",
    "..\\..\\windows\\a.flac": "a.flac",
    "nul\0byte.flac": "nul byte.flac",
    "line\r\nbreak.flac": "line break.flac",
    "\u202ecalf.exe.flac": "calf.exe.flac",
    "a.mp3": "a.flac",
    "Vol. 2": "Vol. 2.flac",
    "what? <b>: *.flac": "what_ _b__ _.flac",
    f"{DRAFT_PREFIX}x.flac": "auralis-upload-x.flac",
    "ж" * 900: "ж" * 90 + ".flac",
    "👩‍👩‍👧 ü.flac": "👩‍👩‍👧 ü.flac",
}


async def test_a_clients_name_is_a_hint_and_never_a_path(
    http: httpx2.AsyncClient, tmp_path: Path, music: Path, new: Path
) -> None:
    for seed, (name, kept) in enumerate(HOSTILE.items()):
        answer = await send(http, name, song(seed))
        assert (answer.status_code, answer.json()["file"]) == (201, kept)
        assert answer.json()["track_id"] is not None
        assert files_in(new) == [kept]
        (new / kept).unlink()
    assert files_in(music) == ["here.flac", "new"]
    assert files_in(tmp_path) == ["data", "music", "outside"]
    assert files_in(tmp_path / "outside") == []


async def test_names_are_understood_as_programs_write_them(http: httpx2.AsyncClient, new: Path) -> None:
    long = b'attachment; filename="' + b"x" * 10_240 + b'"'
    for number, disposition in enumerate(
        ['attachment; filename="Ä b.flac"'.encode(), b"filename=c.flac", b"junk;;=", b"", long]
    ):
        answer = await http.post(
            PLACE,
            content=song(number),
            headers=[(b"content-type", b"application/octet-stream"), (b"content-disposition", disposition)],
        )
        assert answer.status_code == 201
    assert files_in(new) == [
        "upload (2).flac",
        "upload (3).flac",
        "upload.flac",
        "x" * MAX_STEM_BYTES + ".flac",
        "Ä b.flac",
    ]


# What is refused


WRONG = {
    "a text": (b"just words " * 400, 415, "upload_unsupported"),
    "nothing": (b"", 422, "upload_empty"),
    "a page": (b"<!doctype html><script>alert(1)</script>" * 40, 415, "upload_unsupported"),
    "a program": (b"\x7fELF" + bytes(4000), 415, "upload_unsupported"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(4000), 415, "upload_unsupported"),
    "a broken head": (b"RIFF\x24\x00\x00\x00WAVEfmt ", 422, "upload_damaged"),
}


async def test_what_is_no_music_is_refused_and_nothing_is_left(http: httpx2.AsyncClient, new: Path) -> None:
    for data, status, code in WRONG.values():
        refused(await send(http, "song.flac", data), status, code)
        assert files_in(new) == []


async def test_what_is_too_large_is_refused_declared_or_not(http: httpx2.AsyncClient, new: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(10_000)

    refused(await send(http, "big.flac", bytes(MAX_BYTES + 1)), 413, "body_too_large")
    refused(await send(http, "big.flac", parts()), 413, "body_too_large")
    assert files_in(new) == []
    assert (await send(http, "small.flac", song())).status_code == 201


async def test_forms_are_not_taken(http: httpx2.AsyncClient, new: Path) -> None:
    for kind in ("", "multipart/form-data; boundary=x", "text/plain", "application/json"):
        refused(await http.post(PLACE, content=song(), headers={"Content-Type": kind}), 415, "audio_required")
    assert files_in(new) == []


async def test_a_page_from_elsewhere_uploads_nothing(http: httpx2.AsyncClient, new: Path) -> None:
    answer = await http.post(PLACE, content=song(), headers={**headers("a.flac"), "Origin": "https://evil.example"})
    refused(answer, 403, "origin_not_allowed")
    assert files_in(new) == []


async def test_without_a_folder_for_them_uploads_are_off(tmp_path: Path, music: Path) -> None:
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
    ):
        assert (await http.get(PLACE)).json()["allowed"] is False
        refused(await send(http, "a.flac", song()), 403, "uploads_off")
        assert "uploads" not in (await http.get("/api/ready")).json()["services"]


# Clients that go, stall or crowd


def head(length: int, *lines: bytes) -> bytes:
    return b"\r\n".join(
        [
            b"POST %b HTTP/1.1" % PLACE.encode(),
            b"host: {host}",
            b"content-type: audio/flac",
            b"content-length: %d" % length,
            *lines,
            b"\r\n",
        ]
    )


async def begin_upload(client: RawClient, new: Path) -> None:
    """Send enough that a draft is there, and not all."""
    await client.say(head(MAX_BYTES) + song())


async def until(condition: Any) -> None:
    with trio.fail_after(LIMIT_S):
        while not condition():
            await trio.testing.wait_all_tasks_blocked(0.005)


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_an_upload_that_breaks_off_leaves_nothing(server: Server, new: Path, way: str) -> None:
    uploads = server.services.uploads
    async with connected(port_of(server)) as client:
        await begin_upload(client, new)
        await until(lambda: uploads.statistics()["under_way"] == 1)
        await (client.reset() if way == "reset" else client.stream.aclose())
    await until(lambda: uploads.statistics()["under_way"] == 0)
    assert files_in(new) == []
    assert server.transport.statistics().ended_by_errors == 0


async def test_a_body_that_pauses_is_given_up(tmp_path: Path, music: Path, new: Path) -> None:
    async with running_server(settings_of(tmp_path, music, new, body_timeout_s=0.5)) as server:
        async with connected(port_of(server)) as client:
            await begin_upload(client, new)
            answer = await client.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (408, "request_timeout")
        await until(lambda: server.services.uploads.statistics()["under_way"] == 0)
        assert files_in(new) == []


async def test_only_so_many_are_under_way_at_once(server: Server, http: httpx2.AsyncClient, new: Path) -> None:
    uploads = server.services.uploads
    async with trio.open_nursery() as nursery:
        for _ in range(MAX_AT_ONCE):
            await nursery.start(stay_in_mid_upload, server)
        await until(lambda: uploads.statistics()["under_way"] == MAX_AT_ONCE)
        answer = await send(http, "one more.flac", song())
        refused(answer, 503, "busy")
        assert answer.headers["Retry-After"] == "2"
        nursery.cancel_scope.cancel()
    await until(lambda: uploads.statistics()["under_way"] == 0)
    assert (await send(http, "one more.flac", song())).status_code == 201
    assert files_in(new) == ["one more.flac"]


async def stay_in_mid_upload(server: Server, task_status: trio.TaskStatus[None]) -> None:
    async with connected(port_of(server)) as client:
        await client.say(head(MAX_BYTES) + b"x")
        task_status.started()
        await trio.sleep_forever()


async def test_an_upload_beside_a_scan_is_answered_at_once_and_told_of_when_that_has_ended(
    server: Server, http: httpx2.AsyncClient, new: Path
) -> None:
    async with open_player(server.url) as player:
        async with server.services.scan.held():
            answer = await send(http, "a.flac", song(), wait_s=0)
            assert (answer.status_code, answer.json()["track_id"]) == (201, None)
            again = await send(http, "a.flac", song(), wait_s=0)
            assert (again.status_code, again.json()["duplicate"], again.json()["track_id"]) == (200, True, None)
            assert (await http.get(PLACE)).json()["waiting"] == 1
        event = await player.hear_text("track_uploaded")
    assert event["file"] == "a.flac"
    assert (await http.get(f"/api/library/tracks/{event['track_id']}")).json()["title"] == "a"
    assert files_in(new) == ["a.flac"]


async def test_what_the_listener_wants_left_out_is_stored_and_no_track(
    server: Server, http: httpx2.AsyncClient, new: Path
) -> None:
    (new / ".auralisignore").write_text("*.flac\n")
    answer = await send(http, "a.flac", song())
    assert (answer.status_code, answer.json()["track_id"]) == (201, None)
    assert (new / "a.flac").exists()


# Starts, kills and full disks


def test_a_full_disk_refuses_an_upload_with_a_sentence_and_leaves_nothing(
    tmp_path: Path, music: Path, new: Path
) -> None:
    with (
        server_process(tmp_path / "data", music, upload_dir=new, scan_at_start=False, logged=True) as process,
        httpx2.Client(base_url=process.url, timeout=LIMIT_S) as http,
    ):
        with full_disk(process):
            answer = http.post(PLACE, content=song(), headers=headers("a.flac"))
            refused(answer, 507, "disk_full")
            assert "Make room" in answer.json()["detail"]
            assert files_in(new) == []
        assert http.post(PLACE, content=song(), headers=headers("a.flac")).status_code == 201
    assert "trace=" not in process.log
    assert files_in(new) == ["a.flac"]


def test_a_large_file_passes_through_in_little_memory(tmp_path: Path, music: Path, new: Path) -> None:
    head_bytes, seconds = song(seconds=0.5, kind="WAV")[:40], 10_000
    size = seconds * RATE * 2
    piece = os.urandom(1 << 16)

    def parts() -> Iterator[bytes]:
        yield head_bytes + size.to_bytes(4, "little")
        for at in range(0, size, len(piece)):
            yield piece[: size - at]

    with (
        server_process(tmp_path / "data", music, upload_dir=new, scan_at_start=False) as process,
        httpx2.Client(base_url=process.url, timeout=LIMIT_S) as http,
    ):
        assert http.post(PLACE, content=song(), headers=headers("a.flac")).status_code == 201
        before = process.resident_bytes()
        answer = http.post(PLACE, content=parts(), headers=headers("long.wav"))
        assert answer.status_code == 201, answer.text
        assert process.resident_bytes() - before < 24 * 1024**2 < size
    assert (new / "long.wav").stat().st_size == 44 + size


def test_what_a_kill_left_half_is_gone_after_the_next_start(tmp_path: Path, music: Path, new: Path) -> None:
    others = Path(draft_path(str(new), str(tmp_path / "other data")))
    others.write_bytes(b"of another server with this folder")
    command = [*COMMAND, "serve", str(music), "--port", "0", "--data-dir", str(tmp_path / "data")]

    def parts() -> Iterator[bytes]:
        yield bytes(2 << 20)
        while len(files_in(new)) < 2:
            pass
        popen.kill()
        popen.wait()
        yield bytes(1)

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(upload_dir=new, scan_at_start=False)
    ) as popen:
        assert popen.stdout is not None
        url = popen.stdout.readline().split()[1]
        with httpx2.Client(base_url=url, timeout=LIMIT_S) as http, pytest.raises(httpx2.TransportError):
            http.post(PLACE, content=parts(), headers=headers("a.flac"))
    assert len(files_in(new)) == 2
    with server_process(tmp_path / "data", music, upload_dir=new, scan_at_start=False):
        assert files_in(new) == [others.name]


@pytest.mark.parametrize("place", ["outside", "music/out", "music/.hidden", "music/absent", "music/here.flac", "."])
async def test_a_folder_for_uploads_that_is_none_of_the_music_refuses_the_start(
    tmp_path: Path, music: Path, place: str
) -> None:
    (music / "out").symlink_to(tmp_path / "outside")
    (music / ".hidden").mkdir()
    with pytest.raises(StartupError) as caught:
        async with open_server(settings_for(tmp_path, music, upload_dir=str(tmp_path / place))):
            pass
    assert "--upload-dir" in caught.value.message


@pytest.mark.parametrize("place", ["music", "music/inside"])
async def test_a_folder_of_music_itself_and_a_link_into_one_are_places_for_uploads(
    tmp_path: Path, music: Path, new: Path, place: str
) -> None:
    (music / "inside").symlink_to(new)
    settings = settings_for(tmp_path, music, upload_dir=str(tmp_path / place))
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        assert (await send(http, "a.flac", song())).json()["track_id"] is not None
    assert "a.flac" in files_in(music if place == "music" else new)
