"""Whether and when a session goes on by itself with another entry of the queue.

None begins while the queue is paused; however short they are, so many at most begin in a second; and behind so many
that gave no sound the queue is given up. So a queue that is repeated for ever costs little, and clients stay calm.
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
        self._starts = Rate(MAX_ENTRIES_PER_S)

    def begin_anew(self) -> None:
        """Somebody has said what to play: what failed before counts no longer."""
        self._failures = 0

    def goes_on_behind(self, reason: str, frames: int, error: AuralisError | None) -> bool:
        """Take note of how a stream ended, after how many frames; whether another entry is to follow it."""
        self._failures = (0 if frames else self._failures) + (error is not None or not frames)
        playable = reason == "completed" or isinstance(error, UNPLAYABLE)
        return playable and self._failures < MAX_FAILURES

    def due_s(self, now_s: float) -> float:
        """When the next one may begin, as far as that is known."""
        return math.inf if self._is_paused() else self._starts.due_s(now_s)

    def begins(self, now_s: float) -> bool:
        """Take note that the next one begins, if it may by now."""
        return not self._is_paused() and self._starts.allows(now_s)
