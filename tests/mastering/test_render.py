"""Render: the same bits for a frame, whatever run of grains it is asked for in, by whom and in which order."""

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioFormat
from auralis_trio.mastering import AS_RECORDED, Recipe, Schedule, render, render_span
from tests.fakes import ToneSource
from tests.mastering.sounds import ArraySource, mastered, music, recipe

RATE = 8_000
GRAIN = 3_072
TOTAL = 5 * GRAIN + 100
ROOT = Path(__file__).parent.parent.parent

LOUD = {"gain_db": 14.0}
RECIPES = {
    "one band": recipe(1),
    "two bands": recipe(2),
    "three bands": recipe(3),
    "limiting hard": recipe(2, **LOUD),
    "three bands limiting hard": recipe(3, **LOUD),
    "no dynamics": recipe(0),
    "no limiter": recipe(2, ceiling_dbtp=None),
    "attacks lifted": recipe(2, transient_db=2.5),
    "attacks lifted alone": recipe(0, transient_db=2.5),
    "a slow gain": recipe(1, automation_db=(0.0, 1.5, -1.0, 2.0, 0.5)),
    "turned down": recipe(1, trim_db=-3.2),
    "half": recipe(3, intensity=0.5, amount=0.5),
}


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
    wanted = Recipe(preset="warm", intensity=0.0)
    assert wanted.identity
    assert np.array_equal(render(source, wanted, 1, 2).samples, render(source, AS_RECORDED, 1, 2).samples)


def test_work_that_is_no_longer_wanted_is_broken_off(source: ToneSource) -> None:
    class NotWantedError(Exception):
        pass

    def check() -> None:
        raise NotWantedError

    for wanted in (AS_RECORDED, recipe()):
        with pytest.raises(NotWantedError):
            render(source, wanted, 0, 1, check)


def test_recipes_have_different_keys_exactly_when_they_differ() -> None:
    recipes = [
        Recipe(),
        Recipe(preset="warm"),
        Recipe(preset="warm", intensity=0.5),
        Recipe(preset="bright", intensity=0.5),
        Recipe(trim_db=-1.0),
        Recipe(engine=99),
        *RECIPES.values(),
    ]
    assert len({each.key for each in recipes}) == len(recipes)
    assert recipe().key == recipe().key
    assert Recipe().key == AS_RECORDED.key


@pytest.mark.parametrize("name", RECIPES)
def test_grains_in_any_order_are_the_whole_bit_for_bit(name: str) -> None:
    source = music(9.3, RATE)
    whole = mastered(source, RECIPES[name])
    order = list(range(Grid(RATE, source.total_frames).total_grains))
    random.Random(name).shuffle(order)
    for grain in order:
        block = render(source, RECIPES[name], grain, grain + 1)
        assert block.samples.tobytes() == whole[block.start_frame : block.end_frame].tobytes(), grain


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(RECIPES)),
    st.integers(0, 26),
    st.integers(1, 27),
    st.sampled_from([(44_100, 1), (44_100, 2), (8_000, 2), (22_050, 6), (96_000, 2)]),
    st.sampled_from([0, 1, 3_071, 12_288, 100_000]),
)
def test_any_run_of_mastered_grains_is_that_span_of_the_whole(
    name: str, first: int, count: int, kind: tuple[int, int], cut: int
) -> None:
    rate, channels = kind
    source = music(8.0, rate, channels)
    source.samples = source.samples[: len(source.samples) - cut]
    whole = mastered(source, RECIPES[name])
    assert len(whole) == source.total_frames
    block = render(source, RECIPES[name], first, first + count)
    assert block.samples.tobytes() == whole[block.start_frame : block.end_frame].tobytes()


