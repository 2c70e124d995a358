"""Listeners in real time: what they cost, how punctually they are served, how many one core carries."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.benchmarks.load import Client, Listener, Load, ServerFailed, lateness_s, open_load
from scripts.benchmarks.programs import Program
from scripts.benchmarks.table import percentile

AHEAD_S = 0.5
"""How far ahead of real time the servers send: their first burst is over soon, and a late packet is soon too late."""
PING_EVERY_S = 0.02
OPEN_S = 10.0
"""for the next listeners of a climb, or it is over"""
WATCH_S = 60.0
"""for all that are to be watched: whoever has to be rendered for waits for that"""
MOST_PING_S = 0.020
LOOKS = 3
"""at listeners who are not served well: others may have had the CPU"""
_GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Side:
    """One of the servers that are compared.

    `join` lets a further listener tune in and says which, `at_once` of them at the same time; `cached_bytes` is what
    lies in its bounded cache; packets are `packet_s` long where there are any, and then it answers pings.
    """

    name: str
    program: Program
    join: Callable[[Load, int], Listener]
    packet_s: float | None
    cached_bytes: Callable[[], int] = lambda: 0
    at_once: int = 32


def joining(track_ids: Sequence[int], total_frames: int, **asked: object) -> Callable[[Load, int], Client]:
    """Listeners who ask for one track after the other, each at another place in its first half, as `asked`."""

    def join(load: Load, number: int) -> Client:
        client = load.add(Client(load.address))
        place = int(number * _GOLDEN % 1.0 * total_frames / 2)
        wishes = {name: values[number % len(values)] for name, values in asked.items() if isinstance(values, tuple)}
        client.say("play", track_id=track_ids[number % len(track_ids)], start_frame=place, **wishes)
        return client

    return join


@dataclass(frozen=True)
class Window:
    """What was seen of some listeners in a few seconds."""

    listeners: int
    cpu_ms: float
    """of the server, for one second of one listener"""
    late_s: float
    """99 % of the packets were not later"""
    ping_s: Sequence[float]
    missing: float
    """packets of each listener that were due and did not come"""
    refusals: int
    """so often was somebody told to come again, until all listened"""
    underruns: int
    least_s: float
    """the least that any player had left when more came"""
    own_bytes: int
    """of the server, without what lies in its cache"""
    load_share: float
    """CPU of the load itself, of one core"""
    waiting_share: float
    """of the time: the server could have run, but others had its CPU"""

    @property
    def served_well(self) -> bool:
        """Whether everybody heard everything, and the server answered promptly beside it."""
        prompt = not self.ping_s or percentile(self.ping_s, 0.99) <= MOST_PING_S
        return self.underruns == 0 and self.missing < 1.0 and prompt


@dataclass(frozen=True)
class Audience:
    """Those who listen to one server, and one who only pings."""

    side: Side
    load: Load
    pinger: Client | None
    listeners: list[Listener]

    def add(self, count: int, within_s: float) -> bool:
        """Let so many further ones tune in; whether all of them heard something by then."""
        until_s, waiting = time.monotonic() + within_s, deque[Listener]()

        def let_in() -> bool:
            while waiting and waiting[0].arrivals_s:
                waiting.popleft()
            for listener in waiting:
                listener.ask_again(time.monotonic())
            return len(waiting) < self.side.at_once

        for number in range(len(self.listeners), len(self.listeners) + count):
            self.load.run(until_s, let_in)
            if time.monotonic() > until_s:
                return False
            self.listeners.append(self.side.join(self.load, number))
            waiting.append(self.listeners[-1])
        self.load.run(until_s, lambda: let_in() and not waiting)
        return not waiting

    def _refusals(self) -> int:
        return sum(listener.refusals for listener in self.listeners)

    def observe(self, duration_s: float) -> Window:
        """Let the listeners settle, then look at them for a while."""
        self.load.run_for(duration_s / 3)
        program, packet_s = self.side.program, self.side.packet_s
        before = [len(listener.arrivals_s) for listener in self.listeners]
        for listener in self.listeners:
            listener.playback.look_anew()
        began = _clocks(program)
        pings_s = list(self._ping(time.monotonic() + duration_s))
        elapsed_s, cpu_s, waited_s, own_s = (now - then for now, then in zip(_clocks(program), began, strict=True))
        late_s, missing = [0.0], 0.0
        if packet_s is not None:
            late_s = []
            for listener, seen in zip(self.listeners, before, strict=True):
                late_s += lateness_s(listener.arrivals_s, packet_s)[seen:]
            missing = elapsed_s / packet_s - len(late_s) / len(self.listeners)
        players = [listener.playback for listener in self.listeners]
        for player in players:
            player.look(time.monotonic())
        return Window(
            listeners=len(players),
            cpu_ms=cpu_s / (len(players) * elapsed_s) * 1000,
            late_s=percentile(late_s or [math.inf], 0.99),
            ping_s=pings_s,
            missing=missing,
            refusals=self._refusals(),
            underruns=sum(player.underruns for player in players),
            least_s=min((player.least_s for player in players if player.least_s is not None), default=0.0),
            own_bytes=program.own_bytes() - self.side.cached_bytes(),
            load_share=own_s / elapsed_s,
            waiting_share=waited_s / elapsed_s,
        )

    def _ping(self, until_s: float) -> Iterator[float]:
        """Read what comes, and ask the server for a sign of life now and then."""
        if self.pinger is None:
            self.load.run(until_s)
            return
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
        yield Audience(side, load, None if side.packet_s is None else load.open(), [])


def watch(side: Side, listeners: int, duration_s: float) -> Window:
    """Look at so many listeners, and let them go."""
    with open_audience(side) as audience:
        if not audience.add(listeners, WATCH_S):
            raise ServerFailed("too slow to let in its listeners")
        return audience.observe(duration_s)


def climb(side: Side, steps: range, duration_s: float) -> Sequence[Window]:
    """Add listeners until they are not served well in two steps running; a window of each number that was."""
    good: list[Window] = []
    bad_steps = 0
    with open_audience(side) as audience:
        for listeners in steps:
            if bad_steps == 2 or not audience.add(listeners - len(audience.listeners), OPEN_S):
                break
            looks = (audience.observe(duration_s) for _ in range(LOOKS))
            window = next((look for look in looks if look.served_well), None)
            if window is None:
                bad_steps += 1
            else:
                bad_steps = 0
                good.append(window)
    return good
