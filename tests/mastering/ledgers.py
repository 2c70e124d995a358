"""Ledgers for the tests of mastering, written hop by hop instead of measured."""

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.bands import BANDS, CENTRES_HZ
from auralis_trio.analysis.ledger import Ledger, encode_power
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN, grain_frames

RATE = 44_100
HOP_FRAMES = grain_frames(RATE) // LEDGER_HOPS_PER_GRAIN
HOP_S = HOP_FRAMES / RATE


def at(frequency_hz: float) -> int:
    """The band nearest to a frequency."""
    return int(np.argmin(np.abs(np.log2(CENTRES_HZ / frequency_hz))))


def tone(
    level_db: NDArray[np.float64] | list[float],
    frequency_hz: float = 1_000.0,
    peak_db: NDArray[np.float64] | list[float] | None = None,
    channels: int = 2,
) -> Ledger:
    """A tone in the middle whose power, summed over the channels, is `level_db` in each hop; peaks 0 dB below."""
    levels = np.asarray(level_db, float)
    powers = np.zeros((len(levels), BANDS))
    powers[:, at(frequency_hz)] = 10.0 ** (levels / 10.0)
    peaks = levels if peak_db is None else np.asarray(peak_db, float)
    side = np.zeros((len(levels), BANDS), np.uint8)
    frames = len(levels) * HOP_FRAMES
    return Ledger(RATE, channels, frames, encode_power(powers), side, encode_power(10.0 ** (peaks / 10.0)))
