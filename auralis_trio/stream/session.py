"""One client from hello to goodbye: three tasks in one nursery.

    reader     takes messages, asks the conversation what they mean, never waits for a stream;
               grants and pauses take effect at once, starts and ends go to the conductor
    conductor  owns the one stream slot: ends a stream, waits until nothing of it can follow, begins the next;
               gets another sound ready while a stream plays on, and lets it take over where it is not heard yet
    writer     sends replies and state events from a bounded outbox

Who may end whom: the conductor ends streams; the reader ends the session when the client is gone or floods it;
the hub ends it when the server stops or the outbox is full. Leaving the nursery ends everything at once.
"""

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import trio

from auralis_trio.audio.units import frames_to_seconds, seconds_to_frame
from auralis_trio.errors import AuralisError, Busy
from auralis_trio.mastering import Recipe, Sound
from auralis_trio.mastering.resolve import Target
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.mastery import Mastery
from auralis_trio.stream.outlet import BinaryOutlet, JsonOutlet, Link, end_message, start_message
from auralis_trio.stream.pipeline import Plan, Stream, open_stream, turned
from auralis_trio.stream.rate import Rate
from auralis_trio.stream.renderer import Renderer
from auralis_trio.wire.conversation import Conversation, End, Enhance, Grant, Hold, Reply, Start, State, Topics
from auralis_trio.wire.messages import PROTOCOL_VERSION, TOPICS, Enhancement, Topic, pack
from auralis_trio.wire.wishes import Wish

OUTBOX_MESSAGES = 64
"""How far a client may lie behind, besides the answers to all that it may ask at once."""
CLOSE_S = 1.0
NORMAL, GOING_AWAY, POLICY, INTERNAL, TRY_LATER = 1000, 1001, 1008, 1011, 1013

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionLimits:
    """The bounds of one session."""

    stall_timeout_s: float
    pace_ahead_s: float
    max_messages_per_s: int


@dataclass(frozen=True)
class SessionServices:
    """What sessions share."""

    renderer: Renderer
    hub: Hub
    catalogue: Catalogue
    mastery: Mastery
    listening: Listening
    snapshot: Callable[[], dict[str, Any]]
    version: str
    limits: SessionLimits
    beat: Beat = field(default_factory=Beat)


@dataclass(frozen=True)
class _Anew:
    """Go on with the present track in another sound, from `frame` on."""

    start: Start
    frame: int
    sound: Sound


