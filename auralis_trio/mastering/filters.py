"""Linear-phase filters as real spectra: from a curve in decibels to what an FFT's bins are multiplied with.

A filter is designed at all bins of the chain's FFT, cut to its length with a Hann window, and brought back. As it is
symmetric around frame 0 its spectrum is real and its delay is none.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal.windows import kaiser

from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.mastering.shape import LOW_FRAMES_PER_GRAIN, Shape

CROSSOVER_ORDER = 8
LOW_REACH = 4
"""How many frames of the low band on either side a frame of the full band is interpolated from."""

_LOW_KAISER_BETA = 11.0

Response = NDArray[np.float64]


def frequencies_hz(shape: Shape) -> Response:
    """The frequencies of the FFT's bins."""
    return np.asarray(np.arange(shape.fft // 2 + 1) * (shape.sample_rate / shape.fft))


def curve(points_db: tuple[float, ...], shape: Shape) -> Response:
    """The gains of a curve that is given in dB at the forty band centres, held on beyond the outer ones."""
    if not points_db:
        return np.ones(shape.fft // 2 + 1)
    octaves = np.log2(np.maximum(frequencies_hz(shape), 1.0))
    return np.asarray(10.0 ** (np.interp(octaves, np.log2(CENTRES_HZ), points_db) / 20.0))


def lowpass(crossover_hz: float, shape: Shape) -> Response:
    """The part of a sound that lies below a crossover; what is above is the rest of it to one."""
    return np.asarray(1.0 / (1.0 + (frequencies_hz(shape) / crossover_hz) ** CROSSOVER_ORDER))


def realised(response: Response, shape: Shape) -> Response:
    """The response of the filter of the chain's length that comes nearest to `response`."""
    taps = fft.irfft(response, n=shape.fft)
    window = 0.5 + 0.5 * np.cos(np.pi * np.arange(shape.half + 1) / (shape.half + 1))
    taps[: shape.half + 1] *= window
    taps[-shape.half :] *= window[:0:-1]
    taps[shape.half + 1 : -shape.half] = 0.0
    return np.asarray(fft.rfft(taps).real)


def doubled(response: Response) -> NDArray[np.float32]:
    """A real spectrum as the factors of a complex one's real and imaginary parts, in turn."""
    return np.repeat(response, 2).astype(np.float32)


def centred(response: Response, shape: Shape) -> NDArray[np.complex64]:
    """The spectrum of the low band at its low rate, from that at the full rate.

    Its frames stand in the middle of those that they replace, so that the powers of both are of the same time.
    """
    bins = LOW_FRAMES_PER_GRAIN * 4 // 3 // 2 + 1
    shift = np.exp(2j * np.pi * np.arange(bins) / shape.fft * (shape.decimation - 1) / 2)
    return np.asarray(response[:bins] * shift / shape.decimation).astype(np.complex64)


def low_interpolation(shape: Shape) -> NDArray[np.float32]:
    """Weights of shape (9, decimation) that bring the low band back to the full rate: a windowed sinc, zero in delay.

    Column `i` gives frame ``decimation * k + i`` from the low band's frames ``k - 4`` to ``k + 4``.
    """
    step = shape.decimation
    place = (np.arange(step) - (step - 1) / 2)[np.newaxis, :] / step
    distance = place - np.arange(-LOW_REACH, LOW_REACH + 1)[:, np.newaxis]
    window = np.interp(distance, np.linspace(-LOW_REACH, LOW_REACH, 4097), kaiser(4097, _LOW_KAISER_BETA), 0.0, 0.0)
    weights = np.sinc(distance) * window
    return np.asarray(weights / weights.sum(axis=0)).astype(np.float32)
