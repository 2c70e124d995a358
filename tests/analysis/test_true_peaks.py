"""Peaks: the cases of EBU Tech 3341, what is missed at most, and that pieces and places do not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from auralis_trio.analysis import TruePeakMeter
from auralis_trio.analysis.true_peak import interpolator, oversampling
from tests.analysis.signals import both, noise, times, tone
from tests.ebur128 import measure

RATES = [44_100, 48_000, 96_000]


def peaks(samples: NDArray[np.float32], rate: int, piece: int = 50_000) -> tuple[float, float]:
    meter = TruePeakMeter(rate, samples.shape[1])
    for start in range(0, len(samples), piece):
        meter.add(samples[start : start + piece])
    true_peak_dbtp, sample_peak_dbfs = meter.result()
    assert true_peak_dbtp is not None
    assert sample_peak_dbfs is not None
    return true_peak_dbtp, sample_peak_dbfs


def faded(line: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    ramp = np.minimum(np.arange(len(line)) / (0.01 * rate), 1.0)
    return both(line * ramp * ramp[::-1])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("part", "gain", "phase_deg", "expected_dbtp"),
    [
        pytest.param(4, 0.50, 0.0, -6.0, id="case 15"),
        pytest.param(4, 0.50, 45.0, -6.0, id="case 16"),
        pytest.param(6, 0.50, 60.0, -6.0, id="case 17"),
        pytest.param(8, 0.50, 67.5, -6.0, id="case 18"),
        pytest.param(4, 1.41, 45.0, 3.0, id="case 19"),
    ],
)
def test_cases_15_to_19_peaks_between_samples(
    part: int, gain: float, phase_deg: float, expected_dbtp: float, rate: int
) -> None:
    line = tone(rate / part, 20.0 * np.log10(gain), 1.0, rate, phase_deg)
    true_peak_dbtp, _ = peaks(faded(line, rate), rate)
    assert -0.4 <= true_peak_dbtp - expected_dbtp <= 0.2


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("offset", range(4), ids=["case 20", "case 21", "case 22", "case 23"])
def test_cases_20_to_23_one_loud_period_between_samples(offset: int, rate: int) -> None:
    fine = times(0.5, 4 * rate) * rate  # in frames of the lower rate
    middle = 6.0 * round(0.25 * rate / 6.0)
    burst = (fine >= middle) & (fine < middle + 4.0)
    behind = fine >= middle + 4.0
    quiet = 0.5 * np.sin(2.0 * np.pi * (fine - 4.0 * behind - middle) / 6.0)
    line = np.where(burst, np.sin(2.0 * np.pi * (fine - middle) / 4.0), quiet)
    narrow = signal.lfilter(signal.firwin(511, 0.5 * rate, fs=4 * rate), 1.0, line)
    true_peak_dbtp, _ = peaks(faded(narrow[offset::4], rate), rate)
    assert -0.4 <= true_peak_dbtp <= 0.2


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("place", [0.05, 0.11, 0.21, 0.31, 0.41, 0.45])
def test_four_points_a_frame_miss_no_more_than_the_standard_says(place: float, rate: int) -> None:
    """Annex 2, attachment 1: the under-read of a tone is 20 log10 cos(pi f / n) at worst."""
    line = faded(tone(place * rate * 1.0001, 0.0, 1.0, rate), rate)
    true_peak_dbtp, _ = peaks(line, rate)
    assert 20.0 * np.log10(np.cos(np.pi * place / oversampling(rate))) - 0.05 <= true_peak_dbtp <= 0.05


def test_a_sample_peak_is_the_largest_sample_of_either_sign() -> None:
    samples = both(np.array([0.0, 0.25, -0.5, 0.125] * 10))
    assert peaks(samples, 44_100)[1] == pytest.approx(-6.0206, abs=1e-4)


def test_peaks_at_both_ends_count() -> None:
    for place in (0, -1):
        line = np.zeros(10_001)
        line[place] = 0.5
        assert peaks(both(line), 44_100) == pytest.approx((-6.0206, -6.0206), abs=1e-3)


def test_silence_and_nothing_have_no_peaks() -> None:
    meter = TruePeakMeter(44_100, 2)
    assert meter.result() == (None, None)
    meter.add(np.zeros((5_000, 2), np.float32))
    assert meter.result() == (None, None)


def test_what_is_no_number_counts_as_nothing_and_the_rest_within_eight() -> None:
    line = np.array([0.1, np.nan, np.inf, -np.inf, 0.1] * 10)
    assert peaks(both(line), 44_100)[1] == pytest.approx(-20.0, abs=1e-4)
    assert peaks(both(np.array([100.0])), 44_100)[1] == pytest.approx(20.0 * np.log10(8.0), abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=12), st.sampled_from([8_000, 44_100, 192_000]))
def test_pieces_do_not_matter(pieces: list[int], rate: int) -> None:
    samples = both(noise(-12.0, sum(pieces) / 8_000, 8_000, seed=len(pieces)))
    whole, cut = TruePeakMeter(rate, 2), TruePeakMeter(rate, 2)
    whole.add(samples)
    for end, frames in zip(np.cumsum(pieces), pieces, strict=True):
        cut.add(samples[end - frames : end])
    assert whole.result() == cut.result()


def test_pruning_misses_no_peak() -> None:
    """What the meter skips lies below what it found: every hop of noise is interpolated here."""
    rate, rng = 44_100, np.random.default_rng(3)
    at = interpolator(rate)
    for cutoff_hz in (1_000, 5_000, 12_000, 20_000):
        taps = signal.firwin(127, cutoff_hz, fs=rate)
        line = np.clip(signal.lfilter(taps, 1.0, rng.standard_normal(8 * 2 * at.hop * 40)) * 0.6, -0.5, 0.5)
        rows = np.lib.stride_tricks.sliding_window_view(
            np.pad(line, at.halo).astype(np.float32), 2 * (at.hop + at.halo)
        )[:: 2 * at.hop]
        every = float(at.peaks(rows.reshape(-1, 8, rows.shape[1])).max())
        assert peaks(both(line), rate)[0] == pytest.approx(20.0 * np.log10(every), abs=1e-5)


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_another_meter_agrees(rate: int) -> None:
    line = np.convolve(noise(-14.0, 4.0, rate), signal.firwin(63, 0.3), mode="same")
    other = measure(both(line), rate)
    true_peak_dbtp, sample_peak_dbfs = peaks(both(line), rate)
    assert true_peak_dbtp == pytest.approx(other.true_peak_dbtp, abs=0.1)
    assert sample_peak_dbfs == pytest.approx(other.sample_peak_dbfs, abs=0.01)
