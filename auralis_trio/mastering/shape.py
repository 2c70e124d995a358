"""The sizes that the chain works in, all whole parts of a grain, so that they scale with the sample rate.

44.1 and 48 kHz: grain 12,288 | FFT 16,384 | filters 4,097 taps | control hop 64 | peak hop 16 | low band fs / 16
"""

from dataclasses import dataclass
from functools import cached_property

from auralis_trio.audio.grid import CONTROL_HOPS_PER_GRAIN, PEAK_HOPS_PER_GRAIN, grain_frames

CELLS_PER_GRAIN = 4
"""Gains are applied cell by cell, a quarter of a grain: small enough to skip those where there is nothing to do."""

LOW_FRAMES_PER_GRAIN = 768
"""The low band is kept at so many frames a grain, whatever the rate: four in each control hop."""


@dataclass(frozen=True)
class Shape:
    """The sizes at one sample rate, in frames."""

    sample_rate: int

    @cached_property
    def grain(self) -> int:
        """What one FFT yields."""
        return grain_frames(self.sample_rate)

    @cached_property
    def fft(self) -> int:
        """What one FFT takes: a grain and half a filter on either side."""
        return self.grain * 4 // 3

    @property
    def half(self) -> int:
        """Half the length of a filter; its other half and one tap in the middle make the whole."""
        return self.grain // 6

    @property
    def decimation(self) -> int:
        """Frames for each one of the low band."""
        return self.grain // LOW_FRAMES_PER_GRAIN

    @property
    def control_hop(self) -> int:
        """Frames between two values of the dynamics' gain."""
        return self.grain // CONTROL_HOPS_PER_GRAIN

    @property
    def peak_hop(self) -> int:
        """Frames between two values of the limiter's gain."""
        return self.grain // PEAK_HOPS_PER_GRAIN

    @property
    def cell(self) -> int:
        """Frames that a gain is applied to at once."""
        return self.grain // CELLS_PER_GRAIN

    def control_hops(self, time_s: float) -> int:
        """A time in whole control hops, to the nearest."""
        return round(time_s * self.sample_rate / self.control_hop)

    def peak_hops(self, time_s: float) -> int:
        """A time in whole peak hops, to the nearest."""
        return round(time_s * self.sample_rate / self.peak_hop)
