"""Each stage, probed alone: it does what its parameters say, in decibels, so a dead one cannot pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.mastering import Recipe, envelope
from auralis_trio.mastering.filters import low_interpolation, lowpass, realised
from auralis_trio.mastering.limiter import ATTACK_S, HOLD_S, MARGIN_DB, RELEASE_DB_PER_S
from auralis_trio.mastering.recipe import Compressor
from auralis_trio.mastering.shape import Shape
from tests.mastering.sounds import ArraySource, mastered, sine

RATE = 44_100


def only(**values: object) -> Recipe:
    return Recipe(preset="adaptive", intensity=1.0, **values)  # type: ignore[arg-type]


def level_db(samples: NDArray[np.float32]) -> float:
    """The power in the middle of a tone, mean over the channels, in dB."""
    middle = samples[len(samples) // 3 : -len(samples) // 3].astype(np.float64)
    return float(10 * np.log10(np.mean(middle**2)))


def change_db(source: ArraySource, recipe: Recipe) -> float:
    return level_db(mastered(source, recipe)) - level_db(source.samples)


def antiphase(source: ArraySource) -> ArraySource:
    return ArraySource(source.samples * np.array([1.0, -1.0], np.float32), source.sample_rate)


def test_the_gain_is_a_gain() -> None:
    for gain_db in (-12.0, -0.5, 7.25):
        assert change_db(sine(440, -30), only(gain_db=gain_db)) == pytest.approx(gain_db, abs=0.001)


@pytest.mark.parametrize("sample_rate", [44_100, 96_000])
@pytest.mark.parametrize("band", [8, 14, 20, 27, 33])
def test_the_equalizer_does_what_its_curve_says(band: int, sample_rate: int) -> None:
    curve = tuple(float(4.0 * np.sin(k / 6.0)) for k in range(40))
    tone = sine(CENTRES_HZ[band], -30, sample_rate=sample_rate)
    assert change_db(tone, only(mid_eq_db=curve)) == pytest.approx(curve[band], abs=0.1)
    assert change_db(tone, only(side_eq_db=curve)) == pytest.approx(0.0, abs=0.001)
    assert change_db(antiphase(tone), only(side_eq_db=curve)) == pytest.approx(curve[band], abs=0.1)
    mono = sine(CENTRES_HZ[band], -30, sample_rate=sample_rate, channels=1)
    assert change_db(mono, only(mid_eq_db=curve)) == pytest.approx(curve[band], abs=0.1)


def test_the_width_turns_the_side_alone() -> None:
    wide = only(side_eq_db=(3.0,) * 40)
    assert change_db(sine(1000, -30), wide) == pytest.approx(0.0, abs=0.001)
    assert change_db(antiphase(sine(1000, -30)), wide) == pytest.approx(3.0, abs=0.001)


@pytest.mark.parametrize(("frequency_hz", "band"), [(50.0, 0), (1000.0, 1), (10_000.0, 2)])
def test_each_compressor_turns_down_its_own_band(frequency_hz: float, band: int) -> None:
    """A tone of -20 dB is 10 dB above a threshold of -30, wholly above the knee: 2:1 takes 5 dB."""
    idle, works = Compressor(0.0, 2.0, 0.05, 30.0), Compressor(-30.0, 2.0, 0.05, 30.0)
    compressors = tuple(works if number == band else idle for number in range(3))
    tone = sine(frequency_hz, -20.0 + 3.01)
    hit = only(crossovers_hz=(150.0, 4000.0), compressors=compressors)
    assert change_db(tone, hit) == pytest.approx(-5.0, abs=0.15)
    others = tuple(idle if number == band else works for number in range(3))
    missed = only(crossovers_hz=(150.0, 4000.0), compressors=others)
    assert change_db(tone, missed) == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(-40.0, 0.0), (-33.0, 0.0), (-30.0, -0.5625), (-27.0, -2.25), (-20.0, -7.5), (-10.0, -9.0), (-2.0, -9.0)],
)
def test_a_compressor_follows_its_curve(level: float, expected: float) -> None:
    """Threshold -30, knee 6, ratio 4, range 9: the closed form at, in, above the knee and at the end of the range."""
    recipe = only(compressors=(Compressor(-30.0, 4.0, 0.05, 30.0),))
    assert change_db(sine(1000, level + 3.01), recipe) == pytest.approx(expected, abs=0.03)


def test_the_amount_scales_what_a_compressor_does() -> None:
    for amount in (0.0, 0.25, 1.0):
        recipe = only(compressors=(Compressor(-30.0, 2.0, 0.05, 30.0),), amount=amount)
        assert change_db(sine(1000, -16.99), recipe) == pytest.approx(-5.0 * amount, abs=0.03)


def test_a_compressor_does_the_same_whatever_the_gain() -> None:
    for gain_db in (-6.0, 0.0, 6.0):
        recipe = only(compressors=(Compressor(-30.0, 2.0, 0.05, 30.0),), gain_db=gain_db)
        assert change_db(sine(1000, -16.99), recipe) == pytest.approx(gain_db - 5.0, abs=0.03)


def bursts(loud_db: float, soft_db: float, loud_s: float = 0.5, soft_s: float = 1.5) -> ArraySource:
    """A tone that is loud for a while, then soft."""
    loud, soft = (sine(1000, level, time_s).samples for level, time_s in ((loud_db, loud_s), (soft_db, soft_s)))
    return ArraySource(np.concatenate((soft, loud, soft)))


def gain_course_db(source: ArraySource, recipe: Recipe) -> NDArray[np.float64]:
    """What was done to each millisecond, in dB."""
    step = RATE // 1000
    before, after = (
        np.mean(x[: len(x) // step * step, 0].astype(np.float64).reshape(-1, step) ** 2, axis=1)
        for x in (source.samples, mastered(source, recipe))
    )
    return np.asarray(10 * np.log10(after / before))


def test_a_compressor_is_down_when_the_loud_comes_and_lets_go_at_its_rate() -> None:
    course = gain_course_db(bursts(-16.99, -50.0), only(compressors=(Compressor(-30.0, 2.0, 0.05, 30.0),)))
    assert course[1000] == pytest.approx(0.0, abs=0.02)
    assert course[1502] < -4.3
    assert course[1750] == pytest.approx(-5.0, abs=0.05)
    falling = course[2050:2100]
    assert np.mean(np.diff(falling)) * 1000 == pytest.approx(30.0, rel=0.05)
    assert course[2300] == pytest.approx(0.0, abs=0.02)


def test_a_delayed_compressor_lets_the_attack_pass() -> None:
    prompt, late = (
        gain_course_db(bursts(-16.99, -50.0), only(compressors=(Compressor(-30.0, 2.0, 0.05, 30.0, delay_s=d),)))
        for d in (0.0, 0.04)
    )
    assert np.abs(late[1540] - prompt[1500]) < 0.3
    assert late[1490] > prompt[1490] + 1.0


def test_attacks_are_lifted_and_steady_sound_is_not() -> None:
    """A stroke is lifted twice as far as the beginning of a long sound, and never further than was allowed."""
    step = gain_course_db(bursts(-20.0, -50.0), only(transient_db=2.5))
    assert 0.4 < step[1495:1530].max() < 0.8
    assert np.abs(step[300:1300]).max() < 0.01
    assert np.abs(step[1700:1850]).max() < 0.01
    stroke = bursts(-20.0, -50.0, loud_s=0.04)
    assert 1.0 < gain_course_db(stroke, only(transient_db=2.5))[1495:1545].max() < 1.5
    assert gain_course_db(stroke, only(transient_db=0.8))[1495:1545].max() == pytest.approx(0.8, abs=0.05)


def test_a_slow_gain_follows_its_knots() -> None:
    """Through equal knots it is their value; between unequal ones it goes from one to the other, never beyond."""
    source = sine(1000, -20, 6.0)
    assert change_db(source, only(automation_db=(2.5,) * 20)) == pytest.approx(2.5, abs=0.001)
    course = gain_course_db(source, only(automation_db=(-2.0,) * 5 + (3.0,) * 10))
    assert course[100] == pytest.approx(-2.0, abs=0.01)
    assert course[-100] == pytest.approx(3.0, abs=0.01)
    assert np.all(np.diff(course[::20]) > -0.01)


def test_the_limiter_takes_away_what_is_above_the_ceiling_and_nothing_below() -> None:
    limited = only(ceiling_dbtp=-6.0)
    assert change_db(sine(1000, -6.0 - MARGIN_DB - 0.1), limited) == pytest.approx(0.0, abs=0.001)
    assert change_db(sine(1000, 0.0), limited) == pytest.approx(-6.0 - MARGIN_DB, abs=0.03)


def test_the_limiter_lets_go_at_its_rate() -> None:
    course = gain_course_db(bursts(0.0, -30.0), only(ceiling_dbtp=-6.0))
    hold_ms = 1000 * (HOLD_S + ATTACK_S)
    falling = course[2000 + round(hold_ms) + 10 : 2000 + round(hold_ms) + 70]
    assert np.mean(np.diff(falling)) * 1000 == pytest.approx(RELEASE_DB_PER_S, rel=0.05)
    assert course[1480] == pytest.approx(0.0, abs=0.01)
    assert course[2300] == pytest.approx(0.0, abs=0.01)


def test_the_limiter_sees_what_lies_between_the_samples() -> None:
    """A tone at a quarter of the rate, sampled 45 degrees off its peaks: the samples are 3 dB below them."""
    time = np.arange(RATE * 3)
    tone = np.sin(np.pi / 2 * time + np.pi / 4)[:, np.newaxis].astype(np.float32)
    out = mastered(ArraySource(tone), only(ceiling_dbtp=-1.0))
    assert 20 * np.log10(np.abs(out[RATE:-RATE]).max()) == pytest.approx(-1.0 - MARGIN_DB - 3.01, abs=0.05)


def test_the_trim_turns_down() -> None:
    assert change_db(sine(1000, -20), only(trim_db=-4.5)) == pytest.approx(-4.5, abs=0.001)
    assert change_db(sine(1000, -20), Recipe(trim_db=-4.5)) == pytest.approx(-4.5, abs=0.001)


def test_the_low_band_comes_back_to_the_full_rate_as_it_was() -> None:
    """What is decimated and interpolated again is the band itself, to better than -90 dB."""
    for sample_rate in (8_000, 44_100, 192_000):
        shape = Shape(sample_rate)
        step, tone_hz = shape.decimation, 120.0
        low_time = (np.arange(400) * step + (step - 1) / 2) / sample_rate
        low = np.sin(2 * np.pi * tone_hz * low_time)
        rows = np.lib.stride_tricks.sliding_window_view(low, 9) @ low_interpolation(shape)
        truth = np.sin(2 * np.pi * tone_hz * (np.arange(rows.size) + 4 * step) / sample_rate)
        assert np.abs(rows.ravel() - truth).max() < 3e-5


def test_a_crossover_splits_without_loss_and_ends_in_time() -> None:
    shape = Shape(RATE)
    below = realised(lowpass(150.0, shape), shape)
    assert below[0] == pytest.approx(1.0, abs=1e-3)
    assert np.abs(below[600:]).max() < 1e-5


def test_a_filter_realises_its_curve() -> None:
    shape = Shape(RATE)
    frequency = np.arange(shape.fft // 2 + 1) * RATE / shape.fft
    wanted = 10 ** (
        np.interp(np.log2(np.maximum(frequency, 1)), np.log2(CENTRES_HZ), 4 * np.sin(np.arange(40) / 6)) / 20
    )
    error_db = 20 * np.log10(realised(wanted, shape) / wanted)
    assert np.abs(error_db[(frequency > 25) & (frequency < 19_000)]).max() < 0.22


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 20, width=32), min_size=1, max_size=200),
    st.floats(0.01, 5.0),
    st.floats(0.5, 12.0),
)
def test_a_release_is_what_its_formula_says_and_remembers_no_further(
    values: list[float], step_db: float, range_db: float
) -> None:
    line = np.array(values, np.float32)
    out = envelope.released(line, step_db, range_db)
    memory = envelope.release_hops(step_db, range_db)
    for place in range(len(line)):
        past = line[max(0, place - memory) : place + 1]
        fallen = np.minimum(past, range_db) - step_db * np.arange(len(past) - 1, -1, -1)
        assert out[place] == pytest.approx(max(line[place], fallen.max()), abs=1e-3)
    cut = line[-memory - 1 :]
    assert envelope.released(cut, step_db, range_db)[-1] == out[-1]


@given(st.lists(st.floats(0, 9, width=32), min_size=1, max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_a_hold_reaches_as_far_as_it_says(values: list[float], back: int, forward: int) -> None:
    line = np.array(values, np.float32)
    expected = [line[max(0, k - back) : k + forward + 1].max() for k in range(len(line))]
    assert envelope.held(line, back, forward).tolist() == expected


def test_a_window_and_a_spline_add_up_to_one() -> None:
    for length in (1, 19, 33):
        assert envelope.hann(length).sum() == pytest.approx(1.0)
    for frames in (4, 16, 64):
        weights = envelope.spline(frames)
        assert np.all(weights >= 0)
        assert np.allclose(weights.sum(axis=0), 1.0, atol=1e-6)
        assert np.allclose(weights, weights[::-1, ::-1], atol=1e-6)
