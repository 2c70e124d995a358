"""An album is mastered as one."""

from functools import lru_cache

import numpy as np
import pytest

from auralis_trio.analysis import Analysis, LoudnessMeter, analyse
from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.demo import synthesise
from auralis_trio.mastering import AS_RECORDED, Recipe, render
from auralis_trio.mastering.album import album_profile, master_album
from auralis_trio.mastering.resolve import Target, resolve
from auralis_trio.mastering.tone import powers
from auralis_trio.mastering.tuning import master, tune
from tests.mastering.profiles import MODEL_DB, profile_of, silent
from tests.mastering.sounds import ArraySource

LEVELS_DB = (-8.0, -14.0, -11.0)
DEFAULT = Target()


@lru_cache(maxsize=1)
def album() -> list[tuple[ArraySource, Analysis]]:
    """Three tracks of different music, each at its own level."""
    sources = [
        ArraySource(synthesise(10.0, 44_100, 2, seed) * np.float32(10.0 ** (level_db / 20.0)))
        for seed, level_db in enumerate(LEVELS_DB)
    ]
    return [(source, analyse(source)) for source in sources]


def analyses() -> list[Analysis]:
    return [analysis for _, analysis in album()]


def lufs(source: ArraySource, recipe: Recipe) -> float:
    meter = LoudnessMeter(source.sample_rate, 2)
    meter.add(render(source, recipe, 0, 100).samples)
    integrated_lufs = meter.result().integrated_lufs
    assert integrated_lufs is not None
    return integrated_lufs


@pytest.mark.parametrize("preset", ["adaptive", "warm"])
def test_the_loudest_track_meets_the_target_and_the_others_stay_below_it(preset: str) -> None:
    tunings = [tune(source, analysis, preset, DEFAULT) for source, analysis in album()]
    mastered = master_album(analyses(), preset, 1.0, DEFAULT, tunings)
    before = [lufs(source, AS_RECORDED) for source, _ in album()]
    after = [lufs(source, mastered.recipe) for source, _ in album()]
    assert max(after) == pytest.approx(mastered.target_lufs, abs=0.1)
    assert np.argsort(after).tolist() == np.argsort(before).tolist()
    assert np.ptp(after) == pytest.approx(np.ptp(before), abs=1.0)


def test_alone_the_same_tracks_would_all_be_equally_loud() -> None:
    alone = [master(analysis, "adaptive", 1.0, DEFAULT).expected_lufs for analysis in analyses()]
    assert alone == pytest.approx([-14.0] * 3, abs=0.01)


def test_half_the_intensity_goes_half_the_way_from_the_loudest() -> None:
    loudest_lufs = max(each.profile.values["integrated_lufs"] or -99.0 for each in analyses())
    mastered = master_album(analyses(), "gentle", 0.5)
    assert mastered.target_lufs == pytest.approx((loudest_lufs - 16.0) / 2, abs=0.001)
    assert master_album(analyses(), "gentle", 0.0).recipe == AS_RECORDED


def test_no_track_is_limited_beyond_the_bound_and_it_says_so() -> None:
    source, _ = album()[1]
    clicks = source.samples * np.float32(0.05)
    clicks[1_000::2_000] = 0.9  # peaks everywhere, far above a quiet track
    tracks = [*analyses(), analyse(ArraySource(clicks))]
    mastered = master_album(tracks, "adaptive", 1.0, Target(offset_lu=4.0))
    assert mastered.limited_by == "limiter"
    assert mastered.shortfall_lu > 1.0
    assert mastered.recipe.gain_db < master_album(analyses(), "adaptive", 1.0, Target(offset_lu=4.0)).recipe.gain_db


def test_levelling_is_left_out_since_it_belongs_to_one_track() -> None:
    assert master_album(analyses(), "live", 1.0).recipe.automation_db == ()


def test_an_album_of_one_is_that_track() -> None:
    (only, *_) = analyses()
    assert master_album([only], "punchy", 0.7, DEFAULT) == master(only, "punchy", 0.7, DEFAULT)


def test_silent_tracks_do_not_count() -> None:
    nothing = analyse(ArraySource(np.zeros((200_000, 2), np.float32)))
    assert master_album([*analyses(), nothing], "adaptive", 1.0).expected_lufs == pytest.approx(-14.0, abs=0.01)
    alone = master_album([nothing], "adaptive", 1.0)
    assert (alone.expected_lufs, alone.recipe.gain_db) == (None, 0.0)


def test_the_balance_of_an_album_is_the_mean_of_its_tracks_at_the_level_of_the_loudest() -> None:
    slope = 3.0 * np.log2(CENTRES_HZ / 640.0)  # the middle of the bands
    one, other, quiet = (profile_of(MODEL_DB + each, (None,) * 40) for each in (slope - 20, -slope - 20, slope - 60))
    mean = np.array(album_profile([one, other, quiet]).mid_db) - MODEL_DB
    assert mean == pytest.approx(mean[::-1], abs=0.2)
    loudest = max(powers(each.mid_db).sum() for each in (one, other))
    assert powers(album_profile([one, other, quiet]).mid_db).sum() == pytest.approx(loudest)
    assert album_profile([one, one]).mid_db == pytest.approx(one.mid_db)
    assert album_profile([silent(), silent()]).mid_db == silent().mid_db


def test_a_mono_track_weighs_as_much_as_a_stereo_track_of_the_same_sound() -> None:
    mono = profile_of(MODEL_DB - 33.0103, channels=1)
    stereo = profile_of(MODEL_DB - 30.0, (None,) * 40)
    both = album_profile([mono, stereo])
    assert both.channels == 2
    assert resolve("warm", 1.0, both).compressors == resolve("warm", 1.0, stereo).compressors


def test_an_album_without_tracks_or_with_other_numbers_of_tunings_is_refused() -> None:
    with pytest.raises(ValueError, match="has tracks"):
        master_album([], "adaptive", 1.0)
    with pytest.raises(ValueError, match="zip"):
        master_album(analyses(), "adaptive", 1.0, DEFAULT, [tune(*album()[0], "adaptive", DEFAULT)])
