"""`scripts/bench listeners`: paced listeners of one server process, beside others in the same run; several tables."""

import os
import platform
import resource
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from auralis_trio.audio.grid import Grid
from scripts.benchmarks import ours
from scripts.benchmarks.crowd import measure_ceiling, measure_crowd, measure_sizes
from scripts.benchmarks.first_packet import Library, Stock, measure_first_packets, open_library
from scripts.benchmarks.http_load import fetch
from scripts.benchmarks.icecast import RadioListener, open_icecast
from scripts.benchmarks.load import Load
from scripts.benchmarks.music import NAMES, RATE, write_many, write_music
from scripts.benchmarks.paced import AHEAD_S, Side, Window, joining
from scripts.benchmarks.profile import measure_profile
from scripts.benchmarks.programs import Program, choose_cpus, running
from scripts.benchmarks.requests import measure_requests

BUSY_SHARE = 0.9
FRAME_BYTES = 4
MASTERED = (False,) * 7 + (True,)
"""of those who listen to many tracks: one in eight hears them mastered"""


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    listeners: int
    windows: int
    window_s: float
    climb: range
    climbers: int
    """so many of the sides"""
    track_s: float
    tracks: int
    sizes: Sequence[int]
    latencies: int
    stock: Stock


SIZES = (1024, 2048, 4096, 8192, 16_384, 32_768)
FULL = Effort(700, 4, 4.0, range(1000, 6001, 250), 4, 400.0, 24, SIZES, 40, Stock(240.0, 20, 8, 6000))
QUICK = Effort(700, 1, 1.2, range(1500, 3501, 1000), 2, 80.0, 4, (), 4, Stock(240.0, 8, 1, 3000))
TRIAL = Effort(3, 1, 0.3, range(3, 4), 4, 30.0, 2, (8192,), 1, Stock(20.0, 1, 1, 60))


@dataclass(frozen=True)
class Sides:
    """Everything that runs and is compared, as listeners see it; Icecast where it is installed."""

    one_track: Side
    many_tracks: Side
    trio: Side
    hypercorn: Side
    icecast: Sequence[Side]
    sizes: Sequence[tuple[int, Side]]
    wav_id: int
    work: Path

    def all(self) -> list[Side]:
        """In the order of the tables."""
        return [self.one_track, self.trio, self.hypercorn, *self.icecast, self.many_tracks]

    def results(self) -> dict[Side, Path]:
        """Those that can say where their time goes, and where they do."""
        return {self.one_track: self.work / "ours.json", self.trio: self.work / "floor.json"}


