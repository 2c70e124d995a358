"""How text falls into the words that are searched for; the same for what is sought and for what is found."""

import re
import unicodedata

from auralis_trio.library.text import fold_all

MAX_WORD_CHARS = 64

LETTERS = {
    "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ŧ": "t", "ŋ": "n", "ƒ": "f",
}  # fmt: skip
"""What stands for letters that are none with an accent, and so stay as they are where names are compared."""

# From India to Indonesia vowels are written as marks on letters, which are parts of words and no letters themselves.
_MARKED_SCRIPTS = (range(0x0900, 0x1D00), range(0xA800, 0xAC00), range(0x11000, 0x12000))
_MARKS = {
    chr(code): f"u{code:x}"
    for script in _MARKED_SCRIPTS
    for code in script
    if unicodedata.category(chr(code)) in {"Mc", "Mn"} and not unicodedata.combining(chr(code))
}

_LETTERS = str.maketrans(LETTERS | _MARKS)

# Kana and Han are written without spaces, so that each character is a word; of signs alone (`!!!`) their code points.
_LETTER_WORD = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(f"[{_LETTER_WORD}]|(?:(?![{_LETTER_WORD}])[^\\W_])+")


def words_of(text: str, limit: int) -> list[str]:
    """At most `limit` words of a text, without case and accents; each consists of letters and digits alone.

    Signs alone and vowels that are marks are there by their code points.

    >>> words_of("AC/DC: Señor Ærø !!! दो", 10)
    ['ac', 'dc', 'senor', 'aero', 'u21u21u21', 'दu94b']
    """
    found: list[str] = []
    folded = fold_all(text)
    for part in (folded if folded.isascii() else folded.translate(_LETTERS)).split(" "):
        found.extend(word[:MAX_WORD_CHARS] for word in _WORD.findall(part) or _signs(part))
        if len(found) >= limit:
            break
    return found[:limit]


def is_letter_word(word: str) -> bool:
    """Whether a word is one character of a script that is written without spaces."""
    return re.fullmatch(f"[{_LETTER_WORD}]", word) is not None


def _signs(part: str) -> list[str]:
    """A part without letters and digits as one word."""
    return ["".join(f"u{ord(char):x}" for char in part)] if part else []
