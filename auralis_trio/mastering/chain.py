"""The chain: from frames to mastered frames, for one recipe at one sample rate.

    frames > mid/side > equalizer, one FFT a grain > band gains, cell by cell > left/right > limiter > frames

`Chain.run` computes any run of grains. Every stage knows how far around a frame it looks (`back`, `forward`), so the
chain reads just that much more at either side, and what it cuts out of the middle is the same whatever was asked for.
Grains outside the track do not exist: powers there are zero, gains stand still.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from auralis_trio.audio.block import Samples, sane
from auralis_trio.audio.grid import CONTROL_HOPS_PER_GRAIN, PEAK_HOPS_PER_GRAIN, Span
from auralis_trio.audio.units import db_to_gain
from auralis_trio.mastering.dynamics import automation_gains, band_gains, reach_of
from auralis_trio.mastering.envelope import Hops, cells, spline, upsampled
from auralis_trio.mastering.equalizer import Planar, Spectra, Split, equalize, spectra_of
from auralis_trio.mastering.filters import LOW_REACH, low_interpolation
from auralis_trio.mastering.limiter import Limiter
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.mastering.shape import CELLS_PER_GRAIN, Shape

CONTROL_HOPS_PER_CELL = CONTROL_HOPS_PER_GRAIN // CELLS_PER_GRAIN
PEAK_HOPS_PER_CELL = PEAK_HOPS_PER_GRAIN // CELLS_PER_GRAIN
Read = Callable[[int, int], Samples]
"""So many frames from one on: float32 (frames, channels)."""


@dataclass(frozen=True)
class Cells:
    """A run of cells, from `first` up to, not including, `last`."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many there are."""
        return self.last - self.first


