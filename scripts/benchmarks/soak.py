"""`scripts/bench soak`: thousands of visitors who come, do something and go in every way; what is left of them."""

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from scripts.benchmarks import ours
from scripts.benchmarks.http_load import fetch
from scripts.benchmarks.music import write_long, write_opus
from scripts.benchmarks.programs import Program, choose_cpus, running
from scripts.benchmarks.table import Columns
from scripts.benchmarks.visitor import Gone, visiting
from scripts.benchmarks.visits import VISITS, Visit

MIB = 1024 * 1024
TRACK_S = 20.0
DEAF_BYTES = 4096
PATIENCE_S = 1.0
"""after which the server cuts who takes nothing, says nothing or answers no ping"""
VISIT_S = 30.0
"""no visit lasts as long"""
SETTLE_S = 30.0
"""for what visitors held to be given back: idle threads stay for ten seconds, freed memory for up to twenty"""
LOOK_EVERY_S = 0.2
MAX_GROWTH_BYTES = 8 * MIB
"""by which memory may be more than after the warm-up: caches are not always filled with the same; 0.8 KiB a visit"""
SETTINGS: dict[str, object] = {
    **ours.SETTINGS,
    **dict.fromkeys(
        ("stall_timeout_s", "ping_interval_s", "ping_timeout_s", "header_timeout_s", "keep_alive_s"), PATIENCE_S
    ),
    "analyse_in_background": "false",
    "scan_at_start": "false",
    "chunk_cache_bytes": 32 * MIB,
    "chunk_disk_bytes": 48 * MIB,
}
"""small caches, which are full after the warm-up and evict from then on"""


@dataclass(frozen=True)
class Effort:
    """How many visits are made, after how many to warm up, and how many at once."""

    count: int
    warm_up: int
    at_once: int
    seed: int = 1


FULL = Effort(10_000, 2_000, 64)
QUICK = Effort(1_000, 500, 64)
TRIAL = Effort(100, 50, 32)


@dataclass(frozen=True)
class Figures:
    """What a server holds while nobody visits it: each name with its value."""

    values: Mapping[str, int]

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> "Figures":
        """From what `/api/status` tells.

        Raises:
            RuntimeError: it does not tell what the process holds, for the disk does not answer.
        """
        process = status["process"]
        if process is None:
            raise RuntimeError(f"the disk does not answer: {status['permits']['disk']}")
        return cls(
            {
                "descriptors": process["descriptors"],
                "threads": process["threads"],
                "tasks": status["tasks"],
                "temporary bytes": process["temporary_bytes"],
                "sessions": len(status["sessions"]),
                "listeners": status["listeners"]["streams"],
                "connections": status["connections"]["connections"],
                "permits held": sum(lane["running"] + lane["waiting"] for lane in status["permits"].values()),
                "permits lost": sum(len(lane["stuck"]) for lane in status["permits"].values()),
                "renders": status["renders"]["under_way"],
                "flights": status["flights"]["under_way"] + status["prefetch"]["under_way"],
                "waiting to be written": status["listens"]["waiting"] + status["chunk_disk"]["waiting"],
                "resident bytes": process["resident_bytes"],
            }
        )

    def more_than(self, before: "Figures") -> list[str]:
        """The names of what there is more of than before, and should not be."""
        allowed = {"resident bytes": MAX_GROWTH_BYTES}
        return [name for name, value in self.values.items() if value > before.values[name] + allowed.get(name, 0)]


@dataclass
class Crowd:
    """All visitors of one server, and what became of their visits."""

    address: tuple[str, int]
    tracks: Sequence[int]
    visit_s: float = VISIT_S
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)

    async def visit(self, effort: Effort, numbers: range) -> None:
        """Make the visits of these numbers; which ones they are depends on their number and the seed alone."""
        turns = iter(numbers)

        async def one_after_the_other() -> None:
            for number in turns:
                await self._visit(random.Random(f"{effort.seed} {number}"))

        async with trio.open_nursery() as nursery:
            for _ in range(effort.at_once):
                nursery.start_soon(one_after_the_other)

    async def _visit(self, dice: random.Random) -> None:
        chosen = dice.choice(VISITS)
        outcome = "over time"
        with trio.move_on_after(self.visit_s):
            outcome = await self._act(chosen, dice)
        self.outcomes.setdefault(chosen.name, Counter())[outcome] += 1

    async def _act(self, chosen: Visit, dice: random.Random) -> str:
        try:
            async with visiting(self.address, dice, DEAF_BYTES if chosen.deaf else None) as visitor:
                await chosen.act(visitor, self.tracks)
        except Gone:
            return "cut"
        return "done"

    @property
    def over_time(self) -> int:
        """How many visits did not end."""
        return sum(counted["over time"] for counted in self.outcomes.values())


