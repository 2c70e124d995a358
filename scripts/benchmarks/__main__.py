"""`scripts/bench stream [--quick | --trial] [--streams N ...] [--seconds S]` or `library [--quick | --trial]`."""

import argparse
from collections.abc import Iterable
from dataclasses import replace

from scripts.benchmarks import reading, scanning
from scripts.benchmarks.stream import FULL, QUICK, TRIAL, measure


def main() -> None:
    """Measure what was asked for, and print it as it comes."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="What the server costs, beside a floor.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    stream = commands.add_parser("stream", help="streams and requests, through the real server")
    _add_efforts(stream, FULL, QUICK, TRIAL)
    stream.add_argument(
        "--streams", type=int, nargs="+", metavar="N", help="how many at once; then no more than that"
    )
    stream.add_argument("--seconds", type=float, metavar="S", help="how long each look at them takes")
    stream.set_defaults(measure=_measure_streams)
    library = commands.add_parser("library", help="a large library: what it costs to read while a scan writes")
    _add_efforts(library, reading.FULL, reading.QUICK, reading.TRIAL)
    library.add_argument("--database-url", default="", metavar="URL", help="an empty PostgreSQL database to use")
    library.set_defaults(measure=_measure_library)
    options = parser.parse_args()
    for part in options.measure(options):
        print(part, end="\n\n", flush=True)


def _add_efforts(parser: argparse.ArgumentParser, full: object, quick: object, trial: object) -> None:
    how_much = parser.add_mutually_exclusive_group()
    for name, effort, what in (
        ("--quick", quick, "at most a minute, and rough"),
        ("--trial", trial, "a few seconds: whether it runs; the figures are worth nothing"),
    ):
        how_much.add_argument(name, dest="effort", action="store_const", const=effort, default=full, help=what)


def _measure_streams(options: argparse.Namespace) -> Iterable[object]:
    effort = options.effort
    if options.streams:
        most = max(options.streams)
        effort = replace(effort, streams=options.streams, climb=range(most, most + 1))
    if options.seconds:
        effort = replace(effort, window_s=options.seconds)
    return measure(effort)


def _measure_library(options: argparse.Namespace) -> Iterable[object]:
    scanned = {reading.FULL: scanning.FULL, reading.QUICK: scanning.QUICK, reading.TRIAL: scanning.TRIAL}
    yield from reading.measure_reading(options.effort, options.database_url)
    yield from scanning.measure_scan(scanned[options.effort])


if __name__ == "__main__":
    main()
