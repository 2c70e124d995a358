"""Render: as recorded it is the source itself, whatever run of grains is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.grid import Grid
from auralis_trio.audio.source import AudioFormat
from auralis_trio.mastering import AS_RECORDED, Recipe, render
from tests.fakes import ToneSource

RATE = 8_000
TOTAL = 5 * 3_072 + 100


@pytest.fixture
def source() -> ToneSource:
    return ToneSource(AudioFormat(RATE, 2, 16), TOTAL)


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(0, 7))
def test_any_run_of_grains_is_that_span_of_the_whole(first: int, count: int) -> None:
    source = ToneSource(AudioFormat(RATE, 2, 16), TOTAL)
    whole = render(source, AS_RECORDED, 0, Grid(RATE, TOTAL).total_grains)
    span = Grid(RATE, TOTAL).grains(first, first + count)
    if span.frames == 0:
        return
    run = render(source, AS_RECORDED, first, first + count)
    assert (run.start_frame, run.frames) == (span.start, span.frames)
    assert np.array_equal(run.samples, whole.samples[span.start : span.end])


def test_the_whole_is_exactly_the_source(source: ToneSource) -> None:
    whole = render(source, AS_RECORDED, 0, 100)
    assert np.array_equal(whole.samples, source.tone(0, TOTAL))


def test_intensity_zero_leaves_everything_as_it_is(source: ToneSource) -> None:
    recipe = Recipe("warm", 0.0)
    assert recipe.identity
    assert np.array_equal(render(source, recipe, 1, 2).samples, render(source, AS_RECORDED, 1, 2).samples)


def test_a_preset_that_does_not_exist_is_refused(source: ToneSource) -> None:
    with pytest.raises(ValueError, match="no such preset"):
        render(source, Recipe("loudest", 1.0), 0, 1)


def test_work_that_is_no_longer_wanted_is_broken_off(source: ToneSource) -> None:
    class NotWantedError(Exception):
        pass

    def check() -> None:
        raise NotWantedError

    with pytest.raises(NotWantedError):
        render(source, AS_RECORDED, 0, 1, check)


def test_recipes_have_different_keys_exactly_when_they_differ() -> None:
    recipes = [Recipe(), Recipe("warm"), Recipe("warm", 0.5), Recipe("bright", 0.5), Recipe(engine=99)]
    assert len({recipe.key for recipe in recipes}) == len(recipes)
    assert Recipe("warm", 0.5).key == Recipe("warm", 0.5).key
    assert Recipe().key == AS_RECORDED.key
