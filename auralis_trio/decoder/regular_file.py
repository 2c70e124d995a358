"""Opens regular files and nothing else: a FIFO, device, socket or directory is refused before a library sees it.

`disk_errors` is the border where the system's errors become typed ones. `RegularFile.unchanged` is the one place that
makes sure that what was read is still what was opened: everything that decodes reads inside of it. Where
something was done to a file whose size and time are as before, only its bytes tell whether it was written to.
"""

import errno
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from auralis_trio.audio.units import modified_ns
from auralis_trio.errors import (
    AuralisError,
    Busy,
    SourceChanged,
    SourceCorrupt,
    SourceError,
    SourceHung,
    SourceMissing,
    SourceUnsupported,
)

_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}
_HUNG = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENODEV, errno.EHOSTDOWN, errno.ENOTCONN}
_BUSY = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_HEAD_BYTES, _AHEAD_BYTES = 1 << 13, 1 << 16
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_MOST_PROOFS = 8
"""How often something may be done to a file while its bytes are compared."""


def _typed(error: OSError) -> AuralisError:
    number = error.errno
    if number in _MISSING:
        return SourceMissing()
    if number in _HUNG:
        return SourceHung()
    if number in _BUSY:
        return Busy()
    if number in _FORBIDDEN:
        return SourceError("The server may not read this track's file. Check the file's permissions.")
    return SourceUnsupported()


def is_disk_failure(error: BaseException) -> bool:
    """Whether it is the disk that fails, and not what is on it."""
    return isinstance(error, OSError) and error.errno in _HUNG


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an OSError inside into a SourceError (Busy where the process has run out of something)."""
    try:
        yield
    except OSError as error:
        raise _typed(error) from error


class RegularFile:
    """An open regular file: its descriptor, its size and time when opened, and reads that do not move the descriptor.

    Its first bytes are read once: nearly all that is asked of a file that is only looked at stands there. So are
    those that someone wants to look at bit by bit.
    """

    def __init__(self, descriptor: int, status: os.stat_result) -> None:
        self.descriptor = descriptor
        self.size, self.mtime_ns = status.st_size, modified_ns(status)
        self._status = status
        self._mark_it: Callable[[RegularFile], bytes] | None = None
        self._mark = b""
        self._head = self._ahead = b""
        self._head_end: float = 0
        self._ahead_from = 0

    def remember(self, mark_it: "Callable[[RegularFile], bytes]") -> None:
        """Have a mark of the bytes, by which they are known again when something was done to the file.

        Without one, a file that something was done to counts as changed.
        """
        self._mark_it, self._mark = mark_it, mark_it(self)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Read inside of this what must be the file as it was opened: else all that came of it is refused.

        It is looked at before and after. Deleting, renaming or linking it, or giving it other rights, does not change
        it.

        Raises:
            SourceChanged: somebody has written to it. What looks like damage may be no more than that.
        """
        self._refuse_change()
        try:
            yield
        except (SourceCorrupt, SourceUnsupported) as error:
            self._refuse_change(error)
            raise
        self._refuse_change()

    def _refuse_change(self, cause: Exception | None = None) -> None:
        for _ in range(_MOST_PROOFS):
            with disk_errors():
                now = os.fstat(self.descriptor)
            if (now.st_size, modified_ns(now)) != (self.size, self.mtime_ns):
                break
            if now.st_ctime_ns == self._status.st_ctime_ns:
                return
            if not self._has_its_mark():
                break
            self._status = now  # and looked at again: the proof holds for what nothing was done to meanwhile
        raise SourceChanged from cause

    def _has_its_mark(self) -> bool:
        self._head = self._ahead = b""
        self._head_end = 0
        return self._mark_it is not None and self._mark_it(self) == self._mark

    def read_head(self) -> None:
        """Have the first bytes at hand."""
        self._head = self.read_at(0, _HEAD_BYTES)
        # What begins in a head that is all of the file can end behind it.
        self._head_end = len(self._head) if len(self._head) < self.size else math.inf

    def read_ahead(self, offset: int) -> None:
        """Have the bytes from `offset` on at hand, in the place of others."""
        self._ahead, self._ahead_from = self.read_at(offset, _AHEAD_BYTES), offset

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file, none outside it."""
        if offset < 0 or length <= 0:
            return b""
        if offset + length <= self._head_end:
            return self._head[offset : offset + length]
        if offset >= self.size:
            return b""
        at = offset - self._ahead_from
        if at >= 0 and at + length <= len(self._ahead):
            return self._ahead[at : at + length]
        try:  # not `disk_errors`, which costs more than the read itself
            return os.pread(self.descriptor, length, offset)
        except OSError as error:
            raise _typed(error) from error

    def read_exactly(self, offset: int, length: int) -> bytes:
        """Just `length` bytes from `offset`.

        Raises:
            SourceCorrupt: the file ends before.
        """
        data = self.read_at(offset, length)
        if len(data) < length:
            raise SourceCorrupt
        return data

    def rewind(self) -> None:
        """Put the descriptor at the start, as a library that is handed it expects."""
        with disk_errors():
            os.lseek(self.descriptor, 0, os.SEEK_SET)

    def close(self) -> None:
        """Give back the descriptor; a second call does nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> "RegularFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_regular(path: str) -> RegularFile:
    """Open `path` for reading, if it is a regular file with something in it.

    Raises:
        SourceMissing: there is nothing of that name.
        SourceUnsupported: it is not a regular file.
        SourceCorrupt: it is empty.
        SourceHung: its disk fails.
    """
    if "\0" in path:
        raise SourceMissing
    try:  # as in `read_at`; and without O_NONBLOCK the open itself would wait for a FIFO's writer
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _typed(error) from error
    try:
        file = RegularFile(descriptor, _regular_status(descriptor))
        file.read_head()
    except AuralisError:
        os.close(descriptor)
        raise
    return file


def _regular_status(descriptor: int) -> os.stat_result:
    try:
        status = os.fstat(descriptor)
    except OSError as error:
        raise _typed(error) from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceUnsupported
    if not status.st_size:
        raise SourceCorrupt("This track's file is empty. Replace it from a good copy.")
    return status
