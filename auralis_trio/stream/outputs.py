"""Who plays the queue, in the order in which they began, and which of them says for all where it is heard.

The first one leads, since outputs are a moment apart from each other. One that stands still while another goes on
tells nothing: its machine sleeps, or its connection hangs. After `MAX_STANDSTILL_S` it steps back behind the others,
and does not lead again when it wakes up, so what is told never goes back to where it slept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import trio

from auralis_trio.stream.output import Output, Place

MAX_STANDSTILL_S = 5.0
"""How long the place that an output hears may stay the same before another one leads."""


@dataclass
class Known:
    """One output, and the entry that it is at: that it was sent to, or, once it has `arrived`, that it reported.

    Since `since_s` it hears the same place.
    """

    output: Output
    entry_id: int
    arrived: bool = False
    place: Place | None = None
    since_s: float = field(default_factory=trio.current_time)

    def send_to(self, entry_id: int) -> None:
        """It is to play this entry, at another place."""
        self.entry_id, self.arrived, self.place = entry_id, False, None
        self.since_s = trio.current_time()

    def hear(self, entry_id: int, place: Place) -> None:
        """It hears this place."""
        if (entry_id, place) != (self.entry_id, self.place):
            self.since_s = trio.current_time()
        self.entry_id, self.arrived, self.place = entry_id, True, place


class Outputs:
    """Those that play the queue, by the ids of their sessions; going through them minds no changes."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def __iter__(self) -> Iterator[Known]:
        return iter(list(self._known.values()))

    def __len__(self) -> int:
        return len(self._known)

    def get(self, output_id: str) -> Known | None:
        """The one of this id."""
        return self._known.get(output_id)

    def add(self, output: Output, entry_id: int) -> None:
        """One that is to play this entry; who plays already keeps its place in the order."""
        self._known[output.id] = Known(output, entry_id)

    def remove(self, output: Output) -> None:
        """One that plays no more."""
        del self._known[output.id]

    def clear(self) -> list[Known]:
        """Nobody plays any more; who did."""
        known, self._known = list(self), {}
        return known

    def resume(self) -> None:
        """All go on from now on: who stood still in a pause has done nothing wrong."""
        for known in self:
            known.since_s = trio.current_time()

    def lead(self, *, going: bool) -> Known | None:
        """The one that says where the queue is heard, if there is any; while that is `going`, one that goes on."""
        awake_s = trio.current_time() - MAX_STANDSTILL_S
        if going and any(known.place is not None and known.since_s > awake_s for known in self):
            while (first := next(iter(self))).since_s <= awake_s:
                self._known[first.output.id] = self._known.pop(first.output.id)
        return next(iter(self), None)
