"""The cases of EBU Tech 3341 (version 4) and Tech 3342 that can be made here, with their published tolerances."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from auralis_trio.analysis.loudness import (
    MOMENTARY_STEPS,
    OFFSET_LUFS,
    SHORT_TERM_STEPS,
    Loudness,
    LoudnessMeter,
    moving_powers,
)
from tests.analysis.signals import both, channels, steps, tone

RATES = [44_100, 48_000, 96_000]
SILENCE = -math.inf

pytestmark = pytest.mark.parametrize("rate", RATES)


def metered(samples: NDArray[np.float32], rate: int) -> LoudnessMeter:
    meter = LoudnessMeter(rate, samples.shape[1])
    for start in range(0, len(samples), 100_000):
        meter.add(samples[start : start + 100_000])
    return meter


def loudness(samples: NDArray[np.float32], rate: int) -> Loudness:
    return metered(samples, rate).result()


def levels(samples: NDArray[np.float32], rate: int, window: int) -> NDArray[np.float64]:
    powers = moving_powers(metered(samples, rate).powers(), window)
    return np.asarray(OFFSET_LUFS + 10.0 * np.log10(powers))


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_cases_1_and_2_a_steady_tone_has_one_loudness(level: float, rate: int) -> None:
    said = loudness(both(tone(1_000.0, level, 20.0, rate)), rate)
    assert said.integrated_lufs == pytest.approx(level, abs=0.1)
    assert said.max_momentary_lufs == pytest.approx(level, abs=0.1)
    assert said.max_short_term_lufs == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(10, -36), (60, -23), (10, -36)], id="case 3"),
        pytest.param([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], id="case 4"),
        pytest.param([(20, -26), (20.1, -20), (20, -26)], id="case 5"),
    ],
)
def test_cases_3_to_5_what_is_quiet_is_gated(parts: list[tuple[float, float]], rate: int) -> None:
    assert loudness(both(steps(parts, rate)), rate).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_case_6_surround_channels_weigh_more(rate: int) -> None:
    front, centre, rear = (tone(1_000.0, level, 20.0, rate) for level in (-28.0, -24.0, -30.0))
    five = channels(front, front, centre, rear, rear)
    assert loudness(five, rate).integrated_lufs == pytest.approx(-23.0, abs=0.1)
    with_lfe = channels(front, front, centre, tone(50.0, -6.0, 20.0, rate), rear, rear)
    assert loudness(with_lfe, rate).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_case_9_short_term_loudness_is_a_mean_of_powers(rate: int) -> None:
    short_term = levels(both(steps([(1.34, -20), (1.66, -30)] * 5, rate)), rate, SHORT_TERM_STEPS)
    assert np.abs(short_term + 23.0).max() <= 0.1


@pytest.mark.parametrize("case", range(20))
def test_case_10_no_placement_hides_a_short_term_maximum(case: int, rate: int) -> None:
    said = loudness(both(steps([(case * 0.15, SILENCE), (3.0, -23.0), (1.0, SILENCE)], rate)), rate)
    assert said.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)


def test_case_11_successive_short_term_maxima(rate: int) -> None:
    parts: list[tuple[float, float]] = []
    for case in range(20):
        parts += [(case * 0.15, SILENCE), (3.0, -38.0 + case), (3.0 - case * 0.15, SILENCE)]
        if case % 5 == 4:
            said = loudness(both(steps(parts, rate)), rate)
            assert said.max_short_term_lufs == pytest.approx(-38.0 + case, abs=0.1)


def test_case_12_momentary_loudness_is_a_mean_of_powers(rate: int) -> None:
    momentary = levels(both(steps([(0.18, -20), (0.22, -30)] * 25, rate)), rate, MOMENTARY_STEPS)
    assert np.abs(momentary[60:] + 23.0).max() <= 0.1


@pytest.mark.parametrize("case", range(20))
def test_case_13_no_placement_hides_a_momentary_maximum(case: int, rate: int) -> None:
    said = loudness(both(steps([(case * 0.02, SILENCE), (0.4, -23.0), (1.0, SILENCE)], rate)), rate)
    assert said.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


def test_case_14_successive_momentary_maxima(rate: int) -> None:
    parts: list[tuple[float, float]] = []
    for case in range(20):
        parts += [(case * 0.02, SILENCE), (0.4, -38.0 + case), (0.4 - case * 0.02, SILENCE)]
        said = loudness(both(steps(parts, rate)), rate)
        assert said.max_momentary_lufs == pytest.approx(-38.0 + case, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "range_lu"),
    [
        pytest.param([(20, -20), (20, -30)], 10.0, id="case 1"),
        pytest.param([(20, -20), (20, -15)], 5.0, id="case 2"),
        pytest.param([(20, -40), (20, -20)], 20.0, id="case 3"),
        pytest.param([(20, -50), (20, -35), (20, -20), (20, -35), (20, -50)], 15.0, id="case 4"),
    ],
)
def test_tech_3342_the_loudness_range(parts: list[tuple[float, float]], range_lu: float, rate: int) -> None:
    assert loudness(both(steps(parts, rate)), rate).loudness_range_lu == pytest.approx(range_lu, abs=1.0)
