"""The play queue as a value: every edit gives a new one, and says no before anything has changed.

Entries have ids of their own, which are never given again: a track may stand twice, and what names an entry means
the same one wherever that has moved. The entry that is heard is the current one; there is one unless the queue is
empty. `before_shuffle` remembers the order to go back to; what is put in or taken out meanwhile is so in both.
"""

import random
from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.wire.queue_orders import MAX_ENTRIES, RepeatMode


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One place in the play queue."""

    id: int
    track_id: int


class PlayQueue(msgspec.Struct, frozen=True):
    """Entries in the order in which they are played; at most `MAX_ENTRIES`."""

    entries: tuple[Entry, ...] = ()
    current_id: int | None = None
    repeat: RepeatMode = "off"
    before_shuffle: tuple[int, ...] | None = None

    @property
    def shuffled(self) -> bool:
        """Whether there is an order to go back to."""
        return self.before_shuffle is not None

    @property
    def current(self) -> Entry | None:
        """The entry that is heard, or would be."""
        return None if self.current_id is None else self.entry(self.current_id)

    def has(self, entry_id: int) -> bool:
        """Whether this entry is in the queue."""
        return any(entry.id == entry_id for entry in self.entries)

    def entry(self, entry_id: int) -> Entry:
        """The entry of this id. Raises as `index_of`."""
        return self.entries[self.index_of(entry_id)]

    def index_of(self, entry_id: int) -> int:
        """Where an entry stands.

        Raises:
            NotFound: it is not in the queue.
        """
        for index, entry in enumerate(self.entries):
            if entry.id == entry_id:
                return index
        raise NotFound(
            "There is no entry with this id in the queue. Ask for the queue again.", code="entry_not_found"
        )

    def behind(self, entry_id: int, *, skip: bool = False) -> Entry | None:
        """What is played after an entry: itself where one entry is repeated, unless it is skipped.

        Raises:
            NotFound: the entry is not in the queue.
        """
        index = self.index_of(entry_id)
        if self.repeat == "one" and not skip:
            return self.entries[index]
        return self._around(index + 1)

    def before(self, entry_id: int) -> Entry | None:
        """What stands in front of an entry.

        Raises:
            NotFound: the entry is not in the queue.
        """
        return self._around(self.index_of(entry_id) - 1)

    def _around(self, index: int) -> Entry | None:
        if self.repeat == "all":
            return self.entries[index % len(self.entries)]
        return self.entries[index] if 0 <= index < len(self.entries) else None

    def at(self, entry_id: int) -> "PlayQueue":
        """The same with another current entry.

        Raises:
            NotFound: the entry is not in the queue.
        """
        self.index_of(entry_id)
        return replace(self, current_id=entry_id)

    def filled(self, entries: Sequence[Entry], start_index: int) -> "PlayQueue":
        """Other entries instead of these, in the order given; the one at `start_index` is the current one.

        Raises:
            Conflict: they are too many.
            InvalidRequest: there is none at `start_index`.
        """
        _check_length(len(entries))
        if not 0 <= start_index < len(entries):
            raise InvalidRequest("The start index lies outside of the tracks.")
        return PlayQueue(tuple(entries), entries[start_index].id, self.repeat)

    def added(self, entries: Sequence[Entry], index: int | None = None) -> "PlayQueue":
        """New entries from `index` on, None: at the end.

        In the order from before a shuffle they follow the entry that they follow now.

        Raises:
            Conflict: the queue would be too long.
            InvalidRequest: the index lies outside of the queue.
        """
        length = len(self.entries)
        _check_length(length + len(entries))
        at = length if index is None else index
        if not 0 <= at <= length:
            raise InvalidRequest("The position lies outside of the queue.")
        current_id = self.current_id if self.entries or not entries else entries[0].id
        joined = (*self.entries[:at], *entries, *self.entries[at:])
        return replace(self, entries=joined, current_id=current_id, before_shuffle=self._order_with(entries, at))

    def added_next(self, entries: Sequence[Entry]) -> "PlayQueue":
        """New entries behind the current one. Raises as `added`."""
        return self.added(entries, 0 if self.current_id is None else self.index_of(self.current_id) + 1)

    def _order_with(self, entries: Sequence[Entry], index: int) -> tuple[int, ...] | None:
        order = self.before_shuffle
        if order is None:
            return None
        if index == len(self.entries):
            at = len(order)
        else:
            at = 0 if index == 0 else order.index(self.entries[index - 1].id) + 1
        return (*order[:at], *(entry.id for entry in entries), *order[at:])

    def removed(self, entry_ids: Iterable[int]) -> "PlayQueue":
        """The queue without these; where the current one goes, the one behind it takes its place.

        Raises:
            NotFound: one of them is not in the queue; then none is taken out.
        """
        gone = set(entry_ids)
        kept = tuple(entry for entry in self.entries if entry.id not in gone)
        if len(kept) + len(gone) != len(self.entries):
            self.index_of(next(iter(gone - {entry.id for entry in self.entries})))
        order = self.before_shuffle
        return replace(
            self,
            entries=kept,
            current_id=self._successor_in(kept),
            before_shuffle=None if order is None else tuple(each for each in order if each not in gone),
        )

    def _successor_in(self, entries: Collection[Entry]) -> int | None:
        """The current entry if it is among `entries`; otherwise the next one, around the end, that is."""
        if self.current_id is None:
            return None
        left, index = {entry.id for entry in entries}, self.index_of(self.current_id)
        around = (*self.entries[index:], *self.entries[:index])
        return next((entry.id for entry in around if entry.id in left), None)

    def goes_on_in(self, after: "PlayQueue") -> bool:
        """Whether what plays this queue goes on with `after`, where the current entry is another one by now.

        It does not where nothing was left to play behind the current entry, and the current one of `after` is only
        where the queue would begin again.
        """
        current = after.current
        if current is None or self.current_id is None:
            return False
        begins_again = self.has(current.id) and self.index_of(current.id) < self.index_of(self.current_id)
        return after.repeat == "all" or not begins_again

    def moved(self, entry_id: int, to_index: int) -> "PlayQueue":
        """An entry at another place.

        Raises:
            NotFound: the entry is not in the queue.
            InvalidRequest: the index lies outside of the queue.
        """
        index = self.index_of(entry_id)
        if not 0 <= to_index < len(self.entries):
            raise InvalidRequest("The index lies outside of the queue.")
        rest = (*self.entries[:index], *self.entries[index + 1 :])
        return replace(self, entries=(*rest[:to_index], self.entries[index], *rest[to_index:]))

    def reordered(self, entry_ids: Sequence[int]) -> "PlayQueue":
        """The same entries in another order.

        Raises:
            InvalidRequest: not every entry is named exactly once.
        """
        known = {entry.id: entry for entry in self.entries}
        if len(entry_ids) != len(known) or set(entry_ids) != set(known):
            raise InvalidRequest("Name every entry of the queue exactly once.")
        return replace(self, entries=tuple(known[entry_id] for entry_id in entry_ids))

    def shuffle(self, seed: int) -> "PlayQueue":
        """An order by chance, in which the current entry comes first.

        For the same seed the others follow it in the same order, whatever was shuffled or current before.
        """
        unshuffled = self.unshuffle().entries
        mixed = list(unshuffled)
        random.Random(seed).shuffle(mixed)
        first = () if self.current is None else (self.current,)
        entries = (*first, *(entry for entry in mixed if entry.id != self.current_id))
        return replace(self, entries=entries, before_shuffle=tuple(entry.id for entry in unshuffled))

    def unshuffle(self) -> "PlayQueue":
        """The order from before the first shuffle; one that was never shuffled stays as it is."""
        return (
            self if self.before_shuffle is None else replace(self.reordered(self.before_shuffle), before_shuffle=None)
        )

    def cleared(self) -> "PlayQueue":
        """Nothing in it; what is put in next is repeated as before."""
        return PlayQueue(repeat=self.repeat)

    def repeating(self, mode: RepeatMode) -> "PlayQueue":
        """The same with another rule for what follows."""
        return replace(self, repeat=mode)


def _check_length(length: int) -> None:
    if length > MAX_ENTRIES:
        raise Conflict(f"The queue has at most {MAX_ENTRIES} entries: take some out first.", code="queue_full")


def queue_empty() -> Conflict:
    """What is raised where there is nothing in the queue."""
    return Conflict("The queue is empty: put tracks into it first.", code="queue_empty")


def queue_changed() -> Conflict:
    """What is raised where the queue has another revision than an order was made for."""
    return Conflict("The queue has changed meanwhile: ask for it again.", code="stale_revision")
