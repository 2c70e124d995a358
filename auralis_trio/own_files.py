"""The files that this server keeps for itself, in its data directory; and what brings any file to the disk.

Whoever tends that directory may have put anything there. What is not a regular file is as good as damaged, and must
not be waited for: opening a FIFO would wait for its writer for ever, and a link could lead anywhere.
"""

import errno
import os
import stat


def open_own(path: str, flags: int) -> int:
    """The descriptor of a regular file, made for the server alone if `flags` ask for it; an opener for `open`.

    Raises:
        OSError: it cannot be opened, or something else lies there.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "It is not a regular file", path)


def read_own(path: str | os.PathLike[str]) -> bytes:
    """All of a file.

    Raises:
        OSError: as in `open_own`, or it cannot be read.
    """
    with open(path, "rb", opener=open_own) as file:
        return file.read()


def write_own(path: str | os.PathLike[str], data: bytes) -> None:
    """Make a file, or write it anew.

    Raises:
        OSError: as in `open_own`, or the disk does not take it.
    """
    with open(path, "wb", opener=open_own) as file:
        file.write(data)


def sync(path: str | os.PathLike[str], flags: int = 0) -> None:
    """Bring what was written to a file, or the names in a folder, to the disk; `flags` are more of those to open it.

    Raises:
        OSError: it cannot be opened, or the disk does not take it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
