"""How many frames may be sent now, and how many were heard. Decides, never awaits; `pipeline` does the waiting.

Why a total and not a pair of full/ready flags: the client says how many frames *in all* it may have been sent, from
what it has played. A lost, late or repeated message then does no harm, and the rule cannot deadlock: as long as the
listener hears something, the total rises. A client without credit is paced: at most `ahead_s` before real time.

What was heard is what a client with credit says that it has played. A paced client cannot say so: its first frame is
heard when there is first room for it, or, of a stream that follows another, when the last frame of that has sounded;
all others follow in real time, but for pauses. So the pace of one stream goes on where that of the last one ended.
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
        self._reports = False
        self._origin_s: float | None = None
        self._earliest_s = -math.inf
        self._paused_at_s: float | None = None

    def follow(self, before: "Flow", frames: int, now_s: float) -> None:
        """Be heard behind the first `frames` of a stream before; to be said before the first room."""
        self._reports = before._reports
        # One without frames never asks for room; what comes behind it follows the one before that.
        begun_s = before._earliest_s if before._origin_s is None else before._origin_s
        held_s = 0.0 if before._paused_at_s is None else now_s - before._paused_at_s
        self._earliest_s = begun_s + frames / before.sample_rate + held_s

    def room(self, now_s: float) -> int:
        """Frames that may be sent at `now_s`; none while paused."""
        if self.paused:
            return 0
        if self._origin_s is None:
            self._origin_s = max(now_s, self._earliest_s)
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

    def waits_for(self, frames: int, now_s: float) -> str | None:
        """What has to happen before so many more may be sent; None if nothing has to."""
        if self.paused:
            return "resume"
        if self.credit is not None:
            return "credit" if self.credit - self.sent < frames else None
        return "pace" if self.due_s(frames) > now_s else None

    @property
    def ran_dry(self) -> bool:
        """Whether the client has said that it has played all that it was sent."""
        return self._reports and 0 < self.sent <= self.played

    def told(self, now_s: float) -> int:
        """Frames that were heard by `now_s`: as the client says, or real time where it is paced."""
        return self.played if self.credit is not None else self._by_clock(now_s)

    def heard(self, now_s: float) -> int:
        """The same; of a client with credit that never said what it has played, as real time has it."""
        return self.played if self._reports else self._by_clock(now_s)

    def grant(self, credit: int | None, played: int | None) -> None:
        """The client's credit has risen, or it says how much it has played."""
        if played is not None:
            self._reports = True
            self.played = max(self.played, min(played, self.sent))
        if self.credit is not None and credit is not None and credit > self.credit:
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
            held_s = now_s - self._paused_at_s
            self._earliest_s += held_s
            if self._origin_s is not None:
                self._origin_s += held_s
            self._paused_at_s = None
        self._tell()

    def _by_clock(self, now_s: float) -> int:
        if self._origin_s is None:
            return 0
        until_s = now_s if self._paused_at_s is None else self._paused_at_s
        return max(0, min(self.sent, math.floor((until_s - self._origin_s) * self.sample_rate)))

    def _tell(self) -> None:
        self.changed.set()
        self.changed = trio.Event()
