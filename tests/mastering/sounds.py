"""Sounds and recipes for the tests of mastering."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, Check, never_cancelled
from auralis_trio.mastering import Recipe, render
from auralis_trio.mastering.recipe import Compressor


@dataclass
class ArraySource:
    """An `AudioSource` over samples in memory."""

    samples: Samples
    sample_rate: int = 44_100
    format: AudioFormat = field(init=False)

    def __post_init__(self) -> None:
        self.format = AudioFormat(self.sample_rate, self.samples.shape[1], None)

    @property
    def total_frames(self) -> int:
        return len(self.samples)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        assert 0 <= start <= start + frames <= len(self.samples)
        check()
        return self.samples[start : start + frames].copy()

    def close(self) -> None:
        pass


def music(duration_s: float, sample_rate: int = 44_100, channels: int = 2, seed: int = 0) -> ArraySource:
    """Chords, a bass, a beat and noise that swell and fade: something for every stage to do."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * time / 3.7)
    beat = np.exp(-((time * 2.0) % 1.0) * 12.0)
    planes = []
    for channel in range(channels):
        tones = sum(
            np.sin(2 * np.pi * f * time + channel * k) / (k + 2) for k, f in enumerate((55, 110, 277.2, 659.3, 1760))
        )
        noise = rng.standard_normal(len(time)) * beat
        planes.append(swell * (0.25 * tones + 0.12 * noise))
    return ArraySource(np.stack(planes, axis=1).astype(np.float32), sample_rate)


def sine(
    frequency_hz: float, level_dbfs: float, duration_s: float = 4.0, sample_rate: int = 44_100, channels: int = 2
) -> ArraySource:
    """A steady tone whose peaks lie at `level_dbfs`."""
    time = np.arange(round(duration_s * sample_rate)) / sample_rate
    tone = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * time)
    return ArraySource(np.repeat(tone[:, np.newaxis], channels, axis=1).astype(np.float32), sample_rate)


HUMP = tuple(round(3.0 * float(np.sin(k / 4.0)), 3) for k in range(40))
WIDER = tuple(round(2.0 * float(np.cos(k / 6.0)), 3) for k in range(40))


def recipe(bands: int = 2, gain_db: float = 6.0, **changes: object) -> Recipe:
    """A recipe in which every stage works; `changes` replace what it has."""
    thresholds = (-24.0, -27.0, -36.0)
    values: dict[str, object] = {
        "preset": "adaptive",
        "intensity": 1.0,
        "gain_db": gain_db,
        "mid_eq_db": HUMP,
        "side_eq_db": WIDER,
        "crossovers_hz": (150.0, 4000.0)[: bands - 1] if bands else (),
        "compressors": tuple(Compressor(t, 2.0, 0.048, 30.0) for t in thresholds[:bands]),
        "ceiling_dbtp": -1.0,
    }
    return Recipe(**{**values, **changes})  # type: ignore[arg-type]


BARE = Recipe(preset="adaptive", intensity=1.0)
"""Goes through the whole chain, with nothing set."""


def mastered(source: ArraySource, wanted: Recipe) -> NDArray[np.float32]:
    """The whole track, rendered at once: (frames, channels)."""
    return render(source, wanted, 0, 10**6).samples
