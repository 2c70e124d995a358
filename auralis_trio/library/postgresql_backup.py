"""Copies of a library in PostgreSQL, made with its own programs."""

import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import parse_dsn

from auralis_trio.errors import BackupError
from auralis_trio.library.home import Fault
from auralis_trio.library.migrations import CHAIN, WRITER_LOCK
from auralis_trio.library.postgresql import CONNECT_TIMEOUT_S

PROGRAM_LIMIT_S = 3600

log = logging.getLogger(__name__)

# By names of parameters in a URL, as the programs take them from their environment: a password is no argument.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
}
_OWN = """SELECT
    (SELECT coalesce(string_agg(quote_ident(tablename), ', '), '') FROM pg_tables
        WHERE schemaname = 'public' AND tableowner = current_user),
    (SELECT coalesce(string_agg(CAST(CAST(pg_proc.oid AS REGPROCEDURE) AS TEXT), ', '), '') FROM pg_proc
        JOIN pg_roles ON pg_roles.oid = proowner
        WHERE pronamespace = CAST('public' AS REGNAMESPACE) AND rolname = current_user)"""


class PostgresqlBackups:
    """See `backup.Backups`. The library has a database of its own: all tables and functions of its user in it are
    the library's."""

    suffix = ".dump"

    def __init__(self, url: str) -> None:
        try:
            self._given = parse_dsn(url)
        except psycopg2.ProgrammingError as error:
            raise BackupError("The database's URL cannot be read.") from error

    def copy(self, into: Path) -> None:
        """See `Backups.copy`."""
        self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--schema=public", "--file", into)

    def fault(self, file: Path) -> Fault | None:
        """See `Backups.fault`. Writing all of it out as SQL reads, checks and unpacks every byte of it."""
        self._run("pg_restore", "--file", os.devnull, file)
        versions = (
            self._run("pg_restore", "--data-only", "--table=schema_version", "--file=-", file)
            .partition("FROM stdin;\n")[2]
            .partition("\\.\n")[0]
        )
        found = [int(line.split("\t")[0]) for line in versions.splitlines()]
        if not found:
            return "damaged"
        return "newer" if max(found) > CHAIN[-1].version else None

    def bring_back(self, file: Path, damaged: bool) -> str | None:
        """See `Backups.bring_back`: in one transaction, with the lock of the one writer."""
        sql = file.parent / f".{file.stem}.sql"
        try:
            self._run("pg_restore", "--no-owner", "--no-privileges", "--schema=public", "--file", sql, file)
            tables, functions = self._own()
            first = f"SELECT pg_advisory_xact_lock({WRITER_LOCK});"
            first += f" DROP TABLE {tables} CASCADE;" if tables else ""
            first += f" DROP FUNCTION {functions} CASCADE;" if functions else ""
            quiet = (
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--single-transaction",
                "--output",
                os.devnull,
            )
            self._run("psql", *quiet, "--command", first, "--file", sql)
        finally:
            sql.unlink(missing_ok=True)
        return None

    def _own(self) -> tuple[str, str]:
        """The tables and functions of the library, one behind the other; empty where there are none."""
        try:
            with closing(psycopg2.connect(**self._given, connect_timeout=CONNECT_TIMEOUT_S)) as connection:
                cursor = connection.cursor()
                cursor.execute(_OWN)
                tables, functions = cursor.fetchone()
                return tables, functions
        except psycopg2.Error as error:
            raise BackupError("The library's database does not answer.") from error

    def _run(self, name: str, *arguments: str | Path) -> str:
        program = shutil.which(name)
        if program is None:
            raise BackupError(f"Backups of PostgreSQL need its program {name}; on Debian: postgresql-client.")
        done = _finished([program, *map(str, arguments)], os.environ | self._environment())
        if done.returncode != 0:
            log.error("%s failed: %s", name, done.stderr.decode("utf-8", "replace").strip())
            raise BackupError(f"PostgreSQL's program {name} failed. The log says why.")
        return done.stdout.decode("utf-8", "replace")

    def _environment(self) -> dict[str, str]:
        given = {_VARIABLES[key]: value for key, value in self._given.items() if key in _VARIABLES}
        return {**given, "PGCONNECT_TIMEOUT": str(CONNECT_TIMEOUT_S)}


def _finished(command: Sequence[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROGRAM_LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise BackupError("PostgreSQL did not end within an hour.") from error
