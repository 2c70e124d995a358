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
from auralis_trio.mastering.filters import curve, doubled, lowpass, realised
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.mastering.shape import LOW_FRAMES_PER_GRAIN, Shape

BATCH_GRAINS = 4
"""How many grains are in hand at once: as many as fit into a core's cache."""

Planar = NDArray[np.float32]
Factors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spectra:
    """What the bins are multiplied with, rows (planes, 2 * bins): everything, the low band, the high band."""

    full: Factors
    low: Factors | None
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
        bins = LOW_FRAMES_PER_GRAIN * 4 // 3 // 2 + 1
        low = np.stack([doubled(realised(each * below, shape)[:bins] / shape.decimation) for each in curves])
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
        for band, factors in ((low, spectra.low), (high, spectra.high), (full, spectra.full)):
            if band is not None and factors is not None:
                band[:, part] = _filtered(bins, factors, shape, in_place=band is full)
    bands = [band for band in (low, high, full) if band is not None]
    return Split(full, low, high, tuple(_hop_powers(band, shape) for band in bands))


def _filtered(bins: NDArray[np.complex64], factors: Factors, shape: Shape, *, in_place: bool) -> Planar:
    parts = bins.view(np.float32)[..., : factors.shape[1]]
    product = np.multiply(parts, factors[:, np.newaxis], out=parts if in_place else None)
    size = factors.shape[1] - 2
    result = fft.irfft(product.view(np.complex64), n=size)
    half = size // 8
    middle: Planar = result[..., half : size - half]
    return middle


def _hop_powers(band: Planar, shape: Shape) -> NDArray[np.float32]:
    """The mean power of each control hop, summed over the planes in their order."""
    hops = shape.grain // shape.control_hop
    cut = band.reshape(*band.shape[:2], hops, -1)
    sums = np.einsum("pghf,pghf->pgh", cut, cut)
    total = sums[0].copy()
    for plane in sums[1:]:
        total += plane
    total *= np.float32(1.0 / cut.shape[-1])
    return total.reshape(-1)
