"""`scripts/bench listeners|master|library|soak [--quick | --trial]`, with options of their own."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from scripts.benchmarks import listeners, reading, scanning, soak
from scripts.benchmarks.mastering import report


def main() -> None:
    """Measure what was asked for, and print it as it comes."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="What is claimed, beside peers or a floor.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    one = commands.add_parser("listeners", help="paced listeners, requests and first packets of the real server")
    _add_efforts(one, listeners)
    one.add_argument("--listeners", type=int, metavar="N", help="how many at once; then no more than that")
    one.add_argument("--seconds", type=float, metavar="S", help="how long each look at them takes")
    one.set_defaults(measure=_measure_listeners)
    one = commands.add_parser("master", help="analysis and mastering, beside others that do the same")
    _add_efforts(one, report)
    one.set_defaults(measure=lambda options: report.measure(options.effort))
    one = commands.add_parser("library", help="a large library: what it costs to read while a scan writes")
    _add_efforts(one, reading)
    one.add_argument("--database-url", default="", metavar="URL", help="an empty PostgreSQL database to use")
    one.set_defaults(measure=_measure_library)
    one = commands.add_parser("soak", help="thousands of visitors who vanish in every way, and what is left of them")
    _add_efforts(one, soak)
    one.add_argument("--count", type=int, metavar="N", help="how many visits")
    one.add_argument("--seed", type=int, default=1, metavar="S", help="what decides what each of them does")
    one.set_defaults(measure=_measure_soak)
    options = parser.parse_args()
    for part in options.measure(options):
        print(part, end="\n\n", flush=True)


def _add_efforts(parser: argparse.ArgumentParser, benchmark: Any) -> None:
    how_much = parser.add_mutually_exclusive_group()
    for name, effort, what in (
        ("--quick", benchmark.QUICK, "about a minute, and rough"),
        ("--trial", benchmark.TRIAL, "a few seconds: whether it runs; the figures are worth nothing"),
    ):
        how_much.add_argument(
            name, dest="effort", action="store_const", const=effort, default=benchmark.FULL, help=what
        )


def _measure_listeners(options: argparse.Namespace) -> Iterable[object]:
    effort: listeners.Effort = options.effort
    if options.listeners:
        effort = replace(effort, listeners=options.listeners, climb=range(options.listeners, options.listeners + 1))
    if options.seconds:
        effort = replace(effort, window_s=options.seconds)
    return listeners.measure(effort)


def _measure_library(options: argparse.Namespace) -> Iterable[object]:
    scanned = {reading.FULL: scanning.FULL, reading.QUICK: scanning.QUICK, reading.TRIAL: scanning.TRIAL}
    yield from reading.measure_reading(options.effort, options.database_url)
    yield from scanning.measure_scan(scanned[options.effort])


def _measure_soak(options: argparse.Namespace) -> Iterable[object]:
    effort: soak.Effort = replace(options.effort, seed=options.seed)
    return soak.measure(replace(effort, count=options.count) if options.count else effort)


if __name__ == "__main__":
    main()
