"""One client from hello to goodbye: four tasks in one nursery.

    reader     takes messages, asks the conversation what they mean, never waits for a stream;
               grants and pauses take effect at once, starts and ends go to the conductor, the queue's to the player
    conductor  owns the one stream slot: see `conductor`
    renewal    lets what is not heard yet sound as it is wanted: see `renewal`
    writer     sends replies and state events from a bounded outbox

A session that plays the queue is one of the player's outputs: what the player wants of all of them, and so of this
one too where its own client asked for it, comes in through `play_nowait`, `hold_nowait` and `stop_nowait`.

Who may end whom: the conductor ends streams; the reader ends the session when the client is gone or floods it;
the hub ends it when the server stops or the outbox is full. Leaving the nursery ends everything at once.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import trio

from auralis_trio.errors import AuralisError, Busy
from auralis_trio.stream.conductor import Conductor, Face
from auralis_trio.stream.ordering import carry_out, place_of, seek_in_current
from auralis_trio.stream.outlet import Link, error_message
from auralis_trio.stream.output import Place, Position
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.rate import Rate
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.stream.telling import SessionNow, SessionState
from auralis_trio.wire.commands import End, Enhance, Grant, Hold, Join, Reply, Request, Start, Steer, Topics
from auralis_trio.wire.conversation import Conversation, State
from auralis_trio.wire.messages import (
    PROTOCOL_VERSION,
    TOPICS,
    Enhancement,
    Next,
    Pause,
    Previous,
    Resume,
    Seek,
    Stop,
    Topic,
    pack,
)

STATES: dict[State, SessionState] = {
    State.IDLE: "idle",
    State.PLAYING: "playing",
    State.PAUSED: "paused",
    State.ENDED: "ended",
}
OUTBOX_MESSAGES = 64
"""How far a client may lie behind, besides the answers to all that it may ask at once."""
CLOSE_S = 1.0
NORMAL, GOING_AWAY, POLICY, INTERNAL, TRY_LATER = 1000, 1001, 1008, 1011, 1013

log = logging.getLogger(__name__)


class Session:
    """One client's conversation; made and run by `run_session`."""

    def __init__(self, link: Link, services: SessionServices) -> None:
        self.id = uuid.uuid4().hex
        self.link = link
        self.services = services
        self.scope = trio.CancelScope()
        self.goodbye = (NORMAL, "")
        self.seat = services.admission.seat(link.client)
        self._conversation = Conversation()
        self._topics: frozenset[Topic] = frozenset(TOPICS)
        self._since_s = trio.current_time()
        self._rate = Rate(services.limits.max_messages_per_s)
        self._outbox, self._to_send = trio.open_memory_channel[str](
            OUTBOX_MESSAGES + services.limits.max_messages_per_s
        )
        self._conductor = Conductor(self._conversation, Face(link, self.say_nowait, self), services)

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
        self._conductor.sound_changed()

    def statistics(self) -> SessionNow:
        """See `hub.Listener`."""
        stream = self._conductor.stream
        return {
            "session": self.id,
            "open_s": round(trio.current_time() - self._since_s, 3),
            "state": STATES[self._conversation.state],
            "outbox_messages": self._outbox.statistics().current_buffer_used,
            "stream": None if stream is None else stream.statistics(),
            "heard": self._conductor.hearing.statistics(),
        }

    async def run(self) -> None:
        """Greet the client, then talk until it or somebody else ends it.

        Raises:
            ExceptionGroup: of `trio.BrokenResourceError` when the client is gone.
        """
        services = self.services
        greeting = {
            "boot": services.hub.boot,
            "session": self.id,
            "version": services.version,
            "protocol": PROTOCOL_VERSION,
            "limits": asdict(services.limits),
            "state": {"seq": services.hub.seq, **services.snapshot()},
        }
        async with trio.open_nursery() as nursery:
            await self.link.send(pack("hello", greeting))
            nursery.start_soon(self.run_reader, name=f"reader {self.id}")
            nursery.start_soon(self._conductor.run, name=f"conductor {self.id}")
            nursery.start_soon(self._conductor.run_renewal, name=f"renewal {self.id}")
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
                await self._act(message)
            else:
                self.end(POLICY, "too many messages")

    async def _act(self, message: str | bytes) -> None:
        conductor = self._conductor
        match self._conversation.receive(message):
            case Reply(kind, data):
                self.say_nowait(pack(kind, data))
            case Topics(topics):
                self._topics = topics
            case Grant(stream_id, frames, played):
                conductor.grant(stream_id, frames, played)
            case Hold(_, paused):
                conductor.hold(paused)
            case Enhance(settings):
                self._enhance(settings)
            case Start() | End() as command:
                self.services.player.ended(self)
                conductor.want(command)
            case Join() | Steer() as command:
                await self._ask_player(command)

    async def _ask_player(self, command: Join | Steer) -> None:
        """What the player refuses is said to the client; what it wants comes back by way of the methods below."""
        try:
            if isinstance(command, Join):
                await self._join(command)
            else:
                await self._steer(command)
        except AuralisError as error:
            self.say_nowait(error_message(error))

    async def _join(self, join: Join) -> None:
        entry_id, place = await self._wanted_place(join)
        entry, start = self.services.player.begin(self, entry_id, place, takeover=join.takeover)
        request = Request(entry.track_id, start, join.manner, join.wishes, entry.id)
        self._conductor.want(self._conversation.enter(request, paused=False))

    async def _wanted_place(self, join: Join) -> tuple[int | None, Position | None]:
        """Which entry, and where in it; what is said of the current one is meant for what that is now."""
        player = self.services.player
        entry = player.queue.current if join.entry_id is None else player.queue.entry(join.entry_id)
        if entry is None or join.start is None:
            return join.entry_id, None
        rate = join.manner.sample_rate
        return entry.id, await place_of(entry, join.start, self.services.catalogue, rate, within=False)

    async def _steer(self, steer: Steer) -> None:
        player = self.services.player
        match steer.message:
            case Seek():
                request = self._conversation.request
                rate = None if request is None else request.manner.sample_rate
                await seek_in_current(steer.start, player, self.services.catalogue, rate)
            case Pause():
                player.pause()
            case Resume():
                player.resume()
            case Stop():
                player.stop()
            case Next():
                player.next()
            case Previous():
                player.previous()
            case order:
                # Messages that come meanwhile wait: they may be about what this one does.
                await carry_out(order, player, self.services.catalogue)

    def play_nowait(self, entry: Entry, start: int | float, *, paused: bool, back: bool = False) -> None:
        """See `output.Output`."""
        present = self._conversation.request
        if present is not None:
            request = replace(present, track_id=entry.track_id, entry_id=entry.id, start=start)
            self._conductor.want(self._conversation.enter(request, paused=paused), back=back)

    def hold_nowait(self, paused: bool) -> None:
        """See `output.Output`."""
        if self._conversation.hold(paused) is not None:
            self._conductor.hold(paused)

    def stop_nowait(self) -> None:
        """See `output.Output`."""
        end = self._conversation.halt()
        if end is not None:
            self._conductor.want(end)

    def heard_now(self) -> tuple[int, Place] | None:
        """See `output.Output`."""
        return self._conductor.hearing.heard_now(trio.current_time())

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Follow the player's plans for as long as the body runs; afterwards nothing is played or heard any more."""
        followers, follow = self.services.player.followers, self._conductor.replan
        followers.append(follow)
        try:
            yield
        finally:
            followers.remove(follow)
            self.services.player.ended(self)
            self._conductor.hearing.finish(trio.current_time())

    def _enhance(self, message: Enhancement) -> None:
        said = {
            "enhancement_enabled": message.enabled,
            "preset": message.preset,
            "intensity": message.intensity,
            "match_loudness": message.match_loudness,
        }
        self.services.listening.change({name: value for name, value in said.items() if value is not None})
        self._conductor.sound_changed()


async def run_session(link: Link, services: SessionServices) -> None:
    """Talk with one client until it leaves or is cut, then close its connection."""
    session = Session(link, services)
    code, reason = INTERNAL, "something went wrong on the server"
    try:
        with services.hub.join(session), session.seat, session.attached(), session.scope:
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
