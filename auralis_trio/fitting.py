"""Why a value does not fit a record, in plain words: which field it is about, and what that takes.

msgspec says what is wrong in words for programmers, and not what would be right. Here its error only tells the place;
the sentence is made of the record's own types.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from msgspec import ValidationError, inspect

MAX_KINDS = 128
"""How many records' types are remembered; reading one takes half a millisecond."""

MAX_QUOTE = 100
LARGEST_TOLD = 2**53
"""What lies beyond is a bound for machines, not for people."""

_AT = re.compile(r" - at `(key` in `)?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_LACKS, _UNKNOWN = "Object missing required field `", "Object contains unknown field `"


def misfit(error: ValidationError, kind: Any) -> str:
    """What is wrong with a value that msgspec did not take as `kind`, as a sentence or two."""
    said = str(error)
    found = _AT.search(said)
    path = found["path"] if found else ""
    reason = said[: found.start()] if found else said
    kinds = _kinds_at(path, _types_of(kind))
    place = path.removeprefix(".")
    if reason.startswith(_UNKNOWN):
        names = ", ".join(dict.fromkeys(field.encode_name for field in _fields(kinds)))
        unknown = _joined(place, _quoted(reason, _UNKNOWN))
        return f"There is no {unknown}: " + (
            f"what can be given is {names}." if names else "nothing can be given here."
        )
    if reason.startswith(_LACKS):
        name = _quoted(reason, _LACKS)
        return f"{_joined(place, name)} is missing: it is {_taken(_kinds_at('.' + name, kinds))}."
    return f"{place} is {_taken(kinds)}." if place else f"it is not {_taken(kinds)}."


def _quoted(reason: str, opening: str) -> str:
    return reason[len(opening) :].removesuffix("`")[:MAX_QUOTE]


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


@lru_cache(maxsize=MAX_KINDS)
def _types_of(kind: Any) -> tuple[inspect.Type, ...]:
    return tuple(_alternatives(inspect.type_info(kind)))


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    else:
        yield kind


def _kinds_at(path: str, kinds: Sequence[inspect.Type]) -> tuple[inspect.Type, ...]:
    """What may stand at a path like `.updates[0].track_id` in one of `kinds`."""
    for name, _ in _STEP.findall(path):
        kinds = tuple(one for kind in kinds for below in _below(kind, name) for one in _alternatives(below))
    return tuple(kinds)


def _below(kind: inspect.Type, name: str) -> Iterator[inspect.Type]:
    """What stands in the field of that name, or, without one, in each place of a list or an object."""
    if isinstance(kind, inspect.StructType):
        if name and name == kind.tag_field:
            yield inspect.LiteralType((kind.tag,))
        yield from (field.type for field in kind.fields if field.encode_name == name)
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield kind.item_type


def _fields(kinds: Sequence[inspect.Type]) -> Iterator[inspect.Field]:
    for kind in kinds:
        if isinstance(kind, inspect.StructType):
            yield from kind.fields


def _taken(kinds: Sequence[inspect.Type]) -> str:
    """What any of these takes, in words."""
    values = [_word(value) for kind in kinds if isinstance(kind, inspect.LiteralType) for value in kind.values]
    words = [] if not values else [values[0] if len(values) == 1 else f"one of {', '.join(values)}"]
    words += [_described(kind) for kind in kinds if not isinstance(kind, inspect.LiteralType | inspect.NoneType)]
    # That null is as good as nothing does not help who wanted to give something.
    return " or ".join(dict.fromkeys(words)) or "null"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return noun + _within(kind)
        case inspect.StrType():
            return "text" + _sized(kind.min_length, kind.max_length, " characters")
        case inspect.ListType() | inspect.VarTupleType():
            return "a list" + _sized(kind.min_length, kind.max_length, "")
        case _:
            return "an object"


def _within(kind: inspect.IntType | inspect.FloatType) -> str:
    least, most = kind.ge, kind.le
    if most is not None and most >= LARGEST_TOLD:
        most = None
    if kind.gt is not None:
        return f" above {kind.gt:.16g}" + (f" and up to {most:.16g}" if most is not None else "")
    if least is not None and most is not None:
        return f" from {least:.16g} to {most:.16g}"
    if least is not None:
        return f" of {least:.16g} or more"
    return "" if most is None else f" of {most:.16g} or less"


def _sized(least: int | None, most: int | None, what: str) -> str:
    if least and most is not None:
        return f" of {least} to {most}{what}"
    if most is not None:
        return f" of at most {most}{what}"
    return f" of at least {least}{what}" if least else ""
