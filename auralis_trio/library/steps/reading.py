"""What keeps scans, pages, searches and facets of a large library quick; and the pictures that were set.

An index in which a list is sorted holds every key of its order, and before one that may not be known whether it is.

On PostgreSQL, where counting reads all rows, triggers keep a tally of the tracks: `all` of them, and those of each
`year`, `format` and `genre`. Each word stands in the index once more behind the label of its column, since to look up
a label alone reads all the words of each find. What is new waits beside the index only in a small list, which every
search has to go through.
"""

from auralis_trio.library.dialect import ByDialect
from auralis_trio.library.steps.step import Migration

_NUMBERS = "(disc_number IS NULL), disc_number, (track_number IS NULL), track_number"
_WITH_ID = {
    "title": "title_key",
    "added": "added_ns",
    "duration": "duration_s",
    "year": "year",
    "rating": "rating",
    "plays": "play_count",
    "last_played": "last_played_ns",
}

_WORDS = (
    """
    CREATE TABLE track_words (
        track_id INTEGER PRIMARY KEY REFERENCES track (id) ON DELETE CASCADE,
        words TSVECTOR NOT NULL
    )
    """,
    "ALTER TABLE track_words ALTER COLUMN words SET STORAGE EXTERNAL",
    """
    INSERT INTO track_words SELECT track_id, words || array_to_tsvector(ARRAY(
        SELECT DISTINCT label || lexeme FROM unnest(words) AS word, unnest(weights) AS label
        WHERE left(lexeme, 1) NOT IN ('~', '=')
    )) FROM track_search
    """,
    "DROP TABLE track_search",
    "ALTER TABLE track_words RENAME TO track_search",
    "CREATE INDEX track_search_words ON track_search USING gin (words) WITH (gin_pending_list_limit = 256)",
)
_TALLY = (
    """
    CREATE TABLE tally (
        kind TEXT COLLATE "C" NOT NULL,
        value TEXT COLLATE "C" NOT NULL,
        tracks INTEGER NOT NULL,
        PRIMARY KEY (kind, value)
    ) WITH (fillfactor = 20)
    """,
    """
    INSERT INTO tally SELECT 'all', '', count(*) FROM track
    UNION ALL SELECT 'year', CAST(year AS TEXT), count(*) FROM track WHERE year IS NOT NULL GROUP BY year
    UNION ALL SELECT 'format', kind, count(*) FROM track GROUP BY kind
    UNION ALL SELECT 'genre', CAST(genre_id AS TEXT), count(*) FROM track_genre GROUP BY genre_id
    """,
    """
    CREATE FUNCTION count_tracks(counted TEXT, named TEXT, more INTEGER) RETURNS VOID LANGUAGE sql AS $body$
        INSERT INTO tally (kind, value, tracks) SELECT counted, named, more WHERE named IS NOT NULL
        ON CONFLICT (kind, value) DO UPDATE SET tracks = tally.tracks + excluded.tracks
    $body$
    """,
    """
    CREATE FUNCTION track_counts() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM count_tracks('year', CAST(OLD.year AS TEXT), -1);
            PERFORM count_tracks('format', OLD.kind, -1);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM count_tracks('year', CAST(NEW.year AS TEXT), 1);
            PERFORM count_tracks('format', NEW.kind, 1);
        END IF;
        IF TG_OP = 'INSERT' THEN
            PERFORM count_tracks('all', '', 1);
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM count_tracks('all', '', -1);
        END IF;
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION genre_counts() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            PERFORM count_tracks('genre', CAST(OLD.genre_id AS TEXT), -1);
        ELSE
            PERFORM count_tracks('genre', CAST(NEW.genre_id AS TEXT), 1);
        END IF;
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE TRIGGER track_comes_or_goes AFTER INSERT OR DELETE ON track
    FOR EACH ROW EXECUTE FUNCTION track_counts()
    """,
    """
    CREATE TRIGGER track_changes AFTER UPDATE OF year, kind ON track
    FOR EACH ROW WHEN (OLD.year IS DISTINCT FROM NEW.year OR OLD.kind <> NEW.kind) EXECUTE FUNCTION track_counts()
    """,
    """
    CREATE TRIGGER genre_comes_or_goes AFTER INSERT OR DELETE ON track_genre
    FOR EACH ROW EXECUTE FUNCTION genre_counts()
    """,
)

# As `functions` has them for SQLite. Case is that of every language where PostgreSQL knows them all.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u093c\u094d\u0e38-\u0e3a\u0e48-\u0e4b\u1ab0-\u1abd"
    r"\u1dc0-\u1dff\u20d0-\u20dc\u20e1\u20e5-\u20f0\u302a-\u302f\u3099\u309a\ufe20-\ufe2f"
)
_FUNCTIONS = (
    rf"""
    DO $make$
    BEGIN
        EXECUTE $before$
            CREATE FUNCTION fold_text(given TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT AS $body$
                SELECT trim(regexp_replace(replace(lower(
                    regexp_replace(normalize(given, NFKD), '[{_MARKS}]', '', 'g') COLLATE
            $before$
            || quote_ident((SELECT coalesce(max(collname), 'default') FROM pg_collation WHERE collname = 'und-x-icu'))
            || $behind$ ), 'ß', 'ss'), '\s+', ' ', 'g')) $body$ $behind$;
    END
    $make$
    """,
    """
    CREATE FUNCTION measured(profile TEXT, dimension TEXT) RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE STRICT
    AS $body$
        SELECT CAST(CAST(profile AS JSON) -> 'values' ->> dimension AS DOUBLE PRECISION)
    $body$
    """,
)

STEP = Migration(
    6,
    (
        # However many files hold the same audio, only the tracks of those that are gone are looked at.
        "CREATE INDEX track_gone ON track (content_id) WHERE missing",
        # In the database, and so in its backups.
        "CREATE TABLE set_picture (revision TEXT NOT NULL PRIMARY KEY, data BLOB NOT NULL)",
        # What totals are made of, so that they need not read the rows.
        "CREATE INDEX track_skipped ON track (skip_count) WHERE skip_count > 0",
        "CREATE INDEX analysis_failed ON analysis (content_id) WHERE code IS NOT NULL",
        "DROP INDEX track_by_artist",
        f"CREATE INDEX track_by_artist ON track (artist_key, (album_key IS NULL), album_key, {_NUMBERS}, id)",
        "DROP INDEX track_by_album",
        f"CREATE INDEX track_by_album ON track (album_key, {_NUMBERS}, id)",
        ByDialect(
            sqlite=(),  # there every index ends in the id
            postgresql=(
                *(f"DROP INDEX track_by_{name}" for name in _WITH_ID),
                *(f"CREATE INDEX track_by_{name} ON track ({column}, id)" for name, column in _WITH_ID.items()),
                # Room for the new row of a track beside the old one, so that indexes of what stays are left alone.
                "ALTER TABLE track SET (fillfactor = 80)",
                *_WORDS,
                *_TALLY,
                *_FUNCTIONS,
            ),
        ),
    ),
)
