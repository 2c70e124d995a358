"""What is said of values that do not fit: the field and what it takes, never a library's own words."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

import auralis_trio.web.server  # noqa: F401  # with it, every record that a request is read into
from auralis_trio.fitting import misfit
from auralis_trio.stream.listening import ListeningSettings
from auralis_trio.wire.messages import CLIENT_MESSAGES
from auralis_trio.wire.queue_orders import QueueOrder


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: Annotated[float, Meta(gt=0, le=1.5)]
    names: dict[str, Annotated[str, Meta(min_length=2, max_length=5)]] = {}


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["big", "small"] | None = None
    rate: Literal[8000, 48000] = 8000
    count: Annotated[int, Meta(ge=1, le=500)] = 1
    identity: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    level: Annotated[float, Meta(le=0)] = 0.0
    on: bool = False
    text: Annotated[str, Meta(min_length=1)] = "a"
    inner: list[Inner] = []
    numbers: Annotated[tuple[int, ...], Meta(max_length=3)] = ()


SENTENCES: list[tuple[Any, str]] = [
    ({"kind": "huge"}, "kind is one of big, small."),
    ({"rate": 44100}, "rate is one of 8000, 48000."),
    ({"count": 0}, "count is a whole number from 1 to 500."),
    ({"count": "many"}, "count is a whole number from 1 to 500."),
    ({"identity": -4}, "identity is a whole number of 1 or more."),
    ({"level": 3}, "level is a number of 0 or less."),
    ({"on": 1}, "on is true or false."),
    ({"text": ""}, "text is text of at least 1 characters."),
    ({"numbers": [1, 2, 3, 4]}, "numbers is a list of at most 3."),
    ({"numbers": [1, "two"]}, "numbers[1] is a whole number."),
    ({"inner": [{"size": 1}, {}]}, "inner[1].size is missing: it is a number above 0 and up to 1.5."),
    ({"inner": [{"size": 0}]}, "inner[0].size is a number above 0 and up to 1.5."),
    ({"inner": [{"size": 1, "names": {"a": "b"}}]}, "inner[0].names[...] is text of 2 to 5 characters."),
    ({"inner": [7]}, "inner[0] is an object."),
    ({"inner": [{"size": 1, "colour": 2}]}, "There is no inner[0].colour: what can be given is size, names."),
    ([1], "it is not an object."),
]


def sentence(data: Any, kind: Any, *, strict: bool = True) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(data, kind, strict=strict)
    return misfit(caught.value, kind)


@pytest.mark.parametrize(("data", "expected"), SENTENCES)
def test_the_field_is_named_and_what_it_takes(data: Any, expected: str) -> None:
    assert sentence(data, Outer) == expected


def test_one_of_several_orders_is_named_by_what_tells_them_apart() -> None:
    assert sentence({"action": "sing"}, QueueOrder).startswith("action is one of set, ")
    assert sentence({}, QueueOrder).startswith("action is missing: it is one of set, ")
    assert sentence({"action": "set", "track_ids": []}, QueueOrder) == "track_ids is a list of 1 to 10000."


@given(st.text())
def test_whatever_a_client_calls_a_field_is_quoted_in_part_at_most(name: str) -> None:
    told = sentence({"inner": [{"size": 1, f"x{name}": 2}]}, Outer)
    assert told.endswith(": what can be given is size, names.")
    assert len(told) < 200
    tagged = sentence({"action": f"x{name}` - at `$.y`"}, QueueOrder)
    assert tagged.startswith("action is one of set, ")


def records(root: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in root.__subclasses__():
        yield from records(kind)
        if kind.__module__.startswith(("auralis_trio.web.", "auralis_trio.wire.", "auralis_trio.jobs.scan_report")):
            yield kind


READ = sorted({*records(msgspec.Struct), ListeningSettings, *CLIENT_MESSAGES.values()} - {QueueOrder}, key=str)


class Nothing:
    """What fits nowhere."""


@pytest.mark.parametrize("kind", READ, ids=str)
def test_every_field_that_a_client_can_give_is_explained(kind: Any) -> None:
    for field in msgspec.structs.fields(kind):
        given = {field.encode_name: Nothing()}
        try:
            msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            told = misfit(error, kind)
        else:
            continue  # whatever is given there is looked at later
        assert told.startswith(f"{field.encode_name} is ") or " is missing: it is " in told
        assert told.endswith(".")
        assert not set(told) & set("`$<>"), told
        assert "Expected" not in told
        assert "is ." not in told
