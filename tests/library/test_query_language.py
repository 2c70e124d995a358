import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.query_language import (
    MAX_SEARCH_CHARS,
    MAX_YEAR,
    Fact,
    Query,
    Term,
    parse_query,
    year_facts,
)

ALPHABET = st.text("ab1 \"-:yeartitle'*()^\\é東!\0", max_size=40)
YEARS = st.integers(0, MAX_YEAR)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  - ", Query()),
        ("nina", Query((Term(("nina",), prefix=True),))),
        ("n", Query((Term(("n",)),))),
        ("Nina SIMÓNE", Query((Term(("nina",), prefix=True), Term(("simone",), prefix=True)))),
        ('"Nina Simone"', Query((Term(("nina", "simone")),))),
        ('artist:"Nina Simone"', Query((Term(("nina", "simone"), "artist"),))),
        ("ARTIST:nina", Query((Term(("nina",), "artist", True),))),
        ("-live", Query((Term(("live",), prefix=True, negated=True),))),
        ("-genre:jazz", Query((Term(("jazz",), "genre", True, True),))),
        ("rock-n-roll", Query((Term(("rock", "n", "roll"), prefix=True),))),
        ("AC/DC", Query((Term(("ac", "dc"), prefix=True),))),
        ("5:15", Query((Term(("5", "15"), prefix=True),))),
        ("東京", Query((Term(("東", "京")),))),
        ("year:1994", Query(facts=(Fact(("y1994",)),))),
        ("year:1990-1999", Query(facts=(Fact(("y199",)),))),
        ("year:1989-2000", Query(facts=(Fact(("y1989", "y199", "y2000")),))),
        ("-year:-0999", Query(facts=(Fact(("y0",), negated=True),))),
        ("year:9998-", Query(facts=(Fact(("y9998", "y9999")),))),
        ("format:FLAC", Query(facts=(Fact(("fflac",)),))),
    ],
)
def test_what_is_written_is_understood(text: str, query: Query) -> None:
    assert parse_query(text) == query


@pytest.mark.parametrize(
    ("text", "character", "why"),
    [
        ('nina "simone', 6, "never closed"),
        ('artist:"nina', 8, "never closed"),
        ('nina ""', 6, "missing"),
        ("nina artist:", 13, "missing"),
        ("artist: nina", 8, "missing"),
        ("mood:blue", 1, "no field mood"),
        ("a -mood:blue", 4, "no field mood"),
        ("year:abc", 6, "a year is written"),
        ("year:-", 6, "a year is written"),
        ("year:19945", 6, "a year is written"),
        ("year:2000-1990", 6, "later than the last"),
        ("format:tape", 8, "no such format"),
    ],
)
def test_what_cannot_be_understood_is_pointed_at(text: str, character: int, why: str) -> None:
    with pytest.raises(InvalidRequest, match=f"at character {character}: .*{why}") as caught:
        parse_query(text)
    assert caught.value.code == "invalid_search"


def test_a_search_has_a_longest() -> None:
    parse_query("x" * MAX_SEARCH_CHARS)
    with pytest.raises(InvalidRequest, match=f"{MAX_SEARCH_CHARS}"):
        parse_query("x" * (MAX_SEARCH_CHARS + 1))


@given(st.one_of(st.text(max_size=80), ALPHABET))
def test_any_text_is_understood_or_pointed_at_within_it(text: str) -> None:
    try:
        query = parse_query(text)
    except InvalidRequest as error:
        found = re.search(r"at character (\d+):", str(error))
        assert found is not None
        assert 1 <= int(found[1]) <= len(text) + 1
    else:
        assert all(word.isalnum() for term in query.terms for word in term.words)


@given(YEARS, YEARS, YEARS)
def test_a_span_of_years_has_exactly_the_years_in_it(one: int, other: int, year: int) -> None:
    first, last = sorted((one, other))
    [fact] = parse_query(f"year:{first:04}-{last:04}").facts
    assert (not set(fact.any_of).isdisjoint(year_facts(year))) == (first <= year <= last)
    assert len(fact.any_of) <= 60
