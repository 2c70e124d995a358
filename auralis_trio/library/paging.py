"""Which part of a list, and in which order: the same rules for every list there is."""

from collections.abc import Mapping
from dataclasses import dataclass

from auralis_trio.errors import InvalidRequest

MAX_LIMIT = 500
MAX_OFFSET = 1_000_000_000


@dataclass(frozen=True)
class Window:
    """Which part of a list: `limit` items from `offset` on.

    Raises:
        InvalidRequest: a number is out of range.
    """

    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidRequest(f"The limit is a number from 1 to {MAX_LIMIT}.")
        if not 0 <= self.offset <= MAX_OFFSET:
            raise InvalidRequest(f"The offset is a number from 0 to {MAX_OFFSET}.")


def order_by(sorts: Mapping[str, tuple[str, ...]], sort: str, prefix: str = "") -> str:
    """The ORDER BY for an allowed name: `-` turns its first column and the id, which breaks every tie.

    Raises:
        InvalidRequest: the name is none of `sorts`.
    """
    columns = sorts.get(sort.removeprefix("-"))
    if columns is None:
        raise InvalidRequest(f"The list can be sorted by {', '.join(sorts)}, each with - in front for descending.")
    first, *rest = (f"{prefix}{column}" for column in columns)
    direction = "DESC" if sort.startswith("-") else "ASC"
    return ", ".join(
        [f"{first} {direction} NULLS LAST", *(f"{column} NULLS LAST" for column in rest), f"{prefix}id {direction}"]
    )
