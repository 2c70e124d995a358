"""Dither: a function of the frame's number alone, triangular, the same in all channels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.dither import tpdf

starts = st.integers(0, 2**40)


@settings(deadline=None)
@given(starts, st.lists(st.integers(0, 300), max_size=6))
def test_any_split_gives_the_same_values(start: int, lengths: list[int]) -> None:
    parts, at = [], start
    for length in lengths:
        parts.append(tpdf(at, length))
        at += length
    split = np.concatenate(parts) if parts else np.empty((0, 1), np.float32)
    assert np.array_equal(split, tpdf(start, sum(lengths)))


@settings(deadline=None)
@given(starts)
def test_one_value_serves_all_channels(start: int) -> None:
    noise = tpdf(start, 7)
    assert noise.shape == (7, 1)
    assert noise.dtype == np.float32


@settings(deadline=None)
@given(starts)
def test_it_stays_within_one_step(start: int) -> None:
    assert np.abs(tpdf(start, 2000)).max() < 1.0


def test_its_density_is_a_triangle() -> None:
    noise = tpdf(12_345, 1_000_000)[:, 0].astype(np.float64)
    # Of a million values the mean strays by 1/sqrt(6e6) = 0.0004 and each tenth's share by 0.0003.
    assert abs(noise.mean()) < 0.002
    assert abs(noise.var() - 1 / 6) < 0.002
    shares, edges = np.histogram(noise, bins=10, range=(-1, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    assert np.abs(shares / len(noise) - 0.2 * (1 - np.abs(centres))).max() < 0.002


def test_it_is_white() -> None:
    noise = tpdf(0, 1_000_000)[:, 0].astype(np.float64)
    for lag in (1, 2, 3, 8192, 12_288):
        assert abs(np.mean(noise[:-lag] * noise[lag:])) < 0.002
