"""Spectra: hop by hop in forty bands, and block by block in fine bins.

A hop's spectrum is that of two hops around its middle under a sine window. The squares of such windows add up to one,
so the powers of all hops add up to that of the sound. A bin's power is shared out among the bands that it reaches
into; what lies below 20 Hz or above 20.5 kHz is in none.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auralis_trio.analysis.bands import BANDS, EDGES_HZ
from auralis_trio.analysis.loudness import channel_weights
from auralis_trio.analysis.true_peak import Planar
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN, grain_frames

HOPS_AT_ONCE = 6
"""How many spectra are taken at once: few enough to stay in the cache, and to be no work for more than one thread."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectra of some hops: `mid` and `side` (hops, 40) in bands; `bins` is the mean power in each bin."""

    mid: Floats
    side: Floats
    bins: Floats


@dataclass(frozen=True, eq=False)
class Spectrograph:
    """Takes the spectra of blocks at one sample rate and number of channels."""

    hop: int
    window: Floats
    shares: Floats
    weights: tuple[float, ...]

    def spectrum(self, wide: Planar) -> Spectrum:
        """The spectra of some hops that are given with half a hop on either side: (channels, frames)."""
        if len(wide) == 2:
            scale = np.float32(0.5**0.5)
            mid, mid_bins = self._bands((wide[0] + wide[1]) * scale)
            side, side_bins = self._bands((wide[0] - wide[1]) * scale)
            return Spectrum(mid, side, mid_bins + side_bins)
        each = [
            self._bands(plane * np.float32(weight**0.5)) for plane, weight in zip(wide, self.weights, strict=True)
        ]
        mid = np.sum([bands for bands, _ in each], axis=0)
        return Spectrum(mid, np.zeros_like(mid), np.sum([bins for _, bins in each], axis=0))

    def _bands(self, line: Floats) -> tuple[Floats, Floats]:
        """One channel's powers in bands, hop by hop, and the mean of those in bins."""
        windows = np.lib.stride_tricks.sliding_window_view(line, len(self.window))[:: self.hop]
        bands = np.empty((len(windows), BANDS), np.float32)
        total = np.zeros(len(self.shares), np.float32)
        for first in range(0, len(windows), HOPS_AT_ONCE):
            values = fft.rfft(windows[first : first + HOPS_AT_ONCE] * self.window)
            powers = np.square(values.real) + np.square(values.imag)
            bands[first : first + HOPS_AT_ONCE] = powers @ self.shares
            total += powers.sum(axis=0)
        return bands, total / np.float32(len(windows))


@lru_cache(maxsize=8)
def spectrograph(sample_rate: int, channels: int) -> Spectrograph:
    """The spectrograph for this sample rate and so many channels."""
    hop = grain_frames(sample_rate) // LEDGER_HOPS_PER_GRAIN
    frames = 2 * hop
    window = np.sin(np.pi * (np.arange(frames) + 0.5) / frames) * (2.0 / (frames * hop)) ** 0.5
    shares = band_shares(EDGES_HZ, np.arange(hop + 1) * (sample_rate / frames))
    return Spectrograph(hop, window.astype(np.float32), shares.astype(np.float32), channel_weights(channels))


def band_shares(edges_hz: NDArray[np.floating], centres_hz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Which part of each of some evenly spaced bins lies in each of some bands: (bins, bands)."""
    half = (centres_hz[1] - centres_hz[0]) / 2.0
    lower, upper = centres_hz[:, np.newaxis] - half, centres_hz[:, np.newaxis] + half
    common = np.minimum(upper, edges_hz[1:]) - np.maximum(lower, edges_hz[:-1])
    return np.asarray(np.maximum(common, 0.0) / (2.0 * half))
