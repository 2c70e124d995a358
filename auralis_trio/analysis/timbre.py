"""The colour of about a second of sound, from its mean spectrum: centroid, rolloff, flatness."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.bands import EDGES_HZ
from auralis_trio.analysis.spectrum import band_shares

ROLLOFF_SHARE = 0.85
FLATNESS_FROM_HZ = 250.0
FLATNESS_TO_HZ = 10_000.0
_LEAST = 1e-12

CUTOFF_FROM_HZ = 5_000.0
CUTOFF_DROP_DB = 20.0
_CUTOFF_BEFORE_HZ = 1_000.0
_CUTOFF_SLOPE_HZ = 400.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Timbre:
    """What a spectrum of total `power` is like."""

    power: float
    centroid_hz: float
    rolloff_hz: float
    flatness: float


def timbre_of(bins: NDArray[np.floating], sample_rate: int) -> Timbre:
    """The timbre of mean powers in bins from 0 Hz to half the sample rate, where there is any power."""
    powers = bins.astype(np.float64)
    powers[0] = 0.0  # what does not move is no colour
    total = float(powers.sum())
    if total == 0.0:
        return Timbre(0.0, 0.0, 0.0, 0.0)
    centres_hz = np.arange(len(powers)) * (sample_rate / 2.0 / (len(powers) - 1))
    below = np.concatenate(([0.0], np.cumsum(powers)))
    edges_hz = np.append(centres_hz, 2 * centres_hz[-1] - centres_hz[-2]) - centres_hz[1] / 2.0
    rolloff_hz = float(np.interp(ROLLOFF_SHARE * below[-1], below, edges_hz))
    return Timbre(total, float(powers @ centres_hz) / total, rolloff_hz, _flatness(powers, sample_rate))


def _flatness(powers: Floats, sample_rate: int) -> float:
    """The geometric mean of the power densities in bands by their arithmetic mean."""
    densities = powers @ _densities(len(powers), sample_rate)
    mean = float(densities.mean())
    if mean == 0.0:
        return 0.0
    return min(1.0, float(np.exp(np.log(densities / mean + _LEAST).mean())))


@lru_cache(maxsize=8)
def _densities(bins: int, sample_rate: int) -> Floats:
    """Weights that give the mean density in each band that flatness looks at, from the powers in bins."""
    highest_hz = min(FLATNESS_TO_HZ, 0.45 * sample_rate)
    edges_hz = EDGES_HZ[(EDGES_HZ >= FLATNESS_FROM_HZ) & (highest_hz >= EDGES_HZ)]
    shares = band_shares(edges_hz, np.arange(bins) * (sample_rate / 2.0 / (bins - 1)))
    return np.asarray(shares / shares.sum(axis=0))


def cutoff_hz(bins: Floats, sample_rate: int) -> float | None:
    """Where a codec has cut off what is above: the mean spectrum falls by 20 dB within 400 Hz and stays down.

    None if nowhere below 0.45 of the sample rate.
    """
    step_hz = sample_rate / 2.0 / (len(bins) - 1)
    before, slope = round(_CUTOFF_BEFORE_HZ / step_hz), round(_CUTOFF_SLOPE_HZ / step_hz)
    levels_db = 10.0 * np.log10(bins + _LEAST * bins.max())
    top = round(0.98 * len(bins))
    loudest_above = np.maximum.accumulate(levels_db[:top][::-1])[::-1]
    places = np.arange(round(CUTOFF_FROM_HZ / step_hz), round(0.45 * sample_rate / step_hz))
    if not len(places):
        return None
    sums = np.concatenate(([0.0], np.cumsum(levels_db)))
    means = (sums[places] - sums[places - before]) / before
    drops = means - loudest_above[np.minimum(places + slope, top - 1)]
    best = int(np.argmax(drops))
    return float(places[best] * step_hz) if drops[best] >= CUTOFF_DROP_DB else None
