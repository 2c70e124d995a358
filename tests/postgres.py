"""A PostgreSQL of the tests' own: in a temporary folder, reached through a socket in it, gone at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg2

_MISSING = "These tests need PostgreSQL: run scripts/setup --services, or install Debian's package postgresql."
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=50")


@dataclass
class Postgres:
    """A running server; `folder` holds its data and its socket."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        """Where a database of it is."""
        return f"postgresql://auralis@/{database}?host={quote(str(self.folder), safe='')}"

    def new_database(self, template: str = "template0") -> str:
        """The URL of a database that nobody has used yet: an empty one, or a copy of `template`."""
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove one, whoever is still connected."""
        name = url.rpartition("/")[2].partition("?")[0]
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, sql: str) -> None:
        """Run one statement outside of any transaction."""
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(sql)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, and stop it at the end. It cannot run as root, so then it runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="auralis-postgres-"))
    try:
        as_user = _become_unprivileged(folder)
        data = folder / "data"
        _run([*as_user, _program("initdb"), "-D", data, "-U", "auralis", "-A", "trust", "-E", "UTF8", "-N"])
        server: list[str | Path] = [*as_user, _program("pg_ctl"), "-D", data, "-w", "-t", "60"]
        options = [f"-c {option}" for option in (*_SPEED, "listen_addresses=''", f"unix_socket_directories={folder}")]
        _run([*server, "-l", folder / "log", "-o", " ".join(options), "start"])
        try:
            yield Postgres(folder)
        finally:
            _run([*server, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout}\n{done.stderr}"


def _program(name: str) -> str:
    """Debian keeps these outside of PATH, by version."""
    found = shutil.which(name)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if found is None and not places:
        raise RuntimeError(_MISSING)
    return found or str(places[-1])


def _become_unprivileged(folder: Path) -> list[str]:
    """What to write before a command, which can then use `folder`."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
