"""The chain of steps that makes the tables: the only way in which a schema comes to be.

A fresh library goes through the same steps as an old one. The missing steps run in one transaction together with
their entries in `schema_version`, so a kill leaves either the old schema or the new one.
"""

import time
from collections.abc import Sequence

from pony.orm import Database, db_session

from auralis_trio.errors import StartupError
from auralis_trio.library.dialect import Dialect, spelled
from auralis_trio.library.steps import (
    counting,
    folders,
    identity,
    left,
    lyrics,
    personal,
    player,
    reading,
    search,
    sorting,
    tags,
)
from auralis_trio.library.steps.step import Migration

__all__ = ["CHAIN", "Migration", "migrate"]

# Any number that no other program is likely to lock by in the same database.
WRITER_LOCK = 0x6175_7261_6C69

CHAIN = (
    Migration(
        1,
        (
            """
            CREATE TABLE folder (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                path BLOB NOT NULL UNIQUE,
                added_ns BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE artist (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                name TEXT NOT NULL,
                name_key TEXT NOT NULL UNIQUE
            )
            """,
            """
            CREATE TABLE album (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                title TEXT NOT NULL,
                title_key TEXT NOT NULL,
                owner_key TEXT NOT NULL,
                artist_id INTEGER REFERENCES artist (id),
                year INTEGER,
                UNIQUE (title_key, owner_key)
            )
            """,
            """
            CREATE TABLE track (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                folder_id INTEGER NOT NULL REFERENCES folder (id),
                path BLOB NOT NULL UNIQUE,
                size BIGINT NOT NULL,
                mtime_ns BIGINT NOT NULL,
                content_id TEXT NOT NULL,
                kind TEXT NOT NULL,
                sample_rate INTEGER NOT NULL,
                channels INTEGER NOT NULL,
                bits INTEGER,
                total_frames BIGINT,
                duration_s REAL,
                title TEXT NOT NULL,
                title_key TEXT NOT NULL,
                artist_id INTEGER REFERENCES artist (id),
                artist_name TEXT,
                artist_key TEXT,
                album_id INTEGER REFERENCES album (id),
                album_title TEXT,
                album_key TEXT,
                track_number INTEGER,
                disc_number INTEGER,
                year INTEGER,
                genre TEXT,
                missing BOOLEAN NOT NULL,
                added_ns BIGINT NOT NULL
            )
            """,
            "CREATE INDEX track_folder ON track (folder_id)",
            "CREATE INDEX track_artist ON track (artist_id)",
            "CREATE INDEX track_album ON track (album_id)",
            "CREATE INDEX track_by_title ON track (title_key)",
            "CREATE INDEX track_by_artist ON track (artist_key, album_key, disc_number, track_number)",
            "CREATE INDEX track_by_album ON track (album_key, disc_number, track_number)",
            "CREATE INDEX track_by_added ON track (added_ns)",
            "CREATE INDEX track_by_duration ON track (duration_s)",
            "CREATE INDEX track_by_year ON track (year)",
            "CREATE INDEX album_artist ON album (artist_id)",
            """
            CREATE TABLE pending_file (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                path BLOB NOT NULL UNIQUE
            )
            """,
        ),
    ),
    Migration(
        2,
        (
            "ALTER TABLE track ADD COLUMN replaygain_track_gain_db REAL",
            "ALTER TABLE track ADD COLUMN replaygain_album_gain_db REAL",
            "ALTER TABLE track ADD COLUMN replaygain_track_peak REAL",
            "ALTER TABLE track ADD COLUMN replaygain_album_peak REAL",
            "ALTER TABLE track ADD COLUMN r128_track_gain_lu REAL",
            "ALTER TABLE track ADD COLUMN r128_album_gain_lu REAL",
            # The next scan reads every file anew, and so the tags that were not looked at before.
            "UPDATE track SET mtime_ns = -1",
            """
            CREATE TABLE analysis (
                content_id TEXT NOT NULL PRIMARY KEY,
                version INTEGER NOT NULL,
                profile TEXT,
                code TEXT,
                analysed_ns BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE tuning (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                content_id TEXT NOT NULL,
                sound TEXT NOT NULL,
                value TEXT NOT NULL,
                UNIQUE (content_id, sound)
            )
            """,
            """
            CREATE TABLE receipt (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                content_id TEXT NOT NULL,
                revision TEXT NOT NULL UNIQUE,
                value TEXT NOT NULL
            )
            """,
            "CREATE INDEX receipt_content ON receipt (content_id)",
            "CREATE INDEX track_content ON track (content_id)",
            """
            CREATE TABLE setting (
                name TEXT NOT NULL PRIMARY KEY,
                value TEXT NOT NULL
            )
            """,
        ),
    ),
    search.STEP,
    tags.STEP,
    personal.STEP,
    reading.STEP,
    player.STEP,
    counting.STEP,
    lyrics.STEP,
    sorting.STEP,
    folders.STEP,
    left.STEP,
    identity.STEP,
)


def migrate(db: Database, chain: Sequence[Migration] = CHAIN) -> None:
    """Bring the bound database to the last version of `chain`; it is locked against other writers meanwhile.

    Raises:
        StartupError: the database was written by a newer version of the program.
    """
    dialect = Dialect(db.provider.dialect)
    with db_session(ddl=True):
        if dialect is Dialect.POSTGRESQL:
            db.execute("SET LOCAL statement_timeout TO 0")  # a step takes as long as a large library makes it
            db.execute("SELECT pg_advisory_xact_lock($key)", {"key": WRITER_LOCK})
        db.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_ns BIGINT NOT NULL)"
        )
        current = db.get("SELECT coalesce(max(version), 0) FROM schema_version")
        if current > chain[-1].version:
            raise StartupError(
                "The library was written by a newer Auralis-Trio: start that one, or choose another data directory."
            )
        for step in chain:
            if step.version > current:
                _apply(db, dialect, step)


def _apply(db: Database, dialect: Dialect, step: Migration) -> None:
    for statement in step.statements:
        for text in spelled(statement, dialect):
            db.execute(text.replace("$", "$$"))  # a dollar that is one: parameters have none here
    db.execute(
        "INSERT INTO schema_version (version, applied_ns) VALUES ($version, $now_ns)",
        {"version": step.version, "now_ns": time.time_ns()},
    )
