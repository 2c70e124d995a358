"""How text from tags and file names is cleaned for showing and folded for comparing."""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

MAX_TEXT_CHARS = 16_384
MAX_LINES_CHARS = 65_536
MAX_KEY_BYTES = 1000

_UNPRINTABLE = {"Cc", "Cs"}
_SHORT_CHARS = 100
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` as it can be shown and stored: one line, no control characters or halves of characters, cut at
    `MAX_TEXT_CHARS`."""
    if len(text) <= MAX_TEXT_CHARS and text.isprintable() and "  " not in text:
        return text.strip()  # as nearly every text is
    head = text[: 2 * MAX_TEXT_CHARS]
    shown = "".join(" " if unicodedata.category(char) in _UNPRINTABLE else char for char in head)
    return _SPACES.sub(" ", shown).strip()[:MAX_TEXT_CHARS].rstrip()


def clean_lines(text: str) -> str:
    """The same for a text of several lines, without empty ones at its ends, cut at `MAX_LINES_CHARS`."""
    head = text[: 2 * MAX_LINES_CHARS].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\n")
    shown = "".join(
        char if char in "\n\t" or unicodedata.category(char) not in _UNPRINTABLE else " " for char in head
    )
    return "\n".join(map(str.rstrip, shown.split("\n"))).strip("\n")[:MAX_LINES_CHARS].rstrip()


def fold(text: str) -> str:
    """`text` as it is compared: without case, accents and repeated spaces; empty only for an empty text.

    What is longer than `MAX_KEY_BYTES` is cut and ends in a sum of the whole, so that it can be kept in an index.

    >>> fold("Sigur  RÓS") == fold("sigur rós") == "sigur ros"
    True
    """
    return _fold_short(text) if len(text) <= _SHORT_CHARS else _fold(text)


@lru_cache(1024)
def _fold_short(text: str) -> str:
    """A library is folded album by album, and so the same few names again and again."""
    return _fold(text)


def _fold(text: str) -> str:
    folded = fold_all(text)
    if 4 * len(folded) <= MAX_KEY_BYTES or len(data := folded.encode()) <= MAX_KEY_BYTES:
        return folded
    head = data[: MAX_KEY_BYTES - 40].decode("utf-8", "ignore").rstrip()
    return f"{head} {blake2b(data, digest_size=16).hexdigest()}"


def fold_all(text: str) -> str:
    """The same, of any length."""
    if text.isascii():
        return clean(text.lower())
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return clean(plain.casefold()) or clean(text)
