"""Sample peaks and true peaks: what a signal reaches between its samples, by ITU-R BS.1770-5, annex 2.

A signal is interpolated four times by 24 taps a phase; from 176.4 kHz on twice, where that leads far beyond 192 kHz.
Four points in each frame's time miss at most 0.55 dB of a tone at 0.45 of the sample rate, and 0.17 dB at a quarter.
One product with a block-Toeplitz matrix gives all points of two hops at once. Products are made of whole groups of
such pairs, each in its place: what a library's product gives for a row may hang on the row's place among the others.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import kaiser

from auralis_trio.audio.block import Samples, sane
from auralis_trio.audio.grid import PEAK_HOPS_PER_GRAIN, grain_frames

TAPS = 24
"""How many frames each point between two frames is interpolated from."""

HALO = TAPS // 2
GROUP = 8
"""How many pairs of hops are interpolated at once: always as many, each in the place that it has in the track."""

BEND = np.float32(0.35)
"""How far a band-limited signal rises above its samples, at most, in parts of their largest second difference."""

_KAISER_BETA = 8.0
_SILENT = 1e-10

Planar = NDArray[np.float32]
"""Shape (channels, frames)."""


@dataclass(frozen=True, eq=False)
class Interpolator:
    """Interpolates at one sample rate, two hops at a time.

    `matrix` (2 hops with a halo on either side, points between their frames) has the points of the first hop in its
    first half. `most_gain` is how far a point can rise above the largest sample.
    """

    hop: int
    halo: int
    matrix: NDArray[np.float32]
    most_gain: float

    def peaks(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The absolute peaks of both hops in each row, samples and the points between them: (groups, 8, 2).

        `rows` (groups, 8, 2 * (hop + halo)) has two hops in each row, with `halo` frames before and behind.
        """
        between = np.abs(np.matmul(rows, self.matrix)).reshape(-1, GROUP, 2, self.matrix.shape[1] // 2)
        while between.shape[3] % 2 == 0:
            between = np.maximum(between[..., ::2], between[..., 1::2])
        samples = np.abs(rows[..., self.halo : -self.halo]).reshape(-1, GROUP, 2, self.hop).max(axis=3)
        highest: NDArray[np.float32] = np.maximum(samples, between.max(axis=3))
        return highest


@lru_cache(maxsize=8)
def interpolator(sample_rate: int) -> Interpolator:
    """The interpolator for a sample rate; its hop is a 768th of a grain."""
    hop = grain_frames(sample_rate) // PEAK_HOPS_PER_GRAIN
    phases = _phases(oversampling(sample_rate))
    matrix = np.zeros((2 * hop + 2 * HALO, 2 * hop, len(phases)), np.float32)
    for frame in range(2 * hop):
        matrix[frame + 1 : frame + 1 + TAPS, frame] = phases.T
    most_gain = max(1.0, float(np.abs(phases).sum(axis=1).max()))
    return Interpolator(hop, HALO, matrix.reshape(len(matrix), -1), most_gain)


def oversampling(sample_rate: int) -> int:
    """How many points there are for each frame."""
    return 4 if sample_rate < 176_400 else 2


def _phases(factor: int) -> NDArray[np.float64]:
    """The weights of each point between a frame and the next, (factor - 1, 24): a windowed sinc whose sum is one."""
    place = np.arange(1, factor)[:, np.newaxis] / factor - np.arange(1 - HALO, HALO + 1)
    window = np.interp(place, np.linspace(-HALO, HALO, 8193), kaiser(8193, _KAISER_BETA))
    weights = np.sinc(place) * window
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def true_peaks_above(planes: Planar, threshold: float, at: Interpolator) -> NDArray[np.float32]:
    """The highest peak of any channel in each hop: true peaks where they may exceed `threshold`, else sample peaks.

    `planes` (channels, frames) is whole groups of pairs of hops; outside there is silence.
    """
    peaks = _sample_peaks(planes, at.hop)
    groups = peaks.reshape(len(planes), -1, GROUP, 2)
    nearby = _nearby(peaks).reshape(groups.shape[:3])
    places = np.nonzero((nearby > threshold / at.most_gain).any(axis=2))
    rows = _rows(planes, at)[places]
    bend = np.abs(rows[..., 2:] - 2 * rows[..., 1:-1] + rows[..., :-2]).max(axis=2, initial=0.0)
    likely = (nearby[places] + BEND * bend > threshold).any(axis=1)
    if likely.any():
        hot = (places[0][likely], places[1][likely])
        groups[hot] = np.maximum(groups[hot], at.peaks(rows[likely]))
    highest: NDArray[np.float32] = peaks.max(axis=0)
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


def _rows(planes: Planar, at: Interpolator) -> NDArray[np.float32]:
    """Each pair of hops with what its interpolation needs on either side: a view (channels, groups, 8, frames)."""
    padded = np.pad(planes, ((0, 0), (at.halo, at.halo)))
    pair = 2 * at.hop
    rows = np.lib.stride_tricks.sliding_window_view(padded, pair + 2 * at.halo, axis=1)[:, ::pair]
    channels, pairs, width = rows.shape
    strides = (rows.strides[0], GROUP * rows.strides[1], rows.strides[1], rows.strides[2])
    return np.lib.stride_tricks.as_strided(rows, (channels, pairs // GROUP, GROUP, width), strides, writeable=False)


class TruePeakMeter:
    """Measures the peaks of one sound, given piece by piece; what it says does not depend on the pieces.

    Only what may rise above the highest peak so far is interpolated, which is little. Whole groups are measured, each
    once more with the first frames behind it, since the first and last pairs of hops need their neighbours.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._at = interpolator(sample_rate)
        self._group = 2 * self._at.hop * GROUP
        self._rest = np.zeros((channels, self._group), np.float32)  # the last whole group, and what follows it
        self._sample_peak = 0.0
        self._true_peak = 0.0

    def add(self, samples: Samples) -> None:
        """Go on with these: (frames, channels)."""
        self.add_planes(np.ascontiguousarray(sane(samples).T))

    def add_planes(self, planes: Planar) -> None:
        """Go on with these, all within ±8: (channels, frames)."""
        waiting = np.concatenate((self._rest, planes), axis=1)
        whole = waiting.shape[1] - waiting.shape[1] % self._group
        self._sample_peak = max(self._sample_peak, _largest(planes))
        self._true_peak = self._highest(waiting[:, :whole])
        self._rest = waiting[:, whole - self._group :].copy()

    def result(self) -> tuple[float | None, float | None]:
        """The true peak in dBTP and the sample peak in dBFS so far; None for silence."""
        silence = np.zeros((len(self._rest), 3 * self._group - self._rest.shape[1]), np.float32)
        return dbfs(self._highest(np.concatenate((self._rest, silence), axis=1))), dbfs(self._sample_peak)

    def _highest(self, planes: Planar) -> float:
        """The true peak so far and that of all pairs of hops but the first and the last."""
        threshold = max(self._true_peak, self._sample_peak)
        peaks = true_peaks_above(planes, threshold, self._at)
        return max(threshold, float(peaks[2:-2].max(initial=0.0)))


def _largest(planes: Planar) -> float:
    return max(float(planes.max(initial=0.0)), -float(planes.min(initial=0.0)))


def dbfs(peak: float) -> float | None:
    """An absolute peak in dB of full scale; None for silence, which is all below -200 dB."""
    return 20.0 * math.log10(peak) if peak > _SILENT else None
