"""Admission: who may begin a stream, and that who plays is left alone."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.errors import Busy
from auralis_trio.stream.admission import MAX_WAIT_S, Admission, Seat


def never() -> float:
    return 0.0


@contextmanager
def taken(admission: Admission, client: str) -> Iterator[Seat]:
    with admission.seat(client) as seat:
        seat.take()
        yield seat


def test_so_many_are_let_in_and_the_next_is_told_when_to_come_again() -> None:
    admission = Admission(2, 2, never)
    seat = admission.seat("c")
    with taken(admission, "a"), taken(admission, "b"):
        with pytest.raises(Busy) as caught:
            seat.take()
        assert (caught.value.code, caught.value.status) == ("server_busy", 503)
        assert int(caught.value.headers["Retry-After"]) > 0
        assert (admission.statistics().clients, admission.statistics().refused) == (2, 1)
    seat.take()


def test_who_has_a_place_keeps_it_however_often_it_takes_or_gives_back() -> None:
    admission = Admission(1, 1, never)
    with taken(admission, "a") as seat:
        seat.take()
        assert admission.statistics().streams == 1
        seat.give_back()
        assert admission.statistics().streams == 0
    assert admission.statistics().streams == 0


def test_one_client_does_not_take_all_places() -> None:
    admission = Admission(3, 2, never)
    with taken(admission, "a"), taken(admission, "a"):
        with pytest.raises(Busy):
            admission.seat("a").take()
        admission.seat("b").take()


def test_nobody_is_let_in_while_the_rendering_falls_behind() -> None:
    waits = [0.0]
    admission = Admission(3, 3, lambda: waits[0])
    with taken(admission, "a"):
        waits[0] = MAX_WAIT_S + 0.1
        with pytest.raises(Busy):
            admission.seat("b").take()
        assert admission.statistics().streams == 1
        waits[0] = MAX_WAIT_S / 2
        admission.seat("b").take()


def test_who_takes_over_has_the_place_of_one_of_the_others_and_these_have_none() -> None:
    waits = [0.0]
    admission = Admission(2, 1, lambda: waits[0])
    one, two, three = (admission.seat(client) for client in "abc")
    one.take()
    two.take()
    waits[0] = MAX_WAIT_S + 0.1
    three.take([one, two])
    assert [seat.taken for seat in (one, two, three)] == [False, False, True]
    assert admission.statistics().streams == 1
    one.give_back()
    two.give_back()
    assert admission.statistics().streams == 1


def test_a_takeover_within_one_client_needs_no_further_place() -> None:
    admission = Admission(1, 1, never)
    with taken(admission, "a") as one, admission.seat("a") as two:
        two.take([one])
        assert (one.taken, two.taken) == (False, True)


@pytest.mark.parametrize("busy", ["client", "server"])
def test_a_takeover_that_is_refused_leaves_the_others_their_places(busy: str) -> None:
    admission = Admission(2, 1, never)
    with ExitStack() as stack:
        one = stack.enter_context(taken(admission, "a"))
        stack.enter_context(taken(admission, "b" if busy == "client" else "c"))
        idle = admission.seat("d")  # a session whose place is free already frees none
        with pytest.raises(Busy):
            admission.seat("b").take([one] if busy == "client" else [idle])
        assert one.taken
        assert admission.statistics().streams == 2


@given(st.lists(st.sampled_from("abcd"), max_size=10))
def test_clients_that_are_gone_are_forgotten(clients: list[str]) -> None:
    admission = Admission(10, 10, never)
    with ExitStack() as stack:
        for client in clients:
            stack.enter_context(taken(admission, client))
        assert admission.statistics().clients == len(set(clients))
    assert admission.statistics().clients == 0
    assert admission.statistics().streams == 0
