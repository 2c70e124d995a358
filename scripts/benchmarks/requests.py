"""Requests over HTTP, beside Hypercorn as it comes that gives the same bytes."""

from collections.abc import Mapping

from scripts.benchmarks.http_load import request_for
from scripts.benchmarks.programs import Program
from scripts.benchmarks.table import Table

CONNECTIONS = 4
MIB = 1024 * 1024


def measure_requests(
    programs: tuple[Program, Program], paths: Mapping[str, tuple[str, str]], windows: int, window_s: float
) -> Table:
    """Two rows or three for each path of ours and what the other one calls it."""
    table = Table(f"HTTP, {CONNECTIONS} connections that stay open", "bare Hypercorn")
    for name, wanted in paths.items():
        rates: list[list[float]] = [[], []]
        costs: list[list[float]] = [[], []]
        sizes: list[list[float]] = [[], []]
        for _ in range(windows):
            for program, path, rate, cost, size in zip(programs, wanted, rates, costs, sizes, strict=True):
                cpu_s = program.cpu_s()
                answers = request_for(program.address, path, CONNECTIONS, window_s)
                rate.append(answers.requests / answers.elapsed_s)
                size.append(answers.bytes / answers.elapsed_s / MIB)
                cost.append((program.cpu_s() - cpu_s) / answers.requests * 1e6)
        table.add(f"{name}: requests per second", *rates)
        table.add(f"{name}: MiB per second", *sizes)
        table.add(f"{name}: CPU, µs per request", *costs)
    return table
