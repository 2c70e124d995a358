"""Waiting for changes below folders of music, as the system tells of them."""

import os
import threading
import time
from collections.abc import Collection, Sequence, Set

from auralis_trio.audio.source import Check
from auralis_trio.errors import SourceError
from auralis_trio.library.ignore import IGNORE_FILE, NO_MEDIA_FILE
from auralis_trio.work.inotify import Event, FolderEvents

MAX_CHANGED = 50
_POLL_S = 0.2
_QUIET_S = 0.4  # changes that follow each other so closely are told together
_LONGEST_S = 3.0


class FolderWatch:
    """Looks at `folders` from `open` on, and at everything below them."""

    def __init__(self, folders: Sequence[str], suffixes: Set[str]) -> None:
        self._named = tuple(folders)
        self._folders: tuple[str, ...] = ()
        self._suffixes = suffixes
        self._events: FolderEvents | None = None
        self._stopped = threading.Event()
        self._used = threading.Lock()  # nobody closes what another thread waits for

    def open(self, *, check: Check) -> None:
        """Begin to look.

        Raises:
            SourceError: the system cannot tell of changes: a folder is away, or there are too many.
        """
        with self._used:
            self._folders = tuple(map(os.path.realpath, self._named))
            try:
                self._events = FolderEvents(self._folders, check=check)
            except OSError as error:
                raise SourceError("The folders of music cannot be watched.") from error
        self._close_if_stopped()

    def wait(self, *, check: Check) -> list[str]:
        """The folders in which something has changed, at most `MAX_CHANGED`: beyond that, all the folders.

        Raises:
            SourceError: as `open`, or it is closed.
        """
        try:
            with self._used:
                return self._wait(check)
        except OSError as error:
            raise SourceError("The folders of music cannot be watched.") from error
        finally:
            self._close_if_stopped()

    def close(self) -> None:
        """Look no longer; an `open` or `wait` that is under way ends soon."""
        self._stopped.set()
        self._close_if_stopped()

    def _close_if_stopped(self) -> None:
        if self._stopped.is_set() and self._used.acquire(blocking=False):
            events, self._events = self._events, None
            self._used.release()
            if events is not None:
                events.close()

    def _wait(self, check: Check) -> list[str]:
        changed: set[str] = set()
        first_s = last_s = 0.0
        while not self._stopped.is_set() and self._events is not None:
            check()
            found = [event for event in self._events.read(_POLL_S, check=check) if self._is_wanted(event)]
            now_s = time.monotonic()
            if found:
                first_s, last_s = first_s if changed else now_s, now_s
            for event in found:
                if len(changed) <= MAX_CHANGED:
                    changed.add(event.path if event.is_folder else os.path.dirname(event.path))
            if not all(map(os.path.isdir, self._folders)):
                break
            if changed and (now_s - last_s >= _QUIET_S or now_s - first_s >= _LONGEST_S):
                return self._folders_of(changed)
        raise SourceError("The folders of music are not watched any more.")

    def _is_wanted(self, event: Event) -> bool:
        name = os.path.basename(event.path)
        if name in (IGNORE_FILE, NO_MEDIA_FILE):
            return True
        if name.startswith("."):
            return event.path in self._folders
        return event.is_folder or os.path.splitext(name)[1].lower() in self._suffixes

    def _folders_of(self, paths: Collection[str]) -> list[str]:
        if len(paths) > MAX_CHANGED:
            return list(self._folders)
        return sorted({self._folder_of(path) for path in paths})

    def _folder_of(self, path: str) -> str:
        """The folder that is to be scanned for a change at `path`: the nearest one that is there."""
        while path not in self._folders and not os.path.isdir(path):
            path = os.path.dirname(path)
        return path
