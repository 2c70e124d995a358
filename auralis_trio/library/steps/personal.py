"""Playlists, pictures, and what a listener thinks of tracks."""

from auralis_trio.library.steps.step import Migration

_ARTWORK_COLUMNS = """
    source TEXT NOT NULL,
    revision TEXT,
    media_type TEXT,
    width INTEGER,
    height INTEGER,
    seen TEXT NOT NULL,
    set_ns BIGINT NOT NULL
"""

STEP = Migration(
    5,
    (
        "ALTER TABLE track ADD COLUMN favorite BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE track ADD COLUMN rating INTEGER",
        "ALTER TABLE track ADD COLUMN play_count INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE track ADD COLUMN skip_count INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE track ADD COLUMN last_played_ns BIGINT",
        "CREATE INDEX track_favorite ON track (title_key) WHERE favorite",
        "CREATE INDEX track_by_rating ON track (rating)",
        "CREATE INDEX track_by_plays ON track (play_count)",
        "CREATE INDEX track_by_last_played ON track (last_played_ns)",
        """
        CREATE TABLE playlist (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            description TEXT NOT NULL,
            rules TEXT,
            created_ns BIGINT NOT NULL,
            updated_ns BIGINT NOT NULL
        )
        """,
        "CREATE INDEX playlist_by_name ON playlist (name_key)",
        """
        CREATE TABLE playlist_entry (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            playlist_id INTEGER NOT NULL REFERENCES playlist (id) ON DELETE CASCADE,
            track_id INTEGER NOT NULL REFERENCES track (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            added_ns BIGINT NOT NULL
        )
        """,
        "CREATE INDEX playlist_entry_by_position ON playlist_entry (playlist_id, position)",
        "CREATE INDEX playlist_entry_track ON playlist_entry (track_id)",
        f"""
        CREATE TABLE album_artwork (
            album_id INTEGER NOT NULL PRIMARY KEY REFERENCES album (id) ON DELETE CASCADE,
            {_ARTWORK_COLUMNS}
        )
        """,
        f"""
        CREATE TABLE artist_artwork (
            artist_id INTEGER NOT NULL PRIMARY KEY REFERENCES artist (id) ON DELETE CASCADE,
            {_ARTWORK_COLUMNS}
        )
        """,
    ),
)
