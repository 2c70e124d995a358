"""Units: levels and times there and back."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.units import db_to_gain, frames_at_rate, frames_to_seconds, seconds_to_frame


@pytest.mark.parametrize(("level_db", "gain"), [(0.0, 1.0), (20.0, 10.0), (-20.0, 0.1), (-math.inf, 0.0)])
def test_levels_are_amplitude_ratios(level_db: float, gain: float) -> None:
    assert db_to_gain(level_db) == pytest.approx(gain)


@pytest.mark.parametrize(("position_s", "frame"), [(0.0, 0), (1.0, 44_100), (0.99999, 44_099), (2.5, 110_250)])
def test_the_frame_heard_at_a_time_has_begun(position_s: float, frame: int) -> None:
    assert seconds_to_frame(position_s, 44_100) == frame


@settings(deadline=None)
@given(st.integers(0, 2**40), st.sampled_from([8_000, 44_100, 48_000, 192_000]))
def test_a_frame_told_in_seconds_is_found_again_within_one(frame: int, rate: int) -> None:
    assert frame - 1 <= seconds_to_frame(frames_to_seconds(frame, rate), rate) <= frame


@pytest.mark.parametrize(
    ("frames", "from_hz", "to_hz", "due"),
    [(0, 44_100, 48_000, 0), (1, 44_100, 48_000, 2), (147, 44_100, 48_000, 160), (148, 44_100, 48_000, 162)],
)
def test_at_another_rate_there_are_as_many_frames_as_begin_before_the_end(
    frames: int, from_hz: int, to_hz: int, due: int
) -> None:
    assert frames_at_rate(frames, from_hz, to_hz) == due
