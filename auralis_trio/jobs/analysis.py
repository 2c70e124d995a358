"""The analysis of the library in the background: track after track that nobody has asked for yet.

Whoever listens goes first: the next track is only begun when nothing else is being analysed and no scan runs. What
fails for good is remembered by its content, and everything else is tried once in each round. A round begins with the
server, after each scan, and when the setting is turned on.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
import trio

from auralis_trio.errors import AuralisError
from auralis_trio.jobs import Announce
from auralis_trio.library.mastering_store import count_unanalysed, next_unanalysed
from auralis_trio.library.records import TrackFile
from auralis_trio.stream.catalogue import Catalogue

MAX_PROGRESS_EVENTS = 100

log = logging.getLogger(__name__)


class AnalysisProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a round is, in contents: `done` of `total`, of which `failed` could not be analysed."""

    state: Literal["idle", "running", "stopped", "off"] = "idle"
    done: int = 0
    total: int = 0
    failed: int = 0


class Background(msgspec.Struct, frozen=True):
    """What the analysis of a library works with.

    `prepare` makes one track ready to be mastered, `wait_turn` waits until nobody else needs the machine for that,
    `wanted` says whether it is to go on, and `announce` is told `analysis_progress`.
    """

    prepare: Callable[[TrackFile], Awaitable[object]]
    wait_turn: Callable[[], Awaitable[None]]
    wanted: Callable[[], bool]
    announce: Announce


class LibraryAnalysis:
    """The one analysis of one library: what it does now, or did last."""

    def __init__(self, catalogue: Catalogue, background: Background) -> None:
        self.progress = AnalysisProgress()
        self._catalogue = catalogue
        self._background = background
        self._wake = trio.Event()
        self._wake.set()
        self._told_done = 0

    def wake(self) -> None:
        """There may be something to do, or nothing any more."""
        self._wake.set()

    async def run(self) -> None:
        """Do round after round, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            if self._background.wanted():
                await self._round()
            else:
                self._end("off")

    async def _round(self) -> None:
        total = await self._catalogue.ask(count_unanalysed)
        if not total:
            self._end("idle")
            return
        self.progress, self._told_done = AnalysisProgress(state="running", total=total), 0
        self._tell()
        after_id = 0
        while self._background.wanted():
            await self._background.wait_turn()
            file: TrackFile | None = await self._catalogue.ask(next_unanalysed, after_id)
            if file is None:
                self._end("idle")
                return
            after_id = file.track_id
            self._count(failed=not await self._is_prepared(file))
        self._end("stopped")

    async def _is_prepared(self, file: TrackFile) -> bool:
        try:
            await self._background.prepare(file)
        except AuralisError as error:
            log.warning("track %d cannot be analysed: %s", file.track_id, error.code)
            return False
        return True

    def _count(self, *, failed: bool) -> None:
        done = self.progress.done + 1
        self.progress = msgspec.structs.replace(
            self.progress,
            done=done,
            total=max(done, self.progress.total),
            failed=self.progress.failed + failed,
        )
        if (done - self._told_done) * (MAX_PROGRESS_EVENTS - 2) >= self.progress.total:
            self._tell()

    def _end(self, state: Literal["idle", "stopped", "off"]) -> None:
        """A change of what it does is told; that there was nothing to do is not."""
        was_running = self.progress.state == "running"
        self.progress = msgspec.structs.replace(self.progress, state=state)
        if was_running:
            self._tell()

    def _tell(self) -> None:
        self._told_done = self.progress.done
        self._background.announce("analysis_progress", msgspec.to_builtins(self.progress))
