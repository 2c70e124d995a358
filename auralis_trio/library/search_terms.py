"""A `Query` as each database's own language of full-text search has it.

`reach` is how many of the `COLUMNS` a word may stand in that names none: the fewer, the more telling is a find.
"""

from hashlib import md5
from itertools import pairwise

from auralis_trio.library.query_language import COLUMNS, Query, Term

ALL = "all"
"""The fact that every track has."""

LABELS = dict(zip(COLUMNS, "ABCD", strict=False))
"""PostgreSQL's labels of columns; words of lyrics have none, but a tilde in front. A word of the others stands in the
index once with its places and labels, and once for each label with that in front."""


def pair_of(first: str, second: str) -> str:
    """What stands in PostgreSQL's index for two words of lyrics of which one follows the other; few others share it.

    The index does not know places, and lyrics hold so many words that each two are found in far more than have them
    side by side.
    """
    return "^" + md5(f"{first} {second}".encode(), usedforsecurity=False).hexdigest()[:4]


def match_of(query: Query, reach: int = len(COLUMNS)) -> str:
    """The query for FTS5. Words hold letters and digits alone, so nothing in it has to be escaped."""
    wanted = [_fts5_term(term, reach) for term in query.terms if not term.negated]
    wanted += [_fts5_facts(fact.any_of) for fact in query.facts if not fact.negated]
    unwanted = [_fts5_term(term, len(COLUMNS)) for term in query.terms if term.negated]
    unwanted += [_fts5_facts(fact.any_of) for fact in query.facts if fact.negated]
    match = f"({' AND '.join(wanted or [_fts5_facts((ALL,))])})"
    return f"{match} NOT ({' OR '.join(unwanted)})" if unwanted else match


def match_beyond(query: Query, reach: int) -> str:
    """The same for what `reach` columns find and one less does not."""
    match = match_of(query, reach)
    return f"({match}) NOT ({match_of(query, reach - 1)})" if reach > 1 else match


def _fts5_term(term: Term, reach: int) -> str:
    columns = COLUMNS[:reach] if term.column is None else (term.column,)
    ways = [
        f'{{{" ".join(some)}}} : "{" ".join(term.words)}"{" *" if going_on else ""}'
        for going_on in (True, False)
        if (some := [column for column in columns if term.goes_on_in(column) is going_on])
    ]
    return f"({' OR '.join(ways)})"


def _fts5_facts(any_of: tuple[str, ...]) -> str:
    return f"facts : ({' OR '.join(any_of)})"


def tsquery_of(query: Query, reach: int = len(COLUMNS)) -> str:
    """The query for PostgreSQL."""
    terms = [
        ("!" if term.negated else "") + _tsquery_term(term, len(COLUMNS) if term.negated else reach)
        for term in query.terms
    ]
    facts = [("!" if fact.negated else "") + _tsquery_facts(fact.any_of) for fact in query.facts]
    positive = any(not term.negated for term in query.terms) or any(not fact.negated for fact in query.facts)
    return " & ".join([*terms, *facts, *([] if positive else [_tsquery_facts((ALL,))])])


def tsquery_beyond(query: Query, reach: int) -> str:
    """The same for what `reach` columns find and one less does not."""
    wanted = tsquery_of(query, reach)
    return f"({wanted}) & !({tsquery_of(query, reach - 1)})" if reach > 1 else wanted


def _tsquery_term(term: Term, reach: int) -> str:
    columns = COLUMNS[:reach] if term.column is None else (term.column,)
    labels = [LABELS[column] for column in columns if column in LABELS]
    if len(labels) == len(LABELS):
        ways = [_tsquery_words(term, "", "", term.prefix)]
    elif len(term.words) == 1:
        ways = [_tsquery_words(term, label, "", term.prefix) for label in labels]
    else:
        ways = [_tsquery_words(term, "", "".join(labels), term.prefix)] if labels else []
    ways += [_tsquery_words(term, "~", "", term.goes_on_in("lyrics"))] if "lyrics" in columns else []
    return f"({' | '.join(ways)})"


def _tsquery_words(term: Term, sign: str, labels: str, going_on: bool) -> str:
    marks = [labels] * len(term.words)
    if going_on:
        marks[-1] += "*"
    words = [f"'{sign}{word}'" + (f":{mark}" if mark else "") for word, mark in zip(term.words, marks, strict=True)]
    whole = term.words[: len(words) - going_on] if sign == "~" else ()
    pairs = [f"'{pair_of(first, second)}'" for first, second in pairwise(whole)]
    return f"({' & '.join([*pairs, ' <-> '.join(words)])})"


def _tsquery_facts(any_of: tuple[str, ...]) -> str:
    return "(" + " | ".join(f"'={fact}'" for fact in any_of) + ")"
