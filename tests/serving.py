"""The real server for tests: in this process with its services in reach, or as a process of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import trio
import trio.testing

from auralis_trio.app import Server, open_server
from auralis_trio.config import Settings
from auralis_trio.offload import Lane
from tests.clock import LIMIT_S as LIMIT_S

COMMAND = [sys.executable, "-m", "auralis_trio"]


def settings_for(tmp_path: Path, *folders: Path, **options: Any) -> Settings:
    """Settings of a server on a free port that owns `tmp_path/data`, and does only what it is asked for."""
    named = tuple(str(folder) for folder in folders)
    values: dict[str, Any] = {"analyse_in_background": False, "watch": False, **options}
    return Settings(port=0, data_dir=str(tmp_path / "data"), folders=named, **values)


@asynccontextmanager
async def running_server(settings: Settings, *, scanned: bool = True) -> AsyncIterator[Server]:
    """A server in this process, whose folders have been scanned."""
    async with open_server(settings) as server:
        if scanned:
            await server.services.scan.run()
            assert server.services.scan.progress.state == "finished"
        yield server


@asynccontextmanager
async def held_permits(server: Server, lane: Lane) -> AsyncIterator[None]:
    """For as long as the body lasts, what asks for a thread of this lane waits."""
    offload, go_on = server.services.offload, threading.Event()
    async with trio.open_nursery() as nursery:
        try:
            for _ in range(offload.statistics()[lane.value].permits):
                nursery.start_soon(offload.run, lane, go_on.wait)
            await trio.testing.wait_all_tasks_blocked()
            yield
        finally:
            go_on.set()


async def until_asked_for(server: Server, lane: Lane) -> None:
    """Wait until somebody waits for a thread of this lane."""
    while not server.services.offload.statistics()[lane.value].waiting:
        await trio.lowlevel.checkpoint()


def client_of(url: str) -> httpx2.AsyncClient:
    """A client of a server, as patient as all tests are."""
    return httpx2.AsyncClient(base_url=url, timeout=LIMIT_S)


async def answer_in_the_end(http: httpx2.AsyncClient, path: str) -> httpx2.Response:
    """What a far place is answered with once it is there; two who ask at first, at once, are told to come again."""
    refused = 0

    async def ask() -> httpx2.Response:
        nonlocal refused
        answer = await http.get(path)
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (503, "track_not_ready")
            assert int(answer.headers["Retry-After"]) >= 1
            refused += 1
        return answer

    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:  # at once, before anything can have been decoded
            nursery.start_soon(ask)
            nursery.start_soon(ask)
        assert refused == 2
        while (answer := await ask()).status_code != 200:
            pass
    return answer


@dataclass
class Process:
    """A server in a process of its own."""

    popen: subprocess.Popen[str]
    url: str
    log: str = ""
    """what it wrote, if that was asked for; known once it has ended"""

    @property
    def pid(self) -> int:
        return self.popen.pid

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def environment(**options: object) -> dict[str, str]:
    """This environment with settings in it."""
    values = {"analyse_in_background": False, "watch": False, **options}
    return {**os.environ, **{f"AURALIS_{name.upper()}": str(value) for name, value in values.items()}}


def run_command(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `auralis-trio` to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment(**options),
        check=False,
    )


@contextmanager
def server_process(data_dir: Path, *folders: Path, logged: bool = False, **options: object) -> Iterator[Process]:
    """`auralis-trio serve` until the body ends; then SIGTERM, after which it must exit with 0.

    A log that is asked for has to fit into a pipe.
    """
    arguments = ["serve", *map(str, folders), "--port", "0", "--data-dir", str(data_dir)]
    log = subprocess.PIPE if logged else None
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=log, text=True, env=environment(**options)
    ) as popen:
        try:
            assert popen.stdout is not None
            line = popen.stdout.readline()
            assert line.startswith("ready http://"), line
            process = Process(popen, line.split()[1])
            yield process
            popen.send_signal(signal.SIGTERM)
            assert popen.wait(timeout=LIMIT_S) == 0
            if popen.stderr is not None:
                process.log = popen.stderr.read()
        finally:
            popen.kill()


async def in_thread(function: Any, *args: Any) -> Any:
    """Run blocking test code beside a server in this process."""
    return await trio.to_thread.run_sync(function, *args)
