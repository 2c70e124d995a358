"""What is known of the folders themselves, and which track a file that is to be read was recognised as."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    11,
    (
        "ALTER TABLE folder ADD COLUMN away BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE folder ADD COLUMN identity TEXT",
        "ALTER TABLE pending_file ADD COLUMN track_id INTEGER",
        # Whether a folder has a track that is not missing is asked before every scan.
        "DROP INDEX track_folder",
        "CREATE INDEX track_folder ON track (folder_id, missing)",
    ),
)
