"""Copies of a library in a file of SQLite's."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from auralis_trio.errors import BackupError, DatabaseDamaged, NotFound
from auralis_trio.library.home import Fault
from auralis_trio.library.migrations import CHAIN
from auralis_trio.library.sqlite import BUSY_CODES, DAMAGE_CODES, FILE_NAME
from auralis_trio.own_files import open_own

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

    def fault(self, file: Path) -> Fault | None:
        """See `Backups.fault`."""
        try:
            with closing(_open(file, "ro")) as copy:
                faults = copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
                if faults or copy.execute("PRAGMA foreign_key_check").fetchone():
                    return "damaged"
                [version] = copy.execute("SELECT max(version) FROM schema_version").fetchone()
        except sqlite3.DatabaseError as error:
            # The last: it is a database, and not that of a library.
            if _code(error) not in DAMAGE_CODES | {sqlite3.SQLITE_ERROR}:
                raise BackupError("The backup could not be read. Check its permissions and its disk.") from error
            return "damaged"
        if version is None:
            return "damaged"
        return "newer" if version > CHAIN[-1].version else None

    def bring_back(self, file: Path, damaged: bool) -> str | None:
        """See `Backups.bring_back`. The remains lie beside the new file."""
        draft = self._file.with_suffix(".restored")
        remains: str | None = None
        try:
            shutil.copyfile(file, draft)
            with open(draft, "rb", opener=open_own) as copied:
                os.fsync(copied.fileno())
            if damaged:
                remains = self._set_aside()
            else:
                self._fold_journal()
            os.replace(draft, self._file)
        finally:
            draft.unlink(missing_ok=True)
        return remains

    def _set_aside(self) -> str:
        """Take the present file away with its journal, which would be taken for that of the next one."""
        name = f"damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{FILE_NAME}"
        for ending in ("-shm", "-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._file}{ending}", self._file.with_name(f"{name}{ending}"))
        return name

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


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def _typed() -> Iterator[None]:
    """What SQLite says of the library itself."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _code(error) in BUSY_CODES:
            raise BackupError("The library is open elsewhere: stop the server first.") from error
        if _code(error) in DAMAGE_CODES:
            raise DatabaseDamaged from error
        raise BackupError(
            "The library could not be copied. Check the data directory's permissions and room."
        ) from error
