"""How many frames may be sent now. Decides, never awaits; `pipeline` does the waiting.

Why a total and not a pair of full/ready flags: the client says how many frames *in all* it may have been sent, from
what it has played. A lost, late or repeated message then does no harm, and the rule cannot deadlock: as long as the
listener hears something, the total rises. A client without credit is paced: at most `ahead_s` before real time.
"""

import math

import trio


class Flow:
    """The room that one stream has, in frames since its start."""

    def __init__(self, sample_rate: int, credit: int | None, ahead_s: float) -> None:
        self.sample_rate = sample_rate
        self.credit = credit
        self.paused = False
        self.sent = 0
        self.played = 0
        self.changed = trio.Event()
        self._ahead_s = ahead_s
        self._origin_s: float | None = None
        self._paused_at_s: float | None = None

    def room(self, now_s: float) -> int:
        """Frames that may be sent at `now_s`; none while paused."""
        if self.paused:
            return 0
        if self._origin_s is None:
            self._origin_s = now_s
        if self.credit is not None:
            return max(0, self.credit - self.sent)
        due = math.floor((now_s - self._origin_s + self._ahead_s) * self.sample_rate)
        return max(0, due - self.sent)

    def due_s(self, frames: int) -> float:
        """When a paced stream may have sent `frames` more; never without credit or while paused."""
        if self.paused or self.credit is not None or self._origin_s is None:
            return math.inf
        # A frame later than the arithmetic says, since `room` rounds down.
        return self._origin_s + (self.sent + frames + 1) / self.sample_rate - self._ahead_s

    def heard(self, now_s: float) -> int:
        """Frames that were heard by `now_s`: as the client says, or else as real time has it since the first room."""
        if self.played or self._origin_s is None:
            return self.played
        until_s = now_s if self._paused_at_s is None else self._paused_at_s
        return max(0, min(self.sent, math.floor((until_s - self._origin_s) * self.sample_rate)))

    def grant(self, credit: int, played: int | None) -> None:
        """The client's credit has risen, or it says how much it has played."""
        if played is not None:
            self.played = max(self.played, min(played, self.sent))
        if self.credit is not None and credit > self.credit:
            self.credit = credit
            self._tell()

    def hold(self, paused: bool, now_s: float) -> None:
        """Pause, or go on; the time of a pause does not count as played."""
        if paused == self.paused:
            return
        self.paused = paused
        if paused:
            self._paused_at_s = now_s
        elif self._paused_at_s is not None:
            if self._origin_s is not None:
                self._origin_s += now_s - self._paused_at_s
            self._paused_at_s = None
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = trio.Event()
