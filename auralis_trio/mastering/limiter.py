"""The limiter: no true peak above the ceiling, by a gain that has moved before the peak comes and lets go slowly.

Peaks are those of the signal interpolated four times (fewer at high rates), for each hop of 16 frames. What a hop
needs is held over as long as half a cycle of 20 Hz, so that the gain stands still within each cycle of a steady tone;
it is released linearly in dB, smoothed, and interpolated by weights that are never negative and add up to one. The
hold reaches further than smoothing and interpolation together, so no gain is ever above what its peak needs. All
channels share it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.true_peak import Interpolator, interpolator, true_peaks_above
from auralis_trio.mastering.envelope import (
    SPLINE_REACH,
    Hops,
    hann,
    held,
    release_hops,
    released,
    smoothed,
    spline,
    upsampled,
)
from auralis_trio.mastering.equalizer import Planar
from auralis_trio.mastering.shape import Shape

ATTACK_S = 0.005
HOLD_S = 0.0175
RELEASE_DB_PER_S = 60.0
RANGE_DB = 12.0
MARGIN_DB = 0.45
"""How far below the ceiling peaks are held: what the meter sees that four-fold interpolation does not."""

_TO_LINEAR = np.float32(np.log(10.0) / 20.0)


@dataclass(frozen=True, eq=False)
class Limiter:
    """A limiter for one sample rate; see the module."""

    shape: Shape
    threshold: float
    interpolator: Interpolator
    window: NDArray[np.float64]
    weights: NDArray[np.float32]

    @classmethod
    def at(cls, ceiling_dbtp: float, shape: Shape) -> "Limiter":
        """The limiter that keeps true peaks below `ceiling_dbtp`."""
        return cls(
            shape,
            10.0 ** ((ceiling_dbtp - MARGIN_DB) / 20.0),
            interpolator(shape.sample_rate),
            hann(2 * shape.peak_hops(ATTACK_S) + 1),
            spline(shape.peak_hop),
        )

    @property
    def back(self) -> int:
        """How many peak hops before a frame its gain depends on."""
        return self._smooth + self._hold_back + release_hops(self._step_db, RANGE_DB) + 2

    @property
    def forward(self) -> int:
        """How many peak hops behind a frame its gain depends on, with the neighbours that peaks need."""
        return self._smooth + self._hold_forward + 2

    def reductions(self, planes: Planar) -> Hops:
        """By how many dB each hop has to be turned down, before hold and release: zero where its peak fits.

        `planes` (channels, frames) is whole cells; outside there is silence.
        """
        peaks = true_peaks_above(planes, self.threshold, self.interpolator)
        over = np.maximum(peaks * np.float32(1.0 / self.threshold), np.float32(1.0))
        needed: Hops = np.float32(20.0) * np.log10(over)
        return needed

    def envelope(self, reductions: Hops) -> Hops:
        """The reductions with hold, release and smoothing, in dB."""
        kept = held(reductions, self._hold_back, self._hold_forward)
        return smoothed(released(kept, self._step_db, RANGE_DB), self.window, outside="nearest")

    def gains(self, envelope: Hops) -> NDArray[np.float32]:
        """The gain of every frame, (cells, hops, frames of a hop), from cells of the envelope."""
        return upsampled(np.exp(envelope * -_TO_LINEAR), self.weights)

    @property
    def _smooth(self) -> int:
        return len(self.window) // 2

    @property
    def _hold_forward(self) -> int:
        return self._smooth + SPLINE_REACH

    @property
    def _hold_back(self) -> int:
        return self._hold_forward + self.shape.peak_hops(HOLD_S)

    @property
    def _step_db(self) -> float:
        return RELEASE_DB_PER_S * self.shape.peak_hop / self.shape.sample_rate
