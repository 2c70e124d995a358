"""Programs run to their end, with what they printed and what they took."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
METERED = str(Path(__file__).with_name("metered.py"))
LIMIT_S = 900.0
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
CORETYPE = "OPENBLAS_CORETYPE"


@dataclass(frozen=True)
class Run:
    """One run of a program. `cpu_s` is what it says itself where it does, else all of the process."""

    facts: Mapping[str, Any]
    output: str
    cpu_s: float
    peak_mib: float


def run(command: Sequence[object], *, without: str | None = None, pin: bool = True) -> Run:
    """Run a program with one thread, and unless many run at once on one core; `without` a variable.

    Raises:
        RuntimeError: it failed.
    """
    environment = {name: value for name, value in {**os.environ, **ONE_THREAD}.items() if name != without}
    done = subprocess.run(
        [sys.executable, "-I", "-S", METERED, str(int(pin)), *map(str, command)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    *lines, meter = done.stdout.splitlines() or [""]
    taken = json.loads(meter) if meter.startswith("{") else {"code": done.returncode}
    if taken["code"]:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    facts = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    output = done.stdout + done.stderr
    return Run(facts, output, facts.get("cpu_s", taken["process_s"]), taken["peak_kib"] / 1024)


def ours(task: str, *arguments: object, without: str | None = None, pin: bool = True) -> Run:
    """One of our own tasks; see `tasks`."""
    command = [sys.executable, "-m", "scripts.benchmarks.mastering.tasks", task, *arguments]
    return run(command, without=without, pin=pin)


def peer(script: str, *arguments: object) -> Run:
    """A program of the environment of peers."""
    return run([PEERS_PYTHON, ROOT / "scripts" / "benchmarks" / "peers" / f"{script}.py", *arguments])