@dataclass(frozen=True, eq=False)
class Chain:
    """What a recipe comes to at one sample rate and number of channels; made by `chain_for`."""

    recipe: Recipe
    shape: Shape
    channels: int
    spectra: Spectra
    limiter: Limiter | None

    def run(self, read: Read, first_grain: int, last_grain: int, total_frames: int) -> Samples:
        """The mastered frames of these grains, cut at the end of the track."""
        wanted, worked, grains = self._looked_at(first_grain, last_grain, total_frames)
        split = equalize(self._planes(read, grains, total_frames), self.spectra, self.shape)
        sound = self._moved(split, grains, worked)
        if self.channels == 2:
            sound = np.stack((sound[0] + sound[1], sound[0] - sound[1]))
        out = self._limited(sound, worked, wanted)
        if self.recipe.trim_db:
            out = out * np.float32(db_to_gain(self.recipe.trim_db))
        return np.ascontiguousarray(out[:, : total_frames - first_grain * self.shape.grain].T)

    def reads(self, first_grain: int, last_grain: int, total_frames: int) -> Span:
        """The frames that `run` reads for these grains."""
        return self._read_for(self._looked_at(first_grain, last_grain, total_frames)[2], total_frames)

    def _looked_at(self, first_grain: int, last_grain: int, total_frames: int) -> tuple[Cells, Cells, Cells]:
        """The cells of some grains, those that the limiter looks at for them, and those that the dynamics look at."""
        total = -(-total_frames // self.shape.grain)
        wanted = Cells(first_grain * CELLS_PER_GRAIN, min(last_grain, total) * CELLS_PER_GRAIN)
        worked = self._worked(wanted, total)
        return wanted, worked, self._equalized(worked, total)

    def _read_for(self, grains: Cells, total_frames: int) -> Span:
        """The frames of these grains and half a filter on either side, as far as the track has them."""
        first = max(0, grains.first * self.shape.cell - self.shape.half)
        return Span(first, min(grains.last * self.shape.cell + self.shape.half, total_frames) - first)

    def _worked(self, wanted: Cells, total: int) -> Cells:
        """The cells that the limiter looks at."""
        if self.limiter is None:
            return wanted
        back = -(-self.limiter.back // PEAK_HOPS_PER_CELL)
        forward = -(-self.limiter.forward // PEAK_HOPS_PER_CELL)
        return Cells(max(0, wanted.first - back), min(total * CELLS_PER_GRAIN, wanted.last + forward))

    def _equalized(self, worked: Cells, total: int) -> Cells:
        """The cells of whole grains that the dynamics look at."""
        reach = reach_of(self.recipe, self.shape)
        first = (worked.first * CONTROL_HOPS_PER_CELL - reach.back) // CONTROL_HOPS_PER_GRAIN
        last = -(-(worked.last * CONTROL_HOPS_PER_CELL + reach.forward) // CONTROL_HOPS_PER_GRAIN)
        return Cells(max(0, first) * CELLS_PER_GRAIN, min(total, last) * CELLS_PER_GRAIN)

    def _planes(self, read: Read, grains: Cells, total_frames: int) -> Planar:
        """Mid and side, or the channels: the frames of these grains and half a filter on either side."""
        span, start = self._read_for(grains, total_frames), grains.first * self.shape.cell - self.shape.half
        samples = sane(read(span.start, span.frames))
        planes = np.zeros((self.channels, grains.count * self.shape.cell + 2 * self.shape.half), np.float32)
        into = planes[:, span.start - start : span.end - start]
        if self.channels == 2:
            np.add(samples[:, 0], samples[:, 1], out=into[0])
            np.subtract(samples[:, 0], samples[:, 1], out=into[1])
        else:
            into[:] = samples.T
        return planes

    def _moved(self, split: Split, grains: Cells, worked: Cells) -> Planar:
        """The worked cells with the gains of the dynamics on them: (planes, frames)."""
        offset = worked.first - grains.first
        part = slice(offset, offset + worked.count)
        sound = _by_cell(split.full)[:, part]
        gains = self._control(split, grains)
        if gains:
            main = gains[0] if len(gains) == 1 else gains[1]
            weights = spline(self.shape.control_hop)
            sound = sound * _gains(main, offset, worked.count, weights)
            if split.high is not None:
                sound += _by_cell(split.high)[:, part] * _gains(gains[2] - main, offset, worked.count, weights)
            if split.low is not None:
                sound += self._low_move(_by_cell(split.low), gains[0] - main)[:, part]
        return sound.reshape(len(sound), -1)

    def _control(self, split: Split, grains: Cells) -> list[Hops]:
        """The gain of each band at each control hop of `grains`; none where the recipe has no dynamics."""
        recipe = self.recipe
        if not (recipe.compressors or recipe.transient_db or recipe.automation_db):
            return []
        gains = band_gains(recipe, split.powers, self.channels, self.shape)
        if recipe.automation_db:
            first, count = grains.first // CELLS_PER_GRAIN, grains.count // CELLS_PER_GRAIN
            slow = automation_gains(recipe, first, count)
            gains = [each * slow for each in gains]
        return gains

    def _low_move(self, low: Planar, gain: Hops) -> Planar:
        """The low band times its gain, brought to the full rate: (planes, cells, frames of a cell).

        It only has to be right where the cells have neighbours, or the track ends.
        """
        planes, count, frames = low.shape
        weights = spline(self.shape.control_hop // self.shape.decimation)
        moved = (low * _gains(gain, 0, count, weights)).reshape(planes, -1)
        padded = np.pad(moved, ((0, 0), (LOW_REACH, LOW_REACH)))
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * LOW_REACH + 1, axis=1)
        taps = np.ascontiguousarray(around).reshape(planes, count, frames, -1)
        full: Planar = np.matmul(taps, low_interpolation(self.shape)).reshape(planes, count, -1)
        return full

    def _limited(self, sound: Planar, worked: Cells, wanted: Cells) -> Planar:
        """The wanted cells of the worked ones, limited: (channels, frames)."""
        first = wanted.first - worked.first
        out = sound.reshape(len(sound), -1, self.shape.cell)[:, first : first + wanted.count]
        if self.limiter is not None:
            envelope = self.limiter.envelope(self.limiter.reductions(sound))
            by_cell = cells(envelope, first * PEAK_HOPS_PER_CELL, wanted.count, PEAK_HOPS_PER_CELL)
            # Each cell is left alone or not by itself: the weights add up to one only to the last bit.
            hot = np.flatnonzero(by_cell.any(axis=1))
            out[:, hot] *= self.limiter.gains(by_cell[hot]).reshape(len(hot), self.shape.cell)
        return out.reshape(len(out), -1)


def _by_cell(band: Planar) -> Planar:
    """Grains as cells: (planes, cells, frames of a cell)."""
    planes, _, frames = band.shape
    return band.reshape(planes, -1, frames // CELLS_PER_GRAIN)


def _gains(values: Hops, first_cell: int, count: int, weights: NDArray[np.float32]) -> Planar:
    """The gains of every frame of some cells: (cells, frames of a cell)."""
    by_cell = cells(values, first_cell * CONTROL_HOPS_PER_CELL, count, CONTROL_HOPS_PER_CELL)
    return upsampled(by_cell, weights).reshape(count, -1)


@lru_cache(maxsize=32)
def chain_for(recipe: Recipe, sample_rate: int, channels: int) -> Chain:
    """The chain of a recipe; kept, since designing its filters takes longer than rendering a chunk."""
    shape = Shape(sample_rate)
    limiter = None if recipe.ceiling_dbtp is None else Limiter.at(recipe.ceiling_dbtp, shape)
    return Chain(recipe, shape, channels, spectra_of(recipe, shape, channels), limiter)
