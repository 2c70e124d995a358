"""A track's file as it lies on the disk, byte by byte. Called from worker threads only."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from auralis_trio.decoder.regular_file import RegularFile, open_regular
from auralis_trio.errors import SourceChanged


@dataclass(frozen=True)
class FileState:
    """What a file was when it was looked at."""

    size: int
    mtime_ns: int


def are_there(paths: Sequence[str]) -> list[bool]:
    """Which of these are regular files; nothing is opened."""
    return [_is_there(path) for path in paths]


def look_at(path: str) -> FileState:
    """How large a file is.

    Raises:
        SourceError: it is missing, or not a regular file.
    """
    with open_regular(path) as file:
        return _state(file)


def read_bytes(path: str, expected: FileState, offset: int, size: int) -> bytes:
    """Exactly `size` bytes from `offset` on, of the file that was looked at.

    Opening it for each read costs microseconds and leaves nothing to be closed by somebody who has gone.

    Raises:
        SourceError: it has changed meanwhile, or cannot be read.
    """
    with open_regular(path) as file:
        if _state(file) != expected:
            raise SourceChanged
        with file.unchanged():
            return file.read_exactly(offset, size)


def _state(file: RegularFile) -> FileState:
    return FileState(file.size, file.mtime_ns)


def _is_there(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False
