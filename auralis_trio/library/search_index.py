"""The index of words, kept in step by whoever changes tracks, within the same transaction."""

from collections.abc import Iterable, Sequence

from pony.orm import Database

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.query_language import COLUMNS, format_fact, year_facts
from auralis_trio.library.search_terms import ALL, LABELS
from auralis_trio.library.words import words_of

MAX_WORDS = 5_000
"""How many words of one column are kept."""

_TEXTS = "SELECT title, artist_name, album_title, genre, lyrics, year, kind FROM track WHERE id = $track_id"
_FTS5_FORGET = "DELETE FROM track_search WHERE rowid = $track_id"
_FTS5_KEEP = """INSERT INTO track_search (rowid, title, artist, album, genre, lyrics, facts)
    VALUES ($track_id, $title, $artist, $album, $genre, $lyrics, $facts)"""
_TSVECTOR_KEEP = """INSERT INTO track_search (track_id, words) VALUES ($track_id, CAST($words AS TSVECTOR))
    ON CONFLICT (track_id) DO UPDATE SET words = excluded.words"""


def index_tracks(db: Database, track_ids: Iterable[int]) -> None:
    """Bring the words of these tracks up to date, when their rows are; within a session that writes."""
    keep = _keep_in_fts5 if Dialect(db.provider.dialect) is Dialect.SQLITE else _keep_as_tsvector
    for track_id in track_ids:
        *texts, year, kind = db.select(_TEXTS, {"track_id": track_id})[0]
        words = {name: words_of(text or "", MAX_WORDS) for name, text in zip(COLUMNS, texts, strict=True)}
        keep(db, track_id, words, [ALL, format_fact(kind), *year_facts(year)])


def _keep_in_fts5(db: Database, track_id: int, words: dict[str, list[str]], facts: Sequence[str]) -> None:
    texts = {name: " ".join(each) for name, each in words.items()}
    db.execute(_FTS5_FORGET, {"track_id": track_id})
    db.execute(_FTS5_KEEP, {"track_id": track_id, **texts, "facts": " ".join(facts)})


def _keep_as_tsvector(db: Database, track_id: int, words: dict[str, list[str]], facts: Sequence[str]) -> None:
    # Between two columns a place is left empty: no phrase goes from one to the next.
    places: dict[str, list[str]] = {f"={fact}": [] for fact in facts}
    place = 1
    for column, each in words.items():
        label = LABELS.get(column)
        for word in each:
            places.setdefault(word if label else f"~{word}", []).append(f"{place}{label or ''}")
            place += 1
        place += 1
    vector = " ".join(f"'{word}'" + (":" + ",".join(at) if at else "") for word, at in places.items())
    db.execute(_TSVECTOR_KEEP, {"track_id": track_id, "words": vector})
