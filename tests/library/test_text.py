import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.text import MAX_KEY_BYTES, MAX_TEXT_CHARS, clean, fold, fold_all


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\t words\n", "two words"),
        ("a\0b\x1bc", "a b c"),
        ("half \ud800 of a character", "half of a character"),
        ("עברית 🎵 <b>&amp;</b>", "עברית 🎵 <b>&amp;</b>"),
        ("", ""),
    ],
)
def test_text_is_shown_on_one_line_without_what_cannot_be_printed(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_text_is_kept_up_to_the_bound_and_cut_behind_it() -> None:
    assert clean("x" * MAX_TEXT_CHARS) == "x" * MAX_TEXT_CHARS
    assert clean("x" * (MAX_TEXT_CHARS + 1)) == "x" * MAX_TEXT_CHARS


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sigur  RÓS", "sigur ros"), ("STRASSE", "straße"), ("e\u0301", "é"), ("ﬁne", "FINE"), ("Ⅳ", "iv")],
)
def test_spellings_that_differ_in_case_accents_or_spaces_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_folding_leaves_something_of_every_text_that_can_be_shown() -> None:
    assert fold("\u0301") == "\u0301"
    assert fold("") == ""


@given(st.text(min_size=200), st.integers(2, 60))
def test_a_key_is_of_a_size_that_an_index_takes_and_differs_where_the_texts_do(text: str, times: int) -> None:
    long = text * times
    key = fold(long)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert (fold(long + "x") == key) == (fold_all(long + "x") == fold_all(long))
