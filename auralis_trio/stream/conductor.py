"""The one stream slot of a session: ends a stream, waits until nothing of it can follow, begins the next.

While a stream plays, the conductor gets another sound ready if one is wanted, and lets it take over where it is not
heard yet. It alone ends streams; what is wanted next comes in through `want`, of which only the latest counts.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import trio

from auralis_trio.audio.units import frames_to_seconds, seconds_to_frame
from auralis_trio.errors import AuralisError
from auralis_trio.mastering import Recipe, Sound
from auralis_trio.mastering.resolve import Target
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.outlet import BinaryOutlet, JsonOutlet, Link, end_message, start_message
from auralis_trio.stream.pipeline import Plan, Stream, open_stream, turned
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.conversation import Conversation, End, Start, State
from auralis_trio.wire.messages import pack
from auralis_trio.wire.wishes import Wish

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Anew:
    """Go on with the present track in another sound, from `frame` on."""

    start: Start
    frame: int
    sound: Sound


class Conductor:
    """Carries out what a conversation decided about streams; `say_nowait` is the session's outbox."""

    def __init__(
        self, talk: Conversation, link: Link, services: SessionServices, say_nowait: Callable[[str], None]
    ) -> None:
        self.link = link
        self.services = services
        self.say_nowait = say_nowait
        self.stream: Stream | None = None
        self._conversation = talk
        self._next: Start | End | _Anew | None = None
        self._wanted = trio.Event()
        self._changed = trio.Event()
        self._sounds: tuple[Wish, Target] | None = None
        self._slot = trio.CancelScope()

    def want(self, command: Start | End) -> None:
        """End the present stream, and begin this one if it is one; what was wanted before never begins any more."""
        self._next = command
        self._wanted.set()
        self._slot.cancel()

    def sound_changed(self) -> None:
        """Look anew at how the present stream is to sound."""
        self._changed.set()

    def running(self, stream_id: int) -> Stream | None:
        """The stream of this id, if it has begun and not ended."""
        return self.stream if self.stream is not None and self.stream.stream_id == stream_id else None

    async def run(self) -> None:
        """Carry out one start after the other."""
        while True:
            await self._wanted.wait()
            command, self._wanted = self._next, trio.Event()
            if isinstance(command, Start):
                await self._play(command, None)
            elif isinstance(command, _Anew):
                await self._play(command.start, command)

    async def _play(self, command: Start, anew: _Anew | None) -> None:
        """Deliver one stream, from its start to its end message."""
        with trio.CancelScope() as self._slot:
            try:
                async with self._open(command, anew) as plan:
                    await self._deliver(command, plan)
            except AuralisError as error:
                self._conversation.stream_ended(command.stream_id)
                self.say_nowait(pack("audio_stream_error", _failure(command, error)))
        if self.stream is not None:
            await self._tell_end(command, self.stream)

    @asynccontextmanager
    async def _open(self, command: Start, anew: _Anew | None) -> AsyncIterator[Plan]:
        services, request = self.services, command.request
        file = await services.catalogue.find_track(request.track_id)
        if anew is None:
            self._sounds = wish, _ = self._wanted_sound(command)
            sound: Sound = (await services.mastery.resolve_soon(file, wish)).recipe
        else:
            sound = anew.sound
        async with services.renderer.open_track(file) as track:
            await services.catalogue.keep_length(track)
            start = request.start if anew is None else anew.frame
            frame = seconds_to_frame(start, track.format.sample_rate) if isinstance(start, float) else start
            yield Plan(
                track, sound, min(frame, track.total_frames), request.encoding, services.limits.stall_timeout_s
            )

    def _wanted_sound(self, command: Start) -> tuple[Wish, Target]:
        """How the present stream is to sound by now."""
        request = self._conversation.request or command.request
        listening = self.services.listening
        return request.wishes.within(listening.wish), listening.target

    async def _deliver(self, command: Start, plan: Plan) -> None:
        """Announce the stream and run it to its end; leaves `stream` behind once the start was told."""
        request, talk = command.request, self._conversation
        await self.link.send(start_message(plan, command.stream_id, legacy=request.legacy))
        flow = Flow(plan.track.format.sample_rate, request.credit, self.services.limits.pace_ahead_s)
        self.stream = stream = Stream(command.stream_id, plan, flow, self.services.beat)
        # What the client said since its play or seek counts from the first frame on.
        if talk.stream_id == command.stream_id:
            if talk.credit is not None:
                flow.grant(talk.credit, None)
            flow.hold(talk.state is State.PAUSED, trio.current_time())
        outlet = (JsonOutlet if request.json else BinaryOutlet)(self.link, plan, command.stream_id, request.legacy)
        recipe = None
        async with open_stream(stream, outlet):
            while recipe is None:
                await self._changed.wait()
                recipe = await self._other_recipe(command, plan)
        if self._changed.is_set() and stream.reason == "completed":
            # All was sent while another sound was made ready: what is not heard yet is sent once more.
            recipe = await self._other_recipe(command, plan)
        if recipe is not None and stream.reason in (None, "completed"):
            self._begin_anew(stream, recipe)

    async def _other_recipe(self, command: Start, plan: Plan) -> Recipe | None:
        """The recipe of what is wanted by now; None if that is what is heard, or cannot be had."""
        while True:
            sounds = self._wanted_sound(command)
            recipe = plan.recipe
            if sounds != self._sounds:
                try:
                    recipe = (await self.services.mastery.resolve_soon(plan.track.file, sounds[0])).recipe
                except AuralisError as error:
                    self.say_nowait(pack("error", {"code": error.code, "message": error.message}))
            await trio.lowlevel.checkpoint()
            if sounds == self._wanted_sound(command):
                self._changed, self._sounds = trio.Event(), sounds
                return None if recipe == plan.recipe else recipe

    def _begin_anew(self, stream: Stream, recipe: Recipe) -> None:
        """Let the same track go on in another sound, unless the client has asked for something else meanwhile."""
        if self._slot.cancel_called or self._conversation.stream_id != stream.stream_id:
            return
        start = self._conversation.begin_anew()
        if start is not None:
            frame = stream.turning_frame(trio.current_time())
            sound = turned(stream.plan.sound, frame, recipe, stream.plan.track.grid.grain)
            self._next = _Anew(start, frame, sound)
            self._wanted.set()

    async def _tell_end(self, command: Start, stream: Stream) -> None:
        self._conversation.stream_ended(command.stream_id)
        reason = stream.reason or ("stopped" if isinstance(self._next, End) else "replaced")
        if isinstance(self._next, _Anew) and self._next.start.stream_id > command.stream_id:
            reason = "replaced"
        if stream.error is not None:
            failure = _failure(command, stream.error)
            rate = stream.plan.track.format.sample_rate
            failure["recovery_position_s"] = frames_to_seconds(stream.next_frame, rate)
            await self.link.send(pack("audio_stream_error", failure))
        await self.link.send(end_message(stream, reason, legacy=command.request.legacy))
        self.stream = None


def _failure(command: Start, error: AuralisError) -> dict[str, Any]:
    level = logging.DEBUG if error.__cause__ is None else logging.INFO
    log.log(level, "stream of track %d failed: %s", command.request.track_id, error.code, exc_info=error.__cause__)
    return {
        "code": error.code,
        "message": error.message,
        "stream_id": command.stream_id,
        "track_id": command.request.track_id,
        "recovery_position_s": None,
    }
