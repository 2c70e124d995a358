"""The bands that spectra are kept in: forty of a quarter octave, from 20 Hz to 20.5 kHz, at every sample rate."""

import numpy as np
from numpy.typing import NDArray

BANDS = 40
LOWEST_HZ = 20.0
BANDS_PER_OCTAVE = 4

EDGES_HZ: NDArray[np.float64] = LOWEST_HZ * 2.0 ** (np.arange(BANDS + 1) / BANDS_PER_OCTAVE)
"""The borders of the bands, shape (41,)."""

CENTRES_HZ: NDArray[np.float64] = LOWEST_HZ * 2.0 ** ((np.arange(BANDS) + 0.5) / BANDS_PER_OCTAVE)
"""Their geometric centres, shape (40,)."""
