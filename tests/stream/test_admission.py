"""Admission: who may begin a stream, and that who plays is left alone."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.errors import Busy
from auralis_trio.stream.admission import MAX_WAIT_S, Admission


def never() -> float:
    return 0.0


def test_so_many_are_let_in_and_the_next_is_told_when_to_come_again() -> None:
    admission = Admission(2, 2, never)
    with admission.place("a"), admission.place("b"):
        with pytest.raises(Busy) as caught:
            admission.check("c")
        assert (caught.value.code, caught.value.status) == ("server_busy", 503)
        assert int(caught.value.headers["Retry-After"]) > 0
    admission.check("c")


def test_one_client_does_not_take_all_places() -> None:
    admission = Admission(3, 2, never)
    with admission.place("a"), admission.place("a"):
        with pytest.raises(Busy):
            admission.check("a")
        admission.check("b")


def test_nobody_is_let_in_while_the_rendering_falls_behind() -> None:
    waits = [0.0]
    admission = Admission(3, 3, lambda: waits[0])
    with admission.place("a"):
        waits[0] = MAX_WAIT_S + 0.1
        with pytest.raises(Busy):
            admission.check("b")
        assert admission.statistics().streams == 1
        waits[0] = MAX_WAIT_S / 2
        admission.check("b")


@given(st.lists(st.sampled_from("abcd")))
def test_clients_that_are_gone_are_forgotten(clients: list[str]) -> None:
    admission = Admission(10, 10, never)

    def nest(rest: list[str], then: Callable[[], None]) -> None:
        if rest:
            with admission.place(rest[0]):
                nest(rest[1:], then)
        else:
            then()

    def look() -> None:
        assert admission.statistics().clients == len(set(clients))

    nest(clients[:10], look if len(clients) <= 10 else lambda: None)
    admission.check("e")
    assert admission.statistics().clients == 0
    assert admission.statistics().streams == 0
