"""Small files beside the music: words, pictures, rules. Anything may lie under their names."""

import os
import stat


def read_beside(path: str, most_bytes: int, *, links: bool = False) -> bytes | None:
    """The first bytes of a regular file; None where there is none of this name. Only with `links` these are followed.

    Raises:
        OSError: it cannot be read.
    """
    flags = os.O_NONBLOCK | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)  # nothing waits for a FIFO's writer
    try:
        # What is opened within `open` is also closed by it where that is a folder.
        with open(path, "rb", opener=lambda name, more: os.open(name, more | flags)) as file:
            return file.read(most_bytes) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except (FileNotFoundError, IsADirectoryError):
        return None
