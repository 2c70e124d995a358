"""How late the event loop is while every core masters: chunks that nobody has asked for before, over HTTP."""

import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from scripts.benchmarks.http_load import TIMEOUT_S, fetch
from scripts.benchmarks.programs import Program, running
from scripts.benchmarks.table import Columns, percentile

MODULE = "scripts.benchmarks.mastering.ticker"
CONNECTIONS_PER_CORE = 2
FIND_S, ANALYSE_S = 60.0, 120.0
PAUSE_S = 0.2


@dataclass(frozen=True)
class Phase:
    """A stretch of time by the monotonic clock, and how many chunks came in it."""

    name: str
    from_s: float
    to_s: float
    chunks: int

    def late_ms(self, ticks: Sequence[tuple[float, float]]) -> list[float]:
        """How late the ticks within it were."""
        return [late_s * 1000 for due_s, late_s in ticks if self.from_s <= due_s < self.to_s]


def watch_loop(track: Path, folder: Path, duration_s: float) -> Columns:
    """A ticker in a server, idle and while every core masters, and a bare one beside it."""
    music, cpus = folder / "loop-music", os.sched_getaffinity(0)
    music.mkdir()
    shutil.copy(track, music)
    figures = {"server": folder / "server.json", "bare": folder / "bare.json"}
    keep_nothing = {"chunk_cache_bytes": 0, "chunk_disk_bytes": 0, "prefetch_chunks": 0}
    with (
        running(cpus, MODULE, figures["bare"]),
        running(cpus, MODULE, figures["server"], music, folder / "loop-data", **keep_nothing) as server,
    ):
        paths = _paths(server)
        phases = [_idle(duration_s / 3), _busy(server, paths, duration_s, len(cpus) * CONNECTIONS_PER_CORE)]
    table = Columns("A tick every 10 ms, late by, ms", ("p50", "p99", "at worst", "ticks", "chunks per s"))
    for phase in phases:
        for who, path in figures.items():
            late_ms = phase.late_ms(json.loads(path.read_text(encoding="utf-8")))
            cells = [f"{percentile(late_ms, share):.2f}" for share in (0.5, 0.99, 1.0)]
            rate = f"{phase.chunks / (phase.to_s - phase.from_s):.1f}" if who == "server" else ""
            table.add(f"{who}, {phase.name}", *cells, str(len(late_ms)), rate)
    return table


def _paths(server: Program) -> Iterator[str]:
    """Paths of mastered chunks, without end, each of another one than before; the track is analysed by then."""
    track_id = _found_track(server)
    total = json.loads(fetch(server.address, f"/api/stream/{track_id}/metadata"))["total_chunks"]
    path = f"/api/stream/{track_id}/chunk/{{}}?enhanced=true&preset={{}}&encoding=s16"
    until_s = time.monotonic() + ANALYSE_S
    while _status(server, path.format(0, "warm")) != 200:
        if time.monotonic() > until_s:
            raise RuntimeError("the server does not master the track")
        threading.Event().wait(PAUSE_S)
    return (path.format(index, "warm") for index in itertools.cycle(range(total)))


def _found_track(server: Program) -> int:
    until_s = time.monotonic() + FIND_S
    while time.monotonic() < until_s:
        items = json.loads(fetch(server.address, "/api/library/tracks"))["items"]
        if items:
            return int(items[0]["id"])
        threading.Event().wait(PAUSE_S)
    raise RuntimeError("the scan does not find the track")


def _status(server: Program, path: str) -> int:
    with _connection(server) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 503):
            raise RuntimeError(f"{path}: {answer.status}")
        return answer.status


def _idle(duration_s: float) -> Phase:
    began_s = time.monotonic()
    threading.Event().wait(duration_s)
    return Phase("idle", began_s, time.monotonic(), 0)


def _busy(server: Program, paths: Iterator[str], duration_s: float, connections: int) -> Phase:
    """Ask for chunks on so many connections at once, each again as soon as it was answered."""
    lock, began_s = threading.Lock(), time.monotonic()

    def listen() -> int:
        count = 0
        with _connection(server) as connection:
            while time.monotonic() < began_s + duration_s:
                with lock:
                    path = next(paths)
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status}")
                count += 1
        return count

    with ThreadPoolExecutor(connections) as threads:
        chunks = sum(each.result() for each in [threads.submit(listen) for _ in range(connections)])
    return Phase("every core masters", began_s, time.monotonic(), chunks)


@contextmanager
def _connection(server: Program) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(*server.address, timeout=TIMEOUT_S)
    try:
        yield connection
    finally:
        connection.close()
