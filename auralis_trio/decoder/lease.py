"""Lets one thread at a time into a source, and closes it when the last has left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from auralis_trio.audio.source import Check

_ASK_EVERY_S = 0.05  # how long a waiting thread goes without asking whether it is still wanted


def take(lock: Lock, check: Check) -> None:
    """Acquire `lock`, calling `check` while waiting."""
    while not lock.acquire(timeout=_ASK_EVERY_S):
        check()


class Lease:
    """The right to use something that another thread may close: `close_it` runs once, with nobody inside."""

    def __init__(self, close_it: Callable[[], None]) -> None:
        self._lock = Lock()
        self._close_it = close_it
        self._ending = False
        self._closed = False

    @contextmanager
    def use(self, check: Check) -> Iterator[None]:
        """Be the one thread inside.

        Raises:
            ValueError: it has been closed.
        """
        take(self._lock, check)
        try:
            if self._ending:
                raise ValueError("the source is closed")
            yield
        finally:
            self._lock.release()
            if self._ending:
                self._close_if_idle()

    def do_if_idle(self, job: Callable[[], None]) -> bool:
        """Do something with nobody inside, unless somebody is; whether nobody was. What is closed is left alone."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if not self._ending:
                job()
        finally:
            self._lock.release()
            if self._ending:
                self._close_if_idle()
        return True

    def close(self) -> None:
        """Close now, or when the thread inside leaves."""
        self._ending = True
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        # Whoever holds the lock looks at _ending again after letting it go, so not getting it here loses nothing.
        if self._lock.acquire(blocking=False):
            try:
                if not self._closed:
                    self._closed = True
                    self._close_it()
            finally:
                self._lock.release()


def check_span(start: int, frames: int, total_frames: int) -> None:
    """Refuse a span that does not lie within the track.

    Raises:
        ValueError: it does not.
    """
    if start < 0 or frames < 0 or start + frames > total_frames:
        raise ValueError(f"frames {start} to {start + frames} of a track of {total_frames}")
