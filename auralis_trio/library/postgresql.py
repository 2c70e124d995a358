"""A library in a database of PostgreSQL's, with the same promises: readers of one moment beside one writer."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from pony.orm import Database
from psycopg2 import errorcodes
from psycopg2.extensions import connection, cursor, new_type, register_type

from auralis_trio.errors import OutputError, StartupError
from auralis_trio.library.home import driver_error
from auralis_trio.library.migrations import WRITER_LOCK

CONNECT_TIMEOUT_S = 5
SILENCE_LIMIT_MS = 20_000
STATEMENT_LIMIT_MS = 60_000

# As for the writer's lock: a number that is unlikely to be another's.
HOLDER_LOCK = 0x6175_7261_6C6A

_SCHEMES = ("postgresql://", "postgres://")

# Questions are short and many: what pays off for long ones costs them more, and indexes are in memory.
_QUICK = {"jit": "off", "max_parallel_workers_per_gather": 0, "random_page_cost": 1.1, "work_mem": "16MB"}

_BUSY_CODES = {
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.DEADLOCK_DETECTED,
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.QUERY_CANCELED,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
}
_UNWRITABLE_CODES = {errorcodes.DISK_FULL, errorcodes.IO_ERROR}
_DAMAGE_CODES = {errorcodes.DATA_CORRUPTED, errorcodes.INDEX_CORRUPTED}


@dataclass(frozen=True)
class PostgresqlServer:
    """The database behind a URL; `lock_wait_s` is how long to wait while another writes.

    Raises:
        StartupError: it is no URL of PostgreSQL's.
    """

    url: str
    lock_wait_s: float

    busy_sentence = "The library's database does not answer: see that PostgreSQL runs and can be reached."
    unusable_sentence = (
        "The library's database cannot be used: check the database's URL, that the database is there, and the"
        " rights of its user."
    )

    unwritable_sentence = (
        "The library's database takes nothing more: make room on its server's disk, see that it may be written to,"
        " then try again."
    )

    def __post_init__(self) -> None:
        check_url(self.url)

    def bind(self, db: Database) -> None:
        """See `Home.bind`."""
        db.on_connect(provider="postgres")(_take_bytes)
        limits = {"lock_timeout": round(1000 * self.lock_wait_s), "statement_timeout": STATEMENT_LIMIT_MS, **_QUICK}
        db.bind(
            provider="postgres",
            dsn=self.url,
            connect_timeout=CONNECT_TIMEOUT_S,
            tcp_user_timeout=SILENCE_LIMIT_MS,
            application_name="auralis-trio",
            options=" ".join(f"-c {name}={value}" for name, value in limits.items()),
        )
        # Pony would connect anew in the middle of a transaction, and go on as if its first half had been kept.
        db.provider.should_reconnect = lambda error: False

    def begin_reading(self, db: Database) -> None:
        """See `Home.begin_reading`."""
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_writing(self, db: Database, durable: bool) -> None:
        """See `Home.begin_writing`."""
        if durable:
            db.execute("SET LOCAL synchronous_commit TO on")
        asked = "SELECT pg_advisory_xact_lock($key), current_setting('transaction_read_only')"
        [(_, read_only)] = db.execute(asked, {"key": WRITER_LOCK}).fetchall()
        if read_only == "on":
            raise OutputError(self.unwritable_sentence)

    def sync(self) -> None:
        """See `Home.sync`. A durable commit has waited for it."""

    def is_busy(self, error: BaseException) -> bool:
        """See `Home.is_busy`. A connection that broke has no code."""
        origin = driver_error(error, psycopg2.Error)
        if isinstance(origin, psycopg2.OperationalError | psycopg2.InterfaceError) and origin.pgcode is None:
            return True
        return getattr(origin, "pgcode", None) in _BUSY_CODES

    def is_unwritable(self, error: BaseException) -> bool:
        """See `Home.is_unwritable`."""
        return getattr(driver_error(error, psycopg2.Error), "pgcode", None) in _UNWRITABLE_CODES

    def is_damaged(self, error: BaseException) -> bool:
        """See `Home.is_damaged`."""
        return getattr(driver_error(error, psycopg2.Error), "pgcode", None) in _DAMAGE_CODES

    def close(self, db: Database) -> None:
        """Close this thread's connection; others close with their threads."""
        db.disconnect()


def check_url(url: str) -> None:
    """Look whether a URL may be one of PostgreSQL's.

    Raises:
        StartupError: it is not.
    """
    if not url.startswith(_SCHEMES):
        raise StartupError("The database's URL has to begin with postgresql://; without one, SQLite is used.")


@contextmanager
def hold_database(url: str) -> Iterator[None]:
    """Be the one program that works with the library at `url`, for as long as the connection made for it lasts.

    Without a URL the library lies in the data directory, whose own lock says the same.

    Raises:
        StartupError: it is no URL of PostgreSQL's, cannot be reached, or another program works with it.
    """
    if not url:
        yield
        return
    check_url(url)
    try:
        holding = psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT_S, application_name="auralis-trio lock")
    except psycopg2.Error as error:
        raise StartupError(PostgresqlServer.busy_sentence) from error
    with closing(holding):
        holding.autocommit = True
        asking = holding.cursor()
        asking.execute("SELECT pg_try_advisory_lock(%s)", (HOLDER_LOCK,))
        if asking.fetchone() != (True,):
            raise StartupError(
                "Another Auralis-Trio works with this database. Stop it or choose another with --database-url."
            )
        yield


def _bytes_of(value: str | None, of: cursor) -> bytes | None:
    view = psycopg2.BINARY(value, of)
    return None if view is None else bytes(view)


# Else bytes would come out as views of memory.
_BYTES = new_type(psycopg2.BINARY.values, "BYTES", _bytes_of)


def _take_bytes(_db: Database, made: connection) -> None:
    register_type(_BYTES, made)
