"""Triangular dither as a pure function of the frame index, so that quantised chunks do not depend on their plan.

The noise is counter-based: a hash of the frame's number, not the state of a generator. All channels of a frame get
the same value, so that mono stays identical in both channels and swapping channels commutes with quantising.
"""

import numpy as np
from numpy.typing import NDArray

from auralis_trio.audio.block import Samples


def tpdf(start_frame: int, frames: int) -> Samples:
    """Triangular noise in (-1, 1) of shape (frames, 1), in units of the least significant bit.

    The difference of two uniform variables (Lipshitz, Wannamaker and Vanderkooy, 1992), taken from the two halves
    of a 64-bit mix of the frame index (the finaliser of SplitMix64: Steele, Lea and Flood, 2014).
    """
    mixed = _mix(np.arange(start_frame, start_frame + frames, dtype=np.uint64))
    high = (mixed >> np.uint64(40)).astype(np.float32)
    low = (mixed & np.uint64(0xFFFFFF)).astype(np.float32)
    return ((high - low) * np.float32(2.0**-24))[:, np.newaxis]


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The mix of each value of `x`, in place."""
    x += np.uint64(1)
    x *= np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x
