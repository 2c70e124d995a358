"""The live sessions, and what is said to all of them.

State events carry the boot id and a number that rises by one with each event, so a client knows whether it missed
one. A session whose outbox is full is cut: one slow listener never holds up the others.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from auralis_trio.errors import Busy
from auralis_trio.stream.telling import SessionNow
from auralis_trio.wire.messages import Topic, pack


class Listener(Protocol):
    """What the hub knows of a session."""

    id: str

    def tell_nowait(self, topic: Topic, text: str) -> None:
        """Put a state event into the session's outbox, or end the session when that is full."""

    def sound_changed(self) -> None:
        """The settings of how things are to sound have changed."""

    def end(self, code: int, reason: str) -> None:
        """End the session, closing its socket with `code`."""

    def statistics(self) -> SessionNow:
        """The session's present state."""


class Hub:
    """Who is connected; bounded by `max_sessions`."""

    def __init__(self, max_sessions: int) -> None:
        self.boot = uuid.uuid4().hex
        self.seq = 0
        self.max_sessions = max_sessions
        self._sessions: dict[str, Listener] = {}

    @contextmanager
    def join(self, session: Listener) -> Iterator[None]:
        """Be among the listeners for as long as the body runs.

        Raises:
            Busy: there are `max_sessions` already.
        """
        if len(self._sessions) >= self.max_sessions:
            raise Busy(retry_after_s=10)
        self._sessions[session.id] = session
        try:
            yield
        finally:
            del self._sessions[session.id]

    def announce(self, topic: Topic, kind: str, data: Mapping[str, Any]) -> None:
        """Tell everybody who wants to hear of `topic`."""
        self.seq += 1
        text = pack(kind, {**data, "boot": self.boot, "seq": self.seq})
        for session in list(self._sessions.values()):
            session.tell_nowait(topic, text)

    def change_sound(self) -> None:
        """Let every session look at the settings again."""
        for session in list(self._sessions.values()):
            session.sound_changed()

    def end_all(self, code: int, reason: str) -> None:
        """End every session."""
        for session in list(self._sessions.values()):
            session.end(code, reason)

    def statistics(self) -> list[SessionNow]:
        """The sessions' present states."""
        return [session.statistics() for session in self._sessions.values()]
