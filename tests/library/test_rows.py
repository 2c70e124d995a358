from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.rows import _spread, rows_with, run_for_each, run_with
from auralis_trio.library.store import Library

PATHS = [b"/music/a", b"/music/\xff", b"/music/c's ?%", b""]


def pending(library: Library) -> list[bytes]:
    with library.reading():
        return [path for (path,) in rows_with(library.db, "SELECT path FROM pending_file ORDER BY id")]


@pytest.fixture
def filled(library: Library) -> Library:
    with library.writing():
        run_for_each(library.db, "INSERT INTO pending_file (path) VALUES (?)", ([path] for path in PATHS))
    return library


def test_rows_come_out_as_they_went_in_and_in_their_order(filled: Library) -> None:
    assert pending(filled) == PATHS


def test_what_is_asked_for_by_lists_of_values_is_found_on_either_database(filled: Library) -> None:
    statement = "SELECT path FROM pending_file WHERE path IN ? AND id IN ? ORDER BY id"
    with filled.reading():
        assert rows_with(filled.db, statement, [*PATHS[:3], b"gone"], range(2, 9)) == [(PATHS[1],), (PATHS[2],)]


def test_without_values_nothing_is_found_and_nothing_is_done(filled: Library) -> None:
    with filled.writing():
        run_with(filled.db, "DELETE FROM pending_file WHERE path IN ?", [])
        run_for_each(filled.db, "DELETE FROM pending_file WHERE path = ?", [])
        assert rows_with(filled.db, "SELECT path FROM pending_file WHERE path IN ? AND id IN ?", PATHS, []) == []
    assert pending(filled) == PATHS


def test_what_is_to_be_done_to_several_is_done_to_these_alone(filled: Library) -> None:
    with filled.writing():
        run_with(filled.db, "DELETE FROM pending_file WHERE path IN ?", [PATHS[0], PATHS[2], PATHS[0]])
    assert pending(filled) == [PATHS[1], PATHS[3]]


def test_more_values_than_a_batch_has_are_taken(library: Library) -> None:
    paths = [b"%05d" % number for number in range(5_001)]
    with library.writing():
        run_for_each(library.db, "INSERT INTO pending_file (path) VALUES (?)", ([path] for path in paths))
    with library.reading():
        found = rows_with(library.db, "SELECT path FROM pending_file WHERE path IN ?", paths)
    assert sorted(path for (path,) in found) == paths


def test_a_session_that_fails_keeps_none_of_its_rows(filled: Library) -> None:
    def add_a_second_time() -> None:
        with filled.writing():
            run_for_each(filled.db, "INSERT INTO pending_file (path) VALUES (?)", [[b"new"], [PATHS[0]]])

    with pytest.raises(Exception, match=r"(?i)unique"):
        add_a_second_time()
    assert pending(filled) == PATHS


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=70, unique=True), min_size=1, max_size=3))
def test_values_are_all_asked_for_in_statements_of_few_lengths(lists: list[list[Any]]) -> None:
    text, arguments = _spread(" ".join("a IN ?" for _ in lists), lists)
    assert text.count("?") == len(arguments)
    for values, part in zip(lists, text.split("a IN ")[1:], strict=True):
        length = part.count("?")
        assert length in (1, 2, 4, 8, 16, 32, 64, 128)
        here, arguments = arguments[:length], arguments[length:]
        assert set(here) == set(values)
