"""The forecast: what the chain will do, foretold from the ledger."""

import numpy as np
import pytest

from auralis_trio.analysis.loudness import k_weighting_power
from auralis_trio.mastering.forecast import Heard, block_powers, forecast
from auralis_trio.mastering.limiter import MARGIN_DB
from auralis_trio.mastering.recipe import Compressor, Recipe
from tests.mastering.ledgers import HOP_FRAMES, RATE, at, tone

STEADY = [-20.0] * 400


def weighting_db(frequency_hz: float) -> float:
    centre_hz = np.array([20.0 * 2.0 ** ((at(frequency_hz) + 0.5) / 4)])
    return 10.0 * float(np.log10(k_weighting_power(centre_hz, RATE)[0]))


def one_band(**parameters: float) -> Recipe:
    """A wideband compressor whose knee is hard, so that its static curve is two straight lines."""
    given = {"threshold_db": -33.0, "ratio": 2.0, "window_s": 0.048, "release_db_per_s": 40.0, "knee_db": 1e-3}
    return Recipe(preset="adaptive", intensity=1.0, compressors=(Compressor(**given | parameters),))


def test_nothing_done_is_the_loudness_of_the_ledger() -> None:
    lufs = forecast(Heard.of(tone(STEADY)), Recipe()).lufs(0.0, None)
    assert lufs == pytest.approx(-20.0 - 0.691 + weighting_db(1_000.0), abs=0.01)


def test_a_gain_and_a_curve_are_heard_in_full() -> None:
    curve = [0.0] * 40
    curve[at(1_000.0)] = 2.5
    heard = Heard.of(tone(STEADY))
    plain, curved = (forecast(heard, recipe) for recipe in (Recipe(), Recipe(mid_eq_db=tuple(curve))))
    for found in (plain.lufs(2.5, None), curved.lufs(0.0, None)):
        assert found == pytest.approx((plain.lufs(0.0, None) or 0.0) + 2.5, abs=0.001)
    assert curved.peak_db == pytest.approx(plain.peak_db + 2.5, abs=0.001)


@pytest.mark.parametrize(("channels", "reduction_db"), [(1, 6.5), (2, 5.0)])
def test_a_level_above_the_threshold_rises_by_the_ratio_only(channels: int, reduction_db: float) -> None:
    heard = Heard.of(tone(STEADY, channels=channels))  # the mean power of two channels is 3 dB below their sum
    before, after = (forecast(heard, recipe).lufs(0.0, None) for recipe in (Recipe(), one_band()))
    assert (before or 0.0) - (after or 0.0) == pytest.approx(reduction_db, abs=0.02)


def test_a_compressor_lets_go_as_slowly_as_its_release_says() -> None:
    heard = Heard.of(tone([-20.0] * 100 + [-60.0] * 100))
    gain_db = 10.0 * np.log10(forecast(heard, one_band()).loudness_power / forecast(heard, Recipe()).loudness_power)
    falling = gain_db[100:104]
    assert np.diff(falling) == pytest.approx([40.0 * HOP_FRAMES / RATE] * 3, abs=0.01)
    assert gain_db[112:] == pytest.approx(0.0, abs=1e-4)


def test_only_the_band_that_is_loud_is_turned_down() -> None:
    quiet = Compressor(threshold_db=0.0, ratio=2.0, window_s=0.048, release_db_per_s=40.0)
    loud = Compressor(threshold_db=-60.0, ratio=2.0, window_s=0.048, release_db_per_s=40.0)
    recipe = Recipe(preset="warm", intensity=1.0, crossovers_hz=(150.0,), compressors=(loud, quiet))
    for frequency_hz, change_db in ((50.0, -9.0), (1_000.0, 0.0)):
        heard = Heard.of(tone(STEADY, frequency_hz))
        before, after = (forecast(heard, each).loudness_power[200] for each in (Recipe(), recipe))
        assert 10.0 * np.log10(after / before) == pytest.approx(change_db, abs=0.05)