def measure(effort: Effort) -> Iterator[object]:
    """Measure everything; parts of the report as they come."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    all_cpus = os.sched_getaffinity(0)
    server_cpus, load_cpus = choose_cpus()
    os.sched_setaffinity(0, load_cpus)
    yield (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}; each server on CPU"
        f" {min(server_cpus)}, load on CPU {min(load_cpus)}; packets of 8,192 frames sent {AHEAD_S} s ahead;"
        " medians (from - to)"
    )
    busy: list[Window] = []
    with open_sides(effort, server_cpus) as sides:
        yield from measure_crowd(sides.all(), effort.listeners, effort.windows, effort.window_s, busy)
        if not sides.icecast:
            yield "Icecast is not installed (apt-get install icecast2) and was left out."
        climbers = [side for side in sides.all() if side is not sides.many_tracks][: effort.climbers]
        yield measure_ceiling(climbers, effort.climb, effort.window_s / 2, busy)
        yield measure_profile(sides.results(), effort.listeners, effort.window_s * 2)
        if sides.sizes:
            yield measure_sizes(sides.sizes, effort.listeners, effort.window_s)
        yield _requests(sides, effort)
        with _library(sides.work, all_cpus, effort) as library:
            cached = (sides.one_track.program, sides.wav_id, round(effort.track_s * RATE))
            yield measure_first_packets(library, cached, effort.latencies)
    worst = max(window.load_share for window in busy)
    remark = "; IT WAS THE BOTTLENECK, the figures above are too low" if worst > BUSY_SHARE else ""
    yield f"The load used at most {worst:.0%} of its core{remark}."


@contextmanager
def _library(work: Path, cpus: set[int], effort: Effort) -> Iterator[Library]:
    with ExitStack() as stack:
        yield open_library(stack, work, cpus, effort.stock)


@contextmanager
def open_sides(effort: Effort, cpus: set[int]) -> Iterator[Sides]:
    """Make the music and start every server that listeners are counted of."""
    with tempfile.TemporaryDirectory(prefix="auralis-bench-") as name, ExitStack() as stack:
        work, grid = Path(name), Grid(RATE, round(effort.track_s * RATE))
        write_music(work / "music", effort.track_s)
        many = write_many(work / "music", effort.tracks, effort.track_s)
        wav, packet_s = work / "music" / NAMES[1], grid.packet_frames / RATE
        program = _start_ours(stack, work, cpus)
        found = ours.tracks(program)
        for index in range(grid.total_chunks):
            fetch(program.address, ours.chunk_path(found[NAMES[1]], index))
        held = partial(ours.cached_bytes, program)
        join = joining([found[NAMES[1]]], grid.total_frames, enhanced=(False,))
        join_many = joining([found[name] for name in many], grid.total_frames, enhanced=MASTERED)
        bare = joining([1], grid.total_frames)
        trio = _start_floor(stack, cpus, wav, work / "floor.json")
        yield Sides(
            one_track=Side("ours", program, join, packet_s, held),
            many_tracks=Side(f"ours, {effort.tracks} tracks, 1 in 8 mastered", program, join_many, packet_s, held),
            trio=Side("bare trio", trio, bare, packet_s),
            hypercorn=Side("bare Hypercorn", _start_stock(stack, cpus, program, wav, work), bare, packet_s),
            icecast=_start_icecast(stack, cpus, {"as many bytes": RATE * FRAME_BYTES, "128 kbit/s": 16_000}),
            sizes=[
                (size, Side("", _start_floor(stack, cpus, wav, work / "size.json", size), bare, size / RATE))
                for size in effort.sizes
            ],
            wav_id=found[NAMES[1]],
            work=work,
        )


def _start_ours(stack: ExitStack, work: Path, cpus: set[int]) -> Program:
    arguments = ("auralis_trio", "serve", work / "music", "--port", "0", "--data-dir", work / "data")
    settings = {**ours.SETTINGS, "chunk_cache_bytes": 2 * 1024**3}
    program = stack.enter_context(
        running(cpus, "scripts.benchmarks.profiled", work / "ours.json", *arguments, **settings)
    )
    ours.wait_scanned(program)
    ours.wait_analysed(program)
    return program


def _start_floor(stack: ExitStack, cpus: set[int], wav: Path, result: Path, *size: int) -> Program:
    arguments = ("scripts.benchmarks.floor", wav, AHEAD_S, *size)
    return stack.enter_context(running(cpus, "scripts.benchmarks.profiled", result, *arguments))


def _start_stock(stack: ExitStack, cpus: set[int], program: Program, wav: Path, work: Path) -> Program:
    track_id = ours.tracks(program)[NAMES[1]]
    (work / "bodies").mkdir()
    (work / "bodies" / "json").write_bytes(fetch(program.address, "/api/health"))
    (work / "bodies" / "chunk").write_bytes(fetch(program.address, ours.chunk_path(track_id, 1)))
    return stack.enter_context(running(cpus, "scripts.benchmarks.stock", work / "bodies", wav, AHEAD_S))


def _start_icecast(stack: ExitStack, cpus: set[int], rates: Mapping[str, int]) -> list[Side]:
    sides = []
    for name, bytes_per_s in rates.items():
        program = stack.enter_context(open_icecast(cpus, bytes_per_s))
        if program is not None:
            join = partial(_listen, bytes_per_s)
            # Its queue at the door is short, and who finds it full waits for seconds.
            sides.append(Side(f"Icecast, {name}", program, join, None, at_once=4))
    return sides


def _listen(bytes_per_s: int, load: Load, _number: int) -> RadioListener:
    return load.add(RadioListener(load.address, bytes_per_s))


def _requests(sides: Sides, effort: Effort) -> object:
    paths = {
        "small JSON": ("/api/health", "/json"),
        "one chunk, cached": (ours.chunk_path(sides.wav_id, 1), "/chunk"),
    }
    programs = sides.one_track.program, sides.hypercorn.program
    return measure_requests(programs, paths, effort.windows * 2, effort.window_s / 3)
