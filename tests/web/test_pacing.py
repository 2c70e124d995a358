"""How often one client may ask."""

import pytest

from auralis_trio.errors import TooMany
from auralis_trio.web.pacing import RequestRates


def test_who_asks_too_often_is_told_to_wait_and_then_served_again() -> None:
    rates = RequestRates(5)
    for _ in range(5):
        rates.check("a", 10.0)
    with pytest.raises(TooMany) as caught:
        rates.check("a", 10.0)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
    rates.check("b", 10.0)
    rates.check("a", 10.5)


def test_only_the_latest_clients_are_remembered() -> None:
    rates = RequestRates(1, max_clients=3)
    for number in range(10):
        rates.check(f"client {number}", float(number))
        rates.check(f"client {number}", number + 1.5)
    assert len(rates) == 3
