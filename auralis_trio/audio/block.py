"""A block: decoded PCM with its place in the track."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""PCM of shape (frames, channels), full scale at ±1.0."""

LARGEST_SAMPLE = np.float32(8.0)
"""What samples are measured and mastered within: a file of floats may hold anything, but no music."""


def sane(samples: Samples) -> Samples:
    """The samples with what is no number as 0 and the rest within ±8; the same array if that changes nothing."""
    # False too where there is a NaN.
    if samples.max(initial=0.0) <= LARGEST_SAMPLE and samples.min(initial=0.0) >= -LARGEST_SAMPLE:
        return samples
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -LARGEST_SAMPLE, LARGEST_SAMPLE)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`samples` (frames, channels) that begin at `start_frame`; never modified in place."""

    samples: Samples
    start_frame: int

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 2:
            raise TypeError(f"a block is float32 (frames, channels), not {self.samples.dtype} {self.samples.shape}")
        self.samples.flags.writeable = False

    @property
    def frames(self) -> int:
        """How many frames it holds."""
        return len(self.samples)

    @property
    def end_frame(self) -> int:
        """The first frame behind it."""
        return self.start_frame + self.frames
