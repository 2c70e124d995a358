"""Forward decoders that nobody reads, kept where they stopped: who reads the same track next goes on from there.

A request lasts for one answer, and what it decoded of a track that the PCM cache has no room for would be lost with
it: a far place would never be reached, and each piece of a track cost all that lies before it.
"""

from collections.abc import Callable
from threading import Lock

from auralis_trio.decoder.forward_source import ForwardSource

MAX_FORWARD = 4
"""How many are kept: each holds its file, its decoder and at most `PARKED_WINDOW_BYTES`."""


class Parking:
    """Parked forward decoders by the keys of their tracks; the one unused for longest makes room."""

    def __init__(self, max_parked: int = MAX_FORWARD) -> None:
        self._max_parked = max_parked
        self._lock = Lock()
        self._parked: list[tuple[str, ForwardSource]] = []  # the one parked first is the first

    def __len__(self) -> int:
        return len(self._parked)

    def park(self, key: str, source: ForwardSource) -> None:
        """Keep this one, unless there is nothing in it to go on with; it belongs to whoever takes it then."""
        if not source.rest():
            source.close()
            return
        with self._lock:
            self._parked.append((key, source))
            surplus = [self._parked.pop(0)[1] for _ in range(len(self._parked) - self._max_parked)]
        for other in surplus:
            other.close()

    def take(self, key: str, start: int) -> ForwardSource | None:
        """The one of this track that has the shortest way to the frame `start`, if any gets there."""
        with self._lock:
            fit = [each for each in self._parked if each[0] == key and each[1].window_start <= start]
            if not fit:
                return None
            nearest = max(fit, key=lambda each: each[1].window_start)
            self._parked.remove(nearest)
        return nearest[1]

    def drop(self, unwanted: Callable[[str], bool] = lambda key: True) -> None:
        """Close those whose keys are unwanted."""
        with self._lock:
            dropped = [source for key, source in self._parked if unwanted(key)]
            self._parked = [each for each in self._parked if not unwanted(each[0])]
        for source in dropped:
            source.close()
