"""The one door between the event loop and work that blocks: threads for native work, processes for Python work.

Each lane has its own permits, so a slow disk cannot starve the decoder, nor a scan the database. A job belongs to
the task that awaits it: cancelling that task, or its deadline, asks the job to stop (`check` raises in it) and
waits for `STOP_GRACE_S`. A native call that does not return is then left behind: it keeps its permit, and the
statistics show it as stuck, until it does return. Worker processes are killed.

Jobs never hand back an open resource: a result nobody waits for any more is dropped.
"""

import logging
import math
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from importlib.machinery import ModuleSpec
from typing import Any, Protocol, TypeVar

import outcome
import trio
import trio_parallel

import __main__
from auralis_trio.audio.source import never_cancelled
from auralis_trio.errors import Busy, TimedOut, WorkerDied

T = TypeVar("T")

log = logging.getLogger(__name__)

STOP_GRACE_S = 0.25


class Lane(Enum):
    """What kind of blocking work a job is."""

    DISK = "disk"
    AUDIO = "audio"
    TRACK = "track"
    READ = "database_read"
    WRITE = "database_write"
    WATCH = "watch"
    PROCESS = "process"


def default_permits() -> dict[Lane, int]:
    """How many jobs of each kind run at once; the database has one writer.

    Work on whole tracks has permits of its own, so that what is rendered for listeners never waits behind it.
    """
    cores = os.cpu_count() or 1
    return {
        Lane.DISK: 8,
        Lane.AUDIO: max(4, cores),
        Lane.TRACK: max(2, cores),
        Lane.READ: 4,
        Lane.WRITE: 1,
        Lane.WATCH: 1,
        Lane.PROCESS: max(1, cores - 1),
    }


@dataclass(frozen=True)
class LaneStatistics:
    """The state of one lane: permits, how many are held and waited for, and which jobs nobody waits for any more.

    `longest_wait_s` is for how long the one that waits longest has been waiting.
    """

    permits: int
    running: int
    waiting: int
    stuck: list[str]
    longest_wait_s: float = 0.0


