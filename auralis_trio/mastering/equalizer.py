"""The equalizer and the splitting into bands: linear-phase filters by overlap-save, one FFT a grain.

Each grain is the whole result of one FFT over itself and half a filter on either side, so it comes out the same with
whatever grains it is computed. Gain, curve and the width of the side are one filter; what the band compressors need
is taken from the same spectrum: the low band at a low rate, since it has nothing above, the high band in full.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auralis_trio.audio.units import db_to_gain
from auralis_trio.mastering.filters import centred, curve, doubled, lowpass, realised
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.mastering.shape import LOW_FRAMES_PER_GRAIN, Shape

BATCH_GRAINS = 4
"""How many grains are in hand at once: as many as fit into a core's cache."""

Planar = NDArray[np.float32]
Factors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spectra:
    """What the bins are multiplied with, for each plane: everything, the low band, the high band.

    Real spectra are (planes, 2 * bins): twice each factor, for a complex number's two parts.
    """

    full: Factors
    low: NDArray[np.complex64] | None
    high: Factors | None


@dataclass(frozen=True, eq=False)
class Split:
    """Equalized grains: `full` (planes, grains, grain); if asked for, `low` (planes, grains, 768), `high` as `full`.

    The powers are means over each control hop, summed over the planes: shape (grains * 192,), one for each band.
    """

    full: Planar
    low: Planar | None
    high: Planar | None
    powers: tuple[NDArray[np.float32], ...]


def spectra_of(recipe: Recipe, shape: Shape, planes: int) -> Spectra:
    """The filters of a recipe. Of two planes the first is mid, the second side; of others each is a channel."""
    gain = db_to_gain(recipe.gain_db) * (0.5 if planes == 2 else 1.0)
    curves = [curve(recipe.mid_eq_db, shape) * gain] * planes
    if planes == 2:
        curves[1] = curve(recipe.side_eq_db, shape) * gain
    low = high = None
    if recipe.crossovers_hz:
        below = lowpass(recipe.crossovers_hz[0], shape)
        low = np.stack([centred(realised(each * below, shape), shape) for each in curves])
    if len(recipe.crossovers_hz) > 1:
        above = 1.0 - lowpass(recipe.crossovers_hz[1], shape)
        high = np.stack([doubled(realised(each * above, shape)) for each in curves])
    return Spectra(np.stack([doubled(realised(each, shape)) for each in curves]), low, high)


def equalize(planes: Planar, spectra: Spectra, shape: Shape) -> Split:
    """The grains that `planes` (planes, frames) hold between half a filter at its beginning and one at its end."""
    grains = (planes.shape[1] - 2 * shape.half) // shape.grain
    windows = np.lib.stride_tricks.sliding_window_view(planes, shape.fft, axis=1)[:, :: shape.grain]
    full = np.empty((len(planes), grains, shape.grain), np.float32)
    low = None if spectra.low is None else np.empty((len(planes), grains, LOW_FRAMES_PER_GRAIN), np.float32)
    high = None if spectra.high is None else np.empty_like(full)
    for first in range(0, grains, BATCH_GRAINS):
        part = slice(first, first + BATCH_GRAINS)
        bins = fft.rfft(windows[:, part])
        if low is not None and spectra.low is not None:
            low[:, part] = _grains(bins[..., : spectra.low.shape[1]] * spectra.low[:, np.newaxis])
        parts = bins.view(np.float32)
        if high is not None and spectra.high is not None:
            high[:, part] = _grains((parts * spectra.high[:, np.newaxis]).view(np.complex64))
        parts *= spectra.full[:, np.newaxis]
        full[:, part] = _grains(bins)
    bands = [band for band in (low, high, full) if band is not None]
    return Split(full, low, high, tuple(_hop_powers(band, shape) for band in bands))


def _grains(bins: NDArray[np.complex64]) -> Planar:
    """What filtered spectra come to: the grain in the middle, without half a filter on either side."""
    size = 2 * bins.shape[-1] - 2
    whole: Planar = fft.irfft(bins, n=size)
    return whole[..., size // 8 : size - size // 8]


def _hop_powers(band: Planar, shape: Shape) -> NDArray[np.float32]:
    """The mean power of each control hop, summed over the planes in their order."""
    hops = shape.grain // shape.control_hop
    cut = band.reshape(*band.shape[:2], hops, -1)
    sums = np.einsum("pghf,pghf->pgh", cut, cut)
    total: NDArray[np.float32] = sums[0].copy()
    for plane in sums[1:]:
        total += plane
    total *= np.float32(1.0 / cut.shape[-1])
    return np.ravel(total)
