"""Pitches, grain by grain: which of the twelve classes sound, and how much of the sound stands in lines at all.

Each grain is one long spectrum under a Hann window, fine enough to part semitones from C3 up. A bin belongs to a line
where it stands far above the median of the bins around it; the bins of noise and of strokes hardly ever do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from auralis_trio.analysis.true_peak import Planar
from auralis_trio.audio.grid import grain_frames

PITCH_CLASSES = 12
LOWEST_HZ = 130.8  # C3
HIGHEST_HZ = 5_000.0
TUNING_HZ = 440.0
BINS_AROUND = 32
LINE_RATIO = 12.0
"""How far above the median of its surroundings a bin of a line is; of noise, 0.2 % of the power is."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pitches:
    """What stands in each of some grains, in powers: `classes` (grains, 12), `lines` and `total` (grains,)."""

    classes: Floats
    lines: Floats
    total: Floats

    @classmethod
    def of(cls, parts: Sequence["Pitches"]) -> "Pitches":
        """Those of some runs of grains, one behind the other."""
        return cls(
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.lines for part in parts]),
            np.concatenate([part.total for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class PitchFinder:
    """Finds pitches at one sample rate; `first` is its lowest bin, `chroma` says which bin is of which class."""

    window: Floats
    first: int
    chroma: Floats

    def pitches(self, planes: Planar) -> Pitches:
        """The pitches in the whole grains of (channels, frames), from the powers of all channels."""
        grain = len(self.window)
        grains = planes.shape[1] // grain
        values = fft.rfft(planes[:, : grains * grain].reshape(len(planes), grains, grain) * self.window)
        heard = values[:, :, self.first : self.first + len(self.chroma)]
        powers = (np.square(heard.real) + np.square(heard.imag)).sum(axis=0)
        around = powers.reshape(grains, len(self.chroma) // BINS_AROUND, BINS_AROUND)
        stands = around > np.float32(LINE_RATIO) * np.median(around, axis=2, keepdims=True)
        lines = np.where(stands, around, np.float32(0.0)).sum(axis=(1, 2))
        return Pitches(powers @ self.chroma, lines, powers.sum(axis=1))


@lru_cache(maxsize=8)
def pitch_finder(sample_rate: int) -> PitchFinder:
    """The finder for this sample rate."""
    grain = grain_frames(sample_rate)
    window = np.hanning(grain + 1)[:-1] * ((8.0 / 3.0) ** 0.5 / grain)
    first = round(LOWEST_HZ * grain / sample_rate)
    highest_hz = min(HIGHEST_HZ, 0.45 * sample_rate)
    bins = (round(highest_hz * grain / sample_rate) - first) // BINS_AROUND * BINS_AROUND
    semitones = 12.0 * np.log2((np.arange(bins) + first) * (sample_rate / grain) / TUNING_HZ)
    chroma = np.eye(PITCH_CLASSES)[np.rint(semitones).astype(int) % PITCH_CLASSES]
    return PitchFinder(window.astype(np.float32), first, chroma.astype(np.float32))
