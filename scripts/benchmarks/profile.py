"""Where the CPU time of a server goes while listeners are served: samples of `profiled`, by the step they fell in."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from scripts.benchmarks.paced import WATCH_S, Audience, Side, open_audience
from scripts.benchmarks.table import Columns

RESULT_S = 5.0
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("write: the kernel", ("transport/wire.py:_write_now", "/trio/_socket.py:")),
    (
        "write: deadline, lock, frame",
        ("web/transport/", "/trio/_highlevel_socket.py:", "/trio/_util.py:"),
    ),
    ("header, outlet, link", ("stream/outlet.py:", "wire/packets.py:", "web/ws.py:")),
    (
        "room: pace and credit",
        ("stream/credit.py:", "stream/beat.py:", "pipeline.py:_wait_for_room", "floor.py:"),
    ),
    ("cut: which bytes are next", ("stream/pipeline.py:", "auralis_trio/audio/")),
    ("scheduler, timers, epoll", ("/trio/", "/outcome/", "/sortedcontainers/", "outcome._impl", "trio._")),
    ("chunks: cache, threads, render", ("auralis_trio/", "/numpy/", "/scipy/", "/soundfile.py:")),
    ("rest", ("",)),
)
"""The first that a sample fits counts."""


def measure_profile(sides: Mapping[Side, Path], listeners: int, duration_s: float) -> Columns:
    """A row for each step: CPU per packet of each side."""
    table = Columns(f"Where the CPU time goes, {listeners} listeners, µs per packet", [side.name for side in sides])
    costs = [_costs(side, result, listeners, duration_s) for side, result in sides.items()]
    for step, _ in STEPS:
        table.add(step, *(f"{cost[step]:.1f}" for cost in costs))
    table.add("together", *(f"{sum(cost.values()):.1f}" for cost in costs))
    return table


def _costs(side: Side, result: Path, listeners: int, duration_s: float) -> dict[str, float]:
    with open_audience(side) as audience:
        audience.add(listeners, WATCH_S)
        audience.load.run_for(duration_s / 3)
        seen, cost_us = _sample(audience, result, duration_s)
    samples: Counter[str] = Counter()
    for place, count in seen.items():
        samples[_step_of(place)] += count
    return {step: samples[step] / max(1, samples.total()) * cost_us for step, _ in STEPS}


def _sample(audience: Audience, result: Path, duration_s: float) -> tuple[Mapping[str, int], float]:
    """What the server was found at, and its CPU time per packet, in µs."""
    program = audience.side.program
    packets, cpu_s = _packets(audience), program.cpu_s()
    os.kill(program.pid, signal.SIGUSR1)
    audience.load.run_for(duration_s)
    os.kill(program.pid, signal.SIGUSR2)
    cost_us = (program.cpu_s() - cpu_s) / max(1, _packets(audience) - packets) * 1e6
    audience.load.run(time.monotonic() + RESULT_S, result.exists)
    return json.loads(result.read_text()), cost_us


def _packets(audience: Audience) -> int:
    return sum(len(listener.arrivals_s) for listener in audience.listeners)


def _step_of(place: str) -> str:
    return next(step for step, parts in STEPS if any(part in place for part in parts))
