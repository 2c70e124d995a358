"""A file or a picture that the process dies of which looks at it: an answer in words, and the next one is served."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio
import trio.testing

from auralis_trio.app import Server
from auralis_trio.errors import WorkerDied
from auralis_trio.offload import Lane
from tests.door.test_collection_routes import SENT, make_track
from tests.serving import LIMIT_S, running_server, settings_for

PICTURE = "/api/albums/1/artwork"
TAGS = "/api/metadata/tracks/1"
PNG = {"Content-Type": "image/png"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", PICTURE, {}),  # it is searched for
    ("GET", f"{PICTURE}?size=64", {}),  # it is there, and made small
    ("POST", PICTURE, {"content": SENT, "headers": PNG}),
    ("POST", f"{PICTURE}/extract", {"json": {}}),
    ("GET", "/api/library/tracks/1/lyrics", {}),
    ("GET", TAGS, {}),
    ("PUT", TAGS, {"json": {"title": "Another"}}),
]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    make_track(tmp_path / "music" / "1.flac", 1, "Live")
    return tmp_path / "music"


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music, allow_tag_edits=True)) as running:
        yield running


async def ask_a_dying_worker(
    server: Server, http: httpx2.AsyncClient, method: str, url: str, options: dict[str, Any]
) -> httpx2.Response:
    """The worker process takes this request's job, and dies of it."""
    offload = server.services.offload
    worker = await offload.run_process(os.getpid)
    os.kill(worker, signal.SIGSTOP)  # so it cannot have done the job before it dies
    answers = []

    async def ask() -> None:
        answers.append(await http.request(method, url, **options))

    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            while not offload.statistics()[Lane.PROCESS.value].running:
                await trio.lowlevel.checkpoint()
            await trio.testing.wait_all_tasks_blocked()
            os.kill(worker, signal.SIGKILL)
    return answers[0]


async def test_what_a_process_dies_of_is_told_in_words_and_the_next_one_is_served(
    server: Server, http: httpx2.AsyncClient, music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for method, url, options in REQUESTS:
        refused = await ask_a_dying_worker(server, http, method, url, options)
        assert (refused.status_code, refused.json()["code"]) == (WorkerDied.status, WorkerDied.default_code), url
        assert refused.json()["detail"].endswith(WorkerDied.text)
        served = await http.request(method, url, **options)
        assert served.status_code == 200, url
    told = [record for record in caplog.records if WorkerDied.default_code in record.message]
    assert len(told) == len(REQUESTS)
    assert all("SIGKILL" in record.message and record.exc_info is None for record in told)
    assert os.listdir(music) == ["1.flac"]
