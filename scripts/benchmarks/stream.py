"""`scripts/bench stream`: our server beside the floor, and its HTTP beside Hypercorn as it comes; one table."""

import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from auralis_trio.audio.grid import Grid
from scripts.benchmarks.http_load import fetch, request_for
from scripts.benchmarks.latency import places_in, plays_ms, seeks_ms
from scripts.benchmarks.music import NAMES, RATE, write_music
from scripts.benchmarks.paced import AHEAD_S, MOST_LATE_S, Side, Window, climb, watch
from scripts.benchmarks.programs import Program, choose_cpus, running
from scripts.benchmarks.table import Table, percentile

SCAN_S = 60.0
HTTP_CONNECTIONS = 4
BUSY_SHARE = 0.9
KIB = 1024
SETTINGS: dict[str, object] = {
    "pace_ahead_s": AHEAD_S,
    "log_level": "warning",
    "max_messages_per_s": 10_000,
    "max_sessions": 8192,
    "max_connections": 8192,
}
"""of our server: bounds that are not what is measured are out of the way"""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    track_s: float
    streams: Sequence[int]
    windows: int
    window_s: float
    climb: range
    latencies: int


FULL = Effort(600.0, (100, 300), 4, 3.0, range(600, 6001, 300), 40)
QUICK = Effort(120.0, (100,), 2, 1.2, range(800, 6001, 800), 8)
TRIAL = Effort(30.0, (3,), 1, 0.3, range(3, 4), 1)


@dataclass(frozen=True)
class Sides:
    """Everything that runs: ours with and without a cache, and what it is compared with."""

    ours: dict[str, Side]
    forgetful: dict[str, Side]
    floor: Side
    stock: Program


