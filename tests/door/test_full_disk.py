"""A data directory that takes nothing more: what is asked for is refused with a sentence, and the rest goes on."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import soundfile

from auralis_trio.demo import synthesise
from auralis_trio.library.store import open_library
from tests.serving import COMMAND, LIMIT_S, Process, environment, server_process

RATE = 8_000
FILES = 60


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(FILES):
        soundfile.write(folder / f"{number}.flac", synthesise(0.1, RATE, 1, seed=number), RATE)
    return folder


@contextmanager
def full_disk(process: Process) -> Iterator[None]:
    """Let a server write not one byte more to any file, as on a disk without room."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


def refused(answer: httpx2.Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "output_failed")
    assert "make room" in problem["detail"]
    return str(problem["detail"])


def scan(http: httpx2.Client) -> dict[str, object]:
    assert http.post("/api/library/scan", json={}).status_code == 202
    while (told := http.get("/api/library/scan/status").json())["finished_ns"] is None:
        pass
    return dict(told)


def test_a_full_disk_refuses_writes_with_a_sentence_and_nothing_is_lost_when_there_is_room(
    tmp_path: Path, music: Path
) -> None:
    with (
        server_process(tmp_path / "data", music, scan_at_start=False, logged=True) as process,
        httpx2.Client(base_url=process.url, timeout=LIMIT_S) as http,
    ):
        assert scan(http)["added"] == FILES
        with full_disk(process):
            refused(http.post("/api/playlists", json={"name": "List"}))
            assert http.put("/api/settings", json={"preset": "warm"}).status_code == 200
            queued = http.post("/api/player/queue", json={"track_ids": [1, 2, 3]}).json()
            refused(http.post("/api/player/queue/save", json={"name": "List"}))
            failed = scan(http)
            assert (failed["state"], failed["code"]) == ("failed", "output_failed")
            assert "make room" in str(failed["message"])
            assert http.get("/api/stream/1/audio.wav").status_code == 200
            assert http.get("/api/stream/2/audio.wav?enhanced=true").status_code == 200
        assert http.post("/api/playlists", json={"name": "List"}).status_code == 201
    assert "trace=" not in process.log
    assert process.log.count("what the player plays is not written yet") == 1
    with (
        server_process(tmp_path / "data", music, scan_at_start=False) as process,
        httpx2.Client(base_url=process.url, timeout=LIMIT_S) as http,
    ):
        assert http.get("/api/settings").json()["preset"] == "warm"
        again = http.get("/api/player/queue").json()
        assert (again["revision"], again["total"]) == (queued["revision"], 3)


def test_a_server_that_is_stopped_on_a_full_disk_says_what_was_not_written_and_ends_well(
    tmp_path: Path, music: Path
) -> None:
    with (
        server_process(tmp_path / "data", music, scan_at_start=False, logged=True) as process,
        httpx2.Client(base_url=process.url, timeout=LIMIT_S) as http,
    ):
        assert http.post("/api/playlists", json={"name": "Kept"}).status_code == 201
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        assert http.put("/api/settings", json={"preset": "warm"}).status_code == 200
    assert "Traceback" not in process.log
    assert "what the listeners chose was not written at the end: output_failed" in process.log
    assert "the library's log of changes stays beside its file" in process.log
    with server_process(tmp_path / "data", music, scan_at_start=False) as process:
        [kept] = httpx2.get(f"{process.url}/api/playlists", timeout=LIMIT_S).json()["items"]
    assert kept["name"] == "Kept"


def test_a_scan_on_a_full_disk_ends_with_a_sentence_and_fails(tmp_path: Path, music: Path) -> None:
    open_library(tmp_path / "data").close()
    # As large as the index of the log of changes, which is made when the database is opened.
    limited = ["prlimit", "--fsize=32768", *COMMAND, "scan", str(music), "--data-dir", str(tmp_path / "data")]
    full = subprocess.run(limited, capture_output=True, text=True, timeout=LIMIT_S, env=environment(), check=False)
    assert full.returncode == 1
    assert "The library's database takes nothing more: make room" in full.stderr
    assert "trace" not in full.stderr.lower()
