"""The one table of what the rules of a smart playlist can ask: every field of tags, of files, of what was heard and
measured, and the operators of each kind.

From it rules are checked, turned into SQL, and described to clients. A comparison is false for a value that is not
known; `is_not`, `contains_not` and `not_in_last_days` are the negations of theirs, and so true for it. Of what a
track has several of, such as artists and genres, one has to fit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypedDict

from auralis_trio.analysis import ANALYSIS_VERSION, DIMENSIONS
from auralis_trio.audio.formats import FORMATS
from auralis_trio.errors import InvalidRequest
from auralis_trio.library.tag_fields import FIELDS as TAG_FIELDS
from auralis_trio.library.tag_fields import FormName, TagField
from auralis_trio.library.text import fold

Kind = Literal["text", "number", "date", "flag", "choice"]

MAX_VALUE_CHARS = 500
MAX_NUMBER = 1e15
MAX_DAYS = 36_525

_DAY_NS = 86_400_000_000_000
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class RuleField:
    """One thing that is known of a track: its name, kind and unit, and where it stands in the database.

    `within` is a question around the comparison, for what a track may have several of: one of them has to fit.
    """

    name: str
    kind: Kind
    column: str
    unit: str | None = None
    nullable: bool = False
    choices: tuple[str, ...] = ()
    prepare: Callable[[str], str] = fold
    within: str | None = None

    @property
    def operators(self) -> Mapping[str, "Operator"]:
        """What can be asked of it."""
        return OPERATORS[self.kind] | (KNOWN if self.nullable else {})

    def condition(self, operator: "Operator", names: Sequence[str]) -> str:
        """SQL for a comparison with the values that `names` stand for."""
        condition = operator.sql.format(*names, column=self.column)
        if self.within is not None:
            condition = self.within.format(condition)
        if not operator.negated:
            return condition
        return (
            f"({self.column} IS NULL OR NOT {condition})" if self.nullable and not self.within else f"NOT {condition}"
        )


@dataclass(frozen=True)
class Operator:
    """One comparison: what its value is, SQL with `{column}` and `{0}`, `{1}` for values, and how these are bound.

    A negated one holds where that SQL does not, and so for what is not known.
    """

    value: str
    sql: str
    bind: Callable[["RuleField", Any, int], tuple[Any, ...]]
    negated: bool = False


def _text(field: RuleField, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_VALUE_CHARS or not (text := field.prepare(value)):
        raise InvalidRequest(f"{field.name} is compared with a text of 1 to {MAX_VALUE_CHARS} characters.")
    return text


def _number(field: RuleField, value: Any) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= MAX_NUMBER:
        raise InvalidRequest(f"{field.name} is compared with a number.")
    return value


def _day_ns(field: RuleField, value: Any) -> int:
    """The first nanosecond (UTC) of a day like `2024-02-29`."""
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        day = date.min
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise InvalidRequest(f"{field.name} is compared with a day, written as 2024-02-29.")
    return (day - _FIRST_DAY).days * _DAY_NS


def _pair(field: RuleField, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidRequest(f"{field.name} lies between two values: give a list of both.")
    return value[0], value[1]


def _bind_text(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    return (_text(field, value),)


def _bind_pattern(pattern: str) -> Callable[[RuleField, Any, int], tuple[Any, ...]]:
    """Bind a text within a LIKE pattern, in which nothing of its own is a wildcard."""

    def bind(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
        text = _text(field, value)
        for special in "!%_":
            text = text.replace(special, "!" + special)
        return (pattern.format(text),)

    return bind


def _bind_number(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    return (_number(field, value),)


def _bind_numbers(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    low, high = _pair(field, value)
    return _number(field, low), _number(field, high)


def _bind_day(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    return (_day_ns(field, value),)


def _bind_days(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    first, last = _pair(field, value)
    return _day_ns(field, first), _day_ns(field, last) + _DAY_NS


def _bind_age(field: RuleField, value: Any, now_ns: int) -> tuple[Any, ...]:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_DAYS:
        raise InvalidRequest(f"{field.name} is compared with a number of days from 1 to {MAX_DAYS}.")
    return (now_ns - value * _DAY_NS,)


def _bind_flag(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{field.name} is true or false.")
    return (value,)


def _bind_choice(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    if value not in field.choices:
        raise InvalidRequest(f"{field.name} is one of {', '.join(field.choices)}.")
    return (value,)


def _bind_nothing(field: RuleField, value: Any, _now_ns: int) -> tuple[Any, ...]:
    if value is not None:
        raise InvalidRequest(f"Whether {field.name} is known is asked without a value.")
    return ()


_EQUAL = "{column} = {0}"
_LIKE = "{column} LIKE {0} ESCAPE '!'"

OPERATORS: Mapping[Kind, dict[str, Operator]] = {
    "text": {
        "is": Operator("text", _EQUAL, _bind_text),
        "is_not": Operator("text", _EQUAL, _bind_text, negated=True),
        "contains": Operator("text", _LIKE, _bind_pattern("%{}%")),
        "contains_not": Operator("text", _LIKE, _bind_pattern("%{}%"), negated=True),
        "starts": Operator("text", _LIKE, _bind_pattern("{}%")),
        "ends": Operator("text", _LIKE, _bind_pattern("%{}")),
    },
    "number": {
        "is": Operator("number", _EQUAL, _bind_number),
        "is_not": Operator("number", _EQUAL, _bind_number, negated=True),
        "at_least": Operator("number", "{column} >= {0}", _bind_number),
        "at_most": Operator("number", "{column} <= {0}", _bind_number),
        "between": Operator("two numbers", "{column} BETWEEN {0} AND {1}", _bind_numbers),
    },
    "date": {
        "from": Operator("day", "{column} >= {0}", _bind_day),
        "before": Operator("day", "{column} < {0}", _bind_day),
        "between": Operator("two days", "({column} >= {0} AND {column} < {1})", _bind_days),
        "in_last_days": Operator("days", "{column} >= {0}", _bind_age),
        "not_in_last_days": Operator("days", "{column} >= {0}", _bind_age, negated=True),
    },
    "flag": {"is": Operator("flag", _EQUAL, _bind_flag)},
    "choice": {
        "is": Operator("choice", _EQUAL, _bind_choice),
        "is_not": Operator("choice", _EQUAL, _bind_choice, negated=True),
    },
}
KNOWN = {
    "known": Operator("none", "{column} IS NOT NULL", _bind_nothing),
    "unknown": Operator("none", "{column} IS NOT NULL", _bind_nothing, negated=True),
}


_ONE_ARTIST = """EXISTS (SELECT 1 FROM track_artist JOIN artist ON artist.id = track_artist.artist_id
    WHERE track_artist.track_id = track.id AND track_artist.role = '{role}' AND {{}})"""
_ONE_GENRE = """EXISTS (SELECT 1 FROM track_genre JOIN genre ON genre.id = track_genre.genre_id
    WHERE track_genre.track_id = track.id AND {})"""
_PROFILE = f"""EXISTS (SELECT 1 FROM analysis WHERE analysis.content_id = track.content_id
    AND analysis.version = {ANALYSIS_VERSION} AND analysis.profile IS NOT NULL AND {{}})"""

# What tags say that is kept in more than one place, or folded already.
_LINKED = (
    RuleField("title", "text", "track.title_key"),
    RuleField("artist", "text", "artist.name_key", nullable=True, within=_ONE_ARTIST.format(role="artist")),
    RuleField(
        "album_artist", "text", "artist.name_key", nullable=True, within=_ONE_ARTIST.format(role="album_artist")
    ),
    RuleField("album", "text", "track.album_key", nullable=True),
    RuleField("genre", "text", "genre.name_key", nullable=True, within=_ONE_GENRE),
    *(
        RuleField(
            f"musicbrainz_{role}_ids",
            "text",
            "fold_text(track_artist.musicbrainz_id)",
            nullable=True,
            within=_ONE_ARTIST.format(role=role),
        )
        for role in ("artist", "album_artist")
    ),
)
_SEVERAL = {"artists", "album_artists", "genres"}
"""Fields of tags whose single values are those of another field here."""

_KINDS: Mapping[FormName, Kind] = {
    "text": "text",
    "lines": "text",
    "date": "text",
    "number": "number",
    "gain": "number",
    "peak": "number",
    "flag": "flag",
}
_UNITS = {"_db": "decibels", "_lu": "loudness units"}


def _tag_rule(field: TagField) -> RuleField:
    """What can be asked of a field of tags that stands in one column as the tag has it."""
    kind = _KINDS[field.form]
    column = f"fold_text(track.{field.name})" if kind == "text" else f"track.{field.name}"
    return RuleField(field.name, kind, column, _UNITS.get(field.name[-3:]), nullable=True)


_OF_FILES = (
    RuleField("duration_s", "number", "track.duration_s", "seconds", nullable=True),
    RuleField("format", "choice", "track.kind", choices=tuple(row.name for row in FORMATS)),
    RuleField("sample_rate", "number", "track.sample_rate", "hertz"),
    RuleField("channels", "number", "track.channels"),
    RuleField("bits", "number", "track.bits", nullable=True),
    RuleField("size_bytes", "number", "track.size", "bytes"),
    RuleField("added", "date", "track.added_ns"),
    RuleField("missing", "flag", "track.missing"),
)
_OF_LISTENERS = (
    RuleField("last_played", "date", "track.last_played_ns", nullable=True),
    RuleField("play_count", "number", "track.play_count"),
    RuleField("skip_count", "number", "track.skip_count"),
    RuleField("rating", "number", "track.rating", "stars", nullable=True),
    RuleField("favorite", "flag", "track.favorite"),
)


def _rows() -> Iterator[RuleField]:
    """Every field: those of tags in the order of their table, what the file is, what was heard, what was measured."""
    linked = {field.name: field for field in _LINKED}
    yield from (
        linked[field.name] if field.name in linked else _tag_rule(field)
        for field in TAG_FIELDS
        if field.name not in _SEVERAL
    )
    yield from (*_OF_FILES, *_OF_LISTENERS)
    for one in DIMENSIONS:
        unit = None if one.unit == "1" else one.unit
        column = f"measured(analysis.profile, '{one.name}')"
        yield RuleField(one.name, "number", column, unit, nullable=True, within=_PROFILE)


FIELDS: Mapping[str, RuleField] = {field.name: field for field in _rows()}


class OperatorDescription(TypedDict):
    """A comparison, and what it is given."""

    name: str
    value: str


class RuleFieldDescription(TypedDict):
    """Something that rules can ask, and how."""

    name: str
    kind: Kind
    unit: str | None
    choices: list[str]
    operators: list[OperatorDescription]


def describe_fields() -> list[RuleFieldDescription]:
    """The table as clients see it: each field's name, kind, unit and choices, and what each operator is given."""
    return [
        {
            "name": field.name,
            "kind": field.kind,
            "unit": field.unit,
            "choices": list(field.choices),
            "operators": [{"name": name, "value": operator.value} for name, operator in field.operators.items()],
        }
        for field in FIELDS.values()
    ]
