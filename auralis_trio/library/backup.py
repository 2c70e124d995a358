"""Backups of the library's database: made while the server runs, proved before they count, and few.

A backup is one file in the folder `backups` of the data directory. It gets its name when it is complete and was read
back without a fault. What it holds is the database, and in it the pictures that were set: no music, and no caches.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from auralis_trio.errors import BackupError, DatabaseDamaged, NotFound
from auralis_trio.library.home import Fault
from auralis_trio.library.postgresql_backup import PostgresqlBackups
from auralis_trio.library.sqlite_backup import SqliteBackups
from auralis_trio.own_files import sync

FOLDER = "backups"
KEEP = 10
MAX_KEEP = 1000

_FAULTS_OF_BACKUPS: dict[Fault, str] = {
    "damaged": "This backup is damaged; the library is as it was. List others with: auralis-trio backup list",
    "newer": "This backup was made by a newer Auralis-Trio: use that one. The library is as it was.",
}

_NAME = re.compile(r"library-\d{8}T\d{6}\.\d{3}Z\.(sqlite3|dump)")


class BackupRecord(msgspec.Struct, frozen=True):
    """One backup: its name holds the moment (UTC) at which it was begun."""

    name: str
    size_bytes: int


class Backups(Protocol):
    """How one of the databases is copied; each raises `BackupError` where that fails, and `copy` `DatabaseDamaged`
    where it is seen to be broken."""

    suffix: str

    def copy(self, into: Path) -> None:
        """Copy the database into a file that is not there yet, as it is at one moment."""

    def fault(self, file: Path) -> Fault | None:
        """What keeps a copy from being used; None where it is whole and not of a newer version."""

    def bring_back(self, file: Path, damaged: bool) -> str | None:
        """Put a copy in the place of the database, which nobody else may have open: wholly or not at all.

        Of a `damaged` one, which is known only by its place, the remains are kept; their name, where they are a file.
        """


def backups_of(data_dir: Path, database_url: str) -> Backups:
    """The way for the library that these settings name."""
    return PostgresqlBackups(database_url) if database_url else SqliteBackups(data_dir)


def create_backup(
    data_dir: Path, database_url: str = "", keep: int = KEEP, *, now_s: float | None = None
) -> BackupRecord:
    """Make a backup, and then remove the oldest ones beyond the last `keep`.

    Raises:
        BackupError: it cannot be made, or the library is of a newer version.
        DatabaseDamaged: the library itself is broken.
        NotFound: there is no library yet.
    """
    with _failing_softly(BackupError.text):
        made = _create(data_dir, backups_of(data_dir, database_url), time.time() if now_s is None else now_s)
        for old in list_backups(data_dir)[keep:]:
            (data_dir / FOLDER / old.name).unlink(missing_ok=True)
        return made


def _create(data_dir: Path, backups: Backups, now_s: float, newer: bool = False) -> BackupRecord:
    """Make a backup; also, where that is wanted, of a library of a `newer` version."""
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = _free_place(folder, backups.suffix, now_s)
    draft = folder / f".{secrets.token_hex(8)}"
    try:
        backups.copy(draft)
        fault = backups.fault(draft)
        if fault == "damaged":
            raise DatabaseDamaged
        if fault == "newer" and not newer:
            raise BackupError("The library was written by a newer Auralis-Trio: use that one.")
        sync(draft)
        os.replace(draft, place)
        sync(folder)
    finally:
        draft.unlink(missing_ok=True)
    return BackupRecord(place.name, place.stat().st_size)


def list_backups(data_dir: Path) -> list[BackupRecord]:
    """All backups, the newest first."""
    with _failing_softly("The backups cannot be listed. Check the permissions of the data directory."):
        names = os.listdir(data_dir / FOLDER) if (data_dir / FOLDER).is_dir() else []
        found = sorted((name for name in names if _NAME.fullmatch(name)), reverse=True)
        return [BackupRecord(name, (data_dir / FOLDER / name).stat().st_size) for name in found]


def restore_backup(data_dir: Path, database_url: str, name: str) -> str | None:
    """Prove a backup and put it in the place of the database; the name of what was there before is returned.

    That is a backup, also where it is of a newer version; a database that is damaged is only set aside. Nobody may
    have the library open. No backup is removed for it.

    Raises:
        NotFound: there is no backup of this name for this kind of database.
        BackupError: it has a fault or cannot be brought back; the library is as it was.
    """
    backups = backups_of(data_dir, database_url)
    file = data_dir / FOLDER / name
    if not _NAME.fullmatch(name) or not name.endswith(backups.suffix) or not file.is_file():
        raise NotFound("There is no such backup of this library. List them with: auralis-trio backup list")
    with _failing_softly(
        "The backup could not be brought back. Check that the data directory is writable and has room."
    ):
        fault = backups.fault(file)
        if fault is not None:
            raise BackupError(_FAULTS_OF_BACKUPS[fault])
        damaged = False
        before: str | None = None
        try:
            before = _create(data_dir, backups, time.time(), newer=True).name
        except NotFound:
            pass
        except DatabaseDamaged:
            damaged = True
        remains = backups.bring_back(file, damaged)
        return before or remains


def _free_place(folder: Path, suffix: str, now_s: float) -> Path:
    """A name for this moment that is later than all there are, also when two fall into one moment."""
    taken = {entry.name for entry in os.scandir(folder)}
    while True:
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_s)) + f".{int(now_s * 1000) % 1000:03}Z"
        if (name := f"library-{moment}{suffix}") not in taken:
            return folder / name
        now_s += 0.001


@contextmanager
def _failing_softly(sentence: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(sentence) from error