@settings(max_examples=30)
@given(st.integers(0, 70_000), st.integers(0, 30_000))
def test_any_run_of_frames_is_that_span_of_the_whole(start: int, frames: int) -> None:
    source = music(9.3, RATE)
    span = Span(start, min(frames, source.total_frames - start))
    block = render_span(source, RECIPES["two bands"], span)
    assert block.samples.tobytes() == mastered(source, RECIPES["two bands"])[span.start : span.end].tobytes()


@settings(max_examples=25)
@given(st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=12), st.integers(1, 9), st.floats(0.0, 30.0))
def test_grains_of_any_sound_are_the_whole(pattern: list[float], repeat: int, gain_db: float) -> None:
    line = np.resize(np.repeat(np.array(pattern, np.float32), repeat * 97), 7 * GRAIN + 13)
    source = ArraySource(np.stack((line, -line[::-1]), axis=1), RATE)
    wanted = recipe(3, gain_db=gain_db)
    parts = [render(source, wanted, grain, grain + 1).samples for grain in range(8)]
    assert np.concatenate(parts).tobytes() == mastered(source, wanted).tobytes()


SCRIPT = """
import hashlib, sys
from auralis_trio.mastering import render
from tests.mastering.sounds import music, recipe
source = music(9.3, 8_000)
digests = {g: hashlib.sha256(render(source, recipe(3), g, g + 1).samples.tobytes()).hexdigest() for g in (3, 11, 20)}
print(digests)
"""


def test_another_process_renders_the_same_bits() -> None:
    source = music(9.3, RATE)
    here = {g: hashlib.sha256(render(source, recipe(3), g, g + 1).samples.tobytes()).hexdigest() for g in (3, 11, 20)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(here)


def test_a_track_ends_where_it_ends() -> None:
    for frames in (1, 2, GRAIN - 1, GRAIN, GRAIN + 1, 18 * GRAIN):
        source = ArraySource(music(8.0, RATE).samples[:frames], RATE)
        assert mastered(source, recipe(2)).shape == (frames, 2)


def test_a_change_goes_over_from_the_old_sound_into_the_new_within_its_grain() -> None:
    source, old, new = music(9.3, RATE), recipe(1, gain_db=3.0), recipe(2, gain_db=9.0)
    change = Schedule(old, 5, new)
    heard = render(source, change, 0, 100).samples
    before, after = mastered(source, old), mastered(source, new)
    start, end = 5 * GRAIN, 6 * GRAIN
    assert heard[:start].tobytes() == before[:start].tobytes()
    assert heard[end:].tobytes() == after[end:].tobytes()
    blend = heard[start:end]
    assert np.allclose(blend[0], before[start], atol=1e-4)
    assert np.allclose(blend[-1], after[end - 1], atol=1e-4)
    low, high = np.minimum(before, after)[start:end], np.maximum(before, after)[start:end]
    assert np.all(blend >= low - 1e-6)
    assert np.all(blend <= high + 1e-6)


@settings(max_examples=25)
@given(st.integers(0, 24), st.integers(1, 25), st.integers(0, 24), st.integers(0, 24))
def test_grains_of_changed_sound_do_not_depend_on_what_is_asked_for(
    first: int, count: int, one: int, other: int
) -> None:
    source = music(9.3, RATE)
    changes = Schedule(Schedule(recipe(1), min(one, other), AS_RECORDED), max(one, other), recipe(2, trim_db=-2.0))
    whole = render(source, changes, 0, 100).samples
    block = render(source, changes, first, first + count)
    assert block.samples.tobytes() == whole[block.start_frame : block.end_frame].tobytes()


def test_chunks_away_from_a_change_are_those_of_the_recipe_alone() -> None:
    old, new = recipe(1), recipe(2)
    change = Schedule(old, 20, new)
    assert change.within(0, 18) == old
    assert change.within(18, 36) == change
    assert change.within(20, 21) == change
    assert change.within(21, 39) == new
    later = Schedule(change, 40, old)
    assert later.within(36, 54) == Schedule(new, 40, old)
    assert later.within(0, 20) == old
