"""Forgetting tracks whose files are gone, at a listener's wish: beside no scan, which may find them just then."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from auralis_trio.errors import InvalidRequest
from auralis_trio.jobs.scan import Scan
from auralis_trio.jobs.steps import STEP_DEADLINE_S
from auralis_trio.library.forgetting import (
    file_is_there,
    forget_missing_track,
    forget_missing_tracks,
    missing_page,
)
from auralis_trio.library.queries import get_track_file
from auralis_trio.library.store import Library
from auralis_trio.library.walk import paths_to_find
from auralis_trio.offload import Lane, Offload

CONFIRMATION = "forget"
FORGET_DEADLINE_S = 120.0

T = TypeVar("T")
Tell = Callable[[Sequence[int]], None]


class Forgetting:
    """Forgets missing tracks of one library. `tell` hears the ids of those that went."""

    def __init__(self, library: Library, offload: Offload, scan: Scan, tell: Tell) -> None:
        self._library = library
        self._offload = offload
        self._scan = scan
        self._tell = tell

    async def forget(self, track_id: int) -> None:
        """Forget one track whose file is missing.

        Raises:
            NotFound: there is no such track.
            Conflict: its file is there or no scan has missed it yet, or a scan or a reset is under way.
        """
        file = await self._read(get_track_file, track_id)
        if await self._would_be_found([file.path]):  # also one that no scan has seen again yet
            raise file_is_there()
        self._scan.refuse_when_running()
        async with self._scan.held():
            await self._write(forget_missing_track, track_id)
        self._tell([track_id])

    async def forget_all(self, confirm: str | None) -> int:
        """Forget every track whose file is missing, where `confirm` is the word `CONFIRMATION`; how many there were.

        A file that is back, though no scan has seen it yet, is not missing.

        Raises:
            InvalidRequest: it is not confirmed; its code is `confirmation_required`.
            Conflict: a scan or a reset is under way.
        """
        if confirm != CONFIRMATION:
            raise InvalidRequest(
                "This forgets every track whose file is missing, with its plays, its rating and its places in"
                f' playlists; no file is touched. To do it, send {{"confirm": "{CONFIRMATION}"}}.',
                code="confirmation_required",
            )
        self._scan.refuse_when_running()
        async with self._scan.held():
            gone = await self._write(forget_missing_tracks, await self._missing())
        if gone:
            self._tell(gone)
        return len(gone)

    async def _missing(self) -> list[int]:
        """The ids of the tracks that are missing and whose files are not back."""
        missing, after_id = list[int](), 0
        while page := await self._read(missing_page, after_id):
            after_id = page[-1][0]
            there = await self._would_be_found([path for _, path in page])
            missing.extend(track_id for track_id, path in page if path not in there)
        return missing

    async def _would_be_found(self, paths: Sequence[str]) -> set[str]:
        return await self._offload.run_stoppable(
            Lane.DISK, paths_to_find, self._scan.roots, paths, deadline_s=STEP_DEADLINE_S
        )

    async def _write(self, change: Callable[..., T], *args: Any) -> T:
        return await self._offload.run(Lane.WRITE, change, self._library, *args, deadline_s=FORGET_DEADLINE_S)

    async def _read(self, question: Callable[..., T], *args: Any) -> T:
        return await self._offload.run(Lane.READ, question, self._library, *args, deadline_s=STEP_DEADLINE_S)
