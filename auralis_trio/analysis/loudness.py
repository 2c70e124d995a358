"""Loudness by ITU-R BS.1770-5 and EBU R128: momentary, short-term, integrated, and its range by EBU Tech 3342.

Samples are K-weighted and squared, and their power is kept for every 10 ms. All figures are made of these: momentary
and short-term loudness move in steps of 10 ms, so that no maximum is missed, the integrated loudness and the range in
steps of 100 ms, as the standards have it.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from auralis_trio.audio.block import Samples, sane

Powers = NDArray[np.float64]

STEPS_PER_S = 100
MOMENTARY_STEPS = 40
SHORT_TERM_STEPS = 300
GATING_STEPS = 10

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
RANGE_GATE_LU = -20.0
OFFSET_LUFS = -0.691
SURROUND = 1.41
_SILENT = 1e-20

# The two filters of K-weighting as analogue prototypes that the bilinear transform gives the standard's own
# coefficients for 48 kHz from: a high shelf for the head, then a high-pass.
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_SLOPE = 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


class Loudness(msgspec.Struct, frozen=True):
    """What a meter says; None where the sound is too short or too quiet for a figure."""

    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None


def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """The filter of annex 1 for any sample rate: two second-order sections."""
    gain = 10.0 ** (_SHELF_DB / 20.0)
    band = gain**_SHELF_SLOPE
    k, q = math.tan(math.pi * _SHELF_HZ / sample_rate), _SHELF_Q
    norm = 1.0 + k / q + k * k
    shelf = [
        (gain + band * k / q + k * k) / norm,
        2.0 * (k * k - gain) / norm,
        (gain - band * k / q + k * k) / norm,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / q + k * k) / norm,
    ]
    k, q = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate), _HIGH_PASS_Q
    norm = 1.0 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / norm, (1.0 - k / q + k * k) / norm]
    return np.array([shelf, high_pass])


def k_weighting_power(frequencies_hz: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """The power gains of K-weighting at these frequencies; above half the sample rate that of the half."""
    places = np.minimum(frequencies_hz, sample_rate / 2.0)
    _, response = signal.sosfreqz(k_weighting(sample_rate), places, fs=sample_rate)
    return np.asarray(np.abs(response) ** 2)


def channel_weights(channels: int) -> tuple[float, ...]:
    """How much each channel's power counts, in the order of channels that WAV has.

    What stands beside the listener counts 1.41, the LFE channel not at all, all else 1 (annex 3). The rear pair of
    four, five or six channels is the surround pair; of eight it is behind the listener and the side pair beside.
    """
    rear = {4: (2, 3), 5: (3, 4), 6: (4, 5), 7: (5, 6), 8: (6, 7)}.get(channels, ())
    lfe = (3,) if channels in (6, 7, 8) else ()
    return tuple(0.0 if each in lfe else SURROUND if each in rear else 1.0 for each in range(channels))


def gated_lufs(block_powers: Powers) -> float | None:
    """The loudness of blocks of 400 ms by the two gates of annex 1, from their powers; None if none passes."""
    loud = block_powers[block_powers > _power(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return None
    above = loud[loud > loud.mean() * 10.0 ** (RELATIVE_GATE_LU / 10.0)]
    return _lufs(float(above.mean()))


def loudness_range_lu(short_term_powers: Powers) -> float | None:
    """The range between the 10th and the 95th percentile of gated short-term loudness; None if nothing passes."""
    loud = short_term_powers[short_term_powers >= _power(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return None
    above = loud[loud >= loud.mean() * 10.0 ** (RANGE_GATE_LU / 10.0)]
    low, high = np.percentile(above, (10.0, 95.0), method="nearest")
    return _lufs(float(high)) - _lufs(float(low))


def loudness_of(runs: Sequence[Powers]) -> Loudness:
    """The standards' figures of what was heard in one or several runs, from the powers of their steps of 10 ms."""
    momentary = [moving_powers(powers, MOMENTARY_STEPS) for powers in runs]
    short_term = [moving_powers(powers, SHORT_TERM_STEPS) for powers in runs]
    return Loudness(
        gated_lufs(np.concatenate([powers[::GATING_STEPS] for powers in momentary])),
        loudness_range_lu(np.concatenate([powers[::GATING_STEPS] for powers in short_term])),
        _highest_lufs(np.concatenate(momentary)),
        _highest_lufs(np.concatenate(short_term)),
    )


def moving_powers(powers: Powers, steps: int) -> Powers:
    """The mean of every `steps` that follow each other."""
    if len(powers) < steps:
        return powers[:0]
    return np.asarray(np.lib.stride_tricks.sliding_window_view(powers, steps).mean(axis=1))


class LoudnessMeter:
    """Measures the loudness of one sound, given piece by piece; what it says does not depend on the pieces."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        weights = np.array(channel_weights(channels))
        self._rate = sample_rate
        self._heard = np.nonzero(weights)[0]
        self._weights = weights[self._heard]
        self._filter = k_weighting(sample_rate)
        self._state = np.zeros((2, len(self._heard), 2))
        self._rest = np.zeros((len(self._heard), 0))  # K-weighted frames of the step that is not complete
        self._steps = 0
        self._powers: list[Powers] = []

    def add(self, samples: Samples) -> None:
        """Go on with these: (frames, channels)."""
        self.add_planes(np.ascontiguousarray(sane(samples).T))

    def add_planes(self, planes: NDArray[np.float32]) -> None:
        """Go on with these, all within ±8: (channels, frames)."""
        if not planes.size:
            return
        weighted, self._state = signal.sosfilt(self._filter, planes[self._heard], zi=self._state)
        waiting = np.concatenate((self._rest, weighted), axis=1)
        edges = self._edges(waiting.shape[1])
        if len(edges) > 1:
            sums = self._sums(waiting[:, : edges[-1]], edges[:-1])
            self._powers.append((self._weights[:, np.newaxis] * sums).sum(axis=0) / np.diff(edges))
            self._steps += len(edges) - 1
        self._rest = waiting[:, edges[-1] :].copy()

    def _sums(self, weighted: Powers, starts: NDArray[np.intp]) -> Powers:
        """The sum of squares of each step: (channels, steps)."""
        if self._rate % STEPS_PER_S:
            return np.asarray(np.add.reduceat(np.square(weighted), starts, axis=1))
        cut = weighted.reshape(len(weighted), len(starts), -1)
        return np.asarray(np.einsum("csf,csf->cs", cut, cut))

    def powers(self) -> Powers:
        """The weighted power of each whole step of 10 ms so far."""
        self._powers = [np.concatenate([np.zeros(0), *self._powers])]
        return self._powers[0]

    def result(self) -> Loudness:
        """What the standards' figures are so far."""
        return loudness_of([self.powers()])

    def _edges(self, frames: int) -> NDArray[np.intp]:
        """Where steps begin and the last whole one ends, in frames from the first that is not yet counted."""
        first = self._steps * self._rate // STEPS_PER_S
        last = ((first + frames + 1) * STEPS_PER_S - 1) // self._rate
        return np.asarray(np.arange(self._steps, last + 1) * self._rate // STEPS_PER_S - first)


def _highest_lufs(powers: Powers) -> float | None:
    highest = float(powers.max(initial=0.0))
    return _lufs(highest) if highest > _SILENT else None


def _lufs(power: float) -> float:
    return OFFSET_LUFS + 10.0 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - OFFSET_LUFS) / 10.0))
