"""Orders carried out on a play queue, and how they are taken back. All values: whoever keeps them is the owner."""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec
from msgspec.structs import replace

from auralis_trio.errors import Conflict, InvalidRequest
from auralis_trio.stream.play_queue import Entry, PlayQueue
from auralis_trio.wire.queue_orders import (
    MAX_SEED,
    AddTracks,
    Clear,
    Edit,
    MoveEntry,
    Redo,
    RemoveEntries,
    Reorder,
    Repeat,
    SetQueue,
    Shuffle,
    Undo,
)

MAX_STEPS = 100
"""How many edits can be taken back."""

MAX_REMEMBERED = 250_000
"""How many entries the queues of those edits have in all; of long queues fewer edits can be taken back."""


class Step(msgspec.Struct, frozen=True):
    """An edit by the name of its order, and the queue on the other side of it."""

    action: str
    queue: PlayQueue


class History(msgspec.Struct, frozen=True):
    """The edits that can be taken back, and those that were and can be done again; the latest is the last of each."""

    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def noted(self, action: str, before: PlayQueue) -> "History":
        """With one more edit; what had been taken back can no longer be done again."""
        return History(_latest((*self.done, Step(action, before))[-MAX_STEPS:], MAX_REMEMBERED))

    def latest(self, max_entries: int) -> "History":
        """As much of it, the latest edits first, as has `max_entries` entries; half of them for each direction."""
        return History(_latest(self.done, max_entries // 2), _latest(self.undone, max_entries // 2))

    def undo(self, now: PlayQueue) -> tuple[PlayQueue, "History"]:
        """The queue before the last edit; what is heard now stays the current entry if it is in there.

        Raises:
            Conflict: there is nothing to take back.
        """
        if not self.done:
            raise Conflict("There is no edit of the queue to take back.", code="nothing_to_undo")
        step = self.done[-1]
        return _heard_in(step.queue, now), History(self.done[:-1], (*self.undone, Step(step.action, now)))

    def redo(self, now: PlayQueue) -> tuple[PlayQueue, "History"]:
        """The queue behind the edit that was taken back last.

        Raises:
            Conflict: there is nothing to do again.
        """
        if not self.undone:
            raise Conflict("There is no edit of the queue to do again.", code="nothing_to_redo")
        step = self.undone[-1]
        return _heard_in(step.queue, now), History((*self.done, Step(step.action, now)), self.undone[:-1])


def _latest(steps: tuple[Step, ...], max_entries: int) -> tuple[Step, ...]:
    """The last steps, as many as have `max_entries` entries in all."""
    lengths = accumulate(len(step.queue.entries) for step in reversed(steps))
    return steps[len(steps) - sum(length <= max_entries for length in lengths) :]


def _heard_in(queue: PlayQueue, now: PlayQueue) -> PlayQueue:
    heard = now.current_id
    return replace(queue, current_id=heard) if heard is not None and queue.has(heard) else queue


def edited(
    queue: PlayQueue, history: History, order: Edit, make: Callable[[Sequence[int]], tuple[Entry, ...]]
) -> tuple[PlayQueue, History]:
    """The queue and its history once an order is carried out; `make` gives tracks entries of their own.

    An order that changes nothing leaves both as they are.

    Raises:
        NotFound, Conflict, InvalidRequest: as the edits of `PlayQueue` and `History`.
    """
    if isinstance(order, Undo):
        return history.undo(queue)
    if isinstance(order, Redo):
        return history.redo(queue)
    after = _after(queue, order, make)
    return after, history if after == queue else history.noted(order.action, queue)


def _after(queue: PlayQueue, order: Edit, make: Callable[[Sequence[int]], tuple[Entry, ...]]) -> PlayQueue:
    match order:
        case SetQueue(track_ids=track_ids, start_index=start_index):
            return queue.filled(make(track_ids), start_index)
        case AddTracks():
            return _added(queue, order, make)
        case RemoveEntries(entry_ids=entry_ids):
            return queue.removed(entry_ids)
        case MoveEntry(entry_id=entry_id, to_index=to_index):
            return queue.moved(entry_id, to_index)
        case Reorder(entry_ids=entry_ids):
            return queue.reordered(entry_ids)
        case Clear():
            return queue.cleared()
        case Repeat(mode=mode):
            return queue.repeating(mode)
        case Shuffle(enabled=True, seed=seed):
            return queue.shuffle(random.randrange(MAX_SEED) if seed is None else seed)
        case Shuffle():
            return queue.unshuffle()
    raise TypeError(f"{type(order).__name__} has no rule")


def _added(queue: PlayQueue, order: AddTracks, make: Callable[[Sequence[int]], tuple[Entry, ...]]) -> PlayQueue:
    if order.next and order.position is not None:
        raise InvalidRequest("Give either a position or next.")
    entries = make(order.track_ids)
    return queue.added_next(entries) if order.next else queue.added(entries, order.position)
