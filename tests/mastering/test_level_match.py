"""Comparing at one loudness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.mastering.level_match import trims_db, with_trim
from auralis_trio.mastering.recipe import AS_RECORDED, Recipe

LUFS = st.floats(-60.0, 0.0)


@given(LUFS, LUFS)
def test_only_the_louder_is_turned_down_and_both_end_equally_loud(original_lufs: float, mastered_lufs: float) -> None:
    original_db, mastered_db = trims_db(original_lufs, mastered_lufs)
    assert max(original_db, mastered_db) == 0.0
    assert original_lufs + original_db == pytest.approx(mastered_lufs + mastered_db, abs=0.001)


def test_a_trim_is_part_of_the_recipe_and_never_turns_up() -> None:
    recipe = Recipe(preset="warm", intensity=0.5, gain_db=2.0)
    assert with_trim(recipe, -3.0) == Recipe(preset="warm", intensity=0.5, gain_db=2.0, trim_db=-3.0)
    assert with_trim(AS_RECORDED, 0.0).identity
    with pytest.raises(ValueError, match="only turns down"):
        with_trim(recipe, 0.1)
