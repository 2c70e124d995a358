"""Mastering after a reference: the track moves toward it in balance, width and loudness."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import signal

from auralis_trio.analysis import Analysis, analyse
from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.demo import synthesise
from auralis_trio.errors import InvalidRequest
from auralis_trio.mastering import AS_RECORDED, render
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.recipe import FLAT
from auralis_trio.mastering.reference import LIMIT_DB, loud_levels_db, match, matching_curves, tune_to_reference
from auralis_trio.mastering.resolve import Target
from tests.mastering.ledgers import at, tone
from tests.mastering.sounds import ArraySource

HEARD = (CENTRES_HZ > 100.0) & (CENTRES_HZ < 8_000.0)


@lru_cache(maxsize=4)
def track(side_gain: float = 1.0, dull: bool = False) -> tuple[ArraySource, Analysis]:
    """Music, with its side made louder or softer, and dull or not."""
    samples = 0.5 * synthesise(12.0, 44_100, 2)
    mid, side = samples.mean(axis=1), side_gain * (samples[:, 0] - samples[:, 1]) / 2
    samples = np.stack((mid + side, mid - side), axis=1)
    if dull:
        samples = 0.4 * samples + 0.6 * signal.lfilter([0.1], [1.0, -0.9], samples, axis=0)
    source = ArraySource(samples.astype(np.float32))
    return source, analyse(source)


def balance(analysis: Analysis) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The levels of mid and side, beside the mean of mid."""
    levels = loud_levels_db(Heard.of(analysis.ledger))[:, HEARD]
    return np.asarray(levels - levels[0].mean())


def distance_db(one: Analysis, other: Analysis, plane: int) -> float:
    return float(np.sqrt(np.mean((balance(one) - balance(other))[plane] ** 2)))


def test_the_balance_and_the_loudness_become_those_of_the_reference() -> None:
    source, analysis = track(dull=True)
    _, reference = track()
    mastered = match(analysis, reference, 1.0, Target(), tune_to_reference(source, analysis, reference))
    result = analyse(ArraySource(render(source, mastered.recipe, 0, 100).samples))
    assert distance_db(analysis, reference, 0) > 1.5
    assert distance_db(result, reference, 0) < 0.4 * distance_db(analysis, reference, 0)
    assert mastered.limited_by is None
    wanted_lufs = reference.profile.values["integrated_lufs"]
    assert result.profile.values["integrated_lufs"] == pytest.approx(wanted_lufs, abs=0.1)


def test_the_side_gets_the_width_of_the_reference() -> None:
    source, analysis = track(side_gain=0.5)
    _, reference = track()
    recipe = match(analysis, reference, 1.0).recipe
    result = analyse(ArraySource(render(source, recipe, 0, 100).samples))
    assert distance_db(analysis, reference, 1) == pytest.approx(6.0, abs=1.0)
    assert distance_db(result, reference, 1) < 0.5 * distance_db(analysis, reference, 1)


def test_a_track_that_is_its_own_reference_is_not_changed() -> None:
    _, analysis = track()
    recipe = match(analysis, analysis, 1.0).recipe
    assert recipe.mid_eq_db == recipe.side_eq_db == (0.0,) * 40
    assert recipe.gain_db == pytest.approx(0.0, abs=0.1)
    assert recipe.compressors == ()


def test_half_the_intensity_is_half_the_curve() -> None:
    (_, analysis), (_, reference) = track(dull=True), track()
    half, full = (match(analysis, reference, intensity).recipe for intensity in (0.5, 1.0))
    assert half.mid_eq_db == pytest.approx(np.array(full.mid_eq_db) / 2, abs=0.001)
    assert half.side_eq_db == pytest.approx(np.array(full.side_eq_db) / 2, abs=0.001)
    assert match(analysis, reference, 0.0).recipe == AS_RECORDED


def test_no_curve_goes_beyond_its_limit() -> None:
    noise = np.random.default_rng(1).standard_normal((100_000, 2)).astype(np.float32) * 0.1
    rumble = signal.sosfilt(signal.butter(8, 300.0, fs=44_100, output="sos"), noise, axis=0).astype(np.float32)
    low, full = analyse(ArraySource(rumble)), analyse(ArraySource(noise))
    for recipe in (match(low, full, 1.0).recipe, match(full, low, 1.0).recipe):
        assert 5.0 < np.abs(recipe.mid_eq_db).max() <= LIMIT_DB
        assert 5.0 < np.abs(recipe.side_eq_db).max() <= LIMIT_DB


def test_where_either_has_no_sound_nothing_is_done() -> None:
    _, full = track()
    empty = np.abs(np.log2(CENTRES_HZ / 1_000.0)) > 2.5
    for curves in (
        matching_curves(Heard.of(tone([-20.0] * 99)), Heard.of(full.ledger)),
        matching_curves(Heard.of(full.ledger), Heard.of(tone([-20.0] * 99))),
    ):
        assert np.abs(curves[:, empty]).max() < 0.01


def test_mono_has_no_curve_for_a_side() -> None:
    mono = analyse(ArraySource(track()[0].samples[:, :1]))
    assert match(mono, track()[1], 1.0).recipe.side_eq_db == FLAT
    assert np.array(match(track()[1], mono, 1.0).recipe.side_eq_db).min() < -3.0


def test_only_the_louder_pieces_are_compared() -> None:
    piece = 646  # hops in 15 s
    ledger = tone([-60.0] * piece + [-20.0] * piece + [-60.0] * piece)
    levels = loud_levels_db(Heard.of(ledger))
    assert levels[0, at(1_000.0)] == pytest.approx(-20.0, abs=0.3)
    assert loud_levels_db(Heard.of(tone([]))).max() < -150.0


def test_a_reference_without_loudness_is_refused() -> None:
    source, analysis = track()
    nothing = analyse(ArraySource(np.zeros((100_000, 2), np.float32)))
    with pytest.raises(InvalidRequest, match="reference"):
        match(analysis, nothing, 1.0)
    with pytest.raises(InvalidRequest, match="reference"):
        tune_to_reference(source, analysis, nothing)
    silent = match(nothing, analysis, 1.0)
    assert (silent.expected_lufs, silent.recipe.gain_db) == (None, 0.0)
