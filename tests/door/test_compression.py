"""JSON and the page are made small for those who ask for it; sound goes as it is."""

import gzip
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile
import trio
import trio.testing

from auralis_trio.app import Server
from auralis_trio.offload import Lane
from auralis_trio.web.compression import MAX_BYTES_AT_ONCE
from tests.serving import client_of, running_server, settings_for


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(120):
        soundfile.write(folder / f"silence {number}.wav", np.zeros((100 + number, 2)), 44_100)
    async with running_server(settings_for(tmp_path, folder)) as running:
        yield running


async def fetch(server: Server, path: str, **headers: str) -> tuple[httpx2.Response, bytes]:
    """The answer, and its bytes as they travelled."""
    async with client_of(server.url) as http:
        http.headers.pop("Accept-Encoding")
        async with http.stream("GET", path, headers=headers) as answer:
            return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize(
    "path",
    ["/", "/player/style.css", "/player/app.js", "/api/library/tracks?limit=5", "/api/library/tracks?limit=120"],
)
async def test_who_can_read_gzip_gets_less(server: Server, path: str) -> None:
    plain, whole = await fetch(server, path)
    packed, small = await fetch(server, path, **{"Accept-Encoding": "br, gzip"})
    assert (plain.headers["Vary"], packed.headers["Vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(small) < len(whole) / 2
    assert gzip.decompress(small) == whole


async def test_what_was_got_small_is_not_sent_again(server: Server) -> None:
    packed, _ = await fetch(server, "/player/style.css", **{"Accept-Encoding": "gzip"})
    etag = packed.headers["ETag"]
    assert etag.startswith("W/")
    again, body = await fetch(server, "/player/style.css", **{"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert (again.status_code, body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/api/stream/1/chunk/0",
        "/api/stream/1/audio.wav",
        "/api/stream/1/file",
        "/api/health",
        "/api/library/tracks/0",
    ],
)
async def test_sound_and_small_answers_stay_as_they_are(server: Server, path: str) -> None:
    answer, _ = await fetch(server, path, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


async def test_who_refuses_gzip_gets_none(server: Server) -> None:
    answer, _ = await fetch(server, "/", **{"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in answer.headers


async def test_a_disk_that_does_not_answer_keeps_no_answer_back(server: Server) -> None:
    offload, go_on = server.services.offload, threading.Event()
    async with trio.open_nursery() as nursery:
        for _ in range(offload.statistics()["disk"].permits):
            nursery.start_soon(offload.run, Lane.DISK, go_on.wait)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(10):
            answer, whole = await fetch(server, "/api/library/tracks?limit=120", **{"Accept-Encoding": "gzip"})
        go_on.set()
    assert len(whole) > MAX_BYTES_AT_ONCE
    assert len(json.loads(whole)["items"]) == 120
    assert "Content-Encoding" not in answer.headers
