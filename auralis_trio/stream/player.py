"""The player: the one owner of the play queue, of where in it is heard, and of who plays it.

Outputs are sessions that play the queue; any number may, and whoever commands the player commands them all. The
player's methods never wait, so no other change can come between what they read and what they write; each change is
announced at once. What is heard is told by the outputs: one of them leads, see `outputs`, and the others' reports say
only where they are themselves.

An output that was sent to another entry may still report the one before, which is on its way to its listener's ears:
until it has reported the entry that it was sent to, its reports of others count for nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import trio
from msgspec.structs import replace

from auralis_trio.errors import Conflict
from auralis_trio.stream.keeping import News
from auralis_trio.stream.listens import Listen
from auralis_trio.stream.output import Output, Place, Position
from auralis_trio.stream.outputs import Known, Outputs
from auralis_trio.stream.play_queue import Entry, PlayQueue, queue_changed, queue_empty
from auralis_trio.stream.playings import Playings
from auralis_trio.stream.queue_edits import History, edited
from auralis_trio.stream.telling import PlayerNow, PlayerState, QueueEntry, QueueSummary, WholeQueue
from auralis_trio.wire.queue_orders import Edit

MAX_TOLD_ENTRIES = 500
"""A longer queue is told without its entries; clients ask for the pages that they show."""

MAX_DRIFT_S = 1.0
"""How far what is heard may be from where clients think that it is before they are told."""


class Player:
    """One play queue and its outputs, which are at most as many as there are sessions.

    Changes are announced; what was heard is noted, once for each playing of an entry.
    """

    def __init__(
        self, announce: Callable[[str, Mapping[str, Any]], None], note_nowait: Callable[[Listen], None]
    ) -> None:
        self.queue = PlayQueue()
        self.history = History()
        self.revision = 0
        self.next_id = 1
        self.state: PlayerState = "stopped"
        self.position = Position()
        self.followers: list[Callable[[], None]] = []
        self.news = News()
        self.playings = Playings(note_nowait)
        self._announce = announce
        self._outputs = Outputs()
        self._told: tuple[float, float] | None = None

    @property
    def has_outputs(self) -> bool:
        """Whether anybody plays the queue."""
        return bool(self._outputs)

    def begin(
        self, output: Output, entry_id: int | None, start: Position | None, *, takeover: bool
    ) -> tuple[Entry, int | float]:
        """Let an output play the queue from now on; the entry to play, and where in it to begin.

        Without an entry it is the current one; without a start, where that is heard now, or the beginning of another.
        Other outputs go where this one goes, or with `takeover` are stopped, and leave it their place for listeners.

        Raises:
            NotFound: the entry is not in the queue.
            Conflict: the queue is empty.
            Busy: there is no place for it; then the others play on.
        """
        self.look()
        entry = self._current() if entry_id is None else self.queue.entry(entry_id)
        others = [known for known in self._outputs if known.output.id != output.id]
        output.seat.take([known.output.seat for known in others] if takeover else ())
        stays = start is None and entry.id == self.queue.current_id
        if not stays:
            self.position = start or Position()
        self.queue = self.queue.at(entry.id)
        held, self.state = self.state == "paused", "playing"
        if takeover:
            self._outputs.clear()
        self._outputs.add(output, entry.id)
        if held:
            self._outputs.resume()
        for other in others:
            if takeover:
                other.output.stop_nowait()
            elif not stays:
                self._send(entry, [other])
            elif held:
                other.output.hold_nowait(False)
        self._tell_state()
        return entry, self.position.start

    def behind(self, entry_id: int) -> Entry | None:
        """What follows an entry of itself; None at the end, or where the entry has been taken out."""
        return self.queue.behind(entry_id) if self.queue.has(entry_id) else None

    def before(self, entry_id: int) -> Entry | None:
        """What stands in front of an entry; None at the beginning, or where the entry has been taken out."""
        return self.queue.before(entry_id) if self.queue.has(entry_id) else None

    def sounding(self, output: Output, entry_id: int, place: Place) -> None:
        """What is heard of an output."""
        known = self._outputs.get(output.id)
        if known is None:
            return
        if entry_id != known.entry_id and not (known.arrived and self.queue.has(entry_id)):
            return
        known.hear(entry_id, place)
        if known is self._outputs.lead(going=self.state == "playing"):
            moved = entry_id != self.queue.current_id
            self.queue = replace(self.queue, current_id=entry_id)
            self.position = Position(place.frame, place.sample_rate)
            if moved or self._drifted():
                self._tell_state()

    def arrived(self, output: Output, entry_id: int) -> None:
        """Nothing can be heard of the entry that an output was sent to: it reports others from now on."""
        known = self._outputs.get(output.id)
        if known is not None and known.entry_id == entry_id:
            known.arrived = True

    def ended(self, output: Output, *, finished: bool = False) -> None:
        """An output plays the queue no more: it has `finished` what there was to play, or it is gone.

        Behind the last output the queue is paused where it was heard; behind one that has finished it is stopped at
        what comes next, which at the end is its beginning.
        """
        if self._outputs.get(output.id) is None:
            return
        self.look()
        self._outputs.remove(output)
        self.look()
        if not self._outputs:
            self.state = "paused"
            if finished:
                self._rewind(self.behind(self._current().id))
        self._tell_state()

    def look(self) -> None:
        """Ask the outputs what is heard at this moment."""
        for known in self._outputs:
            heard = known.output.heard_now()
            if heard is not None:
                self.sounding(known.output, *heard)

    def play(self, entry_id: int | None, start: Position | None) -> None:
        """Go on, or go to an entry or to another place.

        Raises:
            NotFound: the entry is not in the queue.
            Conflict: there is no output (`no_output`), or the queue is empty.
        """
        self._check_output()
        if entry_id is None and start is None:
            self.resume()
        else:
            entry = self._current() if entry_id is None else self.queue.entry(entry_id)
            self._go(entry, start or Position(), paused=False)

    def pause(self) -> None:
        """Pause every output; nothing that is not playing changes."""
        self._hold(True)

    def resume(self) -> None:
        """Go on.

        Raises:
            Conflict: there is no output (`no_output`).
        """
        self._check_output()
        self._hold(False)

    def stop(self) -> None:
        """Stop every output, and be at the beginning of the current entry."""
        self._stop()
        self._tell_state()

    def seek(self, start: Position) -> None:
        """Go to another place in the current entry.

        Raises:
            Conflict: the queue is empty.
        """
        self._go(self._current(), start, paused=self.state == "paused")

    def next(self) -> None:
        """Go to the entry behind the current one; behind the last one the queue stops, at its beginning.

        Raises:
            Conflict: the queue is empty.
        """
        following = self.queue.behind(self._current().id, skip=True)
        if following is None:
            self._stop()
            self._rewind(None)
            self._tell_state()
        else:
            self._go(following, Position(), paused=self.state == "paused")

    def previous(self) -> None:
        """Go to the entry before the current one, or to the beginning of the first one.

        What cannot be played on the way is passed over towards the beginning of the queue.

        Raises:
            Conflict: the queue is empty.
        """
        current = self._current()
        before = self.queue.before(current.id) or current
        self._go(before, Position(), paused=self.state == "paused", back=True)

    def jump(self, entry_id: int) -> None:
        """Go to the beginning of an entry, and play if there is an output.

        Raises:
            NotFound: the entry is not in the queue.
        """
        self._go(self.queue.entry(entry_id), Position(), paused=False)

    def order(self, order: Edit) -> tuple[Entry, ...]:
        """Edit the queue; the entries that were made for tracks. Whether the library knows these is not asked here.

        Outputs stay with the entry that they play. Where that goes, they go to the current one of the queue as it is
        then, or stop where there was nothing left to play.

        Raises:
            Conflict: the order was made for another revision (`stale_revision`), or does not fit the queue.
            NotFound, InvalidRequest: see `edited`.
        """
        if order.revision not in (None, self.revision):
            raise queue_changed()
        made: list[Entry] = []

        def make(track_ids: Sequence[int]) -> tuple[Entry, ...]:
            made.extend(Entry(id, track_id) for id, track_id in enumerate(track_ids, self.next_id))
            self.next_id += len(track_ids)
            return tuple(made)

        self.look()
        before = self.queue
        self.queue, self.history = edited(before, self.history, order, make)
        if self.queue != before:
            self._follow_edit(before)
        return tuple(made)

    def forget(self) -> None:
        """Stop and empty the queue for good: the tracks that it and its history name are no longer those."""
        self._forget(self.queue.cleared())

    def track_ids(self) -> set[int]:
        """The tracks of the queue."""
        return {entry.track_id for entry in self.queue.entries}

    def forget_tracks(self, track_ids: Collection[int]) -> None:
        """Take these out of the queue for good, and with them the history, which might bring them back."""
        gone = set(track_ids)
        self._forget(self.queue.removed([entry.id for entry in self.queue.entries if entry.track_id in gone]))

    def restore(
        self, edits: tuple[PlayQueue, History], numbers: tuple[int, int], state: PlayerState, position: Position
    ) -> None:
        """Take up what was kept: queue and history, the revision and the next entry's id, and where it was heard."""
        (self.queue, self.history), (self.revision, self.next_id) = edits, numbers
        self.state, self.position = "stopped" if state == "stopped" else "paused", position

    def describe(self) -> PlayerNow:
        """What is played, and where: the event `player_state`."""
        current = self.queue.current
        return {
            "state": self.state,
            "entry_id": None if current is None else current.id,
            "track_id": None if current is None else current.track_id,
            "position_s": None if current is None else self.position.seconds,
            "frame": None if current is None else self.position.frame,
            "sample_rate": self.position.sample_rate,
            "outputs": [known.output.id for known in self._outputs],
        }

    def summary(self) -> QueueSummary:
        """What the queue is like."""
        queue = self.queue
        return {
            "revision": self.revision,
            "total": len(queue.entries),
            "current_entry_id": queue.current_id,
            "repeat": queue.repeat,
            "shuffled": queue.shuffled,
            "can_undo": bool(self.history.done),
            "can_redo": bool(self.history.undone),
        }

    def describe_queue(self) -> WholeQueue:
        """What there is to play: the event `queue_changed`."""
        entries = self.queue.entries
        told = [QueueEntry(entry_id=entry.id, track_id=entry.track_id) for entry in entries[:MAX_TOLD_ENTRIES]]
        return {**self.summary(), "entries": told if len(told) == len(entries) else None}

    def _forget(self, left: PlayQueue) -> None:
        before, self.queue, self.history = self.queue, left, History()
        if left != before:
            self._follow_edit(before)
        self.news.tell()

    def _follow_edit(self, before: PlayQueue) -> None:
        """Number, tell and carry out what an edit made of the queue that was."""
        self.revision += 1
        moved = self.queue.current_id != before.current_id
        if moved:
            self.position = Position()
        if moved and not before.goes_on_in(self.queue):
            self._stop()
        elif (current := self.queue.current) is not None:
            kept = {entry.id for entry in self.queue.entries}
            self._send(current, [known for known in self._outputs if moved or known.entry_id not in kept])
        self._announce("queue_changed", self.describe_queue())
        if moved:
            self._tell_state()
        self.news.tell()
        for follow in list(self.followers):
            follow()

    def _go(self, entry: Entry, start: Position, *, paused: bool, back: bool = False) -> None:
        self.queue, self.position = self.queue.at(entry.id), start
        if self._outputs:
            self.state = "paused" if paused else "playing"
        self._send(entry, list(self._outputs), back=back)
        self._tell_state()

    def _send(self, entry: Entry, outputs: Sequence[Known], *, back: bool = False) -> None:
        for known in outputs:
            known.send_to(entry.id)
            known.output.play_nowait(entry, self.position.start, paused=self.state == "paused", back=back)

    def _hold(self, paused: bool) -> None:
        before: PlayerState = "playing" if paused else "paused"
        if self.state == before:
            self.look()
            self.state = "paused" if paused else "playing"
            self._outputs.resume()
            for known in self._outputs:
                known.output.hold_nowait(paused)
            self._tell_state()

    def _stop(self) -> None:
        self.state, self.position = "stopped", Position()
        for known in self._outputs.clear():
            known.output.stop_nowait()

    def _rewind(self, following: Entry | None) -> None:
        """Be stopped at the beginning of what follows; behind the end that is the first entry."""
        entry = following or self.queue.entries[0]
        self.queue, self.state, self.position = self.queue.at(entry.id), "stopped", Position()

    def _current(self) -> Entry:
        if self.queue.current is None:
            raise queue_empty()
        return self.queue.current

    def _check_output(self) -> None:
        if not self._outputs:
            raise Conflict("Nobody plays the queue: let a client play it first.", code="no_output")

    def _drifted(self) -> bool:
        """Whether clients, who know what was told last and that time passes, think of another place."""
        heard_s = self.position.seconds
        if self._told is None or heard_s is None:
            return heard_s is not None
        told_s, since_s = self._told
        passed_s = trio.current_time() - since_s if self.state == "playing" else 0.0
        return abs(told_s + passed_s - heard_s) > MAX_DRIFT_S

    def _tell_state(self) -> None:
        self.playings.keep(None if self.state == "stopped" else self.queue.current_id)
        told_s = self.position.seconds
        self._told = None if told_s is None else (told_s, trio.current_time())
        self._announce("player_state", self.describe())
        self.news.tell()
