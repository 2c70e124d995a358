"""Edits of tags, one at a time: all of an edit's files are changed, or none, and every edit can be undone.

    copies written and proved > journal: committing > copies put in place > journal and tracks: done

Up to the second step, whatever goes wrong or cancels leaves nothing behind. From then on the edit goes through, at
the next start if need be.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import trio

from auralis_trio.errors import (
    AuralisError,
    Conflict,
    EditUnfinished,
    Forbidden,
    InvalidRequest,
    OutputError,
    SourceCorrupt,
    SourceMissing,
    about,
)
from auralis_trio.jobs import Announce
from auralis_trio.jobs.steps import STEP_DEADLINE_S
from auralis_trio.library.records import FailedFile, ProbedFile, Tags, TrackFile
from auralis_trio.library.store import Library
from auralis_trio.library.tag_changes import Changes, check_changes
from auralis_trio.library.tag_journal import (
    EditedFile,
    begin_edit,
    call_off_edit,
    drop_edit,
    find_done_edit,
    find_edited,
    find_files,
    finish_edit,
    forget_old_edits,
    keep_prepared,
    open_edits,
)
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.work.old_bytes import discard, discard_kept, make_kept_folder, trim_kept
from auralis_trio.work.probe import probe_files
from auralis_trio.work.tag_edit import (
    EditOrder,
    can_be_written,
    commit_files,
    finish_files,
    prepare_edit,
    temp_path,
)

MAX_FILES = 1000
FILE_DEADLINE_S = 120.0

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EditPlace:
    """Where edits happen: the folders of music, the folder for old bytes and its bound, and whether they may."""

    roots: Sequence[str]
    kept_folder: str
    kept_bytes: int
    allowed: bool


class Editor:
    """The one editor of one library's files. `announce` is told `metadata_updated` of what was changed."""

    def __init__(self, library: Library, offload: Offload, place: EditPlace, announce: Announce) -> None:
        self.place = place
        self._catalogue = Catalogue(offload, library, STEP_DEADLINE_S)
        self._offload = offload
        self._announce = announce
        self._turn = trio.Lock()

    async def read(self, track_id: int) -> Tags:
        """What a track's file says of itself at this moment.

        Raises:
            NotFound: the track is unknown.
            SourceError: the file is missing or cannot be read.
            WorkerDied: the process that read it died of it.
        """
        [file] = await self._catalogue.ask(find_files, [track_id])
        found = await self._in_process(probe_files, [file.path])
        if isinstance(found[0], FailedFile):
            raise SourceMissing if found[0].code == SourceMissing.default_code else SourceCorrupt
        return found[0].tags

    async def allows(self, track_id: int) -> bool:
        """Whether an edit of a track's file would be begun: edits are on, and its folder can be written to.

        Raises:
            NotFound: the track is unknown.
        """
        [file] = await self._catalogue.ask(find_files, [track_id])
        if not self.place.allowed:
            return False
        return await self._disk(can_be_written, file.path, self.place.roots)

    async def edit(self, updates: Mapping[int, Mapping[str, Any]]) -> int:
        """Write the fields asked for into the tags of each track's file; the number of the edit.

        Raises:
            Forbidden: edits are off, or a file or its folder cannot be written to.
            InvalidRequest: a field or a value does not fit, or there are more than `MAX_FILES`.
            NotFound: a track is unknown.
            Conflict: another edit is under way, or a file was changed meanwhile.
            SourceError: a file is missing, or its tags cannot be written.
            WorkerDied: the process that wrote a copy died of it.
        """
        if not 1 <= len(updates) <= MAX_FILES:
            raise InvalidRequest(f"Between 1 and {MAX_FILES} tracks can be edited at once.")
        changes = {track_id: _checked(track_id, asked) for track_id, asked in updates.items()}
        with self._taking_turn():
            files = await self._catalogue.ask(find_files, list(changes))
            edit_id = await self._catalogue.tell(begin_edit, files, None, time.time_ns())
            await self._go_through(edit_id, self._orders(edit_id, files, changes))
        self._tell(edit_id, changes, sorted({name for asked in updates.values() for name in asked}))
        return edit_id

    async def undo(self, edit_id: int) -> int:
        """Give the files of an edit back byte for byte, which is an edit itself; its number.

        Raises:
            NotFound: there is no such edit.
            Conflict: it was undone already, a file was changed since, or what undoing needs is not kept any more.
            Forbidden: as in `edit`.
        """
        with self._taking_turn():
            undone = await self._catalogue.ask(find_done_edit, edit_id)
            found = await self._catalogue.ask(find_edited, undone)
            files, of_track = [file for file, _ in found], {file.track_id: edited for file, edited in found}
            undo_id = await self._catalogue.tell(begin_edit, files, edit_id, time.time_ns())
            await self._go_through(undo_id, self._orders(undo_id, files, of_track))
        self._tell(undo_id, of_track, [])
        return undo_id

    async def recover(self) -> None:
        """Finish or forget the edits that a kill left half done; one that cannot be ended now is told in the log and
        waits for another start.

        Raises:
            StartupError: there is no folder for old bytes.
        """
        await self._disk(make_kept_folder, self.place.kept_folder)
        for edit in await self._catalogue.ask(open_edits):
            try:
                if edit.state == "committing":
                    await self._finish(edit.id, edit.files)
                else:
                    temps = [temp_path(path, edit.id, number) for number, path in enumerate(edit.paths)]
                    await self._forget(edit.id, temps)
            except AuralisError as error:
                log.warning("edit %d cannot be ended now and waits for the next start: %s", edit.id, error)

    @contextmanager
    def _taking_turn(self) -> Iterator[None]:
        if not self.place.allowed:
            raise Forbidden("Edits of tags are off. Start the server with --allow-tag-edits.", code="tag_edits_off")
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            raise Conflict("Another edit is under way. Wait for its end.", code="edit_running") from None
        try:
            yield
        finally:
            self._turn.release()

    def _orders(
        self, edit_id: int, files: Sequence[TrackFile], how: Mapping[int, Changes] | Mapping[int, EditedFile]
    ) -> list[EditOrder]:
        roots = tuple(map(os.path.realpath, self.place.roots))
        orders = []
        for number, file in enumerate(files):
            wanted = how[file.track_id]
            orders.append(
                EditOrder(
                    track_id=file.track_id,
                    path=file.path,
                    temp=temp_path(file.path, edit_id, number),
                    kept=os.path.join(self.place.kept_folder, f"{edit_id}-{number}"),
                    roots=roots,
                    changes=None if isinstance(wanted, EditedFile) else wanted,
                    undone=wanted if isinstance(wanted, EditedFile) else None,
                )
            )
        return orders

    async def _go_through(self, edit_id: int, orders: Sequence[EditOrder]) -> None:
        open_still = False
        try:
            prepared = [await self._prepare(order) for order in orders]
            with trio.CancelScope(shield=True):  # every step below has its own limit
                await self._catalogue.tell(keep_prepared, edit_id, [file for file, _ in prepared])
                open_still = True
                try:
                    await self._disk(commit_files, [file for file, _ in prepared])
                except EditUnfinished:
                    raise
                except (Conflict, OutputError):
                    open_still = False  # everything is as it was
                    await self._catalogue.tell(call_off_edit, edit_id)  # noqa: ASYNC120  # shielded above
                    raise
                await self._catalogue.tell(finish_edit, edit_id, [probed for _, probed in prepared], time.time_ns())
        finally:
            # What may be half in place after a time-out is left to the next start.
            if not open_still:
                with trio.CancelScope(shield=True):
                    await self._clear_away(edit_id, [order.temp for order in orders])
        await self._tidy()

    async def _prepare(self, order: EditOrder) -> tuple[EditedFile, ProbedFile]:
        with about(f"Track {order.track_id}"):
            return await self._in_process(prepare_edit, order)

    async def _disk(self, job: Callable[..., T], *args: Any) -> T:
        return await self._offload.run(Lane.DISK, job, *args, deadline_s=STEP_DEADLINE_S)

    async def _in_process(self, job: Callable[..., T], *args: Any) -> T:
        return await self._offload.run_process(job, *args, deadline_s=FILE_DEADLINE_S)

    async def _finish(self, edit_id: int, files: Sequence[EditedFile]) -> None:
        await self._disk(finish_files, files)
        probed = await self._in_process(probe_files, [file.path for file in files])
        await self._catalogue.tell(finish_edit, edit_id, probed, time.time_ns())

    async def _clear_away(self, edit_id: int, paths: Sequence[str]) -> None:
        """Forget an edit that changed nothing; the error that ended it is the one to be told."""
        try:
            await self._forget(edit_id, paths)
        except AuralisError as error:
            log.warning("copies of edit %d are left until the next start: %s", edit_id, error)

    async def _forget(self, edit_id: int, paths: Sequence[str]) -> None:
        await self._disk(discard, paths)
        await self._disk(discard_kept, self.place.kept_folder, [edit_id])
        await self._catalogue.tell(drop_edit, edit_id)

    async def _tidy(self) -> None:
        """Hold the journal and the old bytes within their bounds."""
        gone = await self._catalogue.tell(forget_old_edits)
        folder = self.place.kept_folder
        await self._disk(discard_kept, folder, gone)
        await self._disk(trim_kept, folder, self.place.kept_bytes)

    def _tell(self, edit_id: int, tracks: Iterable[int], fields: Sequence[str]) -> None:
        track_ids = list(tracks)
        kind = "metadata_updated" if len(track_ids) == 1 else "metadata_batch_updated"
        self._announce(kind, {"edit_id": edit_id, "track_ids": track_ids, "updated_fields": list(fields)})


def _checked(track_id: int, asked: Mapping[str, Any]) -> Changes:
    with about(f"Track {track_id}"):
        return check_changes(asked)
