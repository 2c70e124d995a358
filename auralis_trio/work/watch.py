"""Waiting for changes below folders of music, as the system tells of them."""

import os
import threading
from collections.abc import Iterator, Sequence, Set

from watchfiles import Change, watch

from auralis_trio.audio.source import Check
from auralis_trio.errors import SourceError
from auralis_trio.library.ignore import IGNORE_FILE, NO_MEDIA_FILE

MAX_CHANGED = 50
_POLL_MS = 200
_QUIET_MS = 400  # changes that follow each other so closely are told together
_LONGEST_MS = 3_000


class FolderWatch:
    """Looks at `folders` from the first `wait` on, and at everything below them."""

    def __init__(self, folders: Sequence[str], suffixes: Set[str]) -> None:
        self._folders = tuple(map(os.path.realpath, folders))
        self._suffixes = suffixes
        self._stop = threading.Event()
        self._changes: Iterator[set[tuple[Change, str]]] = watch(
            *self._folders,
            watch_filter=self._is_wanted,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            stop_event=self._stop,
            rust_timeout=_POLL_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )

    def wait(self, *, check: Check) -> list[str]:
        """The folders in which something has changed, at most `MAX_CHANGED`: beyond that, all the folders.

        Raises:
            SourceError: the system cannot tell of changes: a folder is away, or there are too many.
        """
        try:
            for changes in self._changes:
                check()
                if changes:
                    return self._folders_of(path for _, path in changes)
                if not all(map(os.path.isdir, self._folders)):
                    break
        except (OSError, RuntimeError, ValueError) as error:
            raise SourceError("The folders of music cannot be watched.") from error
        raise SourceError("The folders of music are not watched any more.")

    def close(self) -> None:
        """Look no longer; a `wait` that is under way ends soon."""
        self._stop.set()

    def _is_wanted(self, change: Change, path: str) -> bool:
        name = os.path.basename(path)
        if name in (IGNORE_FILE, NO_MEDIA_FILE):
            return True
        if name.startswith("."):
            return False
        return os.path.splitext(name)[1].lower() in self._suffixes or change is Change.deleted or os.path.isdir(path)

    def _folders_of(self, paths: Iterator[str]) -> list[str]:
        folders = {self._folder_of(path) for path in paths}
        return sorted(folders) if len(folders) <= MAX_CHANGED else list(self._folders)

    def _folder_of(self, path: str) -> str:
        """The folder that is to be scanned for a change at `path`: the nearest one that is there."""
        while path not in self._folders and not os.path.isdir(path):
            path = os.path.dirname(path)
        return path
