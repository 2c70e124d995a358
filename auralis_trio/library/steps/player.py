"""What the player was playing, and where."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    7,
    (
        """
        CREATE TABLE player (
            name TEXT NOT NULL PRIMARY KEY,
            value TEXT NOT NULL
        )
        """,
    ),
)
