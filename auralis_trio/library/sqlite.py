"""A library in a file of SQLite's, in WAL mode: readers see the last committed state and wait for nobody."""

import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pony.orm import Database, OrmError, db_session
from pony.orm.dbapiprovider import DBException

from auralis_trio.library.functions import add_functions
from auralis_trio.library.home import driver_error
from auralis_trio.own_files import open_own

FILE_NAME = "library.sqlite3"

BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE_CODES = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqliteFile:
    """The file in a data directory; `lock_wait_s` is how long to wait while another program writes to it."""

    data_dir: Path
    lock_wait_s: float

    busy_sentence = "Another program holds the library: end it, or choose another data directory."
    unusable_sentence = (
        "The library's database cannot be used: check the data directory's permissions and space, or choose another."
    )

    unwritable_sentence = (
        "The library's database takes nothing more: make room on the data directory's disk, see that it may be"
        " written to, then try again."
    )

    def bind(self, db: Database) -> None:
        """See `Home.bind`."""
        db.on_connect(provider="sqlite")(_prepare)
        path = self.data_dir.absolute() / FILE_NAME
        db.bind(provider="sqlite", filename=str(path), create_db=True, timeout=self.lock_wait_s)

    def begin_reading(self, db: Database) -> None:
        """See `Home.begin_reading`."""
        # Pony's own ways to begin all ask for the one place of a writer.
        db._exec_sql("BEGIN")

    def begin_writing(self, db: Database, durable: bool) -> None:
        """An immediate session has begun as the one writer."""

    def sync(self) -> None:
        """See `Home.sync`. With `synchronous = NORMAL` a commit stays in the log of changes until a checkpoint."""
        log = open_own(str(self.data_dir / f"{FILE_NAME}-wal"), os.O_RDONLY)
        try:
            os.fsync(log)
        finally:
            os.close(log)

    def is_busy(self, error: BaseException) -> bool:
        """See `Home.is_busy`."""
        return _code(error) in BUSY_CODES

    def is_unwritable(self, error: BaseException) -> bool:
        """See `Home.is_unwritable`."""
        return _code(error) in _UNWRITABLE_CODES

    def is_damaged(self, error: BaseException) -> bool:
        """See `Home.is_damaged`."""
        return _code(error) in DAMAGE_CODES

    def close(self, db: Database) -> None:
        """Write everything into the one file and close this thread's connection; others close with their threads.

        Where the disk does not take it, what was committed stays in the log of changes, and the next start has it.
        """
        try:
            with db_session:
                connection = db.get_connection()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, DBException, OrmError) as error:
            if not (self.is_busy(error) or self.is_unwritable(error)):
                raise
            log.warning("the library's log of changes stays beside its file, which cannot be written")
        db.disconnect()


def _code(error: BaseException) -> int:
    """SQLite's primary code for what went wrong; 0 when it was not SQLite."""
    code: int = getattr(driver_error(error, sqlite3.Error), "sqlite_errorcode", 0)
    return code & 0xFF


def _prepare(_db: Database, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    add_functions(connection)
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
