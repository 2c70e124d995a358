"""The one door: its permits hold, its deadlines stop the work, and nothing leaks however it is left."""

import gc
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.audio.source import Check
from auralis_trio.errors import Busy, NotFound, TimedOut, WorkerDied
from auralis_trio.offload import STOP_GRACE_S, InlineOffload, Lane, ThreadOffload, default_permits, open_offload
from tests.clock import LIMIT_S, limited

THREADS = [Lane.DISK, Lane.AUDIO, Lane.TRACK, Lane.READ, Lane.WRITE, Lane.WATCH]
PERMITS = {**dict.fromkeys(THREADS, 2), Lane.DISK: 3, Lane.WRITE: 1, Lane.WATCH: 1, Lane.PROCESS: 1}
DEADLINE_S = 10.0


class Gate:
    """A job that stays inside until it is let go, as a native call that does not return."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.done = threading.Event()
        self._open = threading.Event()
        self._lock = threading.Lock()
        self._entered = threading.Semaphore(0)

    def pass_through(self) -> str:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self._entered.release()
        assert self._open.wait(LIMIT_S)
        with self._lock:
            self.inside -= 1
        self.done.set()
        return "through"

    async def wait_entered(self, jobs: int = 1) -> None:
        for _ in range(jobs):
            assert await trio.to_thread.run_sync(self._entered.acquire, True, LIMIT_S)

    def let_go(self) -> None:
        self._open.set()


async def wait_until(reached: Callable[[], bool]) -> None:
    """Give threads the time to report to the loop."""
    with trio.fail_after(LIMIT_S):
        while not reached():
            await trio.to_thread.run_sync(lambda: None)


async def time_out(
    clock: MockClock, ask: Callable[[], Awaitable[object]], begun: Callable[[], Awaitable[object]], grace_s: float = 0
) -> None:
    """Let the deadline of a job pass once it has begun, and then so much of the time that it has to stop in."""

    async def expect_the_end() -> None:
        with pytest.raises(TimedOut):
            await ask()

    with limited():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect_the_end)
            await begun()
            clock.jump(DEADLINE_S)
            await trio.testing.wait_all_tasks_blocked()
            clock.jump(grace_s)


async def leave_behind(door: ThreadOffload, clock: MockClock, gate: Gate, lane: Lane) -> None:
    """Have a job time out that does not return."""
    ask = partial(door.run, lane, gate.pass_through, deadline_s=DEADLINE_S)
    await time_out(clock, ask, gate.wait_entered, STOP_GRACE_S)


def held(door: ThreadOffload) -> dict[str, tuple[int, int, int]]:
    """Permits held, tasks waiting and jobs stuck, by lane; without those where all is zero."""
    figures = {name: (lane.running, lane.waiting, len(lane.stuck)) for name, lane in door.statistics().items()}
    return {name: figure for name, figure in figures.items() if any(figure)}


def fail() -> NoReturn:
    raise NotFound


def add(one: int, two: int) -> int:
    return one + two


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def linger(ready: str) -> None:
    """Say who it is, then stay for as long as nobody kills it."""
    with open(ready, "w") as file:
        file.write(str(os.getpid()))
    signal.pause()


async def pid_in(path: Path) -> int:
    await wait_until(lambda: path.exists() and path.stat().st_size > 0)
    return int(await trio.Path(path).read_text())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the second one if it goes while it is looked at
        return False


@pytest.mark.parametrize("lane", THREADS)
async def test_a_job_runs_in_another_thread_and_gives_its_result(lane: Lane) -> None:
    async with open_offload(PERMITS) as door:
        assert await door.run(lane, add, 2, 3) == 5
        assert await door.run(lane, threading.get_ident) != threading.get_ident()
        assert held(door) == {}


@pytest.mark.parametrize("lane", THREADS)
async def test_what_a_job_raises_is_raised_where_it_was_asked_for(lane: Lane) -> None:
    async with open_offload(PERMITS) as door:
        with pytest.raises(NotFound):
            await door.run(lane, fail)
        assert held(door) == {}


@pytest.mark.parametrize("lane", THREADS)
async def test_the_permits_of_a_lane_hold(lane: Lane) -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door, trio.open_nursery() as nursery:
        for _ in range(PERMITS[lane] + 2):
            nursery.start_soon(door.run, lane, gate.pass_through)
        await gate.wait_entered(PERMITS[lane])
        await trio.testing.wait_all_tasks_blocked()
        assert held(door) == {lane.value: (PERMITS[lane], 2, 0)}
        gate.let_go()
    assert gate.most == PERMITS[lane]
    assert held(door) == {}


async def test_a_full_lane_leaves_the_others_free() -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door, trio.open_nursery() as nursery:
        for lane in (Lane.DISK, Lane.WRITE):
            for _ in range(PERMITS[lane]):
                nursery.start_soon(door.run, lane, gate.pass_through)
        await gate.wait_entered(PERMITS[Lane.DISK] + PERMITS[Lane.WRITE])
        assert await door.run(Lane.AUDIO, add, 1, 1) == 2
        assert await door.run(Lane.READ, add, 1, 1) == 2
        gate.let_go()


@pytest.mark.parametrize("lane", THREADS)
async def test_without_a_free_permit_the_deadline_says_busy(lane: Lane) -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door, trio.open_nursery() as nursery:
        for _ in range(PERMITS[lane]):
            nursery.start_soon(door.run, lane, gate.pass_through)
        await gate.wait_entered(PERMITS[lane])
        calls: list[int] = []
        with pytest.raises(Busy) as caught:
            await door.run(lane, calls.append, 1, deadline_s=0.01)
        assert caught.value.headers["Retry-After"] == "5"
        assert calls == []
        assert held(door) == {lane.value: (PERMITS[lane], 0, 0)}
        gate.let_go()


@pytest.mark.parametrize("lane", THREADS)
async def test_a_job_that_does_not_return_keeps_its_permit_and_shows_as_stuck_until_it_does(
    lane: Lane, mock_clock: MockClock
) -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door:
        await leave_behind(door, mock_clock, gate, lane)
        assert held(door) == {lane.value: (1, 0, 1)}
        assert door.statistics()[lane.value].stuck == ["Gate.pass_through"]
        gate.let_go()
        await wait_until(lambda: held(door) == {})
        assert await door.run(lane, add, 1, 2) == 3


async def test_what_is_stuck_is_named_after_its_function_also_where_that_has_some_arguments_already(
    mock_clock: MockClock,
) -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door:
        ask = partial(door.run, Lane.READ, partial(gate.pass_through), deadline_s=DEADLINE_S)
        await time_out(mock_clock, ask, gate.wait_entered, STOP_GRACE_S)
        assert door.statistics()[Lane.READ.value].stuck == ["Gate.pass_through"]
        gate.let_go()


async def test_check_stops_a_job_whose_deadline_has_passed(mock_clock: MockClock) -> None:
    begun, stopped = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()

    def work(*, check: Check) -> None:
        token.run_sync_soon(begun.set)
        try:
            while True:
                check()
        finally:
            stopped.set()

    async with open_offload(PERMITS) as door:
        ask = partial(door.run_stoppable, Lane.AUDIO, work, deadline_s=DEADLINE_S)
        await time_out(mock_clock, ask, begun.wait)
        assert stopped.is_set()
        assert held(door) == {}


async def test_check_stops_a_job_whose_task_was_cancelled() -> None:
    begun, stopped = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()

    def work(*, check: Check) -> None:
        token.run_sync_soon(begun.set)
        try:
            while True:
                check()
        finally:
            stopped.set()

    async with open_offload(PERMITS) as door:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run_stoppable, Lane.AUDIO, work)
            await begun.wait()
            nursery.cancel_scope.cancel()
        assert stopped.is_set()
        assert held(door) == {}


async def test_a_library_that_catches_exceptions_does_not_swallow_the_stop(mock_clock: MockClock) -> None:
    begun = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def work(*, check: Check) -> None:
        token.run_sync_soon(begun.set)
        while True:
            try:
                check()
            except Exception:  # noqa: BLE001 - the library is the point
                continue

    async with open_offload(PERMITS) as door:
        ask = partial(door.run_stoppable, Lane.AUDIO, work, deadline_s=DEADLINE_S)
        await time_out(mock_clock, ask, begun.wait)
        assert held(door) == {}


async def test_a_stoppable_job_that_is_wanted_gives_its_result() -> None:
    def work(one: int, *, check: Check) -> int:
        check()
        return one + 1

    async with open_offload(PERMITS) as door:
        assert await door.run_stoppable(Lane.AUDIO, work, 4, deadline_s=LIMIT_S) == 5


@pytest.mark.parametrize("lane", THREADS)
async def test_cancelling_while_a_permit_is_waited_for_leaks_nothing(lane: Lane) -> None:
    gate, calls = Gate(), list[int]()
    async with open_offload(PERMITS) as door, trio.open_nursery() as nursery:
        for _ in range(PERMITS[lane]):
            nursery.start_soon(door.run, lane, gate.pass_through)
        await gate.wait_entered(PERMITS[lane])
        async with trio.open_nursery() as waiting:
            for number in range(5):
                waiting.start_soon(door.run, lane, calls.append, number)
            await trio.testing.wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        assert held(door) == {lane.value: (PERMITS[lane], 0, 0)}
        gate.let_go()
    assert calls == []
    assert held(door) == {}


async def test_cancelling_anywhere_and_often_leaves_the_permits_as_they_were() -> None:
    chance = random.Random(1)

    def work(turns: int, *, check: Check) -> int:
        for _ in range(turns):
            check()
        return turns

    async def ask(door: ThreadOffload) -> None:
        with trio.CancelScope() as scope:
            lane = chance.choice(THREADS)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(door.run_stoppable, lane, work, chance.randrange(3000))
                for _ in range(chance.randrange(6)):
                    await trio.lowlevel.checkpoint()
                scope.cancel()

    async with open_offload(PERMITS) as door:
        async with trio.open_nursery() as nursery:
            for _ in range(300):
                nursery.start_soon(ask, door)
        await wait_until(lambda: held(door) == {})
        for lane in THREADS:
            async with trio.open_nursery() as nursery:
                for _ in range(PERMITS[lane] * 2):
                    nursery.start_soon(door.run, lane, add, 1, 1)


@pytest.mark.parametrize("lane", [Lane.READ, Lane.WRITE])
async def test_the_database_is_asked_by_the_same_few_threads(lane: Lane) -> None:
    seen: set[int] = set()

    def note() -> None:
        seen.add(threading.get_ident())

    async with open_offload(PERMITS) as door:
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(door.run, lane, note)
        for _ in range(20):
            await door.run(lane, note)
    assert 1 <= len(seen) <= PERMITS[lane]


async def test_a_connection_made_by_the_writer_can_be_used_by_its_next_job(tmp_path: Path) -> None:
    opened: list[sqlite3.Connection] = []

    def write(number: int) -> int:
        if not opened:
            opened.append(sqlite3.connect(tmp_path / "one.db"))
            opened[0].execute("create table numbers (number)")
        opened[0].execute("insert into numbers values (?)", (number,))
        return int(opened[0].execute("select count(*) from numbers").fetchone()[0])

    async with open_offload(PERMITS) as door:
        assert [await door.run(Lane.WRITE, write, number) for number in range(5)] == [1, 2, 3, 4, 5]
        await door.run(Lane.WRITE, lambda: opened[0].close())


async def test_a_thread_that_outlives_the_door_harms_nobody(mock_clock: MockClock) -> None:
    gate = Gate()
    async with open_offload(PERMITS) as door:
        await leave_behind(door, mock_clock, gate, Lane.READ)
    gate.let_go()
    await wait_until(lambda: held(door) == {})


def test_a_thread_that_outlives_the_loop_harms_nobody() -> None:
    gate, clock = Gate(), MockClock()

    async def leave() -> None:
        async with open_offload(PERMITS) as door:
            await leave_behind(door, clock, gate, Lane.DISK)

    trio.run(leave, clock=clock)
    gate.let_go()
    assert gate.done.wait(LIMIT_S)


def test_a_worker_process_does_not_run_the_program_again_that_started_it(tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text(
        "import os, trio\n"
        "from auralis_trio.offload import open_offload\n"
        "print('runs', flush=True)\n"
        "async def main():\n"
        "    async with open_offload() as door:\n"
        "        print(await door.run_process(os.getpid) != os.getpid())\n"
        "if __name__ == '__main__':\n"
        "    trio.run(main)\n"
    )
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=LIMIT_S)
    assert told.stdout.split() == ["runs", "True"]


async def test_a_worker_process_gives_its_result_or_its_error() -> None:
    async with open_offload(PERMITS) as door:
        assert await door.run_process(add, 2, 3) == 5
        assert await door.run_process(os.getpid) != os.getpid()
        with pytest.raises(NotFound):
            await door.run_process(fail)
        assert held(door) == {}


async def test_a_worker_process_is_killed_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    async with open_offload(PERMITS) as door:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.run_process, linger, str(tmp_path / "pid"))
            pid = await pid_in(tmp_path / "pid")
            assert held(door) == {"process": (1, 0, 0)}
            nursery.cancel_scope.cancel()
        await wait_until(lambda: not is_alive(pid))
        assert held(door) == {}
        assert await door.run_process(add, 1, 1) == 2


async def test_a_worker_process_is_killed_at_its_deadline(tmp_path: Path) -> None:
    async with open_offload(PERMITS) as door:
        pid = await door.run_process(os.getpid)  # the process is there, and the only one
        with pytest.raises(TimedOut):
            await door.run_process(linger, str(tmp_path / "pid"), deadline_s=1)
        await wait_until(lambda: not is_alive(pid))
        assert held(door) == {}


async def test_the_wait_for_a_process_does_not_count_towards_the_deadline(tmp_path: Path) -> None:
    async with open_offload(PERMITS) as door, trio.open_nursery() as nursery:
        nursery.start_soon(door.run_process, linger, str(tmp_path / "pid"))
        await pid_in(tmp_path / "pid")
        async with trio.open_nursery() as waiting:
            waiting.start_soon(partial(door.run_process, add, 1, 1, deadline_s=0))
            await trio.testing.wait_all_tasks_blocked()
            assert held(door) == {"process": (1, 1, 0)}
            waiting.cancel_scope.cancel()
        assert held(door) == {"process": (1, 0, 0)}
        nursery.cancel_scope.cancel()


async def test_a_process_that_dies_takes_nobody_along() -> None:
    async with open_offload(PERMITS) as door:
        with pytest.raises(WorkerDied) as caught:
            await door.run_process(die)
        assert "SIGKILL" in caught.value.log_line
        assert await door.run_process(add, 1, 1) == 2
        assert held(door) == {}


async def test_a_dead_process_is_not_passed_over_in_silence() -> None:
    with pytest.raises(WorkerDied):
        async with open_offload(PERMITS) as door:
            await door.run_process(die)


async def test_processes_that_a_signal_ended_do_not_disturb_the_end() -> None:
    async with open_offload(PERMITS) as door:
        os.kill(await door.run_process(os.getpid), signal.SIGKILL)


async def test_processes_that_a_signal_ended_do_not_hide_what_was_raised_meanwhile() -> None:
    async def fail_beside_a_killed_process() -> None:
        async with open_offload(PERMITS) as door:
            os.kill(await door.run_process(os.getpid), signal.SIGKILL)
            raise NotFound

    with pytest.raises(NotFound):
        await fail_beside_a_killed_process()


async def test_processes_that_a_signal_ended_do_not_hide_that_it_is_cancelled() -> None:
    with trio.CancelScope() as scope:
        async with open_offload(PERMITS) as door:
            os.kill(await door.run_process(os.getpid), signal.SIGKILL)
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught


class Samples:
    """Something that a job works with."""


def work(seen: list["weakref.ref[Samples]"], fails: bool, *, check: Check) -> NoReturn:
    """Have samples in hand, and fail at once or go on until it is called off."""
    samples = Samples()
    seen.append(weakref.ref(samples))
    while not fails:
        check()
    raise NotFound


@pytest.mark.parametrize("fails", [True, False])
async def test_what_a_job_worked_with_goes_with_the_job_however_it_ends(fails: bool) -> None:
    seen: list[weakref.ref[Samples]] = []

    async def ask(door: ThreadOffload) -> None:
        with suppress(NotFound):
            await door.run_stoppable(Lane.AUDIO, work, seen, fails)

    gc.disable()
    try:
        async with open_offload(PERMITS) as door:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, door)
                await wait_until(lambda: bool(seen))
                if not fails:
                    nursery.cancel_scope.cancel()
            await wait_until(lambda: seen[0]() is None)
    finally:
        gc.enable()


def test_there_is_one_writer_and_at_least_one_of_each() -> None:
    permits = default_permits()
    assert set(permits) == set(Lane)
    assert permits[Lane.WRITE] == 1
    assert all(count >= 1 for count in permits.values())


async def test_the_statistics_name_every_lane_and_its_permits() -> None:
    async with open_offload(PERMITS) as door:
        shown = door.statistics()
    assert {name: lane.permits for name, lane in shown.items()} == {
        lane.value: count for lane, count in PERMITS.items()
    }


async def test_inline_the_call_is_made_at_once_after_a_checkpoint() -> None:
    door = InlineOffload()
    assert await door.run(Lane.DISK, threading.get_ident) == threading.get_ident()
    assert await door.run_stoppable(Lane.AUDIO, lambda *, check: check()) is None
    assert await door.run_process(add, 1, 2) == 3
    with trio.CancelScope() as scope:
        scope.cancel()
        await door.run(Lane.DISK, pytest.fail, "a cancelled job was begun")
    assert scope.cancelled_caught
    assert door.statistics() == {}
