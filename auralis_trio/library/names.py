"""One display name that stands for several artists, taken apart; names that only look so stay whole."""

import re
from functools import lru_cache

from auralis_trio.library.text import fold

# Only what hardly stands within a name: `&`, `and` and commas do (Earth, Wind & Fire).
_SEPARATORS = re.compile(r"\s*;\s*|\s*/\s*|\s+(?:feat\.?|ft\.?|featuring|vs\.?)\s+", re.IGNORECASE)
_WHOLE = ("AC/DC", "M/A/R/R/S", "GZA/Genius", "Au/Ra", "De/Vision", "+/-", "Either/Orchestra", "N/A")
_KEPT = "|".join(
    (
        r"(?<!\w)(?:" + "|".join(map(re.escape, _WHOLE)) + r")(?!\w)",
        r"[a-z]+://[^\s;]*",
        r"&(?:#\d+|#x[\da-f]+|[a-z]\w*);",
    )
)
_WHOLE_PARTS = re.compile(_KEPT, re.IGNORECASE)
_WHOLE_PARTS_OF_HTML = re.compile(_KEPT + r"|(?<!\s)/|/(?!\s)", re.IGNORECASE)
_ELEMENT = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)
_HELD = "\x00"
_SHORT_CHARS = 100


def split_names(text: str) -> tuple[str, ...]:
    """The names in `text`, each once, in their order; `text` itself where it is one.

    Web addresses and the characters that HTML writes like `&amp;` stay whole. Where there are elements of HTML, a
    slash is likely to be part of one, and separates only between spaces.

    >>> split_names("AC/DC feat. Nina Simone; Bob"), split_names("Simon & Garfunkel")
    (('AC/DC', 'Nina Simone', 'Bob'), ('Simon & Garfunkel',))
    """
    return _split_short(text) if len(text) <= _SHORT_CHARS else _split(text)


@lru_cache(512)
def _split_short(text: str) -> tuple[str, ...]:
    """A library is read album by album, and so the same few names again and again."""
    return _split(text)


def _split(text: str) -> tuple[str, ...]:
    whole_parts = _WHOLE_PARTS_OF_HTML if _ELEMENT.search(text) else _WHOLE_PARTS
    held = [found[0] for found in whole_parts.finditer(text)]
    parts = [part.strip() for part in _SEPARATORS.split(whole_parts.sub(_HELD, text))]
    whole = iter(held)
    names = [re.sub(_HELD, lambda _: next(whole), part) for part in parts if part]
    return tuple({fold(name): name for name in reversed(names)}.values())[::-1] or (text,)
