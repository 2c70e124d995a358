"""`scripts/bench stream [--quick | --trial] [--streams N ...] [--seconds S]`."""

import argparse
from dataclasses import replace

from scripts.benchmarks.stream import FULL, QUICK, TRIAL, measure


def main() -> None:
    """Measure what was asked for, and print it as it comes."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="What the server costs, beside a floor.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    stream = commands.add_parser("stream", help="streams and requests, through the real server")
    how_much = stream.add_mutually_exclusive_group()
    for name, effort, what in (
        ("--quick", QUICK, "at most a minute, and rough"),
        ("--trial", TRIAL, "a few seconds: whether it runs; the figures are worth nothing"),
    ):
        how_much.add_argument(name, dest="effort", action="store_const", const=effort, default=FULL, help=what)
    stream.add_argument(
        "--streams", type=int, nargs="+", metavar="N", help="how many at once; then no more than that"
    )
    stream.add_argument("--seconds", type=float, metavar="S", help="how long each look at them takes")
    options = parser.parse_args()
    effort = options.effort
    if options.streams:
        most = max(options.streams)
        effort = replace(effort, streams=options.streams, climb=range(most, most + 1))
    if options.seconds:
        effort = replace(effort, window_s=options.seconds)
    for part in measure(effort):
        print(part, end="\n\n", flush=True)


if __name__ == "__main__":
    main()
