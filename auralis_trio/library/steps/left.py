"""What was chosen as the picture of an album or artist that has been dropped, by what that is known by.

Words whose vowels are marks are whole in the index from now on.
"""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    12,
    (
        """
        CREATE TABLE left_picture (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL,
            heir_id INTEGER,
            name_key TEXT NOT NULL,
            owner_key TEXT NOT NULL,
            source TEXT NOT NULL,
            revision TEXT,
            media_type TEXT,
            width INTEGER,
            height INTEGER,
            set_ns BIGINT NOT NULL
        )
        """,
        "CREATE INDEX left_picture_key ON left_picture (name_key)",
        "CREATE INDEX left_picture_revision ON left_picture (revision)",
        # The next scan reads every file anew, and so its words come into the index.
        "UPDATE track SET mtime_ns = -1",
    ),
)
