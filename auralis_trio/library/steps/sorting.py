"""What lists are sorted by where tags say how: beside every name, and apart from the keys that names are compared by.

The next scan reads every file anew, and what its tags say of the order comes in.
"""

from auralis_trio.library.steps.step import Migration

_NUMBERS = "(disc_number IS NULL), disc_number, (track_number IS NULL), track_number"

STEP = Migration(
    10,
    (
        "ALTER TABLE track ADD COLUMN title_sort_key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE track ADD COLUMN artist_sort_key TEXT",
        "ALTER TABLE track ADD COLUMN album_sort_key TEXT",
        "ALTER TABLE album ADD COLUMN title_sort_key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE artist ADD COLUMN name_sort_key TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE track_artist ADD COLUMN sort_key TEXT",
        """
        UPDATE track SET title_sort_key = title_key, artist_sort_key = artist_key, album_sort_key = album_key,
            mtime_ns = -1
        """,
        "UPDATE album SET title_sort_key = title_key",
        "UPDATE artist SET name_sort_key = name_key",
        "DROP INDEX track_by_title",
        "CREATE INDEX track_by_title ON track (title_sort_key, id)",
        "DROP INDEX track_by_artist",
        f"""
        CREATE INDEX track_by_artist ON track
            (artist_sort_key, (album_sort_key IS NULL), album_sort_key, {_NUMBERS}, id)
        """,
        "DROP INDEX track_by_album",
        f"CREATE INDEX track_by_album ON track (album_sort_key, {_NUMBERS}, id)",
        "DROP INDEX track_favorite",
        "CREATE INDEX track_favorite ON track (title_sort_key) WHERE favorite",
        "CREATE INDEX album_by_title ON album (title_sort_key, id)",
        "CREATE INDEX artist_by_name ON artist (name_sort_key, id)",
        "CREATE INDEX track_artist_sorted ON track_artist (artist_id, sort_key) WHERE sort_key IS NOT NULL",
    ),
)
