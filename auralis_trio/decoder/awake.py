"""How many FLAC decoders hold their buffers at once: each takes 600 KB, and each listener has one for hours.

A listener's decoder works for some milliseconds and is idle for the seconds that these play. So of all that are open
only the ones used last stay as they are; the others give back what reading alone needs and keep their file, and are
put together again, in a tenth of a millisecond, when they are read from.
"""

from collections import OrderedDict
from threading import Lock
from typing import Protocol

MAX_AWAKE = 32


class Sleeper(Protocol):
    """What has something to give back while nobody reads from it."""

    def rest_nowait(self) -> bool:
        """Give it back, unless somebody is reading; whether nobody was."""


class Awake:
    """The sources that hold their buffers, the one unused for longest first."""

    def __init__(self, max_awake: int = MAX_AWAKE) -> None:
        self.max_awake = max_awake
        self._lock = Lock()
        self._sources: OrderedDict[Sleeper, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sources)

    def used(self, source: Sleeper) -> None:
        """This one was read from just now; others are put to rest until no more than the bound are awake.

        One that is read from meanwhile stays awake: it says so itself when it has been.
        """
        with self._lock:
            self._sources[source] = None
            self._sources.move_to_end(source)
            too_many = [self._sources.popitem(last=False)[0] for _ in range(len(self._sources) - self.max_awake)]
        for other in too_many:
            other.rest_nowait()

    def forget(self, source: Sleeper) -> None:
        """This one is closed."""
        with self._lock:
            self._sources.pop(source, None)