def measure(effort: Effort) -> Iterator[str]:
    """Measure everything; parts of the report as they come."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server_cpus, load_cpus = choose_cpus()
    os.sched_setaffinity(0, load_cpus)
    yield (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; servers on CPU"
        f" {min(server_cpus)}, load on CPU {min(load_cpus)}; 44.1 kHz stereo s16, packets of 8,192 frames,"
        f" sent {AHEAD_S} s ahead; medians (from - to)"
    )
    with open_sides(effort.track_s, server_cpus) as sides:
        busy: list[Window] = []
        yield str(_streams(sides, effort, busy))
        yield str(_latencies(sides, effort.latencies))
        yield str(_requests(sides, effort))
    worst = max(window.load_share for window in busy)
    remark = "; IT WAS THE BOTTLENECK, the figures above are too low" if worst > BUSY_SHARE else ""
    yield f"The load used at most {worst:.0%} of its core{remark}."


@contextmanager
def open_sides(track_s: float, cpus: set[int]) -> Iterator[Sides]:
    """Make the music and start every server."""
    with tempfile.TemporaryDirectory(prefix="auralis-bench-") as name, ExitStack() as stack:
        work = Path(name)
        write_music(work / "music", track_s)

        def start_ours(data: str, **settings: object) -> dict[str, Side]:
            arguments = ("serve", work / "music", "--port", "0", "--data-dir", work / data)
            program = stack.enter_context(running(cpus, "auralis_trio", *arguments, **settings))
            return {kind: Side(program, track_id, grid) for kind, track_id in _tracks(program).items()}

        grid = Grid(RATE, round(track_s * RATE))
        ours = start_ours("data", chunk_cache_bytes=KIB**3, **SETTINGS)
        forgetful = start_ours("other", chunk_cache_bytes=0, **SETTINGS)
        wav = work / "music" / NAMES[1]
        floor = stack.enter_context(running(cpus, "scripts.benchmarks.floor", wav, AHEAD_S))
        side = ours["wav"]
        for index in range(grid.total_chunks):
            fetch(side.program.address, _chunk_path(side, index))
        (work / "bodies").mkdir()
        (work / "bodies" / "json").write_bytes(fetch(side.program.address, "/api/health"))
        (work / "bodies" / "chunk").write_bytes(fetch(side.program.address, _chunk_path(side, 1)))
        stock = stack.enter_context(running(cpus, "scripts.benchmarks.stock", work / "bodies"))
        yield Sides(ours, forgetful, Side(floor, 1, grid), stock)


def _tracks(program: Program) -> dict[str, int]:
    """The ids of the tracks by their format, once the scan has found all."""
    until_s = time.monotonic() + SCAN_S
    while time.monotonic() < until_s:
        items = json.loads(fetch(program.address, "/api/library/tracks"))["items"]
        if len(items) == len(NAMES):
            return {item["format"]: item["id"] for item in items}
    raise RuntimeError("the scan does not find the tracks")


def _chunk_path(side: Side, index: int) -> str:
    return f"/api/stream/{side.track_id}/chunk/{index}?encoding=s16"


def _streams(sides: Sides, effort: Effort, busy: list[Window]) -> Table:
    table = Table("Streams, paced by the server", "floor")
    ours, floor = sides.ours["wav"], sides.floor
    empty = {side: side.program.resident_bytes() for side in (ours, floor)}
    for count in effort.streams:
        seen: dict[Side, list[Window]] = {floor: [], ours: []}
        for _ in range(effort.windows):
            for side, windows in seen.items():
                windows.append(watch(side, count, effort.window_s))
        busy += seen[ours] + seen[floor]

        def row(name: str, figure: Callable[[Side, Window], float]) -> None:
            figures = [[figure(side, window) for window in seen[side]] for side in (ours, floor)]  # noqa: B023
            table.add(f"{count} streams: {name}", *figures)  # noqa: B023

        row("CPU, ms per stream-second", lambda _, window: window.cpu_ms)
        row("waiting for a CPU that others had, %", lambda _, window: window.waiting_share * 100)
        row("memory, KiB per stream", lambda side, w: (w.resident_bytes - empty[side]) / KIB / w.streams)
        row("packets late, p99, ms", lambda _, window: window.late_s * 1000)
        row("ping beside them, p99, ms", lambda _, window: percentile(window.ping_s, 0.99) * 1000)
    tops = [climb(side, effort.climb, effort.window_s / 2) for side in (ours, floor)]
    busy += [window for top in tops for window in top]
    most = [[float(top[-1].streams if top else 0)] for top in tops]
    table.add(f"streams on one core, late p99 < {MOST_LATE_S * 1000:.0f} ms", *most)
    return table


def _latencies(sides: Sides, count: int) -> Table:
    table = Table("From the question to the first packet, ms", "floor")
    for kind in ("flac", "wav"):
        cold, ours = sides.forgetful[kind], sides.ours[kind]
        places = places_in(ours, count + 1)
        plays_ms(ours, places)
        bare = plays_ms(sides.floor, places, connections=len(places)) if kind == "wav" else None
        for name, waited, other in (
            ("play, not cached", plays_ms(cold, places), None),
            ("play, cached", plays_ms(ours, places), bare),
            ("seek, not cached", seeks_ms(cold, places), None),
            ("seek, cached", seeks_ms(ours, places), None),
        ):
            for share in (0.5, 0.99):
                bare_figure = None if other is None else [percentile(other, share)]
                table.add(f"{kind.upper()}: {name}, p{share * 100:.0f}", [percentile(waited, share)], bare_figure)
    return table


def _requests(sides: Sides, effort: Effort) -> Table:
    table = Table(f"HTTP, {HTTP_CONNECTIONS} connections that stay open", "bare ASGI, stock")
    ours = sides.ours["wav"]
    for name, path, bare in (
        ("small JSON", "/api/health", "/json"),
        ("one chunk, cached", _chunk_path(ours, 1), "/chunk"),
    ):
        rates: dict[Program, list[float]] = {sides.stock: [], ours.program: []}
        costs: dict[Program, list[float]] = {sides.stock: [], ours.program: []}
        for _ in range(effort.windows):
            for program in rates:
                cpu_s = program.cpu_s()
                wanted = bare if program is sides.stock else path
                answers = request_for(program.address, wanted, HTTP_CONNECTIONS, effort.window_s / 2)
                rates[program].append(answers.requests / answers.elapsed_s)
                costs[program].append((program.cpu_s() - cpu_s) / answers.requests * 1e6)
        table.add(f"{name}: requests per second", rates[ours.program], rates[sides.stock])
        table.add(f"{name}: CPU, µs per request", costs[ours.program], costs[sides.stock])
    return table
