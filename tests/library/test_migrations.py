import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pony.orm import Database, OperationalError

from auralis_trio.errors import StartupError
from auralis_trio.library.entities import define_entities
from auralis_trio.library.migrations import CHAIN, Migration, migrate
from auralis_trio.library.store import FILE_NAME, open_library

NEXT = CHAIN[-1].version + 1


def bound(path: Path) -> Database:
    db = Database()
    db.bind(provider="sqlite", filename=str(path), create_db=True)
    return db


def schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())


def columns(path: Path) -> set[tuple[str, str, str, bool]]:
    """Every column: its table, name, type and whether it must have a value."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            (table, name, kind, bool(required))
            for table in tables
            if table not in ("schema_version", "sqlite_sequence")
            for _, name, kind, required, _, _ in connection.execute(f"PRAGMA table_info({table})")
        }


@pytest.mark.parametrize("step", CHAIN, ids=lambda step: f"from_version_{step.version}")
def test_a_migrated_library_equals_a_fresh_one(tmp_path: Path, step: Migration) -> None:
    old = bound(tmp_path / "old.sqlite3")
    migrate(old, CHAIN[: step.version])
    migrate(old)
    migrate(bound(tmp_path / "fresh.sqlite3"))
    assert schema(tmp_path / "old.sqlite3") == schema(tmp_path / "fresh.sqlite3")


def test_the_chain_is_numbered_from_one_without_gaps() -> None:
    assert [step.version for step in CHAIN] == list(range(1, len(CHAIN) + 1))


def test_the_chain_makes_the_columns_that_the_entities_have(tmp_path: Path) -> None:
    migrate(bound(tmp_path / "chain.sqlite3"))
    by_pony = Database()
    define_entities(by_pony)
    by_pony.bind(provider="sqlite", filename=str(tmp_path / "pony.sqlite3"), create_db=True)
    by_pony.generate_mapping(create_tables=True)
    by_pony.disconnect()
    assert columns(tmp_path / "chain.sqlite3") == columns(tmp_path / "pony.sqlite3")


def test_only_the_missing_steps_run(tmp_path: Path) -> None:
    db = bound(tmp_path / "library.sqlite3")
    migrate(db)
    migrate(db, (*CHAIN, Migration(NEXT, ("ALTER TABLE track ADD COLUMN mood TEXT",))))
    migrate(db, (*CHAIN, Migration(NEXT, ("ALTER TABLE track ADD COLUMN mood TEXT",))))
    assert ("track", "mood", "TEXT", False) in columns(tmp_path / "library.sqlite3")


def test_a_step_that_fails_leaves_the_schema_as_it_was(tmp_path: Path) -> None:
    db = bound(tmp_path / "library.sqlite3")
    migrate(db)
    before = schema(tmp_path / "library.sqlite3")
    broken = Migration(NEXT, ("CREATE TABLE half (id INTEGER)", "CREATE TABLE track (id INTEGER)"))
    with pytest.raises(OperationalError):
        migrate(db, (*CHAIN, broken))
    assert schema(tmp_path / "library.sqlite3") == before
    migrate(db)


def test_a_newer_library_is_refused_in_one_plain_sentence_and_left_alone(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (?, 0)", (NEXT,))
        connection.commit()
    with pytest.raises(StartupError, match=r"^[^.]*newer Auralis-Trio[^.]*\.$"):
        open_library(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        assert connection.execute("SELECT max(version) FROM schema_version").fetchone() == (NEXT,)