class Session:
    """One client's conversation; made and run by `run_session`."""

    def __init__(self, link: Link, services: SessionServices) -> None:
        self.id = uuid.uuid4().hex
        self.link = link
        self.services = services
        self.scope = trio.CancelScope()
        self.goodbye = (NORMAL, "")
        self._conversation = Conversation()
        self._topics: frozenset[Topic] = frozenset(TOPICS)
        self._since_s = trio.current_time()
        self._rate = Rate(services.limits.max_messages_per_s)
        self._outbox, self._to_send = trio.open_memory_channel[str](
            OUTBOX_MESSAGES + services.limits.max_messages_per_s
        )
        self._next: Start | End | _Anew | None = None
        self._wanted = trio.Event()
        self._changed = trio.Event()
        self._sounds: tuple[Wish, Target] | None = None
        self._slot = trio.CancelScope()
        self._stream: Stream | None = None

    def end(self, code: int, reason: str) -> None:
        """End the session; the first reason given is the one that the client hears."""
        if not self.scope.cancel_called:
            self.goodbye = (code, reason)
            self.scope.cancel()

    def say_nowait(self, text: str) -> None:
        """Put a message into the outbox; a client that lets it fill is cut."""
        try:
            self._outbox.send_nowait(text)
        except trio.WouldBlock:
            self.end(POLICY, "too slow: messages for this client pile up")

    def tell_nowait(self, topic: Topic, text: str) -> None:
        """See `hub.Listener`."""
        if topic in self._topics:
            self.say_nowait(text)

    def sound_changed(self) -> None:
        """See `hub.Listener`."""
        self._changed.set()

    def statistics(self) -> dict[str, Any]:
        """See `hub.Listener`."""
        return {
            "session": self.id,
            "open_s": round(trio.current_time() - self._since_s, 3),
            "state": self._conversation.state.name.lower(),
            "outbox_messages": self._outbox.statistics().current_buffer_used,
            "stream": None if self._stream is None else self._stream.statistics(),
        }

    async def run(self) -> None:
        """Greet the client, then talk until it or somebody else ends it.

        Raises:
            ExceptionGroup: of `trio.BrokenResourceError` when the client is gone.
        """
        services = self.services
        greeting = {
            "boot": services.hub.boot,
            "version": services.version,
            "protocol": PROTOCOL_VERSION,
            "limits": asdict(services.limits),
            "state": {"seq": services.hub.seq, **services.snapshot()},
        }
        async with trio.open_nursery() as nursery:
            await self.link.send(pack("hello", greeting))
            nursery.start_soon(self.run_reader, name=f"reader {self.id}")
            nursery.start_soon(self.run_conductor, name=f"conductor {self.id}")
            nursery.start_soon(self.run_writer, name=f"writer {self.id}")

    async def run_writer(self) -> None:
        """Send what lies in the outbox."""
        async for text in self._to_send:
            await self.link.send(text)

    async def run_reader(self) -> None:
        """Take messages until the client is gone."""
        while True:
            message = await self.link.receive()
            if self._rate.allows(trio.current_time()):
                self._act(message)
            else:
                self.end(POLICY, "too many messages")

    def _act(self, message: str | bytes) -> None:
        match self._conversation.receive(message):
            case Reply(kind, data):
                self.say_nowait(pack(kind, data))
            case Topics(topics):
                self._topics = topics
            case Grant(stream_id, frames, played) if stream := self._running(stream_id):
                stream.flow.grant(frames, played)
            case Hold(stream_id, paused) if stream := self._running(stream_id):
                stream.flow.hold(paused, trio.current_time())
            case Enhance(settings):
                self._enhance(settings)
            case Start() | End() as command:
                # Only the latest counts: what was asked for before it and has not begun never begins.
                self._next = command
                self._wanted.set()
                self._slot.cancel()

    def _enhance(self, message: Enhancement) -> None:
        said = {
            "enhancement_enabled": message.enabled,
            "preset": message.preset,
            "intensity": message.intensity,
            "match_loudness": message.match_loudness,
        }
        self.services.listening.change({name: value for name, value in said.items() if value is not None})
        self._changed.set()

    def _running(self, stream_id: int) -> Stream | None:
        """The stream of this id, if it has begun and not ended."""
        return self._stream if self._stream is not None and self._stream.stream_id == stream_id else None

    async def run_conductor(self) -> None:
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
        if self._stream is not None:
            await self._tell_end(command, self._stream)

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
        """Announce the stream and run it to its end; leaves `_stream` behind once the start was told."""
        request, talk = command.request, self._conversation
        await self.link.send(start_message(plan, command.stream_id, legacy=request.legacy))
        flow = Flow(plan.track.format.sample_rate, request.credit, self.services.limits.pace_ahead_s)
        self._stream = stream = Stream(command.stream_id, plan, flow, self.services.beat)
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
        self._stream = None


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


async def run_session(link: Link, services: SessionServices) -> None:
    """Talk with one client until it leaves or is cut, then close its connection."""
    session = Session(link, services)
    code, reason = INTERNAL, "something went wrong on the server"
    try:
        with services.hub.join(session), session.scope:
            await session.run()
        code, reason = session.goodbye
    except* Busy:
        code, reason = TRY_LATER, "the server is full: try again later"
    except* trio.BrokenResourceError:
        code, reason = GOING_AWAY, ""
    except* Exception:  # a border: one session's failure must not reach the others
        log.exception("session failed")
    with trio.move_on_after(CLOSE_S, shield=True):
        await link.close(code, reason)