def measure(effort: Effort) -> Iterator[object]:
    """Soak a server; parts of the report as they come.

    Raises:
        SystemExit: something did not come back to where it was.
    """
    with open_server() as (program, tracks):
        crowd = Crowd(program.address, tracks)
        trio.run(crowd.visit, effort, range(effort.warm_up))
        before = settle(program)
        began_s = time.monotonic()
        trio.run(crowd.visit, effort, range(effort.warm_up, effort.warm_up + effort.count))
        elapsed_s = time.monotonic() - began_s
        after = settle(program, before)
        status = ours.ask(program, "/api/status")
    yield _visits_table(crowd)
    yield _figures_table(before, after, effort, elapsed_s)
    failed = [*after.more_than(before), *(["visits over time"] if crowd.over_time else [])]
    if status["connections"]["ended_by_errors"]:
        failed.append("connections that our own errors ended")
    if failed:
        raise SystemExit(f"NOT AS BEFORE: {', '.join(failed)}; tasks: {status['task_names']}")
    yield "Everything came back to where it was."


@contextmanager
def open_server() -> Iterator[tuple[Program, list[int]]]:
    """A server of its own whose tracks are scanned, each decoded to its end, and their ids."""
    with tempfile.TemporaryDirectory(prefix="auralis-soak-") as name:
        work = Path(name)
        (work / "music").mkdir()
        write_long(work / "music" / "some", 3, 2, TRACK_S)
        write_opus(work / "music" / "sequence.opus", TRACK_S)
        cpus, _ = choose_cpus()
        arguments = ("serve", work / "music", "--port", "0", "--data-dir", work / "data")
        # What a scan takes, such as worker processes, is no part of what is compared.
        with running(cpus, "auralis_trio", *arguments, **{**SETTINGS, "scan_at_start": "true"}) as program:
            ours.wait_scanned(program)
        with running(cpus, "auralis_trio", *arguments, **SETTINGS) as program:
            tracks = sorted(ours.tracks(program).values())
            prepare(program, tracks)
            yield program, tracks


def prepare(program: Program, tracks: Sequence[int]) -> None:
    """Have everything measured, and decoded that is decoded in sequence, so that none of it is left in the middle."""
    for track in tracks:
        fetch(program.address, f"/api/stream/{track}/metadata?enhanced=true")
        for rate in ("", "sample_rate=48000"):
            last = ours.ask(program, f"/api/stream/{track}/metadata?{rate}")["total_chunks"] - 1
            fetch(program.address, f"/api/stream/{track}/chunk/{last}?{rate}")


def settle(program: Program, before: Figures | None = None) -> Figures:
    """The figures when everybody has been gone for `SETTLE_S`; at most as much later until they are as `before`."""
    began_s = time.monotonic()
    while True:
        status = ours.ask(program, "/api/status")
        elapsed_s = time.monotonic() - began_s
        # As long as the disk is too busy to tell what the process holds, it is not at rest.
        if elapsed_s > 2 * SETTLE_S or (elapsed_s > SETTLE_S and status["process"] is not None):
            figures = Figures.of(status)
            if elapsed_s > 2 * SETTLE_S or before is None or not figures.more_than(before):
                return figures
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - another process, which can only be asked again


def _visits_table(crowd: Crowd) -> Columns:
    table = Columns("visits", ["done", "cut by the server", "over time"])
    for name, counted in sorted(crowd.outcomes.items()):
        table.add(name, *(str(counted[outcome]) for outcome in ("done", "cut", "over time")))
    return table


def _figures_table(before: Figures, after: Figures, effort: Effort, elapsed_s: float) -> Columns:
    table = Columns(f"{effort.count} visits in {elapsed_s:.0f} s, seed {effort.seed}", ["before", "after"])
    for name, value in after.values.items():
        table.add(name, f"{before.values[name]:,}", f"{value:,}")
    return table
