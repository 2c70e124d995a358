"""Mastering a track: the recipe of a preset with its gain solved, and what a few rendered windows teach about that.

profile > resolve > levelling > solve > Mastered        `master`: no audio, from the ledger
source > render 12 windows > measured against foretold  `tune`: once for each track, preset and target
"""

import msgspec
import numpy as np
from scipy import fft

from auralis_trio.analysis import Analysis
from auralis_trio.analysis.loudness import channel_weights, k_weighting_power
from auralis_trio.audio.block import Samples
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN, Grid, Span, grain_frames
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.mastering.chain import sane
from auralis_trio.mastering.forecast import Forecast, Heard, forecast
from auralis_trio.mastering.levelling import levelling_db
from auralis_trio.mastering.recipe import ENGINE_VERSION, Recipe
from auralis_trio.mastering.render import render_span
from auralis_trio.mastering.resolve import Target, preset_named, resolve, wanted_change_lu
from auralis_trio.mastering.solve import Mastered, outlook, solved

WINDOWS = 12
WINDOW_S = 2.0
WHOLE_S = 30.0
"""A track up to this long is rendered as a whole."""

_NO_POWER = 1e-20


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What the forecast of a track's loudness is wrong by, at full intensity, for one preset and target."""

    correction_lu: float = 0.0
    engine: int = ENGINE_VERSION


UNTUNED = Tuning()
"""Nothing is known but the ledger."""


def master(analysis: Analysis, preset: str, intensity: float, target: Target, tuning: Tuning = UNTUNED) -> Mastered:
    """The recipe that masters a track, and the loudness to expect of it.

    Raises:
        InvalidRequest: there is no such preset, or the intensity is not within 0 and 1.
    """
    return _mastered(analysis, Heard.of(analysis.ledger), preset, intensity, target, tuning)


def tune(
    source: AudioSource, analysis: Analysis, preset: str, target: Target, check: Check = never_cancelled
) -> Tuning:
    """How far the forecast for this preset is off, from rendered windows of the audio.

    Raises:
        InvalidRequest: there is no such preset.
        SourceError: the source cannot give the frames.
    """
    heard = Heard.of(analysis.ledger)
    mastered = _mastered(analysis, heard, preset, 1.0, target, UNTUNED)
    return tuned(source, heard, mastered, check)


def finished(
    recipe: Recipe, heard: Heard, original_lufs: float | None, change_lu: float | None, tuning: Tuning
) -> Mastered:
    """The recipe with the gain that makes the track louder by `change_lu`; as it is, if that has no meaning."""
    track = outlook(heard, original_lufs, recipe, recipe.intensity * tuning.correction_lu)
    if track is None or change_lu is None:
        return Mastered(recipe=recipe, target_lufs=None, expected_lufs=None)
    return solved(recipe, track.original_lufs + change_lu, [track])


def tuned(source: AudioSource, heard: Heard, mastered: Mastered, check: Check) -> Tuning:
    """What the forecast that `mastered` was solved by is wrong by, in the louder parts of the track."""
    recipe = mastered.recipe
    if mastered.expected_lufs is None:
        return UNTUNED
    before = forecast(heard, Recipe())
    after = forecast(heard, recipe).power(recipe.gain_db, recipe.ceiling_dbtp)
    listener = _Listener(source)
    found = foretold = 0.0
    for span in windows(before, Grid(heard.sample_rate, source.total_frames)):
        found += weighted_energy(render_span(listener, recipe, span, check).samples, heard.sample_rate)
        was = weighted_energy(listener.heard(span), heard.sample_rate)
        hops = slice(span.start // heard.hop_frames, -(-span.end // heard.hop_frames))
        foretold += was * float(after[hops].sum() / max(before.loudness_power[hops].sum(), _NO_POWER))
    if not (found > 0.0 and foretold > 0.0):
        return UNTUNED
    return Tuning(correction_lu=round(10.0 * float(np.log10(found / foretold)), 4))


def windows(track: Forecast, grid: Grid) -> list[Span]:
    """The spans to listen to: whole grains, spread evenly over the parts that are heard; all of a short track."""
    grains = round(WINDOW_S * grid.sample_rate / grid.grain)
    if grid.total_frames <= WHOLE_S * grid.sample_rate:
        firsts = np.arange(0, grid.total_grains, grains)
    else:
        active = np.flatnonzero(track.active)
        middles = active[((np.arange(WINDOWS) + 0.5) * len(active) / WINDOWS).astype(int)]
        firsts = np.clip(middles // LEDGER_HOPS_PER_GRAIN - grains // 2, 0, grid.total_grains - grains)
    return [grid.grains(int(first), int(first) + grains) for first in firsts]


class _Listener:
    """A source that remembers what was last read of it, so that nothing is decoded twice."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._start = 0
        self._last: Samples = np.zeros((0, source.format.channels), np.float32)
        self.format = source.format
        self.total_frames = source.total_frames
        self.close = source.close

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        self._start, self._last = start, self._source.read(start, frames, check)
        return self._last

    def heard(self, span: Span) -> Samples:
        """These frames of what was last read."""
        return sane(self._last[span.start - self._start : span.end - self._start])


def weighted_energy(samples: Samples, sample_rate: int) -> float:
    """The K-weighted energy of a run of frames, by overlapping FFTs whose windows' powers add up to one."""
    size = grain_frames(sample_rate)
    padded = np.pad(samples.T, ((0, 0), (size // 2, size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, :: size // 2]
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)
    weights = k_weighting_power(np.asarray(np.arange(size // 2 + 1) * (sample_rate / size)), sample_rate)
    total = 0.0
    for plane, share in zip(frames, channel_weights(len(frames)), strict=True):
        bins = fft.rfft(plane * window)
        total += share * float((bins.real**2 + bins.imag**2).sum(axis=0) @ weights)
    return total


def _mastered(
    analysis: Analysis, heard: Heard, preset: str, intensity: float, target: Target, tuning: Tuning
) -> Mastered:
    profile, chosen = analysis.profile, preset_named(preset)
    original_lufs = profile.values.get("integrated_lufs")
    recipe = resolve(preset, intensity, profile, target)
    if recipe.identity:
        return Mastered(recipe=recipe, target_lufs=original_lufs, expected_lufs=original_lufs)
    range_lu = profile.values.get("loudness_range_lu")
    slow_db = levelling_db(heard, profile.total_frames, range_lu, intensity * chosen.levelling)
    recipe = msgspec.structs.replace(recipe, automation_db=slow_db)
    return finished(recipe, heard, original_lufs, wanted_change_lu(profile, chosen, intensity, target), tuning)
