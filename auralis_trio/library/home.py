"""What a library needs of the database that it lies in; `sqlite` and `postgresql` have the two."""

from typing import Literal, Protocol

from pony.orm import Database

Fault = Literal["damaged", "newer"]
"""What keeps a copy of a database from being used."""


class Home(Protocol):
    """One place that a library can lie in."""

    @property
    def busy_sentence(self) -> str:
        """What to tell an operator when it could not be reached at the start because another held it."""

    @property
    def unusable_sentence(self) -> str:
        """What to tell an operator when it cannot be used at all."""

    @property
    def unwritable_sentence(self) -> str:
        """What to tell whoever wanted something written that it does not take."""

    def bind(self, db: Database) -> None:
        """Make `db` a way to it.

        Raises:
            OSError, Exception: whatever the driver or Pony raises; see `is_busy`.
        """

    def begin_reading(self, db: Database) -> None:
        """Within a session that has asked nothing yet: all that it asks is of one moment."""

    def begin_writing(self, db: Database, durable: bool) -> None:
        """Within a session that has asked nothing yet: nobody else writes until it ends.

        Raises:
            OutputError: it may only be read.
        """

    def sync(self) -> None:
        """See to it that the durable session that has just ended outlives a power cut.

        Raises:
            OSError: the disk does not take it.
        """

    def is_busy(self, error: BaseException) -> bool:
        """Whether an error says that another holds what was asked for, or that nobody answers just now."""

    def is_unwritable(self, error: BaseException) -> bool:
        """Whether an error says that the disk below takes nothing more: it is full, read-only, away or broken."""

    def is_damaged(self, error: BaseException) -> bool:
        """Whether an error says that what lies there is broken."""

    def close(self, db: Database) -> None:
        """Leave everything well kept, as far as the disk takes it, and close this thread's connection."""


def driver_error(error: BaseException, root: type[BaseException]) -> BaseException | None:
    """The driver's own error, an instance of `root`, which Pony wraps in up to three of its own."""
    origin: object = error
    while isinstance(origin, BaseException) and not isinstance(origin, root):
        origin = _wrapped_in(origin)
    return origin if isinstance(origin, root) else None


def _wrapped_in(error: BaseException) -> object:
    """A commit that fails names all that went wrong, as `sys.exc_info` does; the first is the reason."""
    failures = getattr(error, "exceptions", None)
    return failures[0][1] if failures else getattr(error, "original_exc", None)
