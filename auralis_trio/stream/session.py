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
from dataclasses import asdict
from typing import Any

import trio

from auralis_trio.errors import Busy
from auralis_trio.stream.conductor import Conductor
from auralis_trio.stream.outlet import Link
from auralis_trio.stream.rate import Rate
from auralis_trio.stream.session_services import SessionLimits, SessionServices
from auralis_trio.wire.conversation import Conversation, End, Enhance, Grant, Hold, Reply, Start, Topics
from auralis_trio.wire.messages import PROTOCOL_VERSION, TOPICS, Enhancement, Topic, pack

__all__ = ["GOING_AWAY", "OUTBOX_MESSAGES", "Session", "SessionLimits", "SessionServices", "run_session"]

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
        self._conversation = Conversation()
        self._topics: frozenset[Topic] = frozenset(TOPICS)
        self._since_s = trio.current_time()
        self._rate = Rate(services.limits.max_messages_per_s)
        self._outbox, self._to_send = trio.open_memory_channel[str](
            OUTBOX_MESSAGES + services.limits.max_messages_per_s
        )
        self._conductor = Conductor(self._conversation, link, services, self.say_nowait)

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

    def statistics(self) -> dict[str, Any]:
        """See `hub.Listener`."""
        stream = self._conductor.stream
        return {
            "session": self.id,
            "open_s": round(trio.current_time() - self._since_s, 3),
            "state": self._conversation.state.name.lower(),
            "outbox_messages": self._outbox.statistics().current_buffer_used,
            "stream": None if stream is None else stream.statistics(),
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
            nursery.start_soon(self._conductor.run, name=f"conductor {self.id}")
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
            case Grant(stream_id, frames, played) if stream := self._conductor.running(stream_id):
                stream.flow.grant(frames, played)
            case Hold(stream_id, paused) if stream := self._conductor.running(stream_id):
                stream.flow.hold(paused, trio.current_time())
            case Enhance(settings):
                self._enhance(settings)
            case Start() | End() as command:
                self._conductor.want(command)

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
