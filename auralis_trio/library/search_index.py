"""The index of words, kept in step by whoever changes tracks, within the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from pony.orm import Database

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.query_language import COLUMNS, format_fact, year_facts
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.rows import run_for_each, run_with
from auralis_trio.library.search_terms import ALL, LABELS, pair_of
from auralis_trio.library.words import words_of

MAX_WORDS = 5_000
"""How many words of one column are kept."""

_SHORT_CHARS = 100

_FTS5_FORGET = "DELETE FROM track_search WHERE rowid IN ?"
_FTS5_KEEP = f"INSERT INTO track_search (rowid, {', '.join(COLUMNS)}, facts) VALUES (?, ?, ?, ?, ?, ?, ?)"
_TSVECTOR_KEEP = """INSERT INTO track_search (track_id, words) VALUES (?, CAST(? AS TSVECTOR))
    ON CONFLICT (track_id) DO UPDATE SET words = excluded.words WHERE track_search.words <> excluded.words"""


def index_tracks(db: Database, files: Mapping[int, ProbedFile], known: Iterable[int]) -> None:
    """Keep the words of tracks, by their ids; some were `known` before. Within a session that writes."""
    if Dialect(db.provider.dialect) is Dialect.SQLITE:
        run_with(db, _FTS5_FORGET, known)
        run_for_each(db, _FTS5_KEEP, ((track_id, *_fts5_columns(file)) for track_id, file in files.items()))
    else:
        run_for_each(db, _TSVECTOR_KEEP, ((track_id, _tsvector(file)) for track_id, file in files.items()))


def _texts(file: ProbedFile) -> Sequence[str | None]:
    """What is searched for in each of the `COLUMNS`."""
    tags = file.tags
    return tags.title, tags.artist, tags.album, tags.genre, file.lyrics


def _words(file: ProbedFile) -> list[Sequence[str]]:
    return [_words_of(text) if text else () for text in _texts(file)]


def _words_of(text: str) -> Sequence[str]:
    return _words_of_short(text) if len(text) <= _SHORT_CHARS else words_of(text, MAX_WORDS)


@lru_cache(512)
def _words_of_short(text: str) -> Sequence[str]:
    """Tracks of one album share most of their words."""
    return tuple(words_of(text, MAX_WORDS))


@lru_cache(512)
def _facts(kind: str, year: int | None) -> Sequence[str]:
    return ALL, format_fact(kind), *year_facts(year)


def _fts5_columns(file: ProbedFile) -> list[str]:
    return [" ".join(words) for words in [*_words(file), _facts(file.kind, file.tags.year)]]


def _tsvector(file: ProbedFile) -> str:
    # Between two columns a place is left empty: no phrase goes from one to the next.
    places: dict[str, list[str]] = {f"={fact}": [] for fact in _facts(file.kind, file.tags.year)}
    words_of_columns = _words(file)
    places |= {pair_of(*pair): [] for pair in pairwise(words_of_columns[-1])}
    place = 1
    for column, words in zip(COLUMNS, words_of_columns, strict=True):
        label = LABELS.get(column)
        for word in words:
            places.setdefault(word if label else f"~{word}", []).append(f"{place}{label or ''}")
            if label:
                places.setdefault(f"{label}{word}", [])
            place += 1
        place += 1
    return " ".join(f"'{word}'" + (":" + ",".join(at) if at else "") for word, at in places.items())
