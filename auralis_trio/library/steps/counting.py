"""What keeps counting quick on PostgreSQL, which has to look at every row that it counts.

Words are looked up in their index, but then every find is looked at in its table, to know whether it is there for the
one who asks: the fewer pages the finds lie on, the better. PostgreSQL moves a long value to a place of its own only
where the row has more than 2 kB. So each row is filled up with blanks, which are kept compressed: its words move out,
and a page holds ninety rows instead of fifteen. Two words that follow each other in lyrics stand in the index as a
pair, too (see `search_terms.pair_of`), so that few rows have to be read for a phrase.

Triggers keep the totals of all tracks beside the tally. Of tracks that go in one statement, however many, each count
is changed once: every change of a row leaves an old one behind, and the next has to pass all of these.
"""

from auralis_trio.library.dialect import ByDialect
from auralis_trio.library.steps.step import Migration

_WORDS = (
    """
    CREATE TABLE track_words (
        track_id INTEGER PRIMARY KEY REFERENCES track (id) ON DELETE CASCADE,
        words TSVECTOR NOT NULL,
        filling TEXT GENERATED ALWAYS AS (repeat(' ', 2048)) STORED
    )
    """,
    "ALTER TABLE track_words ALTER COLUMN words SET STORAGE EXTERNAL",
    "ALTER TABLE track_words ALTER COLUMN filling SET STORAGE MAIN",
    """
    INSERT INTO track_words (track_id, words) SELECT track_id, words || array_to_tsvector(ARRAY(
        SELECT DISTINCT '^' || left(md5(convert_to(word || ' ' || next, 'UTF8')), 4)
        FROM (SELECT substr(lexeme, 2) AS word, lead(substr(lexeme, 2)) OVER by_place AS next,
                  lead(place) OVER by_place - place AS further
              FROM unnest(words), unnest(positions) AS place
              WHERE left(lexeme, 1) = '~' WINDOW by_place AS (ORDER BY place)) AS pairs
        WHERE further = 1
    )) FROM track_search ORDER BY track_id
    """,
    "DROP TABLE track_search",
    "ALTER TABLE track_words RENAME TO track_search",
    "CREATE INDEX track_search_words ON track_search USING gin (words) WITH (gin_pending_list_limit = 256)",
)
_TOTALS = (
    """
    CREATE TABLE totals (
        tracks BIGINT NOT NULL,
        missing BIGINT NOT NULL,
        timed BIGINT NOT NULL,
        duration_s NUMERIC NOT NULL,
        size BIGINT NOT NULL
    ) WITH (fillfactor = 20)
    """,
    """
    INSERT INTO totals SELECT count(*), count(*) FILTER (WHERE missing), count(duration_s),
        coalesce(sum(CAST(duration_s AS NUMERIC)), 0), coalesce(sum(size), 0) FROM track
    """,
    "DELETE FROM tally WHERE kind = 'all'",
    "DROP INDEX track_totals",
    """
    CREATE OR REPLACE FUNCTION track_counts() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            PERFORM count_tracks('year', CAST(OLD.year AS TEXT), -1);
            PERFORM count_tracks('format', OLD.kind, -1);
        END IF;
        PERFORM count_tracks('year', CAST(NEW.year AS TEXT), 1);
        PERFORM count_tracks('format', NEW.kind, 1);
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION track_totals() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        UPDATE totals SET tracks = tracks + CAST(OLD.id IS NULL AS INTEGER),
            missing = missing + CAST(NEW.missing AS INTEGER) - coalesce(CAST(OLD.missing AS INTEGER), 0),
            timed = timed + num_nonnulls(NEW.duration_s) - num_nonnulls(OLD.duration_s),
            duration_s = duration_s + coalesce(CAST(NEW.duration_s AS NUMERIC), 0)
                - coalesce(CAST(OLD.duration_s AS NUMERIC), 0),
            size = size + NEW.size - coalesce(OLD.size, 0);
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION tracks_go() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        PERFORM count_tracks('year', CAST(year AS TEXT), CAST(-count(*) AS INTEGER)) FROM gone GROUP BY year;
        PERFORM count_tracks('format', kind, CAST(-count(*) AS INTEGER)) FROM gone GROUP BY kind;
        UPDATE totals SET tracks = totals.tracks - those.tracks, missing = totals.missing - those.missing,
            timed = totals.timed - those.timed, duration_s = totals.duration_s - those.duration_s,
            size = totals.size - those.size
        FROM (SELECT count(*) AS tracks, count(*) FILTER (WHERE missing) AS missing, count(duration_s) AS timed,
                coalesce(sum(CAST(duration_s AS NUMERIC)), 0) AS duration_s, coalesce(sum(size), 0) AS size
              FROM gone) AS those
        WHERE those.tracks > 0;
        RETURN NULL;
    END
    $body$
    """,
    """
    CREATE FUNCTION genres_go() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
    BEGIN
        PERFORM count_tracks('genre', CAST(genre_id AS TEXT), CAST(-count(*) AS INTEGER)) FROM gone GROUP BY genre_id;
        RETURN NULL;
    END
    $body$
    """,
    "DROP TRIGGER track_comes_or_goes ON track",
    "CREATE TRIGGER track_comes AFTER INSERT ON track FOR EACH ROW EXECUTE FUNCTION track_counts()",
    "CREATE TRIGGER track_adds AFTER INSERT ON track FOR EACH ROW EXECUTE FUNCTION track_totals()",
    """
    CREATE TRIGGER track_differs AFTER UPDATE OF missing, duration_s, size ON track
    FOR EACH ROW
    WHEN ((OLD.missing, OLD.duration_s, OLD.size) IS DISTINCT FROM (NEW.missing, NEW.duration_s, NEW.size))
    EXECUTE FUNCTION track_totals()
    """,
    """
    CREATE TRIGGER tracks_go AFTER DELETE ON track REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION tracks_go()
    """,
    "DROP TRIGGER genre_comes_or_goes ON track_genre",
    "CREATE TRIGGER genre_comes AFTER INSERT ON track_genre FOR EACH ROW EXECUTE FUNCTION genre_counts()",
    """
    CREATE TRIGGER genres_go AFTER DELETE ON track_genre REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION genres_go()
    """,
)

STEP = Migration(8, (ByDialect(sqlite=(), postgresql=(*_WORDS, *_TOTALS)),))
