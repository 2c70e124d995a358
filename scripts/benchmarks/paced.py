"""Streams in real time: what they cost, how late they come, how many one core carries."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from auralis_trio.audio.grid import Grid
from scripts.benchmarks.load import Client, Load, ServerFailed, lateness_s, open_load
from scripts.benchmarks.programs import Program
from scripts.benchmarks.table import percentile

AHEAD_S = 0.5
"""How far ahead of real time the servers send: their first burst is over soon."""
PING_EVERY_S = 0.02
OPEN_S = 10.0
"""for the next streams of a climb, or it is over"""
MOST_LATE_S = 0.050
LOOKS = 3
"""at streams that are late: others may have had the CPU"""
_GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Side:
    """One of the servers that are compared, and the track to play there."""

    program: Program
    track_id: int
    grid: Grid


@dataclass(frozen=True)
class Window:
    """What was seen of some streams in a few seconds."""

    streams: int
    cpu_ms: float
    """of the server, for one second of one stream"""
    late_s: float
    """99 % of the packets were not later"""
    ping_s: Sequence[float]
    missing: float
    """packets of each stream that were due and did not come"""
    resident_bytes: int
    load_share: float
    """CPU of the load itself, of one core"""
    waiting_share: float
    """of the time: the server could have run, but others had its CPU"""

    @property
    def in_time(self) -> bool:
        """Whether the streams could be listened to."""
        return self.late_s <= MOST_LATE_S and self.missing < 1.0


@dataclass(frozen=True)
class Audience:
    """Clients that listen to one server, and one that only pings."""

    side: Side
    load: Load
    pinger: Client
    clients: list[Client]

    def add(self, count: int) -> bool:
        """Start so many further streams, each at another place between two packets; whether they were let in soon."""
        until_s = time.monotonic() + OPEN_S
        for number in range(len(self.clients), len(self.clients) + count):
            if time.monotonic() > until_s:
                return False
            place = int(number * _GOLDEN % 1.0 * self.side.grid.total_frames / 2)
            self.clients.append(self.load.open())
            self.clients[-1].say("play", track_id=self.side.track_id, start_frame=place)
            self.load.run_for(0)
        return True

    def observe(self, duration_s: float) -> Window:
        """Let the streams settle, then look at them for a while."""
        self.load.run_for(duration_s / 3)
        program, packet_s = self.side.program, self.side.grid.packet_frames / self.side.grid.sample_rate
        before = [len(client.arrivals_s) for client in self.clients]
        began = _clocks(program)
        pings_s = list(self._ping(time.monotonic() + duration_s))
        elapsed_s, cpu_s, waited_s, own_s = (now - then for now, then in zip(_clocks(program), began, strict=True))
        late_s: list[float] = []
        for client, seen in zip(self.clients, before, strict=True):
            late_s += lateness_s(client.arrivals_s, packet_s)[seen:]
        count = len(self.clients)
        return Window(
            streams=count,
            cpu_ms=cpu_s / (count * elapsed_s) * 1000,
            late_s=percentile(late_s or [math.inf], 0.99),
            ping_s=pings_s,
            missing=elapsed_s / packet_s - len(late_s) / count,
            resident_bytes=program.resident_bytes(),
            load_share=own_s / elapsed_s,
            waiting_share=waited_s / elapsed_s,
        )

    def _ping(self, until_s: float) -> Iterator[float]:
        """Read what comes, and ask the server for a sign of life now and then."""
        answers = self.pinger.pongs_s
        while (said_s := time.monotonic()) < until_s:
            count = len(answers)
            self.pinger.say("ping")
            self.load.wait(lambda: len(answers) > count)  # noqa: B023
            yield answers[-1] - said_s
            self.load.run(min(until_s, said_s + PING_EVERY_S))


def _clocks(program: Program) -> tuple[float, float, float, float]:
    return time.monotonic(), program.cpu_s(), program.waited_s(), time.process_time()


@contextmanager
def open_audience(side: Side) -> Iterator[Audience]:
    """An audience that leaves when the body ends."""
    with open_load(side.program.address) as load:
        yield Audience(side, load, load.open(), [])


def watch(side: Side, streams: int, duration_s: float) -> Window:
    """Look at so many streams, and let them go."""
    with open_audience(side) as audience:
        if not audience.add(streams):
            raise ServerFailed("too slow to let in its listeners")
        return audience.observe(duration_s)


def climb(side: Side, steps: range, duration_s: float) -> Sequence[Window]:
    """Add streams until they are late in two steps running; a window of each number that was in time."""
    in_time: list[Window] = []
    late_steps = 0
    with open_audience(side) as audience:
        for streams in steps:
            if late_steps == 2 or not audience.add(streams - len(audience.clients)):
                break
            looks = (audience.observe(duration_s) for _ in range(LOOKS))
            window = next((look for look in looks if look.in_time), None)
            if window is None:
                late_steps += 1
            else:
                late_steps = 0
                in_time.append(window)
    return in_time
