"""How long things took, counted into bounded classes."""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec


class HistogramStatistics(msgspec.Struct, frozen=True):
    """How many values were up to each of the bounds, and not up to the one before; the last count is the rest."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


class Histogram:
    """Values in classes up to each of the rising `bounds`, and one more for what is above."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count one more."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def statistics(self) -> HistogramStatistics:
        """The present figures."""
        return HistogramStatistics(self._bounds, tuple(self._counts), self._total)
