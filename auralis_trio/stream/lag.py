"""How late the event loop is: a task that sleeps wakes when its time has come and whoever is before it lets it."""

import trio

from auralis_trio.stream.histogram import Histogram

INTERVAL_S = 0.5
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


async def run_lag(lags: Histogram) -> None:
    """Note how late each wake-up is, until cancelled."""
    while True:
        due_s = trio.current_time() + INTERVAL_S
        await trio.sleep_until(due_s)
        lags.add(trio.current_time() - due_s)
