"""The one stream slot of a session: ends a stream, waits until nothing of it can follow, begins the next.

What is wanted next comes in through `want`, of which only the latest counts. Behind a stream of the play queue the
conductor goes on with the next entry by itself, whose first chunk the stream's decoder has rendered ahead; where the
queue is edited meanwhile so that something else follows, that is sent instead. While the queue is paused, it does not
go on. Where nothing follows, it waits until the last frame is heard, and tells the player.

Where what was sent and is not heard yet is to sound otherwise, a task beside it finds out (`run_renewal`): then that
takes over, whether or not the slot is still at the stream that is heard.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import trio

from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.errors import AuralisError
from auralis_trio.mastering import Recipe, Sound
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.hearing import Hearing, Turn
from auralis_trio.stream.onward import Onward
from auralis_trio.stream.opening import Ahead, open_plan
from auralis_trio.stream.outlet import Link, end_message, outlet_for, start_message
from auralis_trio.stream.output import Output
from auralis_trio.stream.pipeline import Outlet, Stream, open_stream
from auralis_trio.stream.plan import Plan, turned
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.renewal import Renewal, Wanted
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.stream.succession import Break, Rest, Succession
from auralis_trio.wire.commands import AS_SET, End, Start
from auralis_trio.wire.conversation import Conversation
from auralis_trio.wire.messages import pack
from auralis_trio.wire.wishes import Wish

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Anew:
    """Go on with a track in another sound, as it is `wanted`."""

    start: Start
    sound: Sound
    wanted: Wanted


@dataclass(frozen=True)
class _Drop:
    """Nothing behind this stream, or nothing at all, is to be heard of what was sent."""

    after: int | None


@dataclass(frozen=True)
class _Tail:
    """All is sent and not heard yet; then the queue `goes_on` behind this entry, or this session plays it no more."""

    goes_on: bool
    entry_id: int | None


@dataclass(frozen=True)
class Face:
    """What the conductor sees of its session: the client, the outbox, and how the player knows it."""

    link: Link
    say_nowait: Callable[[str], None]
    output: Output


class Conductor:
    """Carries out what a conversation decided about streams."""

    def __init__(self, talk: Conversation, face: Face, services: SessionServices) -> None:
        self.stream: Stream | None = None
        self.hearing = Hearing(services.player.playings, services.limits.stall_timeout_s)
        self._talk = talk
        self._face = face
        self._services = services
        self._next: Start | End | _Anew | _Drop | None = None
        self._stirred = trio.Event()
        self._renewal = Renewal(services, self.hearing, self._wanted, face.say_nowait)
        self._slot = trio.CancelScope()
        self._succession = Succession(services)
        self._ahead = Ahead(services, self._succession)
        self._onward = Onward(lambda: services.player.state == "paused")
        self._tail: _Tail | None = None

    def want(self, command: Start | End, *, back: bool = False) -> None:
        """End the present stream, and begin this one if it is one; what was wanted before never begins any more.

        Where somebody has gone `back` to it and it cannot be played, what stands before it is.
        """
        now_s = trio.current_time()
        self._succession.forget()
        self._onward.begin_anew(back=back)
        if isinstance(command, Start):
            self.hearing.expect(command, now_s)
            self._replace(command)
        else:
            told = self.hearing.last_stream_id is None or (self.stream is not None and self.stream.reason is None)
            self.hearing.finish(now_s)
            # A stream that is under way ends as `stopped`; of what ended before the client has to learn otherwise.
            self._replace(command if told else _Drop(None))

    def sound_changed(self) -> None:
        """Look anew at how what is not heard yet is to sound."""
        self._renewal.look()

    def hold(self, paused: bool) -> None:
        """Pause what is sent and heard, or let it go on."""
        self.hearing.hold(paused, trio.current_time())
        self._stirred.set()

    def grant(self, stream_id: int, frames: int | None, played: int | None) -> None:
        """The client's credit has risen, or it says what it has heard."""
        self.hearing.grant(stream_id, frames, played, trio.current_time())
        if played is not None:
            self._tell_heard()
            self._stirred.set()

    def replan(self) -> None:
        """What follows in the queue may be another entry by now: let that follow, if it is not heard yet."""
        if not self._talk.queued:
            return
        if self.hearing.cut_wrong(self._services.player.behind, trio.current_time()):
            self._replace(_Drop(self.hearing.last_stream_id))
            self._follow(self.hearing.last_entry_id)
        elif self._tail is not None:
            self._stirred.set()
        self._ahead.replan()

    async def run(self) -> None:
        """Carry out one start after the other."""
        while True:
            command = await self._wait_for_command()
            if isinstance(command, Start):
                await self._play(command)
            elif isinstance(command, _Anew):
                await self._play(command.start, command)
            elif isinstance(command, _Drop):
                self._tail = None if command.after is None else _Tail(True, self.hearing.last_entry_id)
                await self._face.link.send(pack("audio_stream_drop", {"after_stream_id": command.after}))

    async def run_renewal(self) -> None:
        """Let what is not heard yet sound as it is wanted, until cancelled."""
        await self._renewal.run(self._begin_anew)

    async def _wait_for_command(self) -> Start | End | _Anew | _Drop:
        while self._next is None:
            if self._tail is None:
                self._face.output.seat.give_back()
                due_s = math.inf
            else:
                self._tell_heard()
                due_s = self._tail_due_s(self._tail)
                if due_s <= trio.current_time():
                    self._end_tail(self._tail)
            with trio.move_on_at(due_s):
                await self._stirred.wait()
            self._stirred = trio.Event()
        command, self._next, self._tail = self._next, None, None
        return command

    def _tail_due_s(self, tail: _Tail) -> float:
        """Go on if there is room by now; when else that can be, or, where nothing follows, when all is heard."""
        entry, now_s = self._follow(tail.entry_id) if tail.goes_on else None, trio.current_time()
        if self._next is not None:
            return math.inf
        waits = entry is not None and not self.hearing.full
        return self._onward.due_s(now_s) if waits else self.hearing.due_s(now_s)

    def _end_tail(self, tail: _Tail) -> None:
        """All that was sent has been heard, or will never be told of."""
        self._tail = None
        self._stirred.set()
        if self._talk.queued:
            self._services.player.ended(self._face.output, finished=tail.goes_on)
        self.hearing.finish(trio.current_time())

    async def _play(self, command: Start, anew: _Anew | None = None) -> None:
        """Deliver one stream, from its start to its end message; in the sound that is wanted by now, or `anew`."""
        wanted = self._wanted() if anew is None else anew.wanted
        sound = wanted[0] if anew is None else anew.sound
        left = self._succession.begin(command, anew=anew is not None)
        with trio.CancelScope() as self._slot:
            try:
                self._face.output.seat.take()
                async with open_plan(self._services, command.request, sound, left) as plan:
                    await self._deliver(command, await plan.fed(), wanted)
            except AuralisError as error:
                self._refuse(command, error)
        if self.stream is not None:
            await self._tell_end(command, self.stream)

    def _wish(self) -> Wish:
        return self._wanted()[0]

    def _wanted(self) -> Wanted:
        """How everything is to sound by now."""
        request, listening = self._talk.request, self._services.listening
        return (AS_SET if request is None else request.wishes).within(listening.wish), listening.target

    async def _deliver(self, command: Start, plan: Plan, wanted: Wanted) -> None:
        """Announce the stream and run it to its end; leaves `stream` behind once the start was told."""
        await self._face.link.send(start_message(plan, command, self.hearing.frames_before(command.stream_id)))
        self.stream = stream = self._make_stream(command, plan)
        self._renewal.begin(stream, wanted)
        async with open_stream(stream, self._outlet(command, plan)):
            await self._renewal.foresee(stream)

    def _make_stream(self, command: Start, plan: Plan) -> Stream:
        talk, now_s = self._talk, trio.current_time()
        manner, limits = command.request.manner, self._services.limits
        flow = Flow(plan.track.format.sample_rate, manner.credit, limits.pace_ahead_s)
        ahead = None if command.request.entry_id is None else partial(self._ahead.run, command.request, self._wish)
        ending = self._succession.ending(command, plan, self._wish)
        traffic = self._services.traffic
        stream = Stream(command.stream_id, plan, flow, self._services.beat, ahead, ending, traffic)
        traffic.begun += 1
        self.hearing.begin(stream, now_s)
        self._tell_heard()
        # What the client said since its play or seek counts from the first frame on.
        if talk.stream_id == command.stream_id:
            flow.grant(talk.credit, None)
            flow.hold(talk.paused, now_s)
        return stream

    def _outlet(self, command: Start, plan: Plan) -> Outlet:
        return outlet_for(self._face.link, plan, command, self._tell_heard)

    def _tell_heard(self) -> None:
        """Let the player know what is heard of the queue."""
        heard = self._face.output.heard_now()
        if heard is not None:
            self._services.player.sounding(self._face.output, *heard)

    def _begin_anew(self, turn: Turn, recipe: Recipe, wanted: Wanted) -> None:
        """Let a track go on in another sound from a turn on, instead of all that was sent behind that."""
        request, plan, follows, paused = turn.request, turn.stream.plan, turn.stream.stream_id, self._talk.paused
        start = self._talk.go_on(request.entry_id, request.track_id, follows=follows, paused=paused, start=turn.frame)
        if start is not None:
            sound = recipe if turn.fresh else turned(plan.sound, turn.frame, recipe, plan.track.grid.grain)
            self.hearing.take_over(turn)
            self.hearing.expect(start, trio.current_time())
            self._replace(_Anew(start, sound, wanted))

    def _follow(self, entry_id: int | None) -> Entry | None:
        """Go on with the entry that follows this one, if it may begin by now; what follows, now or later."""
        request = self._talk.request
        entry = None
        if entry_id is not None and request is not None and request.manner.autoplay:
            entry = self._onward.following(entry_id, self._services.player)
        left = self._succession.owed(self.hearing.last_stream_id, entry)
        if left is not None:
            return self._go_on(left)
        if entry is not None and not self.hearing.full and self._onward.begins(trio.current_time()):
            self._go_on(Rest(entry, 0, entry_id))
        return entry

    def _go_on(self, rest: Rest) -> Entry:
        """Go on with this entry."""
        talk, follows, entry = self._talk, self.hearing.last_stream_id, rest.entry
        start = talk.go_on(entry.id, entry.track_id, follows=follows, paused=talk.paused, start=rest.start_frame)
        if start is not None:
            self.hearing.expect(start, trio.current_time(), rest.behind)
            self._next = start
            self._stirred.set()
        return entry

    def _replace(self, command: Start | End | _Anew | _Drop) -> None:
        self._next = command
        self._stirred.set()
        self._slot.cancel()

    def _refuse(self, command: Start, error: AuralisError) -> None:
        """A stream that cannot begin."""
        broken = self._succession.broken(command, command.request.start, error)
        self._face.say_nowait(pack("audio_stream_error", _failure(command, error, None)))
        self._leave(command, "failed", error, broken)

    async def _tell_end(self, command: Start, stream: Stream) -> None:
        reason = stream.reason or ("stopped" if isinstance(self._next, End) else "replaced")
        if reason == "completed" and isinstance(self._next, _Anew):
            reason = "replaced"
        self._services.traffic.ended[reason] += 1
        broken = self._succession.broken(command, stream.next_frame, stream.error)
        entry = self._leave(command, reason, stream.error, broken)
        if stream.error is not None:
            failure = _failure(command, stream.error, broken)
            rate = stream.plan.track.format.sample_rate
            frame = stream.next_frame if broken is None else broken.failed.start_frame
            failure["recovery_position_s"] = frames_to_seconds(frame, rate)
            await self._face.link.send(pack("audio_stream_error", failure))
        await self._face.link.send(end_message(stream, command, reason, entry))
        self.stream = None

    def _leave(self, command: Start, reason: str, error: AuralisError | None, broken: Break | None) -> Entry | None:
        """A stream is over: what follows it in the queue, with which it goes on if nothing else is wanted."""
        entry = None
        if self._next is None and self.hearing.expects(command.stream_id):
            frames = 0 if self.stream is None else self.stream.flow.sent
            if self.stream is None or (broken is not None and not frames):
                self._fail_to_begin(command)
            goes_on = self._onward.goes_on_behind(reason, frames, error)
            if broken is not None:
                entry = self._go_on(self._succession.part(broken))
            elif goes_on:
                entry = self._follow(command.request.entry_id)
            if self._next is None:
                self._tail = _Tail(goes_on, command.request.entry_id)
        self._talk.stream_ended(command.stream_id)
        return entry

    def _fail_to_begin(self, command: Start) -> None:
        self.hearing.fail(command.stream_id)
        if command.request.entry_id is not None:
            self._services.player.arrived(self._face.output, command.request.entry_id)


def _failure(command: Start, error: AuralisError, broken: Break | None) -> dict[str, Any]:
    entry_id, track_id = command.request.entry_id, command.request.track_id
    if broken is not None:
        entry_id, track_id = broken.failed.entry.id, broken.failed.entry.track_id
    level = logging.DEBUG if error.__cause__ is None else logging.INFO
    log.log(level, "stream of track %d failed: %s", track_id, error.log_line)
    return {
        "code": error.code,
        "message": error.message,
        "stream_id": command.stream_id,
        "track_id": track_id,
        "entry_id": entry_id,
        "recovery_position_s": None,
        "retry_after_s": error.retry_after_s,
    }
