"""One statement for many rows, or about many values, on either database; within a session.

Pony makes an object of each row and a query of each length, which costs a scan more than the databases themselves do.
Statements have a question mark for each value.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pony.orm import Database
from psycopg2.extras import execute_batch

from auralis_trio.library.dialect import Dialect

T = TypeVar("T")

Row = Sequence[Any]

_PAGE = 100

_LISTED = {
    Dialect.SQLITE: "SELECT key AS place, value AS id FROM json_each($ids)",
    Dialect.POSTGRESQL: """SELECT place - 1 AS place, CAST(id AS INTEGER) AS id
        FROM json_array_elements_text(CAST($ids AS JSON)) WITH ORDINALITY AS given (id, place)""",
}


def run_listed(db: Database, statement: str, ids: Sequence[int], **values: Any) -> Any:
    """The cursor of `statement`, which has names behind dollars, and `{listed}` for a query that gives each of `ids`
    and its `place`, from 0 on."""
    listed = _LISTED[Dialect(db.provider.dialect)]
    return db.execute(statement.format(listed=listed), {"ids": json.dumps(list(ids)), **values})


def rows_listed(db: Database, question: str, ids: Sequence[int]) -> list[Any]:
    """What a SELECT finds, in which `{listed}` is the same; also within a session that only reads."""
    question = question.format(listed=_LISTED[Dialect(db.provider.dialect)])
    return list(db.select(question, {"ids": json.dumps(list(ids))}))


def run_for_each(db: Database, statement: str, rows: Iterable[Row]) -> None:
    """Run `statement`, which gives nothing back, with the values of each row; within a session that writes."""
    rows = list(rows)
    if not rows:
        return
    connection = db.get_connection()
    if _is_sqlite(db):
        connection.executemany(statement, rows)
    else:
        execute_batch(connection.cursor(), statement.replace("?", "%s"), rows, page_size=_PAGE)


def run_with(db: Database, statement: str, values: Iterable[Any]) -> None:
    """Run `statement` once, with all the different `values` in the place of its `IN ?`; not at all without any."""
    if found := list(dict.fromkeys(values)):
        _execute(db, *_spread(statement, [found]))


def rows_with(db: Database, statement: str, *lists: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What `statement` finds with the different values of each list in the place of an `IN ?`, in their order; none
    where a list is empty. The lists must not hold more than some thousands."""
    found = [list(dict.fromkeys(values)) for values in lists]
    return list(_execute(db, *_spread(statement, found)).fetchall()) if all(found) else []


def _spread(statement: str, lists: Sequence[list[Any]]) -> tuple[str, list[Any]]:
    """The statement with as many question marks as there are values, in few lengths: each is prepared and kept."""
    first, *rest = statement.split("IN ?")
    text, arguments = first, []
    for values, part in zip(lists, rest, strict=True):
        length = 1 << (len(values) - 1).bit_length()
        text += f"IN ({', '.join('?' * length)}){part}"
        arguments += values + values[-1:] * (length - len(values))
    return text, arguments


def _execute(db: Database, statement: str, arguments: list[Any]) -> Any:
    # A list would be taken for the arguments of many statements; and Pony's own `execute` looks for dollars.
    return db._exec_sql(statement if _is_sqlite(db) else statement.replace("?", "%s"), tuple(arguments))


def _is_sqlite(db: Database) -> bool:
    return Dialect(db.provider.dialect) is Dialect.SQLITE
