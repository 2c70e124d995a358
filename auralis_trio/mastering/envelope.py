"""How a gain moves in time: windows, holds and releases that remember an exactly known number of hops.

Nothing here carries state from one call to the next: a value depends on the hops around it and on nothing else, so it
is the same whatever stretch of the track is computed. All arrays are float32 of shape (hops,).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Hops = NDArray[np.float32]

SPLINE_TAPS = 5
SPLINE_REACH = 2
"""How many control values on either side a gain between them depends on."""


def hann(length: int) -> NDArray[np.float64]:
    """A Hann window of `length` (odd) without its zeros at the ends, normalised to a sum of one."""
    window = 1.0 - np.cos(2.0 * np.pi * np.arange(1, length + 1) / (length + 1))
    return np.asarray(window / window.sum())


def smoothed(values: Hops, window: NDArray[np.float64], outside: Literal["constant", "nearest"] = "constant") -> Hops:
    """The mean around each hop, weighted by a symmetric window of odd length.

    Outside stand zeros, as befits powers, or the nearest value, as befits gains.
    """
    result: Hops = ndimage.correlate1d(values, window, mode=outside, cval=0.0)
    return result


def held(values: Hops, back: int, forward: int) -> Hops:
    """The largest value from `back` hops before to `forward` hops behind each hop; zeros outside."""
    size = back + forward + 1
    # scipy centres a window of `size` at size // 2, moved to the left by the origin.
    result: Hops = ndimage.maximum_filter1d(values, size, origin=back - size // 2, mode="constant", cval=0.0)
    return result


def released(values: Hops, step_db: float, range_db: float) -> Hops:
    """Each value, or an earlier one less `step_db` a hop.

    ``e[k] = max(r[k], max_j(min(r[k - j], range) - j * step))``: a peak hold with a release that is linear in dB.
    What lies `release_hops` back or further has no effect at all.
    The window is doubled from step to step, so it costs a logarithm of its length.
    """
    falling = np.minimum(values, np.float32(range_db))
    reach, memory = 1, release_hops(step_db, range_db)
    while reach <= memory and reach < len(values):
        earlier = falling[:-reach] - np.float32(reach * step_db)
        np.maximum(falling[reach:], earlier, out=falling[reach:])
        reach *= 2
    return np.maximum(values, falling)


def release_hops(step_db: float, range_db: float) -> int:
    """How many hops `released` remembers: one more than the range takes, since rounding may not matter."""
    return int(np.ceil(range_db / step_db)) + 1


def delayed(values: Hops, hops: int) -> Hops:
    """The values, `hops` later; zeros before them."""
    if not hops:
        return values
    return np.concatenate((np.zeros(min(hops, len(values)), np.float32), values[:-hops]))


def spline(frames: int) -> NDArray[np.float32]:
    """The weights of a uniform cubic B-spline, shape (5, frames): control values at the middles of hops of `frames`.

    They are never negative and add up to one, so a gain between control values is never above the largest of them.
    """
    place = (np.arange(frames) + 0.5) / frames - 0.5  # of a frame, from the middle of its hop, in hops
    distance = np.abs(place[np.newaxis, :] - np.arange(-SPLINE_REACH, SPLINE_REACH + 1)[:, np.newaxis])
    near = 2.0 / 3.0 - distance**2 * (1.0 - distance / 2.0)
    far = (2.0 - distance) ** 3 / 6.0
    weights = np.where(distance < 1.0, near, np.where(distance < 2.0, far, 0.0))
    return weights.astype(np.float32)


def upsampled(values: Hops, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gains between control values: shape (cells, hops, frames), from `values` of shape (cells, hops + 4).

    Each cell begins and ends with `SPLINE_REACH` values of its neighbours. Cell by cell the product has one shape, so
    that it does not depend on how many cells are computed at once.
    """
    around = np.lib.stride_tricks.sliding_window_view(values, SPLINE_TAPS, axis=1)
    gains: NDArray[np.float32] = np.matmul(np.ascontiguousarray(around), weights)
    return gains


def cells(values: Hops, first: int, count: int, hops: int) -> Hops:
    """`count` cells of `hops` hops from hop `first` on, each with `SPLINE_REACH` further values on either side.

    Before the first value and behind the last stand their likes: there the track has no neighbours.
    """
    padded = np.pad(values, SPLINE_REACH, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, hops + 2 * SPLINE_REACH)
    result: Hops = around[first : first + count * hops : hops]
    return result
