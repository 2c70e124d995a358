"""Servers as processes of their own, pinned to CPUs, and what the kernel says of them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

STOP_S = 20
READY = re.compile(r"ready http://(?P<host>[0-9.]+):(?P<port>[0-9]+)\n")
PROPORTIONAL = re.compile(r"^Pss: +([0-9]+) kB$", re.MULTILINE)
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Program:
    """A running server that has said `ready URL`."""

    pid: int
    address: tuple[str, int]

    def cpu_s(self) -> float:
        """CPU time of all its threads, in user and kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def waited_s(self) -> float:
        """Time in which its main thread could have run, had others left it the CPU."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def own_bytes(self) -> int:
        """Memory of it and its children, pages that several share being shared out among them (PSS)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_proportional_bytes(pid) for pid in (str(self.pid), *children))


def _proportional_bytes(pid: str) -> int:
    try:
        found = PROPORTIONAL.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0  # a child that has ended meanwhile
    return int(found[1]) * 1024 if found else 0


def choose_cpus() -> tuple[set[int], set[int]]:
    """The CPU of the servers and that of the load; the same one where there is no other."""
    cpus = sorted(os.sched_getaffinity(0))
    return {cpus[0]}, {cpus[min(1, len(cpus) - 1)]}


@contextmanager
def running(cpus: set[int], module: str, *arguments: object, **settings: object) -> Iterator[Program]:
    """Run a module as a server until the body ends; `settings` reach it as AURALIS_* variables."""
    command: Sequence[str] = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, **{f"AURALIS_{name.upper()}": str(value) for name, value in settings.items()}}
    pin = partial(os.sched_setaffinity, 0, cpus)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=pin) as process:
        try:
            yield Program(process.pid, _wait_ready(process))
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=STOP_S)
        finally:
            process.kill()


def _wait_ready(process: "subprocess.Popen[str]") -> tuple[str, int]:
    assert process.stdout is not None
    line = process.stdout.readline()
    ready = READY.fullmatch(line)
    if ready is None:
        raise RuntimeError(f"a server did not start: {process.args!r}")
    return ready["host"], int(ready["port"])
