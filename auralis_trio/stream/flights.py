"""Work that is done once however many wait for it, and that goes on when they have left.

A render ends with its last listener; but who asks for a mastered track, is told to come again and comes again, must
find it further than before. So a flight is a task of the services' nursery. At most `max_flights` are in the air.
"""

import logging
from collections.abc import Awaitable, Callable, Hashable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import trio

from auralis_trio.errors import AuralisError, Busy

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Flight:
    """One piece of work, and what came of it; neither result nor error when the services ended first."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    landed: trio.Event = field(default_factory=trio.Event)
    results: list[Any] = field(default_factory=list)
    error: AuralisError | None = None


class FlightStatistics(msgspec.Struct, frozen=True):
    """How many are under way, of how many that can be."""

    under_way: int
    max: int


class Flights:
    """What is under way in one nursery, by its key; `ended` counts what was."""

    def __init__(self, nursery: trio.Nursery, max_flights: int) -> None:
        self.ended = 0
        self.max_flights = max_flights
        self._nursery = nursery
        self._flights: dict[Hashable, _Flight] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    def statistics(self) -> FlightStatistics:
        """The present figures."""
        return FlightStatistics(len(self._flights), self.max_flights)

    async def join(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, which is begun if nothing of this key is under way. Leaving does not end it.

        Raises:
            Busy: as much as may be is under way, or the flight was called off.
            AuralisError: whatever `work` raises; what it did not raise on purpose has the text of the root.
        """
        flight = self.begin(key, work)
        await flight.landed.wait()
        if flight.error is not None:
            raise copy(flight.error)
        if not flight.results:
            raise Busy(retry_after_s=5)
        result: T = flight.results[0]
        return result

    def begin(self, key: Hashable, work: Callable[[], Awaitable[Any]]) -> _Flight:
        """The same without waiting."""
        flight = self._flights.get(key)
        if flight is None:
            if len(self._flights) >= self.max_flights:
                raise Busy(retry_after_s=5)
            flight = self._flights[key] = _Flight()
            self._nursery.start_soon(self._fly, key, flight, work)
        return flight

    async def wait_idle(self) -> None:
        """Wait until nothing is under way."""
        while self._flights:
            await next(iter(self._flights.values())).landed.wait()

    def cancel_nowait(self, key: Hashable) -> bool:
        """Call a flight off; whether there was one."""
        flight = self._flights.get(key)
        if flight is None:
            return False
        flight.scope.cancel()
        return True

    def cancel_all_nowait(self) -> None:
        """Call off whatever is under way."""
        for flight in self._flights.values():
            flight.scope.cancel()

    async def end(self, key: Hashable) -> None:
        """Call a flight off, if there is one, and wait until it has ended: also when the caller is cancelled."""
        flight = self._flights.get(key)
        if flight is not None:
            flight.scope.cancel()
            with trio.CancelScope(shield=True):
                await flight.landed.wait()

    async def _fly(self, key: Hashable, flight: _Flight, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            with flight.scope:
                flight.results.append(await work())
        except AuralisError as error:
            flight.error = error
        except Exception:  # the border of one flight: its failure is its askers', and ends nothing else
            log.exception("%s failed", key)
            flight.error = AuralisError()
        finally:
            del self._flights[key]
            self.ended += 1
            flight.landed.set()
