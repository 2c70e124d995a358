"""From a preset and a profile to a recipe: continuous, monotone in intensity, and what the table of presets says."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.analysis import DIMENSIONS, Profile
from auralis_trio.analysis.bands import BANDS, CENTRES_HZ
from auralis_trio.errors import InvalidRequest
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.recipe import AS_RECORDED, FLAT, Recipe
from auralis_trio.mastering.resolve import Target, band_responses, resolve
from auralis_trio.mastering.tone import through
from tests.mastering.profiles import MODEL_DB, NOTHING, USUAL, profile_of, profiles, silent

NAMES = st.sampled_from(sorted(PRESETS))


def at(frequency_hz: float) -> int:
    """The band nearest to a frequency."""
    return int(np.argmin(np.abs(np.log2(CENTRES_HZ / frequency_hz))))


def numbers(recipe: Recipe) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Every parameter that follows from the profile."""
    thresholds = [each.threshold_db for each in recipe.compressors]
    return np.array([recipe.gain_db, *recipe.mid_eq_db, *recipe.side_eq_db, *thresholds])


def moved(profile: Profile, step: float, signs: list[bool]) -> Profile:
    """The profile with everything that was measured a little off: dB and LU by `step`, shares by a fiftieth of it."""
    sign = np.where(signs, 1.0, -1.0)
    mid_db, side_db = (
        tuple(
            None if level_db is None else level_db + step * each for level_db, each in zip(bands, sign, strict=True)
        )
        for bands in (profile.mid_db, profile.side_db)
    )
    values = dict(profile.values)
    for name in ("integrated_lufs", "true_peak_dbtp"):
        values[name] = (values[name] or 0.0) + step
    for name in ("stereo_correlation", "flatness"):
        if (value := values[name]) is not None:
            values[name] = value + step / 50.0
    if (cutoff_hz := values["cutoff_hz"]) is not None:
        values["cutoff_hz"] = cutoff_hz * 2.0 ** (step / 50.0)
    return msgspec.structs.replace(profile, mid_db=mid_db, side_db=side_db, values=values)


@settings(deadline=None, max_examples=150)
@given(
    NAMES, st.floats(0.01, 1.0), profiles(), st.floats(0.0, 1.0), st.lists(st.booleans(), min_size=40, max_size=40)
)
def test_a_small_change_of_the_profile_is_a_small_change_of_the_recipe(
    name: str, intensity: float, profile: Profile, step: float, signs: list[bool]
) -> None:
    one, other = (resolve(name, intensity, each) for each in (profile, moved(profile, step, signs)))
    assert np.abs(numbers(one) - numbers(other)).max() <= 5.0 * step + 0.002


