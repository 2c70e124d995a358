"""Smart playlists: rules that are checked when they are saved and evaluated by the database.

    {"match": {"all": [{"field": "year", "operator": "between", "value": [1990, 1999]},
                       {"any": [{"field": "favorite", "operator": "is", "value": true},
                                {"field": "genre", "operator": "contains", "value": "jazz"}]}]},
     "sort": "-added", "limit": 100}

An empty `all` matches everything, an empty `any` nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.paging import Order, Window
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.rule_fields import FIELDS
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import MAX_SEED, RANDOM, Selection, random_order, select_tracks, track_order

MAX_RULES = 100
MAX_DEPTH = 8
MAX_TRACKS = 100_000

_JOINS: dict[str, tuple[str, str]] = {"all": (" AND ", "TRUE"), "any": (" OR ", "FALSE")}


class SmartRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a smart playlist holds: the rules, the order (`random` goes by `seed`), and how many tracks at most."""

    match: dict[str, Any]
    sort: str = "title"
    limit: Annotated[int, Meta(ge=1, le=MAX_TRACKS)] | None = None
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] = 0

    @property
    def order(self) -> Order:
        """Its order.

        Raises:
            InvalidRequest: there is no such order.
        """
        return random_order(self.seed) if self.sort == RANDOM else track_order(self.sort)


def check_rules(rules: SmartRules) -> str:
    """The rules as they are stored, if they can be evaluated.

    Raises:
        InvalidRequest: one cannot; the text says which, and what could stand there.
    """
    compile_rules(rules, 0)
    return msgspec.json.encode(rules).decode()


def stored_rules(text: str) -> SmartRules:
    """What `check_rules` made."""
    return msgspec.json.decode(text, type=SmartRules)


def evaluate(library: Library, rules: SmartRules, window: Window, now_ns: int) -> Page[TrackRecord]:
    """A page of what the rules find.

    Raises:
        InvalidRequest: they cannot be evaluated, or the cursor belongs to other ones.
    """
    return select_tracks(library, compile_rules(rules, now_ns), rules.order, window, rules.limit)


def totals(library: Library, rules: SmartRules, now_ns: int) -> tuple[int, float | None]:
    """How many tracks the rules find, and their length in seconds; None where that of one is not known."""
    selection = compile_rules(rules, now_ns)
    found, values = f"track WHERE {selection.condition}", dict(selection.values)
    if rules.limit is not None:
        found = f"(SELECT duration_s FROM {found} ORDER BY {rules.order.by} LIMIT $at_most) AS found"
        values["at_most"] = rules.limit
    with library.reading():
        count, known, duration_s = library.db.get(
            f"SELECT count(*), count(duration_s), coalesce(sum(duration_s), 0.0) FROM {found}", values
        )
    return count, duration_s if known == count else None


def compile_rules(rules: SmartRules, now_ns: int) -> Selection:
    """The rules as a condition in SQL with bound values; ages count back from `now_ns`.

    Raises:
        InvalidRequest: they cannot be understood, or are too many or too deep.
    """
    _ = rules.order
    compiler = _Compiler(now_ns, {})
    about = f"rules {msgspec.json.encode(rules).decode()}"
    return Selection(about, compiler.node(rules.match, "match", 1), compiler.values)


@dataclass
class _Compiler:
    """One pass over a tree of rules."""

    now_ns: int
    values: dict[str, Any]
    rules: int = 0

    def node(self, node: Any, place: str, depth: int) -> str:
        """SQL for a group or for one rule; `place` is where it stands."""
        self.rules += 1
        if self.rules > MAX_RULES or depth > MAX_DEPTH:
            raise InvalidRequest(f"At most {MAX_RULES} rules, in groups at most {MAX_DEPTH} deep, can be evaluated.")
        if not isinstance(node, dict):
            raise InvalidRequest(f"{place}: a rule is an object.")
        for name in _JOINS:
            if set(node) == {name}:
                return self.group(name, node[name], f"{place}.{name}", depth)
        return self.rule(node, place)

    def group(self, name: str, nodes: Any, place: str, depth: int) -> str:
        """Several rules of which all, or any, must hold."""
        if not isinstance(nodes, Sequence) or isinstance(nodes, str):
            raise InvalidRequest(f"{place}: a group is a list of rules.")
        join, empty = _JOINS[name]
        parts = [self.node(node, f"{place}[{index}]", depth + 1) for index, node in enumerate(nodes)]
        return f"({join.join(parts)})" if parts else empty

    def rule(self, node: dict[str, Any], place: str) -> str:
        """One comparison."""
        if not set(node) <= {"field", "operator", "value"}:
            raise InvalidRequest(f"{place}: a rule has field, operator and value; a group has all or any, alone.")
        field = FIELDS.get(node.get("field", "")) if isinstance(node.get("field"), str) else None
        if field is None:
            raise InvalidRequest(f"{place}: the field is one of {', '.join(FIELDS)}.")
        wanted = node.get("operator")
        operator = field.operators.get(wanted) if isinstance(wanted, str) else None
        if operator is None:
            raise InvalidRequest(f"{place}: the operator for {field.name} is one of {', '.join(field.operators)}.")
        try:
            bound = operator.bind(field, node.get("value"), self.now_ns)
        except InvalidRequest as error:
            raise InvalidRequest(f"{place}: {error.message}") from None
        return field.condition(operator, [self.name_of(value) for value in bound])

    def name_of(self, value: Any) -> str:
        """A parameter for a value."""
        name = f"value{len(self.values)}"
        self.values[name] = value
        return f"${name}"
