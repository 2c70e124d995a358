"""What keeps scans, pages, searches and facets of a large library quick beside each other.

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

STEP = Migration(
    6,
    (
        # However many files hold the same audio, only the tracks of those that are gone are looked at.
        "CREATE INDEX track_gone ON track (content_id) WHERE missing",
        "DROP INDEX track_by_artist",
        f"CREATE INDEX track_by_artist ON track (artist_key, (album_key IS NULL), album_key, {_NUMBERS}, id)",
        "DROP INDEX track_by_album",
        f"CREATE INDEX track_by_album ON track (album_key, {_NUMBERS}, id)",
        ByDialect(
            sqlite=(),  # there every index ends in the id
            postgresql=(
                *(f"DROP INDEX track_by_{name}" for name in _WITH_ID),
                *(f"CREATE INDEX track_by_{name} ON track ({column}, id)" for name, column in _WITH_ID.items()),
                *_WORDS,
                *_TALLY,
            ),
        ),
    ),
)
