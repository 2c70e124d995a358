"""Opening and closing the database, and the two kinds of session: many readers beside one writer.

Pony keeps one connection a thread, so sessions belong to the few threads of the database lanes; the one that opens
should be the one that closes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from pony.orm import Database, OrmError, db_session
from pony.orm.dbapiprovider import DBException

from auralis_trio.errors import Busy, DatabaseDamaged, OutputError, StartupError
from auralis_trio.library.dialect import Dialect
from auralis_trio.library.entities import Entities, define_entities
from auralis_trio.library.home import Home
from auralis_trio.library.migrations import migrate
from auralis_trio.library.postgresql import PostgresqlServer
from auralis_trio.library.sqlite import FILE_NAME, SqliteFile

__all__ = ["FILE_NAME", "LOCK_WAIT_S", "Library", "open_library"]

LOCK_WAIT_S = 5.0

_DATABASE_ERRORS = (sqlite3.Error, psycopg2.Error, DBException, OrmError)


@dataclass
class Changes:
    """How many sessions have written since the database was opened: what was read at the same number still holds."""

    number: int = 0


@dataclass(frozen=True)
class Library:
    """One open database. Its functions are in `queries` and `scanner`; each opens one session and ends it."""

    db: Database
    entities: Entities
    home: Home
    changes: Changes = field(default_factory=Changes)

    @property
    def dialect(self) -> Dialect:
        """Which of the two databases it is."""
        return Dialect(self.db.provider.dialect)

    @contextmanager
    def reading(self) -> Iterator[Entities]:
        """A session that only reads; all its answers are of one moment.

        Raises:
            Busy: another program holds the database for longer than the lock may be waited for, or it is away.
            OutputError: its disk does not take what even a reader has to write, or fails.
            DatabaseDamaged: what was asked for cannot be read.
        """
        immediate = self.dialect is Dialect.POSTGRESQL
        with _typed(self.home), db_session(immediate=immediate):
            self.home.begin_reading(self.db)
            yield self.entities

    @contextmanager
    def writing(self, durable: bool = False) -> Iterator[Entities]:
        """A session that is one transaction: all of it is kept, or nothing.

        After a power cut the last sessions may be gone as if they had never been; a `durable` one is not.

        Raises:
            Busy, DatabaseDamaged: as in `reading`; nothing was written.
            OutputError: the disk is full or read-only, or fails. Nothing was written, or, where only what has to be
                durable was not taken, it may be gone after a power cut.
        """
        try:
            with _typed(self.home), db_session(immediate=True, optimistic=False):
                self.home.begin_writing(self.db, durable)
                yield self.entities
        finally:
            self.changes.number += 1  # there is one writer
        if durable:
            self._sync()

    def _sync(self) -> None:
        try:
            self.home.sync()
        except OSError as error:
            raise OutputError(self.home.unwritable_sentence) from error

    def close(self) -> None:
        """Leave everything well kept and close this thread's connection; others close with their threads.

        Raises:
            Busy, DatabaseDamaged: as in `reading`.
        """
        with _typed(self.home):
            self.home.close(self.db)


def open_library(data_dir: Path, database_url: str = "", *, lock_wait_s: float = LOCK_WAIT_S) -> Library:
    """Open the library at `database_url`, or in `data_dir` where that is empty; make or migrate it where that is due.

    Raises:
        StartupError: it cannot be opened, is held by another program for `lock_wait_s`, or is of a newer version.
        DatabaseDamaged: what lies there is broken.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        raise StartupError("The data directory cannot be made. Check its place and its permissions.") from None
    home = _home(data_dir, database_url, lock_wait_s)
    db = Database()
    entities = define_entities(db)
    try:
        home.bind(db)
        migrate(db)
        db.generate_mapping(create_tables=False, check_tables=True)
    except _DATABASE_ERRORS as error:
        if home.is_damaged(error):
            raise DatabaseDamaged from error
        raise StartupError(home.busy_sentence if home.is_busy(error) else home.unusable_sentence) from error
    return Library(db, entities, home)


def _home(data_dir: Path, database_url: str, lock_wait_s: float) -> Home:
    if not database_url:
        return SqliteFile(data_dir, lock_wait_s)
    return PostgresqlServer(database_url, lock_wait_s)


@contextmanager
def _typed(home: Home) -> Iterator[None]:
    """What does not lie with the program is told as an error of its own."""
    try:
        yield
    except _DATABASE_ERRORS as error:
        if home.is_busy(error):
            raise Busy(retry_after_s=1) from error
        if home.is_damaged(error):
            raise DatabaseDamaged from error
        if home.is_unwritable(error):
            raise OutputError(home.unwritable_sentence) from error
        raise
