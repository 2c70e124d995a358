"""Opening and closing the database file, and the two kinds of session: many readers beside one writer.

SQLite in WAL mode: readers see the last committed state and wait for nobody. Pony keeps one connection a thread, so
sessions belong to the few threads of the database lanes; the one that opens should be the one that closes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pony.orm import Database, OrmError, db_session
from pony.orm.dbapiprovider import DBException

from auralis_trio.errors import AuralisError, Busy, StartupError
from auralis_trio.library.entities import Entities, define_entities
from auralis_trio.library.migrations import migrate

FILE_NAME = "library.sqlite3"
LOCK_WAIT_S = 5.0

_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@dataclass(frozen=True)
class Library:
    """One open database. Its functions are in `queries` and `scanner`; each opens one session and ends it."""

    db: Database
    entities: Entities

    @contextmanager
    def reading(self) -> Iterator[Entities]:
        """A session that only reads.

        Raises:
            Busy: another program holds the database for longer than the lock may be waited for.
        """
        with _busy_when_locked(), db_session:
            yield self.entities

    @contextmanager
    def writing(self) -> Iterator[Entities]:
        """A session that is one transaction: all of it is kept, or nothing.

        Raises:
            Busy: as in `reading`.
        """
        with _busy_when_locked(), db_session(immediate=True, optimistic=False):
            yield self.entities

    def close(self) -> None:
        """Write everything into the one file and close this thread's connection; others close with their threads."""
        with db_session:
            connection = self.db.get_connection()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.disconnect()


def open_library(data_dir: Path, *, lock_wait_s: float = LOCK_WAIT_S) -> Library:
    """Open the library in `data_dir`, and make or migrate it where that is due.

    Raises:
        StartupError: it cannot be opened, is held by another program for `lock_wait_s`, or is of a newer version.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        raise StartupError("The data directory cannot be made. Check its place and its permissions.") from None
    db = Database()
    db.on_connect(provider="sqlite")(_set_pragmas)
    entities = define_entities(db)
    try:
        db.bind(provider="sqlite", filename=str(data_dir.absolute() / FILE_NAME), create_db=True, timeout=lock_wait_s)
        migrate(db)
        db.generate_mapping(create_tables=False, check_tables=True)
    except (sqlite3.Error, DBException, OrmError) as error:
        raise _startup_error(error) from error
    return Library(db, entities)


def _set_pragmas(_db: Database, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _startup_error(error: BaseException) -> AuralisError:
    if _is_locked(error):
        return StartupError("Another program holds the library: end it, or choose another data directory.")
    return StartupError(
        "The library's database cannot be used: check the data directory's permissions and space, or choose another."
    )


@contextmanager
def _busy_when_locked() -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, DBException, OrmError) as error:
        if _is_locked(error):
            raise Busy(retry_after_s=1) from error
        raise


def _is_locked(error: BaseException) -> bool:
    """Whether SQLite's own error, which Pony wraps in up to two of its own, says that another holds the lock."""
    origin: object = error
    while isinstance(origin, BaseException) and not isinstance(origin, sqlite3.Error):
        origin = getattr(origin, "original_exc", None)
    return getattr(origin, "sqlite_errorcode", 0) & 0xFF in _BUSY_CODES
