"""One scan on its way: walks, compares, marks, reads, and says how far it is.

Its memory does not grow with the library: files to be read wait in the database's table of pending files, tracks that
were seen take a bit each, and `READERS` batches are under way. The folders themselves are only ever read.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
import trio

from auralis_trio.audio.formats import scanned_suffixes
from auralis_trio.jobs import Announce
from auralis_trio.jobs.reading import read_files
from auralis_trio.jobs.scan_report import ScanOrder, ScanProgress, ScanReport
from auralis_trio.jobs.steps import STEP_DEADLINE_S, Steps
from auralis_trio.library.batch import BatchResult, apply_batch
from auralis_trio.library.folders import changed_state, keep_state, parted_page
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.scanner import (
    SeenTracks,
    begin_scan,
    is_unavailable,
    keep_plan,
    mark_missing,
    pending_page,
    plan_batch,
    unseen_page,
)
from auralis_trio.library.takeover import copies_page, present_copies, take_over
from auralis_trio.library.walk import Target, Walk, gone_targets, named_folders
from auralis_trio.offload import Lane, Offload, default_permits

WALK_BATCH = 500
READ_BATCH = 256
MAX_PROGRESS_EVENTS = 100
READERS = default_permits()[Lane.PROCESS] + 3  # more than the processes, so that these seldom wait for the writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanRoom:
    """What every scan of a library works with; see `Scan`."""

    steps: Steps
    offload: Offload
    roots: tuple[str, ...]
    announce: Announce
    spared: Callable[[], Collection[int]]


class ScanRun:
    """One scan of `targets`, from when it is accepted to its last event."""

    def __init__(self, room: ScanRoom, targets: list[Target], order: ScanOrder) -> None:
        self.progress = ScanProgress(state="walking", started_ns=time.time_ns())
        self.report = ScanReport()
        self._steps = room.steps
        self._room = room
        self._targets = targets
        self._order = order
        self._told_done = 0
        self._reading_since = 0.0
        self._marked = SeenTracks()  # as missing, in this scan

    def tell_started(self) -> None:
        """Say what is scanned."""
        self._room.announce("library_scan_started", {"folders": [target.name for target in self._targets]})

    async def scan(self) -> None:
        """Do all of it.

        Raises:
            AuralisError: the database or a disk does not do its part.
        """
        targets, places = self._targets, list(self._targets)
        await self._name_folders(places)
        found = {target: await self._look_through(target, not self._order.skip_existing) for target in targets}
        self._update(state="reading", total=sum(found.values()))
        self._reading_since = trio.current_time()
        self._tell_progress()
        await self._read_pending(places)
        if await self._take_over(places):
            await self._read_pending(places)
        await self._look_again([target for target in targets if found[target]])

    async def _name_folders(self, places: list[Target]) -> None:
        """Mark the tracks of folders that are not named any more, and add these to `places`.

        Not while a named folder is not there: another one may be what that stands for, a link on a disk.
        """
        named = await self._room.offload.run(Lane.DISK, named_folders, self._room.roots, deadline_s=STEP_DEADLINE_S)
        await self._steps.write(begin_scan, list(named), time.time_ns())
        if not all(named.values()):
            return
        while parted := await self._steps.read(parted_page, list(named)):
            place = Target(parted.folder, parted.folder)
            places.append(place)
            await self._mark(parted.track_ids, parted.paths, place)

    async def _take_over(self, places: list[Target]) -> int:
        """Let missing tracks go on in their copies, wherever these lie; how many files are to be read once more.

        Their roots are added to `places`.
        """
        taken, after = 0, ""
        while True:
            copies, last = await self._steps.read(copies_page, self._room.spared(), after)
            if copies:
                there = await self._room.offload.run_stoppable(
                    Lane.DISK, present_copies, copies, deadline_s=STEP_DEADLINE_S
                )
                taken += await self._steps.write(take_over, there)
                places += [Target(root, root) for root in dict.fromkeys(copy.root for copy in there)]
            if last is None:
                return taken
            after = last

    async def _look_again(self, targets: Sequence[Target]) -> None:
        """Name the folders that have gone since they were looked through, such as disks that were taken out."""
        gone = await self._room.offload.run(Lane.DISK, gone_targets, targets, deadline_s=STEP_DEADLINE_S)
        names = (*self.progress.unavailable, *(target.name for target in gone))
        self._update(unavailable=tuple(dict.fromkeys(names)))

    async def _look_through(self, target: Target, reread: bool) -> int:
        """Compare all of one folder with what is known; how many files there are."""
        walk, seen = Walk(target, scanned_suffixes()), SeenTracks()
        files = WALK_BATCH
        while files == WALK_BATCH:
            self._update(folder=target.relative(walk.folder))
            found = await self._room.offload.run_stoppable(
                Lane.DISK, walk.take, WALK_BATCH, deadline_s=STEP_DEADLINE_S
            )
            plan = await self._steps.read(plan_batch, found, reread)
            if plan.to_read or plan.back:
                await self._steps.write(keep_plan, plan)
            self._count(back=len(plan.back), unchanged=plan.unchanged)
            self.report.note("back", plan.back_paths, target.shown_file)
            for track_id in plan.seen:
                seen.add(track_id)
            files = len(found)
        unavailable = await self._steps.read(is_unavailable, walk)
        if state := await self._steps.read(changed_state, walk, unavailable):
            await self._steps.write(keep_state, target.root, state)
        if unavailable:
            self._update(unavailable=(*self.progress.unavailable, target.name))
        else:
            await self._mark_unseen(walk, seen)
        self._tell_refused(walk)
        return walk.found

    def _tell_refused(self, walk: Walk) -> None:
        """Name what the server may not look at, or what fails on its disk."""
        self._update(refused=self.progress.refused + walk.refused)
        self.report.note("refused", walk.refused_paths, walk.target.shown_file)
        for path in walk.refused_paths:
            log.warning("not looked at, since it cannot be read: %r", path)

    async def _mark_unseen(self, walk: Walk, seen: SeenTracks) -> None:
        after: str | None = None
        while True:
            unseen = await self._steps.read_stoppable(unseen_page, walk, seen, after)
            if unseen.track_ids:
                await self._mark(unseen.track_ids, unseen.paths, walk.target)
            if unseen.last_path is None:
                return
            after = unseen.last_path

    async def _mark(self, track_ids: Sequence[int], paths: Sequence[str], place: Target) -> None:
        await self._steps.write(mark_missing, track_ids)
        self._count_missing(track_ids)
        self.report.note("missing", paths, place.shown_file)

    def _count_missing(self, track_ids: Collection[int]) -> None:
        for track_id in track_ids:
            self._marked.add(track_id)
        self._update(missing=self.progress.missing + len(track_ids))

    async def _read_pending(self, targets: Sequence[Target]) -> None:
        """Read every pending file, in `READERS` tasks that take the next batch in turn."""
        turn, after_id = trio.Lock(), 0

        async def read_batches() -> None:
            nonlocal after_id
            while True:
                async with turn:
                    paths, after_id = await self._steps.read(pending_page, after_id, READ_BATCH)
                if not paths:
                    return
                self._update(folder=_target_of(targets, paths[0]).folder_of(paths[0]))
                await self._read_batch(targets, paths)

        async with trio.open_nursery() as nursery:
            for _ in range(READERS):
                nursery.start_soon(read_batches)

    async def _read_batch(self, targets: Sequence[Target], paths: list[str]) -> None:
        read_ns = time.time_ns()
        files = await read_files(self._room.offload, paths)
        result = await self._steps.write(apply_batch, files, time.time_ns(), read_ns)
        self._note(targets, files, result)
        self._count(**{name: getattr(result, name) for name in ("added", "updated", "moved", "back", "failed")})
        self._update(files_per_s=self._rate())
        done, total = self.progress.done, self.progress.total or 0
        if done > self._told_done and (done == total or (done - self._told_done) * MAX_PROGRESS_EVENTS >= total):
            self._tell_progress()

    def _note(self, targets: Sequence[Target], files: Sequence[ProbedFile | FailedFile], result: BatchResult) -> None:
        def shown(path: str) -> str:
            return _target_of(targets, path).shown_file(path)

        self._count_missing(result.displaced)
        self.report.note("missing", list(result.displaced.values()), shown, "file_replaced")
        again = [path for track_id, path in result.found_again.items() if track_id in self._marked]
        self._update(missing=self.progress.missing - len(again))
        self.report.take_back("missing", again, shown)
        for change, changed in groupby(result.changes, result.changes.__getitem__):
            self.report.note(change, list(changed), shown)
        for file in files:
            if isinstance(file, FailedFile):
                log.warning("not readable (%s): %r", file.code, file.path)
                self.report.note("failed", [file.path], shown, file.code)

    def _rate(self) -> float | None:
        """How many files were read a second, on the average."""
        progress, took_s = self.progress, trio.current_time() - self._reading_since
        read = progress.added + progress.updated + progress.moved + progress.failed
        return round(read / took_s, 1) if took_s > 0 else None

    def _count(self, **more: int) -> None:
        """Count files as done, each as one of the outcomes; copies that are read once more are done already."""
        counts = {name: getattr(self.progress, name) + number for name, number in more.items()}
        done, total = self.progress.done + sum(more.values()), self.progress.total
        self._update(done=done if total is None else min(done, total), **counts)

    def end(self, ended: dict[str, Any]) -> None:
        """Say how it has ended, and what it has changed."""
        self._update(folder=None, finished_ns=time.time_ns(), **ended)
        progress = self.progress
        names = ("added", "updated", "moved", "back", "missing")
        changed = {name: getattr(progress, name) for name in names}
        if any(changed.values()):
            self._room.announce("library_updated", changed)
        data = msgspec.to_builtins(progress)
        if progress.state == "failed":
            self._room.announce("library_scan_error", data)
        else:
            self._room.announce("scan_complete", {**data, "cancelled": progress.state == "cancelled"})

    def _update(self, **values: Any) -> None:
        self.progress = msgspec.structs.replace(self.progress, **values)

    def _tell_progress(self) -> None:
        self._told_done = self.progress.done
        self._room.announce("scan_progress", msgspec.to_builtins(self.progress))


def _target_of(targets: Sequence[Target], path: str) -> Target:
    return next(target for target in targets if target.holds(path))
