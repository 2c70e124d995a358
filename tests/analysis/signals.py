"""Signals whose measures are known without measuring."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis import Analysis, analyse
from tests.mastering.sounds import ArraySource

Line = NDArray[np.float64]


def times(duration_s: float, sample_rate: int) -> Line:
    """The time of each frame."""
    return np.asarray(np.arange(round(duration_s * sample_rate)) / sample_rate)


def tone(
    frequency_hz: float, level_dbfs: float, duration_s: float, sample_rate: int = 44_100, phase_deg: float = 0.0
) -> Line:
    """A sine whose peaks lie at `level_dbfs`."""
    angle = 2.0 * np.pi * frequency_hz * times(duration_s, sample_rate) + np.deg2rad(phase_deg)
    return np.asarray(10.0 ** (level_dbfs / 20.0) * np.sin(angle))


def steps(parts: list[tuple[float, float]], sample_rate: int, frequency_hz: float = 1_000.0) -> Line:
    """A tone that goes on through parts of so many seconds at such levels; minus infinity is silence."""
    counts = [round(duration_s * sample_rate) for duration_s, _ in parts]
    gains = np.repeat([10.0 ** (level / 20.0) for _, level in parts], counts)
    return np.asarray(gains * np.sin(2.0 * np.pi * frequency_hz * np.arange(len(gains)) / sample_rate))


def noise(level_db: float, duration_s: float, sample_rate: int = 44_100, seed: int = 0) -> Line:
    """White noise of that power."""
    count = round(duration_s * sample_rate)
    return np.asarray(10.0 ** (level_db / 20.0) * np.random.default_rng(seed).standard_normal(count))


def clicks(tempo_bpm: float, duration_s: float, sample_rate: int = 44_100, offset_s: float = 0.1) -> Line:
    """Short bursts of noise, one a beat."""
    place_s = (times(duration_s, sample_rate) - offset_s) % (60.0 / tempo_bpm)
    return np.asarray(noise(-12.0, duration_s, sample_rate) * np.exp(-place_s * 200.0))


def chord(frequencies_hz: tuple[float, ...], duration_s: float, sample_rate: int = 44_100) -> Line:
    """Some sines at once."""
    return np.asarray(np.sum([tone(each, -20.0, duration_s, sample_rate) for each in frequencies_hz], axis=0))


def channels(*lines: Line) -> NDArray[np.float32]:
    """Some lines as samples: (frames, channels)."""
    return np.stack(lines, axis=1).astype(np.float32)


def both(line: Line) -> NDArray[np.float32]:
    """The same on the left and on the right."""
    return channels(line, line)


def analysed(samples: NDArray[np.float32], sample_rate: int = 44_100) -> Analysis:
    """What is measured of these samples."""
    return analyse(ArraySource(samples, sample_rate))


def value(name: str, samples: NDArray[np.float32], sample_rate: int = 44_100) -> float:
    """One of the figures that are measured of these samples."""
    profile = analysed(samples, sample_rate).profile
    figure = profile.values[name]
    assert figure is not None, profile.reasons[name]
    return figure


Signal = Callable[[], NDArray[np.float32]]
