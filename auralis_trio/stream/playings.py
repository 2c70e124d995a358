"""What sounds of each track in one go, whoever hears it: that is counted once, as a play or as a skip.

A session is in one listen at a time, of a track of its own or of an entry of the queue; a seek or another sound does
not end it, another track, a stop and leaving do. The listens of one entry are parts of one playing: outputs that hear
it at once, or one behind the other, are one listener. The playing goes on for as long as the player stays with its
entry, also while nobody hears it: a listener who moves to another device, or loses the connection, goes on listening.
What is a play already is noted as soon as nobody hears it, since it may be that nobody ever does again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec

from auralis_trio.library.personal import is_play
from auralis_trio.stream.listens import Listen
from auralis_trio.stream.play_queue import Entry


class Sounded(msgspec.Struct, frozen=True):
    """How long the playing that the player stays with has sounded, of how long a track, and whether it is noted."""

    heard_s: float
    duration_s: float | None
    noted: bool


@dataclass(eq=False)
class _Playing:
    """`heard` is what those who have left heard of it; of who hears it now, what had sounded when they came."""

    heard: Listen
    came_s: dict[Listen, float] = field(default_factory=dict)
    noted: bool = False

    @property
    def heard_s(self) -> float:
        """How long it has sounded: as long as whoever heard most of it."""
        return max([self.heard.heard_s, *(came_s + listen.heard_s for listen, came_s in self.came_s.items())])

    def leave(self, listen: Listen) -> None:
        """Somebody hears it no more."""
        self.heard.heard_s = self.heard_s
        if listen.duration_s is not None:
            self.heard.duration_s = listen.duration_s
        del self.came_s[listen]


class Playings:
    """The listens under way, one a session, and the playing that the player stays with; those that end are noted."""

    def __init__(self, note_nowait: Callable[[Listen], None]) -> None:
        self._note_nowait = note_nowait
        self._playings: dict[Listen, _Playing] = {}
        self._latest: dict[int, _Playing] = {}
        self._kept_id: int | None = None

    def go_on(self, before: Listen | None, listen: Listen | None) -> None:
        """A session hears this from now on, and what it heard before no more."""
        left = None if before is None else self._playings.pop(before)
        if before is not None and left is not None:
            left.leave(before)
        if listen is not None:
            self._playings[listen] = playing = self._playing_of(listen, left)
            # Who goes on in the queue hears an entry from its beginning, as all others do; who joins them does not.
            joins = before is None or before.entry_id is None
            playing.came_s[listen] = playing.heard_s if joins else 0.0
        if left is not None:
            self._settle(left)

    def keep(self, entry_id: int | None) -> None:
        """The player stays with this entry, and with no other one."""
        before, self._kept_id = self._kept_id, entry_id
        playing = None if before in (None, entry_id) else self._latest.get(before)
        if playing is not None:
            self._settle(playing)

    @property
    def sounded(self) -> Sounded | None:
        """What is to be remembered of the playing that the player stays with."""
        playing = None if self._kept_id is None else self._latest.get(self._kept_id)
        return None if playing is None else Sounded(playing.heard_s, playing.heard.duration_s, playing.noted)

    def restore(self, entry: Entry, sounded: Sounded) -> None:
        """The player stays with this entry, of which so much was heard before the server began."""
        heard = Listen(entry.track_id, entry.id, counts=True, heard_s=sounded.heard_s, duration_s=sounded.duration_s)
        self._latest[entry.id], self._kept_id = _Playing(heard, noted=sounded.noted), entry.id

    def _playing_of(self, listen: Listen, left: _Playing | None) -> _Playing:
        """The playing of its entry that others are in; behind the one that was left, the next one."""
        playing = _Playing(replace(listen, heard_s=0.0))
        if listen.entry_id is None or not listen.counts:
            return playing
        latest = self._latest.get(listen.entry_id)
        if latest is None or latest is left:
            self._latest[listen.entry_id] = latest = playing
        return latest

    def _settle(self, playing: _Playing) -> None:
        """Note a playing that nobody hears, if it has ended or is a play already."""
        if playing.came_s:
            return
        entry_id, heard = playing.heard.entry_id, playing.heard
        latest = entry_id is not None and self._latest.get(entry_id) is playing
        goes_on = latest and entry_id == self._kept_id
        if latest and not goes_on and entry_id is not None:
            del self._latest[entry_id]
        if not playing.noted and (not goes_on or is_play(heard.heard_s, heard.duration_s)):
            playing.noted = True
            self._note_nowait(replace(heard))