def test_the_amount_scales_what_compressors_do() -> None:
    heard = Heard.of(tone(STEADY))
    recipe = one_band()
    half = Recipe(preset="adaptive", intensity=0.5, compressors=recipe.compressors, amount=0.5)
    none, some, all_of_it = (forecast(heard, each).lufs(0.0, None) or 0.0 for each in (Recipe(), half, recipe))
    assert none - some == pytest.approx((none - all_of_it) / 2, abs=0.001)


def test_attacks_are_lifted_by_no_more_than_the_recipe_says() -> None:
    heard = Heard.of(tone([-60.0] * 100 + [-20.0] + [-60.0] * 100))
    plain, lifted = (forecast(heard, Recipe(transient_db=db)).loudness_power for db in (0.0, 1.0))
    lift_db = 10.0 * np.log10(lifted / plain)
    assert lift_db[100] == pytest.approx(1.0, abs=0.001)
    assert lift_db[:90] == pytest.approx(0.0, abs=1e-4)


def test_the_limiter_takes_what_stands_above_the_ceiling() -> None:
    foretold = forecast(Heard.of(tone(STEADY, peak_db=[-6.0] * 400)), Recipe())
    assert foretold.limiting_db(6.0, -1.0) == pytest.approx(1.0 + MARGIN_DB, abs=0.01)
    assert foretold.limiting_db(4.0, -1.0) == pytest.approx(0.0, abs=0.01)
    assert foretold.strain(8.0, -1.0) == pytest.approx((3.0 + MARGIN_DB, 3.0 + MARGIN_DB), abs=0.01)
    loud, limited = (foretold.lufs(6.0, ceiling) or 0.0 for ceiling in (None, -1.0))
    assert loud - limited == pytest.approx(1.0 + MARGIN_DB, abs=0.02)


def test_the_limiter_lets_go_after_a_single_peak() -> None:
    peaks = np.full(200, -30.0)
    peaks[100] = 5.0
    limiting_db = forecast(Heard.of(tone([-30.0] * 200, peak_db=peaks)), Recipe()).limiting_db(0.0, -1.0)
    assert limiting_db[100:102].max() == pytest.approx(6.0 + MARGIN_DB, rel=0.25)
    assert limiting_db[:100] == pytest.approx(0.0, abs=0.01)
    assert limiting_db[110:] == pytest.approx(0.0, abs=0.01)


def test_a_slow_gain_moves_loudness_and_peaks_alike() -> None:
    heard = Heard.of(tone(STEADY))
    plain = forecast(heard, Recipe())
    moved = forecast(heard, Recipe(automation_db=(-3.0,) * 40))
    assert moved.peak_db == pytest.approx(plain.peak_db - 3.0, abs=0.001)
    assert moved.loudness_power == pytest.approx(plain.loudness_power * 10.0**-0.3, rel=1e-4)


def test_blocks_have_the_mean_power_of_400_ms_and_incomplete_ones_are_dropped() -> None:
    power = np.concatenate((np.zeros(200), np.ones(200)))
    blocks = block_powers(power, HOP_FRAMES, RATE)
    assert len(blocks) == int((400 * HOP_FRAMES / RATE - 0.4) / 0.1) + 1
    assert blocks[0] == 0.0
    assert blocks[-1] == pytest.approx(1.0)
    assert np.all(np.diff(blocks) >= -1e-12)
    assert len(block_powers(np.ones(10), HOP_FRAMES, RATE)) == 0


def test_a_track_of_no_length_or_silence_has_no_loudness() -> None:
    for levels in ([], [-200.0] * 100):
        heard = Heard.of(tone(levels))
        foretold = forecast(heard, one_band())
        assert foretold.lufs(10.0, -1.0) is None
        assert foretold.strain(10.0, -1.0) == (0.0, 0.0)
