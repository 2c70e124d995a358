"""The two databases that a library can lie in, and how one text of SQL becomes that of each.

SQL in this package is written in the words that both understand. Where a type has another name on PostgreSQL, the
statement is written in SQLite's words and `spelled` exchanges them. Where more differs, there is one text for each.
"""

import re
from dataclasses import dataclass
from enum import Enum


class Dialect(Enum):
    """A database, by the name that Pony has for it."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


@dataclass(frozen=True)
class ByDialect:
    """Statements that have nothing in common on the two."""

    sqlite: tuple[str, ...]
    postgresql: tuple[str, ...]


Statement = str | ByDialect

# Only words in capitals are types; TEXT is compared by code points, as on SQLite, whatever the server's language is.
_POSTGRESQL_WORDS = {
    "INTEGER PRIMARY KEY AUTOINCREMENT": "SERIAL PRIMARY KEY",
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
    "TEXT": 'TEXT COLLATE "C"',
}
_ANY_WORD = re.compile(r"\b(" + "|".join(_POSTGRESQL_WORDS) + r")\b")


def spelled(statement: Statement, dialect: Dialect) -> tuple[str, ...]:
    """The statements to run on one of the two databases.

    >>> spelled("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB)", Dialect.POSTGRESQL)
    ('CREATE TABLE a (id SERIAL PRIMARY KEY, path BYTEA)',)
    """
    if isinstance(statement, ByDialect):
        return statement.sqlite if dialect is Dialect.SQLITE else statement.postgresql
    if dialect is Dialect.SQLITE:
        return (statement,)
    return (_ANY_WORD.sub(lambda found: _POSTGRESQL_WORDS[found[0]], statement),)
