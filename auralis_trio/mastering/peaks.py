"""True peaks hop by hop, as far as they matter: a signal is interpolated only where a peak could pass a threshold."""

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.true_peak import Interpolator
from auralis_trio.mastering.envelope import Hops
from auralis_trio.mastering.equalizer import Planar

BEND = np.float32(0.35)
"""How far a band-limited signal rises above its samples, at most, in parts of their largest second difference."""


def true_peaks_above(planes: Planar, threshold: float, interpolator: Interpolator) -> Hops:
    """The highest peak of any channel in each hop: true peaks where they may exceed `threshold`, else sample peaks.

    `planes` (channels, frames) is whole pairs of hops; outside there is silence.
    """
    peaks = _sample_peaks(planes, interpolator.hop)
    nearby = _nearby(peaks)
    places = np.nonzero(nearby > threshold / interpolator.most_gain)
    rows = _rows(planes, interpolator)[places]
    bend = np.abs(rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2]).max(axis=1, initial=0.0)
    likely = nearby[places] + BEND * bend > threshold
    if likely.any():
        hot = (places[0][likely], places[1][likely])
        pairs = peaks.reshape(len(peaks), -1, 2)
        pairs[hot] = np.maximum(pairs[hot], interpolator.peaks(rows[likely]))
    highest: Hops = peaks.max(axis=0)
    return highest


def _sample_peaks(planes: Planar, hop: int) -> Planar:
    """The largest sample of each hop, by halving: (channels, hops)."""
    peaks = np.abs(planes)
    while peaks.shape[1] * hop > planes.shape[1]:
        peaks = np.maximum(peaks[:, ::2], peaks[:, 1::2])
    return peaks


def _nearby(peaks: Planar) -> Planar:
    """The largest sample of each pair of hops and of the hop on either side: (channels, pairs)."""
    around = np.pad(peaks, ((0, 0), (1, 1)))
    inner = np.maximum(around[:, 1:-1:2], around[:, 2::2])
    return np.maximum(inner, np.maximum(around[:, :-2:2], around[:, 3::2]))


def _rows(planes: Planar, interpolator: Interpolator) -> NDArray[np.float32]:
    """Each pair of hops with what its interpolation needs on either side: a view (channels, pairs, frames)."""
    padded = np.pad(planes, ((0, 0), (interpolator.halo, interpolator.halo)))
    pair = 2 * interpolator.hop
    windows: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(
        padded, pair + 2 * interpolator.halo, axis=1
    )[:, ::pair]
    return windows
