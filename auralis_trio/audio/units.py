"""Conversions between the units that levels and times are given in."""

import math
import os

LATEST_NS = 2**63 - 1
"""The latest time that databases keep in nanoseconds, in the year 2262."""


def db_to_gain(level_db: float) -> float:
    """The amplitude ratio of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


def seconds_to_frame(position_s: float, sample_rate: int) -> int:
    """The frame that is heard at `position_s`."""
    return math.floor(position_s * sample_rate)


def frames_to_seconds(frames: int, sample_rate: int) -> float:
    """How long `frames` last."""
    return frames / sample_rate


def frames_at_rate(frames: int, from_hz: int, to_hz: int) -> int:
    """How many frames `frames` at `from_hz` become at `to_hz`: as many as begin before they end.

    >>> frames_at_rate(44_100, 44_100, 48_000), frames_at_rate(1, 192_000, 8_000)
    (48000, 1)
    """
    return -(-frames * to_hz // from_hz)


def modified_ns(status: os.stat_result) -> int:
    """When a file or folder was written last, in nanoseconds since 1970; one from before then as of 1970, and one
    from behind `LATEST_NS` as of that: disks have such times, databases and what stands for no time do not.
    """
    return min(max(status.st_mtime_ns, 0), LATEST_NS)
