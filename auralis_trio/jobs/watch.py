"""Scans that nobody asks for: of folders in which something has changed, and of everything now and then."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from auralis_trio.audio.formats import scanned_suffixes
from auralis_trio.errors import AuralisError, Conflict, InvalidRequest
from auralis_trio.jobs.scan import EVERYTHING, Scan
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.library import lyrics
from auralis_trio.offload import Lane, Offload
from auralis_trio.work.watch import FolderWatch

RETRY_S = 60.0
WATCHED = scanned_suffixes() | {suffix.lower() for suffix in lyrics.SUFFIXES}
"""The suffixes of files that a change of is scanned for."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WatchState:
    """Whether changes are waited for; if not, `code` says why."""

    watching: bool
    code: str | None = None


class Watcher:
    """The one watcher of the folders of one library."""

    def __init__(self, scan: Scan, offload: Offload, folders: Sequence[str]) -> None:
        self.state = WatchState(False)
        self._scan = scan
        self._offload = offload
        self._folders = tuple(folders)

    async def run_watch(self) -> None:
        """Scan what has changed, again and again; where changes are not told any more, begin anew after a while."""
        caught_up = True
        while True:
            watch = FolderWatch(self._folders, WATCHED)
            try:
                watching = await self._open(watch)
                if not caught_up:  # what changes during this scan waits in the watch
                    await self.scan(EVERYTHING)
                if watching:
                    await self._follow(watch)
            except AuralisError as error:
                self._tell_broken(error)
            finally:
                watch.close()
            await trio.sleep(RETRY_S)
            caught_up = False

    async def run_interval(self, interval_s: float) -> None:
        """Scan everything each time that so many seconds have passed."""
        while True:
            await trio.sleep(interval_s)
            await self.scan(EVERYTHING)

    async def scan(self, order: ScanOrder) -> None:
        """Scan what `order` names as soon as no other scan runs, and after a while again where that has failed;
        everything, where one of its folders has gone."""
        while True:
            try:
                if (await self._scan.run(order)).state != "failed":
                    return
                await trio.sleep(RETRY_S)
            except Conflict:
                await self._scan.wait_idle()
            except InvalidRequest:
                order = EVERYTHING

    async def _open(self, watch: FolderWatch) -> bool:
        """Whether changes are told from now on; the folders are scanned also where they are not."""
        try:
            await self._offload.run_stoppable(Lane.WATCH, watch.open)
        except AuralisError as error:
            self._tell_broken(error)
            return False
        self.state = WatchState(True)
        return True

    def _tell_broken(self, error: AuralisError) -> None:
        log.warning("the folders are not watched for now: %s", error.code)
        self.state = WatchState(False, error.code)

    async def _follow(self, watch: FolderWatch) -> None:
        while True:
            folders = await self._offload.run_stoppable(Lane.WATCH, watch.wait)
            await self.scan(ScanOrder(folders))
