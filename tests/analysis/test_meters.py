"""A meter says the same of a sound however it is cut into pieces."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.analysis import LoudnessMeter, TruePeakMeter
from auralis_trio.demo import synthesise

RATES = (8_000, 11_025, 44_100, 48_000)
SOUNDS = {rate: synthesise(5.0, rate, 2, 3) for rate in RATES}


@settings(max_examples=40)
@given(st.sampled_from(RATES), st.lists(st.floats(0.0, 1.0), max_size=8))
def test_loudness_and_peaks_do_not_depend_on_the_pieces(rate: int, cuts: list[float]) -> None:
    samples = SOUNDS[rate]
    places = [0, *sorted(int(cut * len(samples)) for cut in cuts), len(samples)]
    whole, pieces = LoudnessMeter(rate, 2), LoudnessMeter(rate, 2)
    peak, peaks = TruePeakMeter(rate, 2), TruePeakMeter(rate, 2)
    whole.add(samples)
    peak.add(samples)
    for start, end in pairwise(places):
        pieces.add(samples[start:end])
        peaks.add(samples[start:end])
    assert np.allclose(whole.powers(), pieces.powers(), rtol=1e-5, atol=1e-12)
    assert peak.result() == pytest.approx(peaks.result(), abs=1e-5)
