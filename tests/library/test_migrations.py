import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pony.orm import Database, DatabaseError

from auralis_trio.errors import StartupError
from auralis_trio.library.dialect import ByDialect, Dialect, spelled
from auralis_trio.library.entities import define_entities
from auralis_trio.library.migrations import CHAIN, Migration, migrate
from auralis_trio.library.search_terms import pair_of
from auralis_trio.library.store import FILE_NAME, open_library
from tests.postgres import Postgres

NEXT = CHAIN[-1].version + 1

Rows = set[tuple[Any, ...]]


class SqlitePlace:
    """An empty place for a library in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = ""

    def bind(self, db: Database) -> Database:
        self.path.mkdir(exist_ok=True)
        db.bind(provider="sqlite", filename=str(self.path / FILE_NAME), create_db=True)
        return db

    def ask(self, sql: str) -> Rows:
        with closing(sqlite3.connect(self.path / FILE_NAME)) as connection:
            rows = set(connection.execute(sql).fetchall())
            connection.commit()
            return rows

    def schema(self) -> Rows:
        return self.ask("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")

    def columns(self) -> Rows:
        """Every column: its table, name, type and whether it must have a value."""
        tables = self.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'")
        asked = 'SELECT "{0}", name, type, "notnull" FROM pragma_table_info("{0}")'
        return {(table, *row[1:]) for (table,) in tables for row in self.ask(asked.format(table))}


class PostgresqlPlace:
    """An empty place for a library in a database of its own."""

    def __init__(self, path: Path, postgres: Postgres) -> None:
        self.path = path
        self.url = postgres.new_database()

    def bind(self, db: Database) -> Database:
        db.bind(provider="postgres", dsn=self.url)
        return db

    def ask(self, sql: str) -> Rows:
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return set(cursor.fetchall()) if cursor.description else set()

    def schema(self) -> Rows:
        columns = """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
            FROM information_schema.columns WHERE table_schema = 'public'"""
        constraints = """SELECT CAST(conrelid AS regclass)::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace"""
        return self.ask(columns) | self.ask("SELECT indexdef FROM pg_indexes") | self.ask(constraints)

    def columns(self) -> Rows:
        """As on SQLite."""
        return self.ask("""SELECT table_name, column_name, data_type, is_nullable
            FROM information_schema.columns WHERE table_schema = 'public'""")


Place = SqlitePlace | PostgresqlPlace
Places = Callable[[str], Place]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    if request.param == "sqlite":
        return lambda name: SqlitePlace(tmp_path / name)
    postgres = request.getfixturevalue("postgres")
    return lambda name: PostgresqlPlace(tmp_path / name, postgres)


@pytest.fixture
def place(new_place: Places) -> Place:
    return new_place("one")


@pytest.fixture(autouse=True)
def nothing_stays_connected() -> Iterator[list[Database]]:
    yield OPEN
    while OPEN:
        OPEN.pop().disconnect()


OPEN: list[Database] = []


def bound(place: Place) -> Database:
    OPEN.append(place.bind(Database()))
    return OPEN[-1]


@pytest.mark.parametrize("step", CHAIN, ids=lambda step: f"from_version_{step.version}")
def test_a_migrated_library_equals_a_fresh_one(new_place: Places, step: Migration) -> None:
    old, fresh = new_place("old"), new_place("fresh")
    migrate(bound(old), CHAIN[: step.version])
    migrate(bound(old))
    migrate(bound(fresh))
    assert old.schema() == fresh.schema()
    assert len(fresh.schema()) > 20


def test_the_chain_is_numbered_from_one_without_gaps() -> None:
    assert [step.version for step in CHAIN] == list(range(1, len(CHAIN) + 1))


def test_the_chain_makes_the_columns_that_the_entities_have(new_place: Places) -> None:
    chain, by_pony = new_place("chain"), new_place("pony")
    migrate(bound(chain))
    db = Database()
    define_entities(db)
    OPEN.append(by_pony.bind(db))
    db.generate_mapping(create_tables=True)
    known = by_pony.columns()
    tables = {table for table, *_ in known}
    assert {column for column in chain.columns() if column[0] in tables} == known


def test_only_the_missing_steps_run(place: Place) -> None:
    migrate(bound(place))
    for _ in range(2):
        migrate(bound(place), (*CHAIN, Migration(NEXT, ("ALTER TABLE track ADD COLUMN mood TEXT",))))
    assert ("track", "mood") in {column[:2] for column in place.columns()}
    assert place.ask("SELECT count(*), max(version) FROM schema_version") == {(NEXT, NEXT)}


def test_a_step_that_fails_leaves_the_schema_as_it_was(place: Place) -> None:
    migrate(bound(place))
    before = place.schema()
    broken = Migration(NEXT, ("CREATE TABLE half (id INTEGER)", "CREATE TABLE track (id INTEGER)"))
    with pytest.raises(DatabaseError):
        migrate(bound(place), (*CHAIN, broken))
    assert place.schema() == before
    migrate(bound(place))


def test_a_newer_library_is_refused_in_one_plain_sentence_and_left_alone(place: Place) -> None:
    open_library(place.path, place.url).close()
    place.ask(f"INSERT INTO schema_version VALUES ({NEXT}, 0) RETURNING version")
    with pytest.raises(StartupError, match=r"^[^.]*newer Auralis-Trio[^.]*\.$"):
        open_library(place.path, place.url)
    assert place.ask("SELECT max(version) FROM schema_version") == {(NEXT,)}


def test_a_statement_is_spelled_as_each_database_wants_it() -> None:
    text = "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, x REAL, n INTEGER, b BLOB NOT NULL)"
    assert spelled(text, Dialect.SQLITE) == (text,)
    assert spelled(text, Dialect.POSTGRESQL) == (
        'CREATE TABLE a (id SERIAL PRIMARY KEY, text TEXT COLLATE "C", x DOUBLE PRECISION, n INTEGER,'
        " b BYTEA NOT NULL)",
    )
    both = ByDialect(sqlite=("one",), postgresql=("two", "three"))
    assert [spelled(both, dialect) for dialect in Dialect] == [("one",), ("two", "three")]


def test_words_and_totals_of_an_older_library_are_those_that_a_scan_would_make(
    postgres: Postgres, tmp_path: Path
) -> None:
    place = PostgresqlPlace(tmp_path, postgres)
    migrate(bound(place), CHAIN[:7])
    place.ask("INSERT INTO folder (path, added_ns) VALUES ('/', 1)")
    for path, length, missing in (("a", "1.5", "FALSE"), ("b", "NULL", "TRUE")):
        place.ask(f"""INSERT INTO track (folder_id, path, size, mtime_ns, content_id, kind, sample_rate, channels,
            duration_s, title, title_key, missing, added_ns)
            VALUES (1, '{path}', 10, 1, '', 'wav', 1, 1, {length}, '', '', {missing}, 1)""")
    old = "'one':1A 'Aone' '~let':3,6 '~it':4 '~be':5,7"
    place.ask(f"INSERT INTO track_search (track_id, words) VALUES (1, $w${old}$w$)")
    migrate(bound(place))
    pairs = {pair_of(*pair) for pair in (("let", "it"), ("it", "be"), ("be", "let"), ("let", "be"))}
    words = place.ask("SELECT lexeme FROM track_search, unnest(words)")
    assert words == {(word,) for word in ("one", "Aone", "~let", "~it", "~be", *pairs)}
    assert place.ask("SELECT 1 FROM track_search WHERE words @@ $$'~it' <-> '~be' <-> '~let' <-> '~be'$$") == {(1,)}
    assert place.ask("SELECT tracks, missing, timed, CAST(duration_s AS REAL), size FROM totals") == {
        (2, 1, 1, 1.5, 20)
    }


def test_what_was_measured_of_contents_that_were_known_by_less_is_forgotten(place: Place) -> None:
    migrate(bound(place), CHAIN[:12])
    place.ask("INSERT INTO folder (path, added_ns) VALUES ('/', 1)")
    place.ask("""INSERT INTO track (folder_id, path, size, mtime_ns, content_id, kind, sample_rate, channels, title,
        title_key, missing, added_ns, rating) VALUES (1, 'a', 10, 1, 'x', 'wav', 1, 1, '', '', FALSE, 1, 5)""")
    place.ask("INSERT INTO analysis (content_id, version, profile, analysed_ns) VALUES ('x', 1, '', 1)")
    place.ask("INSERT INTO tuning (content_id, sound, value) VALUES ('x', '', '')")
    place.ask("INSERT INTO receipt (content_id, revision, value) VALUES ('x', '', '')")
    migrate(bound(place))
    assert place.ask("SELECT id, content_id, rating, mtime_ns FROM track") == {(1, "x", 5, -1)}
    for table in ("analysis", "tuning", "receipt"):
        assert place.ask(f"SELECT count(*) FROM {table}") == {(0,)}


def test_a_dollar_in_a_step_is_one(place: Place) -> None:
    migrate(
        bound(place), (Migration(1, ("CREATE TABLE a (b TEXT DEFAULT '$$ $x')", "INSERT INTO a (b) VALUES ('$5')")),)
    )
    assert place.ask("SELECT b FROM a") == {("$5",)}
