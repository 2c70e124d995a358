"""A track's file as it lies on the disk, byte by byte. Called from worker threads only."""

import os
from dataclasses import dataclass

from auralis_trio.decoder import open_regular_file
from auralis_trio.errors import SourceCorrupt, SourceError


@dataclass(frozen=True)
class FileState:
    """What a file was when it was looked at."""

    size: int
    mtime_ns: int


def look_at(path: str) -> FileState:
    """How large a file is.

    Raises:
        SourceError: it is missing, or not a regular file.
    """
    descriptor = open_regular_file(path)
    try:
        stat = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return FileState(stat.st_size, stat.st_mtime_ns)


def read_bytes(path: str, expected: FileState, offset: int, size: int) -> bytes:
    """Exactly `size` bytes from `offset` on, of the file that was looked at.

    Opening it for each read costs microseconds and leaves nothing to be closed by somebody who has gone.

    Raises:
        SourceError: it has changed meanwhile, or cannot be read.
    """
    descriptor = open_regular_file(path)
    try:
        stat = os.fstat(descriptor)
        data = os.pread(descriptor, size, offset)
    except OSError as error:
        raise SourceError from error
    finally:
        os.close(descriptor)
    if FileState(stat.st_size, stat.st_mtime_ns) != expected or len(data) < size:
        raise SourceCorrupt
    return data
