"""What can be written into the search box, read into a `Query`; nothing here knows of a database.

nina simone                   both words, anywhere; a word of two letters or more also stands for longer ones (in
                              lyrics, which hold nearly every beginning, of four, where no field is named)
"nina simone"                 these words in this order
artist:nina album:"at last"   in this field: title, artist, album, genre or lyrics
year:1964  year:1960-1969  year:1960-  year:-1969
format:flac
-live  -genre:jazz            without this
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from auralis_trio.audio.formats import FORMATS
from auralis_trio.errors import InvalidRequest
from auralis_trio.library.words import is_letter_word, words_of

MAX_SEARCH_CHARS = 200
MIN_PREFIX_CHARS = 2
MIN_LYRICS_PREFIX_CHARS = 4
MAX_YEAR = 9999

COLUMNS = ("title", "artist", "album", "genre", "lyrics")
"""The fields that hold words, the most telling first."""

FIELDS = (*COLUMNS, "year", "format")

_KINDS = sorted(one.name for one in FORMATS)
_YEARS = re.compile(r"(?P<year>\d{1,4})|(?P<first>\d{0,4})-(?P<last>\d{0,4})")
_PART = re.compile(r'(?P<minus>-?)(?:(?P<field>[A-Za-z]+):)?(?P<value>"[^"]*"|"|[^\s"]*)')


@dataclass(frozen=True)
class Term:
    """Words that stand in one `column` in this order, or in any where it is None; the last may go on if `prefix`."""

    words: tuple[str, ...]
    column: str | None = None
    prefix: bool = False
    negated: bool = False

    def goes_on_in(self, column: str) -> bool:
        """Whether its last word stands for longer ones in `column`."""
        enough = column != "lyrics" or self.column == "lyrics" or len(self.words[-1]) >= MIN_LYRICS_PREFIX_CHARS
        return self.prefix and enough


@dataclass(frozen=True)
class Fact:
    """A track has one of these facts; see `year_facts` and `format_fact`."""

    any_of: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Query:
    """Everything that a track has to fulfil."""

    terms: tuple[Term, ...] = ()
    facts: tuple[Fact, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms or self.facts)


def parse_query(text: str) -> Query:
    """Read what was written into the search box.

    Raises:
        InvalidRequest: it cannot be understood; the text says at which character, counted from 1, and why.
    """
    if len(text) > MAX_SEARCH_CHARS:
        raise InvalidRequest(f"A search is at most {MAX_SEARCH_CHARS} characters long.", code="invalid_search")
    found = [_parsed(part) for part in _PART.finditer(text)]
    return Query(
        tuple(one for one in found if isinstance(one, Term)), tuple(one for one in found if isinstance(one, Fact))
    )


def _parsed(part: re.Match[str]) -> Term | Fact | None:
    """One word, phrase or condition; None for the gaps between them, and for dashes between words."""
    value, start = part["value"], part.start("value")
    if part[0] in ("", "-") or (not part["field"] and not value):
        return None
    if value == '"':
        raise _at(start, "this quotation mark is never closed.")
    field = _field(part)
    content = value.strip('"')
    if not content.strip():
        raise _at(start, "a word is missing here.")
    negated = part["minus"] == "-"
    if field == "year":
        return Fact(_years(content, start), negated)
    if field == "format":
        return Fact((_format(content, start),), negated)
    return _term(content, field, value.startswith('"'), negated)


def _field(part: re.Match[str]) -> str | None:
    field = part["field"]
    if field is None or field.lower() in FIELDS:
        return field and field.lower()
    raise _at(
        part.start("field"),
        f"there is no field {field}. There are {', '.join(FIELDS)}; put quotation marks around words with a colon.",
    )


def _term(content: str, column: str | None, quoted: bool, negated: bool) -> Term | None:
    words = words_of(content, MAX_SEARCH_CHARS)
    if not words:
        return None
    prefix = not quoted and len(words[-1]) >= MIN_PREFIX_CHARS and not is_letter_word(words[-1])
    return Term(tuple(words), column, prefix, negated)


def _years(content: str, start: int) -> tuple[str, ...]:
    match = _YEARS.fullmatch(content)
    if match is None or content == "-":
        raise _at(start, "a year is written 1994, and years 1990-1999, 1990- or -1999.")
    first = int(match["year"] or match["first"] or 0)
    last = int(match["year"] or match["last"] or MAX_YEAR)
    if first > last:
        raise _at(start, "the first year is later than the last.")
    return _spans(first, last)


def _format(content: str, start: int) -> str:
    if content.lower() not in _KINDS:
        raise _at(start, f"there is no such format. There are {', '.join(_KINDS)}.")
    return format_fact(content.lower())


def _at(start: int, why: str) -> InvalidRequest:
    return InvalidRequest(f"The search cannot be understood: at character {start + 1}: {why}", code="invalid_search")


def year_facts(year: int | None) -> Collection[str]:
    """The facts that a track of a year has: millennium, century, decade and year, so that a range is few facts."""
    if year is None or not 0 <= year <= MAX_YEAR:
        return ()
    digits = f"{year:04}"
    return tuple("y" + digits[:count] for count in range(1, 5))


def format_fact(kind: str) -> str:
    """The fact that a track of this format has."""
    return "f" + kind.replace("_", "")


def _spans(first: int, last: int) -> tuple[str, ...]:
    """The fewest facts that stand for all years from `first` to `last`."""
    spans = []
    while first <= last:
        size = 1000
        while first % size or first + size - 1 > last:
            size //= 10
        spans.append("y" + f"{first:04}"[: 4 - len(str(size)) + 1])
        first += size
    return tuple(spans)
