import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.words import MAX_WORD_CHARS, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nina Simone", ["nina", "simone"]),
        ("AC/DC: Señor_Blues", ["ac", "dc", "senor", "blues"]),
        ("Sigur RÓS  Straße", ["sigur", "ros", "strasse"]),
        ("東京 Tōkyō", ["東", "京", "tokyo"]),
        ("!!!", ["u21u21u21"]),
        ("one - two", ["one", "u2d", "two"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("हिन्दी गीत", ["हu93fनदu940", "गu940त"]),
        ("ভালোবাসা", ["ভu9beলu9c7u9beবu9beসu9be"]),
        ("รักกัน", ["รue31กกue31น"]),
        ("❤️ 1️⃣", ["u2764ufe0f", "1"]),
        ("", []),
        (" \0 ", []),
    ],
)
def test_a_text_falls_into_folded_words(text: str, words: list[str]) -> None:
    assert words_of(text, 100) == words


@given(st.text())
def test_every_word_is_of_letters_and_digits_alone_and_falls_into_itself(text: str) -> None:
    for word in words_of(text, 100):
        assert word.isalnum()
        assert len(word) <= MAX_WORD_CHARS


@given(st.text(), st.integers(0, 5))
def test_there_are_never_more_words_than_asked_for(text: str, limit: int) -> None:
    assert words_of(text, limit) == words_of(text, 1000)[:limit]


def test_letters_that_are_no_others_with_accents_are_found_as_they_are_often_written() -> None:
    assert words_of("Ærø Łódź Straße Œuvre Þór Đorđe", 10) == ["aero", "lodz", "strasse", "oeuvre", "thor", "dorde"]
