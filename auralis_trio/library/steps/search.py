"""What searching and counting by facets need.

The words are put in by `search_index`, folded; a track's row takes its words along when it goes. On SQLite they lie
in columns. On PostgreSQL they carry the label of their column: A title, B artist, C album, D genre; those of lyrics
begin with a tilde, and facts with an equals sign.
"""

from auralis_trio.library.dialect import ByDialect
from auralis_trio.library.steps.step import Migration

STEP = Migration(
    3,
    (
        ByDialect(
            sqlite=(
                """
                CREATE VIRTUAL TABLE track_search USING fts5 (
                    title, artist, album, genre, lyrics, facts,
                    prefix = '2 3', tokenize = 'unicode61 remove_diacritics 0'
                )
                """,
                """
                CREATE TRIGGER track_search_track_goes AFTER DELETE ON track
                BEGIN DELETE FROM track_search WHERE rowid = old.id; END
                """,
            ),
            postgresql=(
                """
                CREATE TABLE track_search (
                    track_id INTEGER PRIMARY KEY REFERENCES track (id) ON DELETE CASCADE,
                    words TSVECTOR NOT NULL
                )
                """,
                "CREATE INDEX track_search_words ON track_search USING gin (words)",
            ),
        ),
        "CREATE INDEX track_by_kind ON track (kind)",
        # All that totals are made of, so that they need not read the rows.
        "CREATE INDEX track_totals ON track (missing, duration_s, size)",
        # The next scan reads every file anew, and so its words come into the index.
        "UPDATE track SET mtime_ns = -1",
    ),
)
