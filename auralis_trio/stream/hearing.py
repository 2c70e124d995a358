"""What one session's listener hears: the streams that were sent or are on their way, one behind the other.

The client holds several seconds in its buffer, so what is sent and what is heard are not the same stream near the end
of a track. The chain holds both ends and all between: its first part is what is heard, its last one what is sent. A
stream that *follows* the one before it joins the chain; any other start drops what the client still has.

A part is left behind when it was heard to its end, or when anything behind it was heard. What sounds of it belongs to
a listen, of which the session is in one at a time: see `playings`.

What is sent and not heard yet can be sent anew, in another sound, whichever part it is of and whether or not that was
sent to its end: from a turn on, which leaves the listener time to learn of it. Then nothing behind the turn is heard.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from auralis_trio.stream.credit import Flow
from auralis_trio.stream.listens import Listen
from auralis_trio.stream.output import Place
from auralis_trio.stream.pipeline import Stream
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.playings import Playings
from auralis_trio.stream.telling import HearingNow
from auralis_trio.wire.commands import Request, Start

MAX_PARTS = 64
"""So many streams at once can be under way to a listener's ears; of more the oldest are forgotten as they are."""

TURN_AHEAD_S = 0.5
"""How long a client has at least to learn of a change of sound before it hears it."""

MAX_ENTRIES_AHEAD = 8
"""So many entries of the queue are sent before they are heard, however short they are and whatever the credit."""


@dataclass(frozen=True)
class Turn:
    """From where on a stream that is under way can be begun anew.

    `fresh`: nothing of its sound is heard before that.
    """

    stream: Stream
    request: Request
    frame: int
    fresh: bool


