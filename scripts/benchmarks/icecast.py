"""Icecast beside us: Debian's program, as an unprivileged user, fed in real time with as many bytes as we send.

It gives all listeners the same bytes at the same time and knows neither tracks nor places in them: this is what
handing bytes on costs where nothing else has to be done. Listeners are counted as ours are.

    python -m scripts.benchmarks.icecast HOST PORT BYTES_PER_S

feeds its mount until killed.
"""

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benchmarks.load import ServerFailed, connect, fail, open_load
from scripts.benchmarks.playback import Playback
from scripts.benchmarks.programs import STOP_S, Program

MOUNT = "/music.wav"
PASSWORD = "benchmark"
START_S = 10.0
RETRY_S = 0.05
FEED_EVERY_S = 0.02
BURST_S = 0.5
"""sent at once to each new listener: as far ahead as our streams are"""
NOBODY = 65_534
_CONFIG = """<icecast>
<limits><clients>20000</clients><sources>2</sources><queue-size>4000000</queue-size>
<burst-on-connect>1</burst-on-connect><burst-size>{burst}</burst-size></limits>
<authentication><source-password>{password}</source-password><admin-password>{password}</admin-password>
</authentication>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<hostname>127.0.0.1</hostname>
<paths><logdir>{folder}</logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot></paths>
<logging><errorlog>error.log</errorlog><accesslog>access.log</accesslog><loglevel>1</loglevel></logging>
</icecast>
"""


class RadioListener:
    """A connection to a mount; each read counts as an arrival."""

    def __init__(self, address: tuple[str, int], bytes_per_s: float) -> None:
        self.arrivals_s: list[float] = []
        self.playback = Playback()
        self.refusals = 0
        self._bytes_per_s = bytes_per_s
        self._head: bytes | None = b""
        self.socket = connect(address)
        self.socket.sendall(f"GET {MOUNT} HTTP/1.0\r\nHost: {address[0]}\r\n\r\n".encode())
        self.socket.setblocking(False)

    def ask_again(self, now_s: float) -> None:
        """See `load.Listener.ask_again`: it refuses nobody for a while."""

    def read(self, buffer: memoryview) -> None:
        """See `load.Listener.read`."""
        size = self.socket.recv_into(buffer)
        if size == 0:
            fail("hung up")
        if self._head is not None:
            self._head += buffer[:size]
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 200 " not in head.partition(b"\r\n")[0]:
                fail(head.decode("latin-1"))
            self._head, size = None, len(body)
        now_s = time.monotonic()
        self.arrivals_s.append(now_s)
        self.playback.take(now_s, size / self._bytes_per_s)


@contextmanager
def open_icecast(cpus: set[int], bytes_per_s: int) -> Iterator[Program | None]:
    """A running Icecast with one fed mount; None where it is not installed."""
    command = shutil.which("icecast2") or shutil.which("icecast")
    if command is None:
        yield None
        return
    with TemporaryDirectory(prefix="auralis-bench-icecast-") as folder:
        port = _free_port()
        config = Path(folder) / "icecast.xml"
        burst = round(BURST_S * bytes_per_s)
        config.write_text(_CONFIG.format(password=PASSWORD, port=port, folder=folder, burst=burst))
        with _started(partial(_become_nobody, cpus, folder), command, "-c", config) as pid:
            program = Program(pid, ("127.0.0.1", port))
            _retry(lambda: socket.create_connection(program.address).close(), "Icecast does not start")
            source = (sys.executable, "-m", "scripts.benchmarks.icecast", *program.address, bytes_per_s)
            with _started(None, *source):
                _retry(partial(_listen, program, bytes_per_s), "Icecast gives no sound")
                yield program


def _become_nobody(cpus: set[int], folder: str) -> None:
    """In the new process: as root it refuses to run."""
    os.sched_setaffinity(0, cpus)
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@contextmanager
def _started(begin: Callable[[], None] | None, *command: object) -> Iterator[int]:
    """Run a program until the body ends; its process id."""
    with subprocess.Popen(
        [*map(str, command)], preexec_fn=begin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process.pid
            process.terminate()
            process.wait(STOP_S)
        finally:
            process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def _listen(program: Program, bytes_per_s: int) -> None:
    """Listen until something is heard."""
    with open_load(program.address) as load:
        listener = load.add(RadioListener(program.address, bytes_per_s))
        load.wait(lambda: len(listener.arrivals_s) > 0)


def _retry(step: Callable[[], None], otherwise: str) -> None:
    until_s = time.monotonic() + START_S
    while True:
        try:
            return step()
        except (OSError, ServerFailed):
            if time.monotonic() > until_s:
                raise RuntimeError(otherwise) from None
        time.sleep(RETRY_S)  # noqa: TID251 - another process, which can only be asked again


def feed(address: tuple[str, int], bytes_per_s: int) -> None:
    """Send as many bytes as one stream has, evenly, until killed."""
    connection = connect(address)
    token = base64.b64encode(f"source:{PASSWORD}".encode()).decode()
    head = f"SOURCE {MOUNT} HTTP/1.0\r\nAuthorization: Basic {token}\r\nContent-Type: audio/wav\r\n\r\n"
    connection.sendall(head.encode())
    connection.recv(1024)
    piece = bytes(os.urandom(round(bytes_per_s * FEED_EVERY_S)))
    at_s = time.monotonic()
    while True:
        connection.sendall(piece)
        at_s += FEED_EVERY_S
        time.sleep(max(0.0, at_s - time.monotonic()))  # noqa: TID251 - the pace itself


if __name__ == "__main__":
    feed((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]))
