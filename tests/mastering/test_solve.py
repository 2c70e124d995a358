"""The gain: it leads to the target, unless that would press the limiter beyond its bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.mastering.solve import MEAN_LIMITING_DB, MOST_LIMITING_DB, Outlook, outlook, solved
from tests.mastering.ledgers import tone

MASTERING = Recipe(preset="adaptive", intensity=1.0, ceiling_dbtp=-1.0)


def known(original_lufs: float, peak_db: float, correction_lu: float = 0.0, recipe: Recipe = MASTERING) -> Outlook:
    """A steady track whose loudness was measured, with its peaks so high."""
    heard = Heard.of(tone([original_lufs] * 400, peak_db=[peak_db] * 400))
    found = outlook(heard, original_lufs, recipe, correction_lu)
    assert found is not None
    return found


def test_the_gain_is_what_is_missing_where_nothing_else_happens() -> None:
    mastered = solved(MASTERING, -14.0, [known(-20.0, -12.0)])
    assert mastered.recipe.gain_db == pytest.approx(6.0, abs=0.002)
    assert (mastered.target_lufs, mastered.limited_by, mastered.shortfall_lu) == (-14.0, None, 0.0)
    assert mastered.expected_lufs == pytest.approx(-14.0, abs=0.002)


def test_what_tuning_has_taught_is_made_up_for() -> None:
    mastered = solved(MASTERING, -14.0, [known(-20.0, -12.0, correction_lu=-0.5)])
    assert mastered.recipe.gain_db == pytest.approx(6.5, abs=0.002)
    assert mastered.expected_lufs == pytest.approx(-14.0, abs=0.002)


def test_a_loud_track_is_turned_down() -> None:
    mastered = solved(MASTERING, -14.0, [known(-8.0, 0.0)])
    assert mastered.recipe.gain_db == pytest.approx(-6.0, abs=0.002)
    assert mastered.limited_by is None


def test_a_little_limiting_is_made_up_for_by_gain() -> None:
    mastered = solved(MASTERING, -14.0, [known(-20.0, -6.8)])
    assert mastered.recipe.gain_db == pytest.approx(6.0 + 0.5 + 6.0 - 6.0, abs=0.6)
    assert mastered.expected_lufs == pytest.approx(mastered.target_lufs, abs=0.6)


def test_the_limiter_is_pressed_to_its_bound_and_no_further_and_the_shortfall_said() -> None:
    track = known(-20.0, -3.0)
    mastered = solved(MASTERING, -10.0, [track])
    mean_db, _ = track.mastered.strain(mastered.recipe.gain_db, -1.0)
    assert mean_db == pytest.approx(MEAN_LIMITING_DB, abs=0.01)
    assert mastered.limited_by == "limiter"
    assert mastered.expected_lufs == pytest.approx(-10.0 - mastered.shortfall_lu, abs=0.002)
    assert mastered.shortfall_lu == pytest.approx(8.0, abs=0.5)


def test_rare_high_peaks_are_bounded_by_themselves() -> None:
    peaks = np.full(2_000, -20.0)
    peaks[100::100] = 0.0
    heard = Heard.of(tone([-24.0] * 2_000, peak_db=peaks))
    track = outlook(heard, -24.0, MASTERING, 0.0)
    assert track is not None
    mastered = solved(MASTERING, -5.0, [track])
    mean_db, most_db = track.mastered.strain(mastered.recipe.gain_db, -1.0)
    assert mean_db <= MEAN_LIMITING_DB + 0.01
    assert most_db <= MOST_LIMITING_DB + 0.01
    assert mastered.limited_by == "limiter"


def test_peaks_that_pass_the_ceiling_as_they_are_make_a_track_quieter_and_it_says_so() -> None:
    mastered = solved(MASTERING, -8.0, [known(-9.0, 3.0)])
    assert mastered.limited_by == "ceiling"
    assert mastered.expected_lufs is not None
    assert mastered.expected_lufs < -9.0


def test_of_several_tracks_the_loudest_meets_the_target_and_none_strains_the_limiter() -> None:
    calm = [known(-20.0, -15.0), known(-26.0, -20.0)]
    assert solved(MASTERING, -14.0, calm).recipe.gain_db == pytest.approx(6.0, abs=0.002)
    peaky = known(-26.0, -3.0)
    mastered = solved(MASTERING, -14.0, [*calm, peaky])
    assert mastered.limited_by == "limiter"
    assert peaky.strain(mastered.recipe.gain_db) == pytest.approx(1.0, abs=0.01)


def test_a_track_without_loudness_has_no_outlook() -> None:
    assert outlook(Heard.of(tone([-200.0] * 100)), None, MASTERING, 0.0) is None
    assert outlook(Heard.of(tone([-20.0] * 5)), -20.0, MASTERING, 0.0) is None


@settings(deadline=None, max_examples=40)
@given(st.floats(-60.0, 0.0), st.floats(0.0, 30.0), st.floats(-40.0, 0.0), st.floats(-6.0, 0.0))
def test_whatever_is_asked_for_the_bound_holds_and_everything_adds_up(
    original_lufs: float, crest_db: float, target_lufs: float, ceiling_dbtp: float
) -> None:
    recipe = Recipe(preset="adaptive", intensity=1.0, ceiling_dbtp=ceiling_dbtp)
    track = known(original_lufs, original_lufs + crest_db, recipe=recipe)
    mastered = solved(recipe, target_lufs, [track])
    assert track.strain(mastered.recipe.gain_db) <= 1.01
    assert mastered.expected_lufs is not None
    assert mastered.expected_lufs <= target_lufs + 0.01
    assert (mastered.limited_by is None) == (mastered.expected_lufs >= target_lufs - 0.01) or (
        mastered.shortfall_lu <= 0.01
    )
