"""Visitors of every kind who vanish in every way, and what the server tells of itself when they are gone."""

from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import soundfile
import trio

from auralis_trio.demo import synthesise
from scripts.benchmarks.soak import Crowd, Effort, Figures
from scripts.benchmarks.visits import FRAMES, VISITS
from tests.serving import LIMIT_S, client_of, running_server, settings_for

RATE = 44_100
WARM_UP = 60
VISITS_COUNTED = 200
PATIENCE_S = 0.4


def write_music(folder: Path) -> None:
    folder.mkdir()
    samples = np.resize(synthesise(5.0, RATE, 2, seed=1), (FRAMES, 2))
    for name in ("first.wav", "second.flac"):
        soundfile.write(folder / name, samples, RATE)


async def status_of(http: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await http.get("/api/status")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def at_rest(http: httpx2.AsyncClient) -> Figures:
    """What is held once nobody but this client is connected."""
    while True:
        status = await status_of(http)
        if status["process"] and not status["sessions"] and status["connections"]["connections"] == 1:
            return Figures.of(status)


async def wake_database_threads(url: str) -> None:
    """Many questions at once: every thread wakes, and opens the connection that it keeps."""
    async with client_of(url) as many, trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(many.get, "/api/library/tracks")


async def test_two_hundred_visitors_leave_nothing_behind(tmp_path: Path) -> None:
    write_music(tmp_path / "music")
    limits = ("stall_timeout_s", "ping_interval_s", "ping_timeout_s", "header_timeout_s")
    settings = settings_for(
        tmp_path, tmp_path / "music", **dict.fromkeys(limits, PATIENCE_S), max_requests_per_s=100_000
    )
    async with running_server(settings) as server, client_of(server.url) as http:
        tracks = [track["id"] for track in (await http.get("/api/library/tracks")).json()["items"]]
        for track in tracks:
            await http.get(f"/api/stream/{track}/metadata?enhanced=true")
        host, port = server.url.removeprefix("http://").split(":")
        await wake_database_threads(server.url)
        crowd, effort = Crowd((host, int(port)), tracks, LIMIT_S), Effort(VISITS_COUNTED, WARM_UP, 32)
        await crowd.visit(effort, range(WARM_UP))
        before = await at_rest(http)
        await crowd.visit(effort, range(WARM_UP, WARM_UP + VISITS_COUNTED))
        # Threads that have nothing to do go after ten seconds. Memory is the benchmark's to look at.
        more = {"anything"}
        with trio.move_on_after(LIMIT_S):
            while more := set((await at_rest(http)).more_than(before)) - {"resident bytes"}:  # noqa: ASYNC110
                await trio.sleep(0.05)
        assert not more
        assert [name for name, counted in crowd.outcomes.items() if counted["over time"]] == []
        assert set(crowd.outcomes) == {visit.name for visit in VISITS}
        assert (await status_of(http))["connections"]["ended_by_errors"] == 0
