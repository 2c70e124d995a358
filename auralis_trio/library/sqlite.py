"""A library in a file of SQLite's, in WAL mode: readers see the last committed state and wait for nobody."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from pony.orm import Database, db_session

from auralis_trio.library.functions import add_functions
from auralis_trio.library.home import driver_error

FILE_NAME = "library.sqlite3"

BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True)
class SqliteFile:
    """The file in a data directory; `lock_wait_s` is how long to wait while another program writes to it."""

    data_dir: Path
    lock_wait_s: float

    busy_sentence = "Another program holds the library: end it, or choose another data directory."
    unusable_sentence = (
        "The library's database cannot be used: check the data directory's permissions and space, or choose another."
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
        log = os.open(self.data_dir / f"{FILE_NAME}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(log)
        finally:
            os.close(log)

    def is_busy(self, error: BaseException) -> bool:
        """See `Home.is_busy`."""
        return getattr(driver_error(error, sqlite3.Error), "sqlite_errorcode", 0) & 0xFF in BUSY_CODES

    def is_damaged(self, error: BaseException) -> bool:
        """See `Home.is_damaged`."""
        return getattr(driver_error(error, sqlite3.Error), "sqlite_errorcode", 0) & 0xFF in DAMAGE_CODES

    def close(self, db: Database) -> None:
        """Write everything into the one file and close this thread's connection; others close with their threads."""
        with db_session:
            connection = db.get_connection()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.disconnect()


def _prepare(_db: Database, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    add_functions(connection)
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
