"""Whether and when a session goes on by itself with another entry of the queue.

None begins while the queue is paused; however short they are, so many at most begin in a second; and behind so many
that gave no sound the queue is given up. So a queue that is repeated for ever costs little, and clients stay calm.

Who went back does not want to be led on: entries that give no sound are passed over towards the beginning then, until
one does, or there is none before them.
"""

import math
from collections.abc import Callable

from auralis_trio.errors import (
    AuralisError,
    NotFound,
    SourceChanged,
    SourceCorrupt,
    SourceMissing,
    SourceUnsupported,
)
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.player import Player
from auralis_trio.stream.rate import Rate

UNPLAYABLE = (NotFound, SourceMissing, SourceChanged, SourceUnsupported, SourceCorrupt)
"""What is wrong with a track alone, so that the queue goes on behind it."""

MAX_FAILURES = 10
"""So many entries one behind the other can be unplayable, or without a single frame, before the queue is given up."""

MAX_ENTRIES_PER_S = 10
"""So many entries begin by themselves in a second, and as many at once."""


class Onward:
    """What one session remembers of the entries that it went on with; with none of them while it `is_paused`."""

    def __init__(self, is_paused: Callable[[], bool]) -> None:
        self._is_paused = is_paused
        self._failures = 0
        self._back = False
        self._starts = Rate(MAX_ENTRIES_PER_S)

    def begin_anew(self, *, back: bool) -> None:
        """Somebody has said what to play, or to go `back`: what failed before counts no longer."""
        self._failures, self._back = 0, back

    def following(self, entry_id: int, player: Player) -> Entry | None:
        """What is to be played now that an entry has ended, or cannot be played."""
        before = player.before(entry_id) if self._back else None
        self._back = before is not None  # where there is none before, all from here on is passed over forwards
        return before or player.behind(entry_id)

    def goes_on_behind(self, reason: str, frames: int, error: AuralisError | None) -> bool:
        """Take note of how a stream ended, after how many frames; whether another entry is to follow it."""
        self._failures = (0 if frames else self._failures) + (error is not None or not frames)
        self._back = self._back and not frames
        playable = reason == "completed" or isinstance(error, UNPLAYABLE)
        return playable and self._failures < MAX_FAILURES

    def due_s(self, now_s: float) -> float:
        """When the next one may begin, as far as that is known."""
        return math.inf if self._is_paused() else self._starts.due_s(now_s)

    def begins(self, now_s: float) -> bool:
        """Take note that the next one begins, if it may by now."""
        return not self._is_paused() and self._starts.allows(now_s)
