"""All that files say of themselves, and the journal of edits."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    4,
    (
        "ALTER TABLE track ADD COLUMN album_artist TEXT",
        "ALTER TABLE track ADD COLUMN track_total INTEGER",
        "ALTER TABLE track ADD COLUMN disc_total INTEGER",
        "ALTER TABLE track ADD COLUMN date TEXT",
        "ALTER TABLE track ADD COLUMN original_date TEXT",
        "ALTER TABLE track ADD COLUMN composer TEXT",
        "ALTER TABLE track ADD COLUMN publisher TEXT",
        "ALTER TABLE track ADD COLUMN bpm INTEGER",
        "ALTER TABLE track ADD COLUMN comment TEXT",
        "ALTER TABLE track ADD COLUMN lyrics TEXT",
        "ALTER TABLE track ADD COLUMN copyright TEXT",
        "ALTER TABLE track ADD COLUMN compilation BOOLEAN",
        "ALTER TABLE track ADD COLUMN title_sort TEXT",
        "ALTER TABLE track ADD COLUMN artist_sort TEXT",
        "ALTER TABLE track ADD COLUMN album_sort TEXT",
        "ALTER TABLE track ADD COLUMN album_artist_sort TEXT",
        "ALTER TABLE track ADD COLUMN composer_sort TEXT",
        "ALTER TABLE track ADD COLUMN musicbrainz_recording_id TEXT",
        "ALTER TABLE track ADD COLUMN musicbrainz_track_id TEXT",
        "ALTER TABLE track ADD COLUMN musicbrainz_album_id TEXT",
        "ALTER TABLE track ADD COLUMN musicbrainz_release_group_id TEXT",
        "ALTER TABLE album ADD COLUMN artist_name TEXT",
        # The next scan reads every file anew, and so the tags that were not looked at before.
        "UPDATE track SET mtime_ns = -1",
        # The name is needed for the table.
        "DROP INDEX track_artist",
        "CREATE INDEX track_first_artist ON track (artist_id)",
        """
        CREATE TABLE track_artist (
            track_id INTEGER NOT NULL REFERENCES track (id) ON DELETE CASCADE,
            role TEXT NOT NULL,
            position INTEGER NOT NULL,
            artist_id INTEGER NOT NULL REFERENCES artist (id),
            name TEXT NOT NULL,
            musicbrainz_id TEXT,
            PRIMARY KEY (track_id, role, position)
        )
        """,
        "CREATE INDEX track_artist_artist ON track_artist (artist_id)",
        """
        CREATE TABLE genre (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL UNIQUE
        )
        """,
        """
        CREATE TABLE track_genre (
            track_id INTEGER NOT NULL REFERENCES track (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            genre_id INTEGER NOT NULL REFERENCES genre (id),
            PRIMARY KEY (track_id, position)
        )
        """,
        "CREATE INDEX track_genre_genre ON track_genre (genre_id)",
        """
        CREATE TABLE tag_edit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL,
            undoes INTEGER,
            started_ns BIGINT NOT NULL,
            done_ns BIGINT
        )
        """,
        """
        CREATE TABLE tag_edit_file (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            edit_id INTEGER NOT NULL REFERENCES tag_edit (id) ON DELETE CASCADE,
            track_id INTEGER NOT NULL,
            path BLOB NOT NULL,
            before TEXT,
            after TEXT
        )
        """,
        "CREATE INDEX tag_edit_file_edit ON tag_edit_file (edit_id)",
        "CREATE INDEX tag_edit_file_path ON tag_edit_file (path)",
    ),
)
