"""Every error that this program raises on purpose, in one tree.

AuralisError
├── StartupError           the server cannot start; the text is printed and the exit code is 1
├── InvalidRequest         what was asked for cannot be understood
├── Forbidden              the asker may not do this
├── NotFound               there is no such thing
├── Conflict               not in this state
├── Busy                   every place is taken; later it may work
├── TooMany                the asker asks too often
├── TimedOut               a job did not end within its deadline
├── WorkerDied             the process that did a job ended before it was done
├── OutputError            a file cannot be written
│   ├── DiskFull           there is no room for it
│   └── EditUnfinished     an edit stopped half way, and ends at the next start
├── BackupError            a backup cannot be made, proved or brought back
├── DatabaseDamaged        what the library lies in is broken, and a backup has to be brought back
└── SourceError            an audio file cannot be played
    ├── SourceMissing      it is not where the library saw it
    ├── SourceChanged      it is another recording than the library saw
    ├── SourceUnsupported  it is not audio, or not of a kind that can be decoded
    ├── SourceCorrupt      its audio ends or breaks before it should
    ├── SourceHung         its disk does not answer
    └── SourceNotReady     the place asked for is not decoded yet

Each class has the HTTP status, the stable code and a text that says what to do. The text of an error leaves the
server, so it never holds a path or another exception's words; those go to the log by way of ``__cause__``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import ClassVar


class AuralisError(Exception):
    """The root: `status` and `headers` for HTTP, a stable `code` for programs, a text for people."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    text: ClassVar[str] = "Something went wrong on the server. Its log says more."

    def __init__(
        self, message: str | None = None, *, code: str | None = None, retry_after_s: int | None = None
    ) -> None:
        self.message = message or self.text
        self.code = code or self.default_code
        self.retry_after_s = retry_after_s
        self.what: str | None = None
        """which of many it is about; see `about`"""
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        super().__init__(self.message)

    @property
    def log_line(self) -> str:
        """What it is about, the code, and, for the log alone, the words of what it came from."""
        cause = "" if self.__cause__ is None else f" ({type(self.__cause__).__name__}: {self.__cause__})"
        return " ".join(f"{'' if self.what is None else f'{self.what}: '}{self.code}{cause}".split())


def foreseen(error: BaseException) -> AuralisError | None:
    """An error, or the first of a group, if all of it was raised on purpose; else None: that needs a trace."""
    if not isinstance(error, BaseExceptionGroup):
        return error if isinstance(error, AuralisError) else None
    found = [foreseen(each) for each in error.exceptions]
    return None if None in found else found[0]


@contextmanager
def about(what: str) -> Iterator[None]:
    """Where it is about one of many, say which: the text of what is raised on purpose in here begins with `what`."""
    try:
        yield
    except AuralisError as error:
        told = copy(error)  # others may be told of the same error
        told.what, told.message = what, f"{what}: {error.message}"
        told.args = (told.message,)
        raise told from error.__cause__


class StartupError(AuralisError):
    """The server cannot start."""

    default_code = "startup_failed"
    text = "The server could not start."


class InvalidRequest(AuralisError):
    """The request cannot be understood or holds a value out of range."""

    status = 422
    default_code = "invalid_request"
    text = "The request has a value that cannot be used."


class Forbidden(AuralisError):
    """The asker may not do this."""

    status = 403
    default_code = "forbidden"
    text = "This is not allowed from here."


class NotFound(AuralisError):
    """There is no such thing."""

    status = 404
    default_code = "not_found"
    text = "There is nothing here."


class Conflict(AuralisError):
    """The request does not fit the present state."""

    status = 409
    default_code = "conflict"
    text = "This cannot be done in the present state."


class Busy(AuralisError):
    """Every place is taken."""

    status = 503
    default_code = "busy"
    text = "The server is busy. Try again in a moment."


class TooMany(AuralisError):
    """The asker asks too often."""

    status = 429
    default_code = "too_many_requests"
    text = "These are too many requests at once. Wait a moment, then go on more slowly."


class TimedOut(AuralisError):
    """A job did not end within its deadline and was stopped."""

    status = 504
    default_code = "timed_out"
    text = "This took too long and was stopped. Try again in a moment."


class WorkerDied(AuralisError):
    """The worker process that did a job ended before it was done: of what it worked on, or because it was killed."""

    default_code = "worker_died"
    text = (
        "The part of the server that worked on this broke off. Try again; if that does not help, replace the file or"
        " the picture from a good copy."
    )


class OutputError(AuralisError):
    """A file that was asked for cannot be written."""

    default_code = "output_failed"
    text = "The file could not be written. Check that its folder is there and writable and has room."


class DiskFull(OutputError):
    """There is no room for a file."""

    status = 507
    default_code = "disk_full"
    text = "The server's disk is full. Make room on it, then try again."


class EditUnfinished(OutputError):
    """Some files of an edit are changed, could not be given back, and wait for the next start."""

    default_code = "edit_unfinished"
    text = "The edit stopped half way, and ends when the server starts again. Check the disk's room and health."


class BackupError(AuralisError):
    """A backup cannot be made, proved or brought back."""

    default_code = "backup_failed"
    text = "The backup could not be made. Check that the data directory is writable and has room."


class DatabaseDamaged(AuralisError):
    """What the library lies in is broken."""

    default_code = "database_damaged"
    text = (
        "The library's database is damaged. Stop the server, list the backups with `auralis-trio backup list`,"
        " and bring one back with `auralis-trio backup restore NAME`."
    )


class SourceError(AuralisError):
    """An audio file cannot be played; `frame` is the first one that could not be read, where that is known."""

    status = 422
    default_code = "track_unreadable"
    text = "This track's file cannot be played."

    def __init__(
        self, message: str | None = None, *, frame: int | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.frame = frame


class SourceMissing(SourceError):
    """The file is not where the library saw it."""

    status = 404
    default_code = "track_missing"
    text = "This track's file is missing. Bring it back or scan the library again."


class SourceChanged(SourceError):
    """The file holds another recording than the library saw."""

    status = 409
    default_code = "track_changed"
    text = "This track's file has changed. Scan the library again."


class SourceUnsupported(SourceError):
    """The file is not audio, or of a kind that cannot be decoded."""

    status = 415
    default_code = "track_unsupported"
    text = "This track's file is not audio of a kind that can be played."


class SourceCorrupt(SourceError):
    """The audio ends or breaks before it should."""

    default_code = "track_corrupt"
    text = "This track's file is damaged. Replace it from a good copy."


class SourceHung(SourceError):
    """The disk does not answer."""

    status = 504
    default_code = "track_hung"
    text = "The disk with this track does not answer. Check that it is connected."


class SourceNotReady(SourceError):
    """The place asked for is still being decoded; `retry_after_s` says when to ask again."""

    status = 503
    default_code = "track_not_ready"
    text = "This part of the track is still being decoded. Try again in a moment."
