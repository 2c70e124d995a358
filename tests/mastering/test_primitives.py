"""What the identity of chunks rests on: each primitive gives the same bits in any batch, whatever lies beside it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import fft, ndimage

from auralis_trio.analysis.true_peak import GROUP, interpolator

RNG = np.random.default_rng(7)
Floats = NDArray[np.float32]


def noise(*shape: int) -> Floats:
    return RNG.standard_normal(shape).astype(np.float32)


def same(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    return bool(left.tobytes() == np.ascontiguousarray(right).tobytes())


@pytest.mark.parametrize("size", [1_024, 4_096, 16_384, 32_768])
def test_a_real_fft_is_the_same_in_any_batch(size: int) -> None:
    blocks = noise(2, 9, size)
    together = fft.rfft(blocks)
    assert together.dtype == np.complex64
    for first, last in ((0, 1), (1, 2), (3, 8), (0, 9), (8, 9)):
        assert same(together[:, first:last].copy(), fft.rfft(blocks[:, first:last]))
    assert same(together[1, 4].copy(), fft.rfft(blocks[1, 4]))


@pytest.mark.parametrize("size", [1_024, 4_096, 16_384, 32_768])
def test_an_inverse_fft_is_the_same_in_any_batch(size: int) -> None:
    bins = fft.rfft(noise(2, 9, size))
    together = fft.irfft(bins, n=size)
    assert together.dtype == np.float32
    for first, last in ((0, 1), (1, 2), (3, 8), (8, 9)):
        assert same(together[:, first:last].copy(), fft.irfft(bins[:, first:last], n=size))


def test_an_fft_of_overlapping_windows_is_that_of_their_copies() -> None:
    line = noise(2, 5 * 12_288 + 4_096)
    windows = np.lib.stride_tricks.sliding_window_view(line, 16_384, axis=1)[:, ::12_288]
    assert same(fft.rfft(windows), fft.rfft(windows.copy()))
    assert same(fft.rfft(line[:, 12_288 : 12_288 + 16_384]), fft.rfft(windows[:, 1]))


def test_an_fft_of_the_negative_is_the_negative() -> None:
    block = noise(16_384)
    assert np.array_equal(fft.rfft(-block), -fft.rfft(block))
    assert not fft.rfft(np.zeros(16_384, np.float32)).any()


@pytest.mark.parametrize("shape", [(48, 5, 64), (192, 5, 16), (192, 9, 16)])
def test_a_product_of_cells_is_the_same_in_any_batch(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = shape
    cells, weights = noise(11, rows, inner), noise(inner, columns)
    together = np.matmul(cells, weights)
    for first, last in ((0, 1), (2, 3), (4, 11), (10, 11)):
        assert same(together[first:last].copy(), np.matmul(cells[first:last].copy(), weights))


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 96_000, 192_000])
def test_interpolated_peaks_are_the_same_in_any_batch_of_groups(sample_rate: int) -> None:
    at = interpolator(sample_rate)
    rows = noise(53, GROUP, 2 * (at.hop + at.halo))
    together = at.peaks(rows)
    for first, last in ((0, 1), (1, 2), (5, 12), (7, 53), (52, 53)):
        assert same(together[first:last].copy(), at.peaks(rows[first:last].copy()))


@pytest.mark.parametrize("function", [np.exp, np.log10, np.abs, np.sqrt])
def test_a_function_of_each_element_does_not_know_its_neighbours(function: np.ufunc) -> None:
    line = np.abs(noise(1_000)) + np.float32(1e-9)
    together = function(line)
    for first in (*range(18), 500, 991):
        for length in (1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65):
            part = line[first : first + length]
            assert same(together[first : first + length].copy(), function(part))
            assert same(together[first : first + length].copy(), function(part.copy()))


def test_arithmetic_does_not_know_its_neighbours() -> None:
    left, right = noise(1_000), noise(1_000)
    for operation in (np.add, np.subtract, np.multiply, np.maximum, np.minimum):
        together = operation(left, right)
        for first, last in ((0, 1), (3, 20), (17, 900), (999, 1_000)):
            assert same(together[first:last].copy(), operation(left[first:last].copy(), right[first:last].copy()))


@pytest.mark.parametrize("taps", [19, 33, 105])
@pytest.mark.parametrize("mode", ["constant", "nearest"])
def test_a_smoothed_value_depends_on_its_window_alone(taps: int, mode: str) -> None:
    line, window = noise(3_000), np.hanning(taps + 2)[1:-1]
    whole, half = ndimage.correlate1d(line, window, mode=mode), taps // 2
    for first, last in ((0, 3_000), (100, 700), (101, 702), (1_777, 2_990)):
        part = ndimage.correlate1d(line[first:last].copy(), window, mode=mode)
        assert same(whole[first + half : last - half].copy(), part[half : len(part) - half])


def test_a_held_value_depends_on_its_window_alone() -> None:
    line = noise(3_000)
    whole = ndimage.maximum_filter1d(line, 79, origin=20, mode="constant", cval=0.0)
    part = ndimage.maximum_filter1d(line[500:900].copy(), 79, origin=20, mode="constant", cval=0.0)
    assert same(whole[579:821].copy(), part[79:321])


@pytest.mark.parametrize("inner", [16, 64, 128])
def test_a_sum_of_squares_is_the_same_in_any_batch(inner: int) -> None:
    cut = noise(2, 9, 192, inner)
    together = np.einsum("pghf,pghf->pgh", cut, cut)
    for first, last in ((0, 1), (3, 8), (8, 9)):
        part = cut[:, first:last]
        assert same(together[:, first:last].copy(), np.einsum("pghf,pghf->pgh", part, part))
        assert same(together[:, first:last].copy(), np.einsum("pghf,pghf->pgh", part.copy(), part.copy()))