class Offload(Protocol):
    """What the rest of the program sees of the door."""

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Run ``fn(*args)`` in a thread of `lane`.

        Raises:
            Busy: no permit came free within the deadline.
            TimedOut: the job did not end within the deadline.
            Exception: whatever `fn` raises.
        """

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Run ``fn(*args, check=check)``; `check` raises once the job is no longer wanted."""

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Run a picklable ``fn(*args)`` in a worker process, which is killed on cancellation or deadline.

        The deadline is the job's own: it counts from when a process is free.

        Raises:
            TimedOut: the job did not end within the deadline.
            WorkerDied: the process ended before the job was done.
            Exception: whatever `fn` raises.
        """

    def statistics(self) -> dict[str, LaneStatistics]:
        """The state of every lane, by its name."""


class Stopped(BaseException):
    """Raised inside a job that is no longer wanted; not an Exception, so that no library swallows it."""


@dataclass(eq=False)
class _Job:
    """One call on its way through a thread."""

    name: str
    started: bool = False
    unwanted: bool = False
    result: outcome.Outcome[Any] | None = None
    finished: trio.Event = field(default_factory=trio.Event)

    def check(self) -> None:
        if self.unwanted:
            raise Stopped

    async def wait(self) -> Any:
        try:
            await self.finished.wait()
        finally:
            if not self.finished.is_set():
                self.unwanted = True
                with trio.move_on_after(STOP_GRACE_S, shield=True):
                    await self.finished.wait()
        return self._take().unwrap()

    def _take(self) -> outcome.Outcome[Any]:
        """The result, held no longer: an error holds the frames that it came through, and these hold the job."""
        assert self.result is not None
        result, self.result = self.result, None
        return result


Start = Callable[[Callable[[], object], Callable[[object], object]], object]
"""Calls the first function, which does not raise, in a thread, and then the second."""


@dataclass(eq=False)
class _Threads:
    """The permits of one lane, and the way in which it starts a thread."""

    limiter: trio.CapacityLimiter
    start: Start
    stuck: list[_Job] = field(default_factory=list)
    waiting_since_s: dict[_Job, float] = field(default_factory=dict)

    async def call(self, job: _Job, fn: Callable[[], T]) -> T:
        self.waiting_since_s[job] = trio.current_time()
        try:
            await self.limiter.acquire_on_behalf_of(job)
        finally:
            del self.waiting_since_s[job]
        token = trio.lowlevel.current_trio_token()
        job.started = True

        def work() -> None:
            # Here and not where the thread was started: the frames there would hold an error, which holds them.
            job.result = outcome.capture(fn)

        def finish() -> None:
            self.limiter.release_on_behalf_of(job)
            if job.unwanted:
                job.result = None
            job.finished.set()
            if job in self.stuck:
                self.stuck.remove(job)

        def deliver(_: object) -> None:
            # The thread may outlive the loop: then nobody is left to be told.
            try:
                token.run_sync_soon(finish)
            except trio.RunFinishedError:
                return

        try:
            self.start(work, deliver)
        except RuntimeError:
            # The system has no thread to give.
            self.limiter.release_on_behalf_of(job)
            raise Busy(retry_after_s=5) from None
        try:
            return await job.wait()  # type: ignore[no-any-return]
        finally:
            if not job.finished.is_set():
                self.stuck.append(job)

    def longest_wait_s(self) -> float:
        """For how long the first in the row has been waiting."""
        return max(0.0, trio.current_time() - next(iter(self.waiting_since_s.values()), math.inf))

    def statistics(self) -> LaneStatistics:
        held = self.limiter.statistics()
        return LaneStatistics(
            permits=int(held.total_tokens),
            running=held.borrowed_tokens,
            waiting=held.tasks_waiting,
            stuck=[job.name for job in self.stuck],
            longest_wait_s=self.longest_wait_s(),
        )


def _start_in_pool(pool: ThreadPoolExecutor) -> Start:
    """Threads of a fixed set: each holds one database connection for as long as it lives."""
    return lambda work, deliver: pool.submit(lambda: deliver(work()))


@dataclass(eq=False)
class ThreadOffload:
    """The door as it stands in a running server; made by `open_offload`."""

    lanes: dict[Lane, _Threads]
    processes: trio_parallel.WorkerContext
    process_limiter: trio.CapacityLimiter

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """See `Offload.run`."""
        return await self._run(lane, _Job(_name(fn)), lambda: fn(*args), deadline_s)

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """See `Offload.run_stoppable`."""
        job = _Job(_name(fn))
        return await self._run(lane, job, lambda: fn(*args, check=job.check), deadline_s)

    async def _run(self, lane: Lane, job: _Job, fn: Callable[[], T], deadline_s: float | None) -> T:
        try:
            with trio.fail_after(math.inf if deadline_s is None else deadline_s):
                return await self.lanes[lane].call(job, fn)
        except trio.TooSlowError:
            if job.started:
                raise TimedOut from None
            raise Busy(retry_after_s=5) from None

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """See `Offload.run_process`."""
        try:
            async with self.process_limiter:
                with trio.fail_after(math.inf if deadline_s is None else deadline_s):
                    return await self.processes.run_sync(  # type: ignore[no-any-return]
                        fn, *args, kill_on_cancel=True, limiter=trio.CapacityLimiter(1)
                    )
        except trio.TooSlowError:
            raise TimedOut from None
        except trio_parallel.BrokenWorkerError as error:
            raise WorkerDied from error

    def statistics(self) -> dict[str, LaneStatistics]:
        """See `Offload.statistics`."""
        held = self.process_limiter.statistics()
        processes = LaneStatistics(int(held.total_tokens), held.borrowed_tokens, held.tasks_waiting, [])
        return {
            **{lane.value: threads.statistics() for lane, threads in self.lanes.items()},
            Lane.PROCESS.value: processes,
        }


@contextmanager
def _bare_processes() -> Iterator[None]:
    """Processes that are started meanwhile import what their jobs need, and not all that this one was started with.

    `multiprocessing` runs the main module once more in each of them, except for that of a package.
    """
    before, __main__.__spec__ = __main__.__spec__, ModuleSpec("auralis_trio.__main__", None)
    try:
        yield
    finally:
        __main__.__spec__ = before


@asynccontextmanager
async def _open_processes() -> AsyncIterator[trio_parallel.WorkerContext]:
    """Worker processes until the body ends; one that had ended before hides nothing that the body raises."""
    stack = AsyncExitStack()
    with _bare_processes():
        processes = await stack.enter_async_context(
            trio_parallel.open_worker_context(idle_timeout=60, grace_period=1)
        )
        try:
            yield processes
        finally:
            try:
                await stack.aclose()
            except trio_parallel.BrokenWorkerError:
                # A signal to the whole process group ends the workers before we do.
                log.info("a worker process had ended already")


@asynccontextmanager
async def open_offload(permits: dict[Lane, int] | None = None) -> AsyncIterator[ThreadOffload]:
    """Open the door; leaving gives the worker processes and the database threads back."""
    permits = permits or default_permits()
    pools = {
        lane: ThreadPoolExecutor(permits[lane], thread_name_prefix=lane.value) for lane in (Lane.READ, Lane.WRITE)
    }
    starts = {lane: _start_in_pool(pool) for lane, pool in pools.items()}
    lanes: dict[Lane, _Threads] = {
        lane: _Threads(trio.CapacityLimiter(permits[lane]), starts.get(lane, trio.lowlevel.start_thread_soon))
        for lane in Lane
        if lane is not Lane.PROCESS
    }
    try:
        async with _open_processes() as processes:
            yield ThreadOffload(lanes, processes, trio.CapacityLimiter(permits[Lane.PROCESS]))
    finally:
        for pool in pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def give_back_soon(close: Callable[[], object]) -> None:
    """Call `close` in a thread that nobody waits for and that needs no permit, so that it waits behind nothing."""
    trio.lowlevel.start_thread_soon(close, lambda _: None)


class InlineOffload:
    """The door without threads, for tests that move the clock: a checkpoint, then the call itself."""

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Call ``fn(*args)`` here and now."""
        await trio.lowlevel.checkpoint()
        return fn(*args)

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Call ``fn(*args, check=…)`` here and now."""
        await trio.lowlevel.checkpoint()
        return fn(*args, check=never_cancelled)

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        """Call ``fn(*args)`` here and now."""
        await trio.lowlevel.checkpoint()
        return fn(*args)

    def statistics(self) -> dict[str, LaneStatistics]:
        """Nothing ever runs."""
        return {}


def _name(fn: Callable[..., object]) -> str:
    """What a job is called; of a call with some arguments already, the function's own name."""
    while isinstance(fn, partial):
        fn = fn.func
    return getattr(fn, "__qualname__", type(fn).__name__)
