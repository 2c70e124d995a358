"""A client that says nothing is not cut: its connection lasts longer than any proxy's minute."""

import time

import pytest

from tests.quiet import QUIET

QUIET_S = 76.0


def test_a_quiet_client_stays_connected_for_more_than_75_seconds(pytestconfig: pytest.Config) -> None:
    client = pytestconfig.stash[QUIET]
    # The client has been connected since the run began; only what is left must be waited for.
    while not client.closed and (left_s := QUIET_S - (time.monotonic() - client.since_s)) > 0:
        client.pong.wait(timeout=left_s)
    assert not client.closed
    assert client.pings >= 3
    assert client.ask()