@settings(deadline=None, max_examples=60)
@given(NAMES, profiles(), st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_a_small_change_of_the_intensity_is_a_small_change_of_the_recipe(
    name: str, profile: Profile, one: float, other: float
) -> None:
    apart = np.abs(numbers(resolve(name, one, profile)) - numbers(resolve(name, other, profile)))
    assert apart.max() <= 40.0 * abs(one - other) + 0.002


@settings(deadline=None, max_examples=60)
@given(NAMES, profiles(), st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_more_intensity_is_never_less_change(name: str, profile: Profile, one: float, other: float) -> None:
    less, more = (resolve(name, intensity, profile) for intensity in sorted((one, other)))
    assert less.amount <= more.amount
    for before, after in ((less.mid_eq_db, more.mid_eq_db), (less.side_eq_db, more.side_eq_db)):
        assert np.all(np.abs(before) <= np.abs(after) + 0.001)


@settings(deadline=None, max_examples=60)
@given(NAMES, profiles(), st.floats(0.0, 1.0))
def test_a_recipe_is_hashable_json_and_always_finite(name: str, profile: Profile, intensity: float) -> None:
    recipe = resolve(name, intensity, profile)
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe
    assert hash(recipe) == hash(resolve(name, intensity, profile))
    assert np.isfinite(numbers(recipe)).all()


@pytest.mark.parametrize("name", PRESETS)
def test_at_no_intensity_nothing_is_done(name: str) -> None:
    assert resolve(name, 0.0, profile_of()) == AS_RECORDED


@pytest.mark.parametrize("intensity", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_intensity_is_refused(intensity: float) -> None:
    with pytest.raises(InvalidRequest):
        resolve("warm", intensity, profile_of())


def test_a_preset_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidRequest, match="adaptive, gentle"):
        resolve("loudest", 1.0, profile_of())


@pytest.mark.parametrize("name", PRESETS)
def test_a_track_with_the_model_balance_gets_the_tilt_of_the_preset_and_nothing_else(name: str) -> None:
    preset = PRESETS[name]
    tilt = through(preset.tilt)
    expected = preset.limit_db * np.tanh(tilt / preset.limit_db)
    assert resolve(name, 1.0, profile_of()).mid_eq_db == pytest.approx(expected, abs=0.002)
    assert resolve(name, 0.5, profile_of()).mid_eq_db == pytest.approx(expected / 2, abs=0.002)


@pytest.mark.parametrize("name", PRESETS)
def test_a_dull_track_is_brought_nearer_to_the_model_within_the_limit(name: str) -> None:
    preset = PRESETS[name]
    dull = profile_of(MODEL_DB - 30.0 - 3.0 * np.maximum(0.0, np.log2(CENTRES_HZ / 500.0)))
    eq_db = np.array(resolve(name, 1.0, dull).mid_eq_db) - np.array(resolve(name, 1.0, profile_of()).mid_eq_db)
    assert eq_db[at(6_000.0)] > 0.2
    assert np.abs(resolve(name, 1.0, dull).mid_eq_db).max() <= preset.limit_db
    assert eq_db[at(6_000.0)] > eq_db[at(2_000.0)] > eq_db[at(300.0)]


def test_within_the_dead_band_a_balance_is_left_alone() -> None:
    near = profile_of(MODEL_DB - 30.0 + 2.0 * np.sign(np.sin(np.arange(BANDS) / 6.0)))
    assert np.abs(resolve("adaptive", 1.0, near).mid_eq_db).max() < 0.05


def test_nothing_is_boosted_where_nothing_is_heard() -> None:
    balance = MODEL_DB - 30.0
    balance[at(8_000.0) :] -= 60.0
    recipe = resolve("bright", 1.0, profile_of(balance, balance - 20.0))
    assert max(recipe.mid_eq_db[at(8_000.0) :]) <= 0.0
    assert recipe.mid_eq_db[at(4_000.0)] > 0.0


def test_nothing_is_boosted_above_the_cut_off_of_a_codec() -> None:
    recipe = resolve("bright", 1.0, profile_of(cutoff_hz=10_000.0))
    assert max(np.array(recipe.mid_eq_db)[CENTRES_HZ > 10_000.0]) == 0.0
    assert recipe.mid_eq_db[at(4_000.0)] > 0.5


def test_treble_that_is_noise_is_lifted_less() -> None:
    clean, noisy = (resolve("bright", 1.0, profile_of(flatness=flatness)) for flatness in (0.1, 0.9))
    assert clean.mid_eq_db[at(10_000.0)] > noisy.mid_eq_db[at(10_000.0)] + 0.5 > 1.0


def test_the_bass_is_narrowed_and_only_correlated_treble_widened() -> None:
    def width(name: str, correlation: float | None, frequency_hz: float) -> float:
        recipe = resolve(name, 1.0, profile_of(stereo_correlation=correlation))
        return recipe.side_eq_db[at(frequency_hz)] - recipe.mid_eq_db[at(frequency_hz)]

    assert width("adaptive", 0.5, 50.0) == pytest.approx(-3.0, abs=0.01)
    assert width("punchy", 0.5, 50.0) == pytest.approx(-4.0, abs=0.01)
    assert width("adaptive", 0.5, 1_000.0) == pytest.approx(0.0, abs=0.01)
    assert width("adaptive", 0.5, 8_000.0) == width("adaptive", None, 8_000.0) == 0.0
    assert width("adaptive", 1.0, 8_000.0) == pytest.approx(1.0, abs=0.01)
    assert width("bright", 0.9, 8_000.0) == pytest.approx(1.5, abs=0.01)
    assert width("live", 0.0, 8_000.0) == pytest.approx(-1.0, abs=0.01)
    assert width("live", 0.5, 8_000.0) == 0.0
    assert width("gentle", 0.99, 50.0) == width("gentle", 0.99, 8_000.0) == 0.0


def test_a_track_without_a_side_has_no_curve_for_it() -> None:
    assert resolve("adaptive", 1.0, profile_of(channels=1)).side_eq_db == FLAT
    assert resolve("adaptive", 1.0, profile_of(channels=6)).side_eq_db == FLAT


def test_a_threshold_lies_where_the_preset_says_beside_the_level_of_the_track() -> None:
    tone = np.array([-90.0] * BANDS)
    tone[at(1_000.0)] = -17.0  # mid: the mean power of two equal channels is half of it
    recipe = resolve("gentle", 1.0, profile_of(tone, NOTHING))
    level_db = -17.0 - 10.0 * math.log10(2.0) + recipe.mid_eq_db[at(1_000.0)]
    assert recipe.compressors[0].threshold_db == pytest.approx(level_db + 2.0, abs=0.02)
    mono = resolve("gentle", 1.0, profile_of(tone, channels=1))
    assert mono.compressors[0].threshold_db == pytest.approx(recipe.compressors[0].threshold_db + 3.01, abs=0.02)


@pytest.mark.parametrize("name", PRESETS)
def test_louder_tracks_have_their_thresholds_higher_by_as_much(name: str) -> None:
    quiet, loud = (resolve(name, 1.0, profile_of(MODEL_DB - level, MODEL_DB - level)) for level in (40.0, 30.0))
    assert len(quiet.compressors) == len(PRESETS[name].bands)
    for before, after in zip(quiet.compressors, loud.compressors, strict=True):
        assert after.threshold_db - before.threshold_db == pytest.approx(10.0, abs=0.002)


def test_the_responses_of_the_bands_add_up_to_one() -> None:
    low, middle, high = band_responses((150.0, 4_000.0))
    assert low + middle + high == pytest.approx(np.ones(BANDS))
    assert low[at(40.0)] > 0.99
    assert middle[at(800.0)] > 0.99
    assert high[at(12_000.0)] > 0.99


def test_a_rate_without_room_for_a_band_has_none() -> None:
    assert resolve("bright", 1.0, profile_of()).crossovers_hz == (150.0, 4_000.0)
    narrow = resolve("bright", 1.0, profile_of(sample_rate=8_000))
    assert narrow.crossovers_hz == (150.0,)
    assert len(narrow.compressors) == 2


def test_the_gain_leads_to_the_target_and_not_far_beyond_the_ceiling() -> None:
    roomy = profile_of(true_peak_dbtp=-12.0)
    assert resolve("gentle", 1.0, roomy).gain_db == pytest.approx(2.0, abs=0.05)
    assert resolve("gentle", 0.5, roomy).gain_db == pytest.approx(1.0, abs=0.05)
    assert resolve("gentle", 1.0, roomy, Target(offset_lu=3.0)).gain_db == pytest.approx(5.0, abs=0.05)
    peaky = profile_of(integrated_lufs=-30.0, true_peak_dbtp=-2.0)
    assert resolve("gentle", 1.0, peaky, Target(ceiling_dbtp=-2.0)).gain_db == pytest.approx(6.0)


def test_the_ceiling_of_the_listener_is_that_of_the_recipe() -> None:
    assert resolve("warm", 0.1, profile_of()).ceiling_dbtp == -1.0
    assert resolve("warm", 0.1, profile_of(), Target(ceiling_dbtp=-3.0)).ceiling_dbtp == -3.0


@pytest.mark.parametrize("name", PRESETS)
def test_of_silence_nothing_is_invented(name: str) -> None:
    recipe = resolve(name, 1.0, silent())
    assert recipe.gain_db == 0.0
    assert recipe.mid_eq_db == (0.0,) * BANDS
    assert recipe.compressors == ()
    assert recipe.crossovers_hz == ()


def test_what_a_recipe_follows_from_is_measured_under_these_names() -> None:
    assert set(USUAL) <= {dimension.name for dimension in DIMENSIONS}
