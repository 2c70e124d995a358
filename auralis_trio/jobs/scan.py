"""The scan of the music folders: one at a time, begun, called off and held back here; `scan_run` is what it does."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from auralis_trio.errors import AuralisError, Conflict, TimedOut, foreseen
from auralis_trio.jobs import Announce
from auralis_trio.jobs.scan_report import ScanOrder, ScanProgress, ScanReport
from auralis_trio.jobs.scan_run import ScanRoom, ScanRun
from auralis_trio.jobs.steps import STEP_DEADLINE_S, Steps
from auralis_trio.library.store import Library
from auralis_trio.library.walk import resolve_targets
from auralis_trio.offload import Lane, Offload

END_DEADLINE_S = STEP_DEADLINE_S + 10.0  # for a cancelled scan: the step that is under way ends within its own

EVERYTHING = ScanOrder()

log = logging.getLogger(__name__)


class Scan:
    """The one scan of one library: what it does now, or did last.

    `announce` is told `library_scan_started` once a scan is accepted; `scan_progress` when the total is known, and
    then at most `MAX_PROGRESS_EVENTS` times; `library_updated` when something changed; and last, whatever happens,
    either `scan_complete` or `library_scan_error`. The tracks that are `spared` are never replaced by older ones.
    """

    def __init__(
        self,
        library: Library,
        offload: Offload,
        roots: Sequence[str],
        announce: Announce,
        spared: Callable[[], Collection[int]] = frozenset,
    ) -> None:
        self._room = ScanRoom(Steps(library, offload), offload, tuple(roots), announce, spared)
        self._latest: ScanRun | None = None
        self._scope: trio.CancelScope | None = None
        self._idle = trio.Event()
        self._idle.set()
        self._held = False

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that were named."""
        return self._room.roots

    @property
    def progress(self) -> ScanProgress:
        """How far it is, or how the last one ended."""
        return ScanProgress() if self._latest is None else self._latest.progress

    @property
    def report(self) -> ScanReport:
        """What it has changed until now, or the last one did."""
        return ScanReport() if self._latest is None else self._latest.report

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        return self._scope is not None

    def cancel_nowait(self) -> bool:
        """Ask the scan to stop; whether there was one."""
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    async def start(self, nursery: trio.Nursery, order: ScanOrder = EVERYTHING) -> None:
        """Begin to scan what `order` names in a task of `nursery`; return once it is accepted.

        Raises:
            Conflict: a scan is running, or the library is held.
            InvalidRequest: a directory is not there, or does not lie in a root.
        """
        nursery.start_soon(self._run, *await self._accept(order))

    async def run(self, order: ScanOrder = EVERYTHING) -> ScanProgress:
        """Scan what `order` names to the end, which may be `failed`; raises as `start` does."""
        await self._run(*await self._accept(order))
        return self.progress

    async def wait_idle(self) -> None:
        """Wait until no scan runs."""
        await self._idle.wait()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let no scan run: one that does is cancelled and has told its end before the body begins.

        Raises:
            Conflict: another holds it.
            TimedOut: the scan did not end.
        """
        self._refuse_when_held()
        self._held = True
        try:
            self.cancel_nowait()
            with trio.move_on_after(END_DEADLINE_S) as waiting:
                await self._idle.wait()
            if waiting.cancelled_caught:
                raise TimedOut("The scan did not end. Try again in a moment.")
            self._idle = trio.Event()
            yield
        finally:
            self._held = False
            if self._scope is None:
                self._idle.set()

    def refuse_when_running(self) -> None:
        """Raises Conflict: a scan is under way."""
        if self.running:
            raise Conflict("A scan is running. Wait for its end, or cancel it.", code="scan_running")

    def _refuse_when_held(self) -> None:
        if self._held:
            raise Conflict("Tracks of the library are being forgotten. Wait for its end.", code="reset_running")

    async def _accept(self, order: ScanOrder) -> tuple[trio.CancelScope, ScanRun]:
        self._refuse_when_held()
        self.refuse_when_running()
        self._scope = scope = trio.CancelScope()
        self._idle = trio.Event()
        accepted, room = False, self._room
        try:
            asked = (room.roots, order.directories, order.recursive)
            targets = await room.offload.run(Lane.DISK, resolve_targets, *asked, deadline_s=STEP_DEADLINE_S)
            accepted = True
        finally:
            if not accepted:
                self._free()
        self._latest = run = ScanRun(room, targets, order)
        return scope, run

    async def _run(self, scope: trio.CancelScope, run: ScanRun) -> None:
        run.tell_started()
        ended: dict[str, Any] = {"state": "cancelled"}
        try:
            with scope:
                await run.scan()
                ended = {"state": "finished"}
        except Exception as error:  # the border of the job: its failure is told, and ends nothing else
            known = foreseen(error)
            reason = known or AuralisError()
            log.error("the scan failed: %s", reason.log_line, exc_info=None if known else error)
            ended = {"state": "failed", "code": reason.code, "message": reason.message}
        finally:
            self._free()
            run.end(ended)

    def _free(self) -> None:
        self._scope = None
        self._idle.set()
