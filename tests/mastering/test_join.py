"""Joins: gains that depend on the place alone, powers or amplitudes that add up, and a ceiling that holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.audio.block import Samples
from auralis_trio.mastering.join import Curve, Join, join_frames, mix_recipe
from auralis_trio.mastering.recipe import AS_RECORDED, Recipe, Schedule

CURVES = st.sampled_from(["equal_power", "linear"])
LENGTHS = st.integers(0, 5_000_000)


def noise(frames: int, seed: int, channels: int = 2) -> Samples:
    return (0.3 * np.random.default_rng(seed).standard_normal((frames, channels))).astype(np.float32)


@given(CURVES, st.integers(1, 600_000), st.data())
def test_any_part_of_a_mix_is_that_part_of_the_whole(curve: Curve, frames: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, frames - 1))
    length = min(data.draw(st.integers(1, 5_000)), frames - start)
    join = Join(frames, curve)
    leaving, coming = join.gains(0, frames)
    part_leaving, part_coming = join.gains(start, length)
    assert np.array_equal(part_leaving, leaving[start : start + length])
    assert np.array_equal(part_coming, coming[start : start + length])


@given(st.integers(1, 50_000))
def test_of_equal_power_the_powers_add_up_to_one(frames: int) -> None:
    leaving, coming = Join(frames).gains(0, frames)
    assert np.allclose(leaving**2 + coming**2, 1.0, atol=1e-6)


@given(st.integers(1, 50_000))
def test_linear_gains_add_up_to_one(frames: int) -> None:
    leaving, coming = Join(frames, "linear").gains(0, frames)
    assert np.allclose(leaving + coming, 1.0, atol=1e-6)


@given(CURVES, st.integers(2, 50_000))
def test_one_goes_down_while_the_other_rises_and_neither_is_ever_silent(curve: Curve, frames: int) -> None:
    leaving, coming = Join(frames, curve).gains(0, frames)
    assert (np.diff(leaving[:, 0]) <= 0.0).all()
    assert (np.diff(coming[:, 0]) >= 0.0).all()
    assert np.array_equal(np.round(leaving, 5), np.round(coming[::-1], 5))
    assert min(leaving.min(), coming.min()) > 0.0


def test_the_loudness_of_two_unrelated_tracks_stays_through_the_join() -> None:
    frames = 400_000
    mixed = Join(frames).mix(noise(frames, 1), noise(frames, 2), 0)
    powers = (mixed.reshape(20, -1).astype(np.float64) ** 2).mean(axis=1)
    assert np.abs(10.0 * np.log10(powers / 0.09)).max() < 0.1


def test_a_track_that_is_mixed_with_itself_keeps_its_amplitude_where_gains_are_linear() -> None:
    track = noise(10_000, 3)
    assert np.abs(Join(10_000, "linear").mix(track, track, 0) - track).max() < 1e-6


def test_what_is_no_number_does_not_reach_the_other_track() -> None:
    broken, good = noise(100, 4), noise(100, 5)
    broken[10], broken[20] = np.nan, np.inf
    assert np.isfinite(Join(100).mix(broken, good, 0)).all()


@given(LENGTHS, LENGTHS, LENGTHS, LENGTHS)
def test_the_two_joins_of_a_track_never_meet(wanted: int, first: int, second: int, third: int) -> None:
    one, two = join_frames(wanted, first, second), join_frames(wanted, second, third)
    assert one + two <= second
    assert one <= min(wanted, first // 2, second // 2)
    assert join_frames(wanted, 2 * wanted, 2 * wanted) == wanted


WARM, LOUD = (
    Recipe(preset="warm", intensity=1.0, ceiling_dbtp=-2.0),
    Recipe(preset="punchy", intensity=1.0, ceiling_dbtp=-1.0),
)


@pytest.mark.parametrize(
    ("leaving", "coming", "ceiling_dbtp"),
    [
        (AS_RECORDED, AS_RECORDED, None),
        (AS_RECORDED, WARM, None),
        (WARM, AS_RECORDED, None),
        (WARM, LOUD, -1.0),
        (Schedule(AS_RECORDED, 4, WARM), WARM, -2.0),
    ],
)
def test_a_mix_is_held_below_a_ceiling_where_both_tracks_are(
    leaving: Recipe | Schedule, coming: Recipe, ceiling_dbtp: float | None
) -> None:
    recipe = mix_recipe(leaving, coming)
    assert recipe.ceiling_dbtp == ceiling_dbtp
    assert recipe.masters == (ceiling_dbtp is not None)
