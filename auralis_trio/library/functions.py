"""Functions that SQL of this package calls: on PostgreSQL a step of the migrations makes them; these are SQLite's."""

import sqlite3

import msgspec

from auralis_trio.library.text import fold_all


class _Measured(msgspec.Struct):
    values: dict[str, float | None]


_measured = msgspec.json.Decoder(_Measured)


def fold_text(text: str | None) -> str | None:
    """A text of any length as it is compared."""
    return None if text is None else fold_all(text)


def measured(profile: str | None, dimension: str) -> float | None:
    """What a profile, as it is kept, says of a dimension."""
    return None if profile is None else _measured.decode(profile).values.get(dimension)


def add_functions(connection: sqlite3.Connection) -> None:
    """Let SQL on this connection call them."""
    connection.create_function("fold_text", 1, fold_text, deterministic=True)
    connection.create_function("measured", 2, measured, deterministic=True)
