"""Conversions between the units that levels and times are given in."""

import math


def db_to_gain(level_db: float) -> float:
    """The amplitude ratio of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


def gain_to_db(gain: float) -> float:
    """The level in dB of an amplitude ratio; minus infinity for zero."""
    return 20.0 * math.log10(gain) if gain > 0.0 else -math.inf


def seconds_to_frame(position_s: float, sample_rate: int) -> int:
    """The frame that is heard at `position_s`."""
    return math.floor(position_s * sample_rate)


def frames_to_seconds(frames: int, sample_rate: int) -> float:
    """How long `frames` last."""
    return frames / sample_rate
