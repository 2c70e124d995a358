"""What was heard of tracks, on its way to the library: counted there as a play or a skip, once for each listen.

A listen is what is heard of one track in one go; when one has ended, `playings` decides. Sessions never wait for the
library; what is noted waits in a bounded channel.
"""

import logging
from dataclasses import dataclass

import msgspec
import trio

from auralis_trio.errors import AuralisError, Busy, OutputError
from auralis_trio.library.personal import record_heard
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import LAST_WORD_S, RETRY_S

MAX_WAITING = 256

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Listen:
    """How long a track has sounded; `duration_s` is its length, None as long as that is not known."""

    track_id: int
    entry_id: int | None
    counts: bool
    heard_s: float = 0.0
    duration_s: float | None = None


class ListenStatistics(msgspec.Struct, frozen=True):
    """How many listens wait to be written, of how many that can, and how many were dropped."""

    waiting: int
    max_waiting: int
    dropped: int


class Listens:
    """The listens of one server that are not written down yet; `dropped` is how many never were."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.dropped = 0
        self._catalogue = catalogue
        self._notes, self._to_keep = trio.open_memory_channel[Listen](MAX_WAITING)
        self._in_hand: Listen | None = None

    @property
    def waiting(self) -> int:
        """How many are to be written."""
        return self._notes.statistics().current_buffer_used + (self._in_hand is not None)

    def statistics(self) -> ListenStatistics:
        """The present figures."""
        return ListenStatistics(self.waiting, MAX_WAITING, self.dropped)

    def note_nowait(self, listen: Listen) -> None:
        """Take note of a listen that has ended, if it is to count and anything sounded."""
        if not listen.counts or listen.heard_s <= 0:
            return
        try:
            self._notes.send_nowait(listen)
        except trio.WouldBlock:
            self._drop(listen, "too many wait to be written")

    async def run_keeper(self) -> None:
        """Write listens down, until cancelled; then those that still wait, for `LAST_WORD_S` at most."""
        try:
            while True:
                if self._in_hand is None:
                    self._in_hand = await self._to_keep.receive()
                if not await self._keep(self._in_hand):
                    await trio.sleep(RETRY_S)
        finally:
            with trio.move_on_after(LAST_WORD_S, shield=True):
                await self._keep_rest()

    async def _keep_rest(self) -> None:
        while self._in_hand is not None or self.waiting:
            if self._in_hand is None:
                self._in_hand = self._to_keep.receive_nowait()
            if not await self._keep(self._in_hand):
                return

    async def _keep(self, listen: Listen) -> bool:
        """Whether a listen is done with: written, or never to be written."""
        try:
            # Whoever cancels waits for the library's answer, which has its own deadline: half a count is none or two.
            with trio.CancelScope(shield=True):
                await self._catalogue.tell(record_heard, listen.track_id, listen.heard_s, listen.duration_s)
        except (Busy, OutputError):
            return False  # nothing was written
        except AuralisError as error:
            # What timed out may have been written all the same: to try again could count it twice.
            self._drop(listen, error.code)
        self._in_hand = None
        return True

    def _drop(self, listen: Listen, why: str) -> None:
        self.dropped += 1
        # When many leave at once, one line says it; how many they were is among the statistics.
        if self.dropped & (self.dropped - 1) == 0:
            log.warning("%.0f s of track %d were not counted: %s", listen.heard_s, listen.track_id, why)
