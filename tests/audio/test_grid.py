"""The grid: its sizes, and that every track is cut without a gap or an overlap."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.grid import GRAINS_PER_CHUNK, PACKETS_PER_CHUNK, Grid, Span, grain_frames

RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]

rates = st.sampled_from(RATES) | st.integers(8_000, 192_000)
grids = st.builds(Grid, rates, st.integers(0, 30_000_000))


@pytest.mark.parametrize(
    ("rate", "grain", "chunk", "packet"),
    [
        (8_000, 3_072, 55_296, 2_048),
        (12_000, 3_072, 55_296, 2_048),
        (16_000, 6_144, 110_592, 4_096),
        (24_000, 6_144, 110_592, 4_096),
        (44_100, 12_288, 221_184, 8_192),
        (48_000, 12_288, 221_184, 8_192),
        (88_200, 24_576, 442_368, 16_384),
        (96_000, 24_576, 442_368, 16_384),
        (192_000, 49_152, 884_736, 32_768),
    ],
)
def test_sizes_double_with_each_octave(rate: int, grain: int, chunk: int, packet: int) -> None:
    grid = Grid(rate, 0)
    assert (grid.grain, grid.chunk_frames, grid.packet_frames) == (grain, chunk, packet)


@settings(deadline=None)
@given(rates)
def test_a_grain_is_what_the_formula_says(rate: int) -> None:
    assert grain_frames(rate) == 12288 * 2.0 ** math.ceil(math.log2(rate / 48_000))


@settings(deadline=None)
@given(rates)
def test_a_chunk_is_a_whole_number_of_grains_and_of_packets(rate: int) -> None:
    grid = Grid(rate, 0)
    assert grid.chunk_frames == GRAINS_PER_CHUNK * grid.grain == PACKETS_PER_CHUNK * grid.packet_frames


def assert_partition(spans: list[Span], total_frames: int) -> None:
    at = 0
    for span in spans:
        assert span.start == at
        assert span.frames > 0
        at = span.end
    assert at == total_frames


@settings(deadline=None)
@given(grids)
def test_chunks_are_a_partition_of_any_track(grid: Grid) -> None:
    spans = [grid.chunk(index) for index in range(grid.total_chunks)]
    assert_partition(spans, grid.total_frames)
    assert all(span.frames == grid.chunk_frames for span in spans[:-1])


@settings(deadline=None)
@given(grids)
def test_grains_are_a_partition_of_any_track(grid: Grid) -> None:
    assert_partition([grid.grains(index, index + 1) for index in range(grid.total_grains)], grid.total_frames)


@settings(deadline=None)
@given(st.builds(Grid, rates, st.integers(0, 5_000_000)))
def test_packets_are_a_partition_and_none_crosses_a_chunk(grid: Grid) -> None:
    spans, at = [], 0
    while at < grid.total_frames:
        spans.append(Span(at, grid.packet_end(at) - at))
        at = spans[-1].end
    assert_partition(spans, grid.total_frames)
    assert all(grid.chunk_of(span.start) == grid.chunk_of(span.end - 1) for span in spans)
    assert all(span.frames <= grid.packet_frames for span in spans)


@settings(deadline=None)
@given(grids.filter(lambda grid: grid.total_frames > 0), st.data())
def test_every_frame_lies_in_the_chunk_that_is_named_for_it(grid: Grid, data: st.DataObject) -> None:
    frame = data.draw(st.integers(0, grid.total_frames - 1))
    span = grid.chunk(grid.chunk_of(frame))
    assert span.start <= frame < span.end
    assert frame < grid.packet_end(frame) <= span.end


@settings(deadline=None)
@given(grids, st.integers(0, 2000), st.integers(0, 200))
def test_a_run_of_grains_is_cut_at_the_end_and_never_negative(grid: Grid, first: int, count: int) -> None:
    span = grid.grains(first, first + count)
    assert span.start == first * grid.grain
    assert 0 <= span.frames <= count * grid.grain
    assert span.frames == 0 or span.end <= grid.total_frames


@pytest.mark.parametrize(("extra", "chunks", "last"), [(-1, 1, 221_183), (0, 1, 221_184), (1, 2, 1)])
def test_the_border_of_a_chunk_is_exact(extra: int, chunks: int, last: int) -> None:
    grid = Grid(44_100, 221_184 + extra)
    assert grid.total_chunks == chunks
    assert grid.chunk(chunks - 1).frames == last


@pytest.mark.parametrize(("total", "index"), [(0, 0), (1, 1), (1, -1), (221_184, 1)])
def test_there_is_no_chunk_outside_the_track(total: int, index: int) -> None:
    with pytest.raises(IndexError):
        Grid(44_100, total).chunk(index)
