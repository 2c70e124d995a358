"""How late an event loop is: `ticker.py FIGURES MUSIC DATA` is a server with a ticker, without MUSIC a bare ticker.

The ticker wants to wake every 10 ms and notes how much later than that it does. The bare one tells what the machine
alone makes of it: what is later beside a server's load is the kernel's doing, not the server's.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import trio

from auralis_trio.app import run_server
from auralis_trio.cli.serving import ready_interpreter
from auralis_trio.config import load_settings
from auralis_trio.work.memory import keep_freed_memory

TICK_S = 0.010

Tick = tuple[float, float]
"""When it was due by the monotonic clock, and how many seconds later it came."""


async def tick(ticks: list[Tick]) -> None:
    """Note how late each tick is, until cancelled."""
    due_s = time.monotonic()
    while True:
        due_s += TICK_S
        await trio.sleep(max(0.0, due_s - time.monotonic()))
        ticks.append((due_s, time.monotonic() - due_s))


async def serve(music: str, data: str) -> None:
    """The real server, as `auralis-trio serve` runs it."""
    settings = load_settings({"folders": [music], "data_dir": data, "port": 0}, os.environ)
    ready_interpreter()
    keep_freed_memory()
    await run_server(settings, lambda url: print(f"ready {url}", flush=True))


async def wait_for_the_end() -> None:
    """Serve nothing until SIGTERM."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        print("ready http://127.0.0.1:0", flush=True)
        await anext(signals)


async def watch(arguments: Sequence[str]) -> list[Tick]:
    """Run until SIGTERM; the ticks until then."""
    ticks: list[Tick] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick, ticks)
        await (serve(*arguments) if arguments else wait_for_the_end())
        nursery.cancel_scope.cancel()
    return ticks


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(trio.run(watch, sys.argv[2:])), encoding="utf-8")
