"""What mastering must never do to a sound, and what it must leave alone, measured at its output."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.mastering import Recipe
from auralis_trio.mastering.limiter import MARGIN_DB
from tests.ebur128 import measure
from tests.mastering.sounds import BARE, ArraySource, mastered, music, recipe, sine

CEILING_DBTP = -1.0
ALL = {
    "one band": recipe(1),
    "two bands": recipe(2),
    "three bands": recipe(3),
    "attacks": recipe(2, transient_db=2.5),
}
LIMITED = Recipe(preset="adaptive", intensity=1.0, ceiling_dbtp=CEILING_DBTP)


def thd_n_db(samples: NDArray[np.float32], frequency_hz: float, sample_rate: int) -> float:
    """Everything but the tone itself, against the tone: its best fit is taken away; dB."""
    middle = samples[sample_rate:-sample_rate, 0].astype(np.float64)
    phase = 2 * np.pi * frequency_hz * np.arange(len(middle)) / sample_rate
    basis = np.stack((np.sin(phase), np.cos(phase)), axis=1)
    fit = basis @ np.linalg.lstsq(basis, middle, rcond=None)[0]
    return float(10 * np.log10(np.mean((middle - fit) ** 2) / np.mean(fit**2)))


def true_peak_db(samples: NDArray[np.float32], sample_rate: int) -> float:
    return measure(samples, sample_rate).true_peak_dbtp


@pytest.mark.parametrize("frequency_hz", [50.0, 1000.0])
@pytest.mark.parametrize("below_db", [6.0, -6.0])
@pytest.mark.parametrize("sample_rate", [44_100, 96_000])
def test_a_tone_stays_clean_below_the_limiter_and_six_decibels_into_it(
    frequency_hz: float, below_db: float, sample_rate: int
) -> None:
    level = CEILING_DBTP - MARGIN_DB - below_db
    out = mastered(sine(frequency_hz, level, 5.0, sample_rate), LIMITED)
    peak_db = 20 * np.log10(np.abs(out[sample_rate:-sample_rate]).max())
    assert peak_db == pytest.approx(min(level, CEILING_DBTP - MARGIN_DB), abs=0.05)
    assert thd_n_db(out, frequency_hz, sample_rate) < -100.0


@pytest.mark.parametrize("frequency_hz", [50.0, 1000.0])
@pytest.mark.parametrize("name", ALL)
def test_a_tone_stays_clean_through_every_stage_at_once(frequency_hz: float, name: str) -> None:
    for level in (CEILING_DBTP - 12.0, CEILING_DBTP):
        out = mastered(sine(frequency_hz, level, 5.0), ALL[name])
        assert thd_n_db(out, frequency_hz, 44_100) < -100.0


@pytest.mark.parametrize("name", ALL)
def test_silence_stays_digital_silence(name: str) -> None:
    for channels in (1, 2, 6):
        out = mastered(ArraySource(np.zeros((60_000, channels), np.float32)), ALL[name])
        assert not out.any()


@pytest.mark.parametrize("name", ALL)
def test_what_is_equal_in_both_channels_stays_equal(name: str) -> None:
    mono = music(4.0, channels=1).samples
    out = mastered(ArraySource(np.repeat(mono, 2, axis=1)), ALL[name])
    assert out[:, 0].tobytes() == out[:, 1].tobytes()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_turning_the_polarity_commutes_with_mastering(name: str, channels: int) -> None:
    source = music(4.0, channels=channels)
    assert np.array_equal(mastered(ArraySource(-source.samples), ALL[name]), -mastered(source, ALL[name]))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("channels", [2, 6])
def test_swapping_left_and_right_commutes_with_mastering(name: str, channels: int) -> None:
    source = music(4.0, channels=channels)
    order = [1, 0, *range(2, channels)]
    swapped = mastered(ArraySource(source.samples[:, order].copy()), ALL[name])
    assert np.array_equal(swapped, mastered(source, ALL[name])[:, order])


@pytest.mark.parametrize("name", ALL)
def test_nothing_comes_earlier_or_later(name: str) -> None:
    source = music(6.0)
    out = mastered(source, ALL[name])
    assert out.shape == source.samples.shape
    size = 1 << 19
    crossed = np.fft.irfft(np.fft.rfft(out[:, 0], size) * np.conj(np.fft.rfft(source.samples[:, 0], size)))
    assert int(np.argmax(np.abs(crossed))) == 0


def test_an_impulse_comes_out_where_it_went_in() -> None:
    line = np.zeros((60_000, 2), np.float32)
    line[20_000] = 0.5
    out = mastered(ArraySource(line), recipe(0, gain_db=0.0))
    assert int(np.argmax(np.abs(out[:, 0]))) == 20_000


def test_the_chain_with_nothing_set_changes_nothing_but_the_last_bits() -> None:
    source = music(6.0)
    error = mastered(source, BARE).astype(np.float64) - source.samples
    assert 10 * np.log10(np.mean(error**2) / np.mean(source.samples.astype(np.float64) ** 2)) < -130.0


Make = Callable[[np.random.Generator, int, int], NDArray[np.floating]]

ODD_SOUNDS: dict[str, Make] = {
    "direct current": lambda rng, n, c: np.full((n, c), 0.9),
    "a square wave": lambda rng, n, c: np.sign(np.sin(np.arange(n) * 0.05))[:, np.newaxis] * np.ones((1, c)),
    "noise": lambda rng, n, c: rng.uniform(-1, 1, (n, c)),
    "random signs": lambda rng, n, c: rng.choice([-1.0, 1.0], (n, c)),
    "impulses": lambda rng, n, c: (rng.uniform(size=(n, c)) > 0.999) * 1.0,
}


@pytest.mark.parametrize("kind", ODD_SOUNDS)
@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000, 96_000, 192_000])
def test_hard_sounds_come_out_finite_and_below_the_ceiling(kind: str, sample_rate: int) -> None:
    rng = np.random.default_rng(3)
    samples = ODD_SOUNDS[kind](rng, sample_rate * 2, 2).astype(np.float32)
    out = mastered(ArraySource(samples, sample_rate), recipe(2, gain_db=9.0))
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 10 ** ((CEILING_DBTP - MARGIN_DB) / 20) * (1 + 1e-5)
    assert true_peak_db(out, sample_rate) <= -0.5


@pytest.mark.parametrize("channels", range(1, 9))
def test_any_number_of_channels_is_mastered(channels: int) -> None:
    out = mastered(music(3.0, 48_000, channels), recipe(3, gain_db=12.0))
    assert out.shape == (144_000, channels)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 10 ** ((CEILING_DBTP - MARGIN_DB) / 20) * (1 + 1e-5)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -3e38]))
def test_what_is_no_sound_does_not_spread(seed: int, value: float) -> None:
    rng = np.random.default_rng(seed)
    source = music(4.0, 8_000)
    source.samples[rng.integers(0, len(source.samples), 5), rng.integers(0, 2, 5)] = value
    out = mastered(source, recipe(3))
    assert np.isfinite(out).all()


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 24.0),
    st.sampled_from([0.0, 0.5, 0.9, 0.99]),
    st.sampled_from(["uniform", "normal"]),
)
def test_no_sample_passes_the_ceiling(seed: int, gain_db: float, sparse: float, kind: str) -> None:
    rng = np.random.default_rng(seed)
    shape = (40_000, 2)
    samples = rng.uniform(-1, 1, shape) if kind == "uniform" else rng.standard_normal(shape) * 0.3
    samples *= rng.uniform(size=shape) >= sparse
    out = mastered(ArraySource(samples.astype(np.float32), 8_000), recipe(2, gain_db=gain_db))
    assert np.abs(out).max() <= 10 ** ((CEILING_DBTP - MARGIN_DB) / 20) * (1 + 1e-5)


@pytest.mark.parametrize("gain_db", [6.0, 12.0, 18.0])
def test_music_driven_hard_stays_below_the_ceiling_by_another_meter(gain_db: float) -> None:
    out = mastered(music(8.0), recipe(2, gain_db=gain_db))
    assert true_peak_db(out, 44_100) <= CEILING_DBTP
