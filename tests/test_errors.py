"""Errors: one tree, each with a status, a code of its own and a text that can be shown."""

import pickle
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from auralis_trio import errors
from auralis_trio.errors import AuralisError, Busy, NotFound, SourceCorrupt, SourceError, about, foreseen


def tree(root: type[AuralisError]) -> Iterator[type[AuralisError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


CLASSES = [kind for kind in tree(AuralisError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", CLASSES)
def test_each_has_a_status_a_code_and_a_text_of_its_own(kind: type[AuralisError]) -> None:
    error = kind()
    assert HTTPStatus(error.status) >= HTTPStatus.BAD_REQUEST
    assert error.code == kind.default_code
    assert error.code.replace("_", "").isalpha()
    assert error.code.islower()
    assert str(error) == error.message == kind.text
    assert error.text.endswith(".")
    assert "/" not in error.text
    assert "\\" not in error.text
    assert error.headers == {}


def test_no_two_share_a_code_or_a_text() -> None:
    assert len({kind.default_code for kind in CLASSES}) == len(CLASSES)
    assert len({kind.text for kind in CLASSES}) == len(CLASSES)


def test_the_tree_as_written_down_is_the_tree_as_it_is() -> None:
    def drawn(kind: type[AuralisError]) -> dict[str, list[str]]:
        found = {kind.__name__: [child.__name__ for child in kind.__subclasses__() if child in CLASSES]}
        for child in kind.__subclasses__():
            if child in CLASSES:
                found |= drawn(child)
        return found

    assert errors.__doc__ is not None
    written: dict[str, list[str]] = {}
    above: list[str] = []
    for line in errors.__doc__.splitlines():
        words = line.lstrip("│ ├└─").split()
        depth = (len(line) - len(line.lstrip("│ ├└─"))) // 4
        if not words or words[0] not in {kind.__name__ for kind in CLASSES}:
            continue
        above[depth:] = [words[0]]
        written[words[0]] = []
        if depth:
            written[above[depth - 1]].append(words[0])
    assert written == drawn(AuralisError)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_message_replaces_the_text_and_a_time_becomes_a_header(kind: type[AuralisError]) -> None:
    error = kind("Do this instead.", retry_after_s=7)
    assert (error.message, str(error), error.code) == ("Do this instead.", "Do this instead.", kind.default_code)
    assert error.headers == {"Retry-After": "7"}


def test_a_code_can_be_more_exact_than_its_class() -> None:
    assert AuralisError(code="port_taken").code == "port_taken"
    assert Busy(retry_after_s=0).headers == {"Retry-After": "0"}


def test_a_broken_source_knows_where() -> None:
    assert SourceCorrupt(frame=0).frame == 0
    assert SourceError().frame is None


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_comes_back_whole_from_a_worker_process(kind: type[AuralisError]) -> None:
    error = kind("Words.", retry_after_s=3)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert vars(back) == vars(error)


def test_the_place_of_the_damage_comes_back_too() -> None:
    assert pickle.loads(pickle.dumps(SourceCorrupt(frame=12))).frame == 12


def test_the_log_gets_the_code_and_the_words_of_the_cause_in_one_line() -> None:
    error = SourceCorrupt()
    assert error.log_line == "track_corrupt"
    error.__cause__ = OSError(5, "a disk\nsays /no")
    assert error.log_line == "track_corrupt (OSError: [Errno 5] a disk says /no)"


def test_what_was_foreseen_is_told_from_what_needs_a_trace() -> None:
    busy = Busy()
    assert foreseen(busy) is busy
    assert foreseen(ExceptionGroup("", [ExceptionGroup("", [busy]), NotFound()])) is busy
    assert foreseen(ExceptionGroup("", [busy, ValueError()])) is None
    assert foreseen(KeyError()) is None


def test_one_of_many_is_named_to_each_who_is_told_of_the_same_error() -> None:
    shared = SourceCorrupt(frame=7)
    shared.__cause__ = OSError("broken")
    for name in ("One", "Two"):
        with pytest.raises(SourceCorrupt) as caught, about(name):
            raise shared from shared.__cause__
        assert str(caught.value) == caught.value.message == f"{name}: {SourceCorrupt.text}"
        assert (caught.value.frame, caught.value.code) == (7, "track_corrupt")
        assert caught.value.log_line == f"{name}: track_corrupt (OSError: broken)"
    assert shared.message == SourceCorrupt.text
    with pytest.raises(Busy) as told, about("Three"):
        raise Busy("Wait.", code="some_code", retry_after_s=3)
    assert (told.value.message, told.value.code) == ("Three: Wait.", "some_code")
    assert told.value.headers == {"Retry-After": "3"}
