"""A block: decoded PCM with its place in the track."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""PCM of shape (frames, channels), full scale at ±1.0."""


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
