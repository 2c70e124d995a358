"""Rhythm from the ledger: onsets, the tempo and how clear its pulse is.

The onset curve is by how many dB the forty bands rise from hop to hop, on average. Its autocorrelation shows the
pulse: a tempo counts by how well the curve agrees with itself one, two, three and four beats later, with a
preference for tempos near 120 beats a minute (a log-Gaussian prior, as in D. P. W. Ellis, "Beat tracking by dynamic
programming", 2007). Clarity is the autocorrelation at the beat (O. Lartillot et al., "Multi-feature modeling of pulse
clarity", 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

from auralis_trio.analysis.ledger import Codes, decode_power

LOWEST_BPM = 40.0
HIGHEST_BPM = 220.0
PREFERRED_BPM = 120.0
PRIOR_OCTAVES = 0.9
BEATS = 4
LEAST_CLARITY = 0.1
"""A pulse that is less clear than this is none, nor one within twice what chance makes of so many hops."""

ONSET_RISE_DB = 1.5
ONSET_RATIO = 1.5
_AROUND_S = 1.0
_STEP_BPM = 0.1
_HOPS_AT_ONCE = 2_048
_FINER = 8
"""How many points of the autocorrelation are looked at for each hop of delay."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Rhythm:
    """What was found; without a pulse there is no tempo."""

    tempo_bpm: float | None
    clarity: float
    onsets: int


def rhythm_of(curves: Sequence[Doubles], hop_s: float) -> Rhythm:
    """The rhythm of one or several runs of a track, from their onset curves."""
    onsets = sum(_onsets(curve, hop_s) for curve in curves)
    correlation = _autocorrelation([curve - _around(curve, hop_s) for curve in curves], hop_s)
    if correlation is None:
        return Rhythm(None, 0.0, onsets)
    tempos_bpm = np.arange(LOWEST_BPM, HIGHEST_BPM, _STEP_BPM)
    beats = 60.0 / tempos_bpm / hop_s * _FINER
    agreement = [np.interp(beats * beat, np.arange(len(correlation)), correlation) for beat in range(1, BEATS + 1)]
    prior = np.exp(-0.5 * (np.log2(tempos_bpm / PREFERRED_BPM) / PRIOR_OCTAVES) ** 2)
    best = int(np.argmax(np.mean(agreement, axis=0) * prior))
    clarity = float(np.clip(agreement[0][best], 0.0, 1.0))
    least = LEAST_CLARITY + 2.0 / sum(map(len, curves)) ** 0.5
    return Rhythm(float(tempos_bpm[best]) if clarity >= least else None, clarity, onsets)


def onset_curve(mid: Codes, side: Codes, floor_db: float) -> Doubles:
    """By how much the bands rise into each hop, on average over all of them: (hops,), in dB.

    `mid` and `side` (hops, 40) are the ledger's; quiet bands are held up to a floor. The last two hops are left out:
    where a sound is cut off there is a splash in all bands.
    """
    curve = np.zeros(len(mid))
    for first in range(0, len(mid), _HOPS_AT_ONCE):
        part = slice(max(first - 1, 0), first + _HOPS_AT_ONCE)
        power = np.maximum(decode_power(mid[part]) + decode_power(side[part]), np.float32(10.0 ** (floor_db / 10.0)))
        rises = np.maximum(np.diff(np.float32(10.0) * np.log10(power), axis=0), np.float32(0.0))
        curve[part][1:] = rises.mean(axis=1, dtype=np.float64)
    curve[-2:] = 0.0
    return curve


def _around(curve: Doubles, hop_s: float) -> Doubles:
    return np.asarray(ndimage.uniform_filter1d(curve, max(1, round(_AROUND_S / hop_s)), mode="nearest"))


def _onsets(curve: Doubles, hop_s: float) -> int:
    """How many peaks of the curve stand out from what is around them."""
    highest = ndimage.maximum_filter1d(curve, 5, mode="constant")
    stands_out = curve > ONSET_RISE_DB + ONSET_RATIO * _around(curve, hop_s)
    return int(np.count_nonzero(stands_out & (curve == highest)))


def _autocorrelation(curves: Sequence[Doubles], hop_s: float) -> Doubles | None:
    """The autocorrelation up to four of the slowest beats, eight points a hop, 1 at no delay.

    Beyond three quarters of a run there is none of it. None if nothing moves at all.
    """
    lags = int(BEATS * 60.0 / LOWEST_BPM / hop_s) + 8
    products, pairs = np.zeros(lags), np.zeros(lags)
    for curve in curves:
        size = fft.next_fast_len(max(len(curve), lags) + lags, real=True)
        within = np.maximum(len(curve) - np.arange(lags), 0)
        long_enough = within * 4 >= len(curve)
        products += long_enough * fft.irfft(np.abs(fft.rfft(curve, n=size)) ** 2, n=size)[:lags]
        pairs += long_enough * within
    if products[0] < ONSET_RISE_DB**2:
        return None
    means = products / np.maximum(pairs, 1.0)
    mirrored = np.concatenate((means[:0:-1], means)) / means[0]
    finer = signal.resample_poly(mirrored, _FINER, 1)
    return np.asarray(finer[(lags - 1) * _FINER :])
