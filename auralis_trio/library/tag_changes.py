"""What a listener may ask to be written into tags: checked by the table of fields, before any file is opened."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypedDict

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.tag_fields import EDITABLE, MAX_BPM, MAX_NUMBER, FormName, TagField, Value
from auralis_trio.library.tags import MAX_VALUES
from auralis_trio.library.text import MAX_LINES_CHARS, MAX_TEXT_CHARS, clean, clean_lines

Changes = dict[str, Value]

# What people are shown, and the same one by one.
_SHOWN = {"artists": "artist", "album_artists": "album_artist"}
_SAME_PLACE = (("year", "date"), ("genre", "genres"))
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def check_changes(asked: Mapping[str, Any]) -> Changes:
    """The changes as they will be written; null takes a field away.

    Raises:
        InvalidRequest: there is none, a field is unknown or cannot be edited, or a value does not fit its field.
    """
    unknown = asked.keys() - EDITABLE.keys()
    if unknown or not asked:
        raise InvalidRequest(f"Name one or more of these fields: {', '.join(EDITABLE)}.", code="field_not_editable")
    for one, other in _SAME_PLACE:
        if one in asked and other in asked:
            raise InvalidRequest(f"{one} and {other} stand in the same place: give one of them.")
    changes = {name: _check(EDITABLE[name], value) for name, value in asked.items()}
    for several, shown in _SHOWN.items():
        if several in changes and shown not in changes:
            names = changes[several]
            changes[shown] = ", ".join(names) if isinstance(names, tuple) else None
        elif shown in changes and several not in changes:
            changes[several] = None
    return changes


class TagFieldDescription(TypedDict):
    """A field that can be edited, and what it takes; null: no such bound."""

    name: str
    form: FormName
    max_length: int | None
    max_values: int | None
    maximum: int | None


def describe_fields() -> list[TagFieldDescription]:
    """The fields that can be edited: name, form, and the bounds of a value."""
    return [
        {
            "name": field.name,
            "form": field.form,
            "max_length": {"lines": MAX_LINES_CHARS, "number": None, "flag": None}.get(field.form, MAX_TEXT_CHARS),
            "max_values": MAX_VALUES if field.form == "names" else None,
            "maximum": _maximum(field) if field.form == "number" else None,
        }
        for field in EDITABLE.values()
    ]


def _check(field: TagField, value: Any) -> Value:
    return None if value is None else _CHECKS[field.form](field, value)


def _text(field: TagField, value: Any) -> Value:
    return _cleaned(field, value, clean, MAX_TEXT_CHARS)


def _lines(field: TagField, value: Any) -> Value:
    return _cleaned(field, value, clean_lines, MAX_LINES_CHARS)


def _cleaned(field: TagField, value: Any, cleaned: Callable[[str], str], most: int) -> str | None:
    usable = isinstance(value, str) and len(value) <= most and "\0" not in value
    if not usable or any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidRequest(f"{field.name} is a text of at most {most} characters.")
    return cleaned(value) or None


def _names(field: TagField, value: Any) -> Value:
    if not isinstance(value, list) or len(value) > MAX_VALUES:
        raise InvalidRequest(f"{field.name} is a list of at most {MAX_VALUES} texts.")
    names = (_cleaned(field, name, clean, MAX_TEXT_CHARS) for name in value)
    return tuple(dict.fromkeys(name for name in names if name)) or None


def _maximum(field: TagField) -> int:
    return {"bpm": MAX_BPM, "year": 9999}.get(field.name, MAX_NUMBER)


def _number(field: TagField, value: Any) -> Value:
    most = _maximum(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidRequest(f"{field.name} is a whole number from 1 to {most}.")
    return value


def _date(field: TagField, value: Any) -> Value:
    found = _DATE.fullmatch(value) if isinstance(value, str) and value.isascii() else None
    try:
        if found is not None:
            date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
            return value  # type: ignore[no-any-return]
    except ValueError:
        pass  # no such day
    raise InvalidRequest(f"{field.name} is written as 1999, 1999-05 or 1999-05-01.")


def _flag(field: TagField, value: Any) -> Value:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{field.name} is true or false.")
    return value


_CHECKS: dict[FormName, Callable[[TagField, Any], Value]] = {
    "text": _text,
    "lines": _lines,
    "names": _names,
    "number": _number,
    "date": _date,
    "flag": _flag,
}
