"""The library as async code sees it: every question goes through the door, under a deadline."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import trio

from auralis_trio.errors import Busy, OutputError, TimedOut
from auralis_trio.library.medleys import MedleyTrack, medley_tracks
from auralis_trio.library.queries import get_track_file, set_total_frames
from auralis_trio.library.records import TrackFile
from auralis_trio.library.store import Library
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.renderer import OpenTrack

T = TypeVar("T")

MAX_FOUND = 1024

log = logging.getLogger(__name__)


class Catalogue:
    """Questions to one library."""

    def __init__(self, offload: Offload, library: Library, deadline_s: float) -> None:
        self._offload = offload
        self._library = library
        self._deadline_s = deadline_s
        self._found: dict[int, TrackFile] = {}
        self._found_at = 0

    async def ask(self, question: Callable[..., T], *args: Any, **options: Any) -> T:
        """Run ``question(library, *args, **options)``, which only reads.

        Raises:
            TimedOut: the database did not answer within the deadline.
            Busy: all its threads are taken.
        """
        asked = partial(question, **options) if options else question
        return await self._offload.run(Lane.READ, asked, self._library, *args, deadline_s=self._deadline_s)

    async def tell(self, change: Callable[..., T], *args: Any) -> T:
        """Run ``change(library, *args)``, which writes.

        Raises:
            TimedOut: the database did not answer within the deadline.
            Busy: the writer is taken.
            OutputError: the disk does not take it.
        """
        return await self._offload.run(Lane.WRITE, change, self._library, *args, deadline_s=self._deadline_s)

    async def find_track(self, track_id: int) -> TrackFile:
        """Where a track's audio lies; the last ones found are remembered until something is written.

        Raises:
            NotFound: there is no such track.
        """
        changes = self._library.changes.number
        if changes != self._found_at:
            self._found.clear()
            self._found_at = changes
        file = self._found.get(track_id)
        if file is not None:
            await trio.lowlevel.checkpoint()
            return file
        file = await self.ask(get_track_file, track_id)
        if changes == self._library.changes.number == self._found_at:
            if len(self._found) == MAX_FOUND:
                del self._found[next(iter(self._found))]
            self._found[track_id] = file
        return file

    async def find_medley(self, track_ids: Sequence[int]) -> list[MedleyTrack]:
        """These tracks in this order, with what tells whether they belong to one another.

        Raises:
            NotFound: there is no such track.
        """
        return await self.ask(medley_tracks, track_ids)

    async def keep_length(self, track: OpenTrack) -> None:
        """Note the frames of a track whose file did not declare them and which were counted just now.

        Those of a rendition are not the file's.
        """
        if track.file.total_frames is not None or track.file.resample_hz is not None:
            return
        try:
            await self.tell(set_total_frames, track.file.track_id, track.total_frames, track.file.file_origin)
        except (Busy, OutputError, TimedOut):
            log.info("the length of track %d was not kept; the next play counts again", track.file.track_id)
