"""Services that outlive their own crashes: one that fails is logged, shown, and begun again after a while."""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import trio

from auralis_trio.errors import foreseen

FIRST_DELAY_S = 1.0
MAX_DELAY_S = 60.0

ServiceState = Literal["running", "restarting", "ended"]

log = logging.getLogger(__name__)


class Supervisor:
    """Which services run, by their names."""

    def __init__(self) -> None:
        self.states: dict[str, ServiceState] = {}

    async def run(self, name: str, service: Callable[[], Awaitable[None]]) -> None:
        """Run a service until it ends or is cancelled; the wait doubles with each crash that follows soon."""
        delay_s = FIRST_DELAY_S
        while True:
            began_s = trio.current_time()
            self.states[name] = "running"
            try:
                await service()
            except Exception as error:  # the border of one service: its crash must not reach the others
                known = foreseen(error)
                log.error("the service %s failed%s", name, f": {known.log_line}" if known else "", exc_info=not known)
            else:
                self.states[name] = "ended"
                return
            if trio.current_time() - began_s > MAX_DELAY_S:
                delay_s = FIRST_DELAY_S
            self.states[name] = "restarting"
            await trio.sleep(delay_s)
            delay_s = min(2 * delay_s, MAX_DELAY_S)