@dataclass
class _Part:
    """One stream of the chain: not begun while there is none.

    `behind` is the entry that the queue went on from by itself; one that `continues` has taken over from the part
    before it, of which only `heard_frames` are heard. When it was first heard, its listen had sounded for `before_s`.
    """

    start: Start
    listen: Listen
    behind: int | None
    continues: bool
    stream: Stream | None = None
    heard_frames: int | None = None
    before_s: float | None = None

    @property
    def flow(self) -> Flow | None:
        """How much of it was sent and heard."""
        return None if self.stream is None else self.stream.flow

    @property
    def first_frame(self) -> int:
        """Where in its track it begins."""
        return 0 if self.stream is None else self.stream.plan.start_frame

    @property
    def frames(self) -> int:
        """How many of its frames are heard in the end, as far as that is known."""
        sent = 0 if self.flow is None else self.flow.sent
        return sent if self.heard_frames is None else min(sent, self.heard_frames)

    def heard(self, now_s: float) -> int:
        """How many were heard by now."""
        return 0 if self.flow is None else min(self.flow.heard(now_s), self.frames)

    def left_s(self, now_s: float) -> float:
        """How long what is left of it sounds."""
        return 0.0 if self.flow is None else (self.frames - self.heard(now_s)) / self.flow.sample_rate

    def turn(self, stream: Stream, soon: int) -> Turn | None:
        """From the first grain on that begins so `soon` in it, or what was not sent; None if it ends before that."""
        plan, frame = stream.plan, self.first_frame + soon
        if soon:
            frame = -(-frame // plan.track.grid.grain) * plan.track.grid.grain
        end_frame = self.first_frame + self.frames
        if stream.reason is None and self.heard_frames is None:
            frame, end_frame = min(frame, stream.next_frame), plan.track.total_frames
        if frame >= end_frame or stream.reason not in (None, "completed"):
            return None
        return Turn(stream, self.start.request, frame, frame == self.first_frame and not self.continues)


class Hearing:
    """The chain of one session. Only its last part can still be sent; `patience_s` is for clients that report."""

    def __init__(self, playings: Playings, patience_s: float) -> None:
        self._playings = playings
        self._patience_s = patience_s
        self._parts: deque[_Part] = deque()
        self._listen: Listen | None = None
        self._reports = False
        self._reported_s = -math.inf

    @property
    def last_stream_id(self) -> int | None:
        """The stream behind which another could follow."""
        return self._parts[-1].start.stream_id if self._parts else None

    @property
    def last_entry_id(self) -> int | None:
        """The entry behind which the queue goes on."""
        return self._parts[-1].start.request.entry_id if self._parts else None

    @property
    def full(self) -> bool:
        """Whether no further entry of the queue is to be sent before one is heard."""
        return sum(part.behind is not None for part in list(self._parts)[1:]) >= MAX_ENTRIES_AHEAD

    @property
    def paused(self) -> bool:
        """Whether what is heard is paused."""
        flow = self._parts[0].flow if self._parts else None
        return flow is not None and flow.paused

    def expect(self, start: Start, now_s: float, behind: int | None = None) -> None:
        """A stream is going to begin; `behind` is the entry from which the queue went on by itself."""
        if start.follows is None:
            self.drop(now_s)
        listen = self._parts[-1].listen if self._parts else self._listen
        continues = start.follows is not None and behind is None and self._parts[-1].heard_frames is not None
        if behind is not None or listen is None or not _is_of(listen, start.request):
            listen = Listen(start.request.track_id, start.request.entry_id, start.request.manner.counts)
        self._parts.append(_Part(start, listen, behind, continues))
        while len(self._parts) > MAX_PARTS:
            self._leave_first(self._parts[0].heard(now_s))

    def begin(self, stream: Stream, now_s: float) -> None:
        """The stream that was expected is there; if it is still wanted, it is heard behind what it follows."""
        part = self._part(stream.stream_id)
        if part is None:
            return
        track = stream.plan.track
        part.stream = stream
        stream.flow.reports = self._reports
        part.listen.duration_s = track.total_frames / track.format.sample_rate
        self._reported_s = now_s
        number = self._parts.index(part)
        before = self._parts[number - 1].flow if number else None
        if before is not None:
            stream.flow.follow(before, self._parts[number - 1].frames, now_s)

    def statistics(self) -> HearingNow:
        """How many streams are under way, and whether they are paused."""
        return {"streams": len(self._parts), "paused": self.paused}

    def expects(self, stream_id: int) -> bool:
        """Whether what is sent of this stream is going to be heard."""
        return self._part(stream_id) is not None

    def fail(self, stream_id: int) -> None:
        """A stream that was expected does not begin."""
        part = self._part(stream_id)
        if part is not None:
            self._parts.remove(part)

    def frames_before(self, stream_id: int) -> int | None:
        """How much is heard of the stream that this one follows; None if it follows none."""
        number = next((number for number, part in enumerate(self._parts) if part.start.stream_id == stream_id), 0)
        return self._parts[number - 1].frames if number else None

    def turns(self, now_s: float) -> list[Turn]:
        """Where each of the streams that are not heard yet can be begun anew, in good time for the listener."""
        self._advance(now_s)
        turns, ahead_s = [], TURN_AHEAD_S
        for part in self._parts:
            if part.stream is None:
                break
            flow = part.stream.flow
            heard = min(flow.heard(now_s), part.frames)
            turn = part.turn(part.stream, heard + max(0, math.ceil(ahead_s * flow.sample_rate)))
            if turn is not None:
                turns.append(turn)
            ahead_s -= (part.frames - heard) / flow.sample_rate
        return turns

    def take_over(self, turn: Turn) -> None:
        """A stream is heard up to this turn, where another one takes over, and nothing of what came behind it."""
        part = self._part(turn.stream.stream_id)
        if part is not None:
            part.heard_frames = turn.frame - part.first_frame
            self._parts = deque(list(self._parts)[: self._parts.index(part) + 1])

    def grant(self, stream_id: int, frames: int | None, played: int | None, now_s: float) -> None:
        """See `Flow.grant`; of a stream whose sound is no longer under way nothing counts."""
        self._reports |= played is not None
        part = self._part(stream_id)
        if part is not None and part.flow is not None:
            part.flow.grant(frames, played)
            self._reported_s = now_s

    def hold(self, paused: bool, now_s: float) -> None:
        """Pause everything that is under way, or let it go on."""
        self._reported_s = now_s
        for part in self._parts:
            if part.flow is not None:
                part.flow.hold(paused, now_s)

    def heard_now(self, now_s: float) -> tuple[int, Place] | None:
        """Which entry of the queue is heard, and where in it; None if it is none, or has not begun."""
        self._advance(now_s)
        part = self._parts[0] if self._parts else None
        if part is None or part.flow is None or part.start.request.entry_id is None:
            return None
        return part.start.request.entry_id, Place(part.first_frame + part.heard(now_s), part.flow.sample_rate)

    def cut_wrong(self, follows: Callable[[int], Entry | None], now_s: float) -> bool:
        """Drop everything from the first part on that is no longer what follows of itself; whether there was any."""
        self._advance(now_s)
        parts = list(self._parts)
        for number, part in enumerate(parts):
            wanted = None if part.behind is None else follows(part.behind)
            if number and part.behind is not None and _id_of(wanted) != part.start.request.entry_id:
                self._parts = deque(parts[:number])
                return True
        return False

    def due_s(self, now_s: float) -> float:
        """When, with nothing sent any more, the next part or the end is heard at the latest; never while paused."""
        self._advance(now_s)
        if not self._parts:
            return now_s
        flow = self._parts[0].flow
        if flow is None or flow.paused:
            return now_s if flow is None else math.inf
        if flow.by_clock:
            return now_s + self._parts[0].left_s(now_s)
        left_s = sum(part.left_s(self._reported_s) for part in self._parts)
        return now_s if left_s <= 0 else self._reported_s + left_s + self._patience_s

    def drop(self, now_s: float) -> None:
        """What is under way is not heard any more; the listen that it was of may go on."""
        self._advance(now_s)
        self._parts.clear()

    def finish(self, now_s: float) -> None:
        """Nothing is heard any more: the listen has ended."""
        self.drop(now_s)
        self._turn_to(None)

    def _advance(self, now_s: float) -> None:
        # Whoever says that it hears a stream has heard all before it, whether it said so of each or not.
        ahead = next((number for number, part in enumerate(reversed(self._parts)) if part.heard(now_s)), math.inf)
        while len(self._parts) > 1:
            part, following = self._parts[0], self._parts[1]
            if following.flow is None or (part.left_s(now_s) > 0 and len(self._parts) <= ahead + 1):
                break
            self._leave_first(part.frames)
        if self._parts:
            self._count(self._parts[0], self._parts[0].heard(now_s))

    def _leave_first(self, heard_frames: int) -> None:
        self._count(self._parts.popleft(), heard_frames)

    def _count(self, part: _Part, frames: int) -> None:
        if part.flow is not None:
            self._turn_to(part.listen)
            if part.before_s is None:
                part.before_s = part.listen.heard_s
            part.listen.heard_s = part.before_s + frames / part.flow.sample_rate

    def _turn_to(self, listen: Listen | None) -> None:
        """This listen is the present one."""
        if self._listen is not listen:
            self._playings.go_on(self._listen, listen)
            self._listen = listen

    def _part(self, stream_id: int) -> _Part | None:
        return next((part for part in self._parts if part.start.stream_id == stream_id), None)


def _is_of(listen: Listen, request: Request) -> bool:
    """Whether what is asked for goes on with this listen."""
    of_request = (request.track_id, request.entry_id, request.manner.counts)
    return (listen.track_id, listen.entry_id, listen.counts) == of_request


def _id_of(entry: Entry | None) -> int | None:
    return None if entry is None else entry.id
