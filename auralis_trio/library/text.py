"""How text from tags and file names is cleaned for showing and folded for comparing."""

import re
import unicodedata

MAX_TEXT_CHARS = 16_384

_UNPRINTABLE = {"Cc", "Cs"}
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` as it can be shown and stored: one line, no control characters or halves of characters, cut at
    `MAX_TEXT_CHARS`."""
    head = text[: 2 * MAX_TEXT_CHARS]
    shown = "".join(" " if unicodedata.category(char) in _UNPRINTABLE else char for char in head)
    return _SPACES.sub(" ", shown).strip()[:MAX_TEXT_CHARS].rstrip()


def fold(text: str) -> str:
    """`text` as it is compared: without case, accents and repeated spaces; empty only for an empty text.

    >>> fold("Sigur  RÓS") == fold("sigur rós") == "sigur ros"
    True
    """
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return clean(plain.casefold()) or clean(text)
