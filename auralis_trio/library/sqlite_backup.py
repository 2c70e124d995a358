"""Copies of a library in a file of SQLite's."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from auralis_trio.errors import BackupError, NotFound
from auralis_trio.library.migrations import CHAIN
from auralis_trio.library.sqlite import FILE_NAME

LOCK_WAIT_S = 5.0


class SqliteBackups:
    """See `backup.Backups`."""

    suffix = ".sqlite3"

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FILE_NAME

    def copy(self, into: Path) -> None:
        """See `Backups.copy`; writers go on meanwhile."""
        if not self._file.is_file():
            raise NotFound("There is no library here yet.")
        with _typed(), closing(_open(self._file, "rw")) as source, closing(_open(into, "rwc")) as copy:
            source.backup(copy)
            # One file alone: without a journal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")

    def prove(self, file: Path) -> None:
        """See `Backups.prove`."""
        with _typed(), closing(_open(file, "ro")) as copy:
            faults = copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
            if faults or copy.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupError("The backup is damaged.")
            [version] = copy.execute("SELECT max(version) FROM schema_version").fetchone()
        if version > CHAIN[-1].version:
            raise BackupError("The backup was made by a newer Auralis-Trio: use that one.")

    def bring_back(self, file: Path) -> None:
        """See `Backups.bring_back`."""
        draft = self._file.with_suffix(".restored")
        try:
            shutil.copyfile(file, draft)
            with open(draft, "rb") as copied:
                os.fsync(copied.fileno())
            self._fold_journal()
            os.replace(draft, self._file)
        finally:
            draft.unlink(missing_ok=True)

    def _fold_journal(self) -> None:
        """Leave no journal beside the present file, since it would be taken for that of the next one."""
        if not self._file.exists():
            return
        with _typed(), closing(_open(self._file, "rw")) as present:
            [mode] = present.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise BackupError("The library is open elsewhere: stop the server first.")


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=LOCK_WAIT_S)


@contextmanager
def _typed() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BackupError("The library is open elsewhere: stop the server first.") from error
        raise BackupError("The backup is damaged, or the disk is full.") from error
