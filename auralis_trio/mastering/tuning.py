"""Mastering a track: the recipe of a preset with its gain solved, and what a few rendered windows teach about that.

profile > resolve > levelling > solve > Mastered        `master`: no audio, from the ledger
source > render 12 windows > measured against foretold  `tune`: once for each track, preset and target
source > read what those windows need                   `read_ahead`: so that this is done by the time of `tune`
"""

from collections.abc import Iterator, Sequence
from threading import Lock

import msgspec
import numpy as np
from scipy import fft

from auralis_trio.analysis import Analysis
from auralis_trio.analysis.loudness import LoudnessMeter, channel_weights, k_weighting_power
from auralis_trio.audio.block import Samples, sane
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN, Grid, Span, grain_frames
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.mastering.chain import chain_for
from auralis_trio.mastering.forecast import Forecast, Heard, forecast
from auralis_trio.mastering.levelling import levelling_db
from auralis_trio.mastering.recipe import ENGINE_VERSION, Recipe
from auralis_trio.mastering.render import render, render_span
from auralis_trio.mastering.resolve import Target, preset_named, resolve, wanted_change_lu
from auralis_trio.mastering.solve import Mastered, outlook, solved

WINDOWS = 12
WINDOW_S = 2.0
WHOLE_S = 30.0
"""A track up to this long is rendered and measured as a whole."""

MAX_BYTES = 1 << 25
"""of samples that are kept of a track: what its windows at 96 kHz are rendered from"""

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


class Excerpts:
    """What tuning a track has read and measured of it, so that its next preset need not: at most `MAX_BYTES`.

    Threads that tune the same track at once may share them, and so also the work: each does the windows that the
    others have not begun. They are `whole` once all windows were read, whether there was room for them or not.
    """

    def __init__(self) -> None:
        self.nbytes = 0
        self.whole = False
        self._lock = Lock()
        self._read: dict[Span, Samples] = {}
        self._energies: dict[Span, float] = {}
        self._round = _Round(Recipe())

    def read(self, source: AudioSource, span: Span, check: Check) -> Samples:
        """These frames, as `AudioSource.read`; they are not to be written to."""
        known = self._read.get(span)
        if known is not None:
            return known
        samples = source.read(span.start, span.frames, check)
        with self._lock:
            if span not in self._read and self.nbytes + samples.nbytes <= MAX_BYTES:
                kept = samples.copy()  # what it is a part of is not held
                kept.flags.writeable = False
                self.nbytes += kept.nbytes
                self._read[span] = kept
        return samples

    def energy(self, span: Span, samples: Samples, sample_rate: int) -> float:
        """The K-weighted energy of a window."""
        if span not in self._energies:
            self._energies[span] = weighted_energy(sane(samples), sample_rate)
        return self._energies[span]

    def round(self, recipe: Recipe) -> "_Round":
        """What is rendered by a recipe; the last one that was asked for is kept."""
        with self._lock:
            if self._round.recipe != recipe:
                self._round = _Round(recipe)
            return self._round


class _Round:
    """The energies of windows, rendered and as they were, that some threads find out together."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.found: dict[Span, tuple[float, float]] = {}
        self._begun: set[Span] = set()

    def left(self, spans: Sequence[Span]) -> Iterator[Span]:
        """The windows that nobody has begun, and then those that were begun, but are not done yet."""
        for span in spans:
            if span not in self._begun:
                self._begun.add(span)
                yield span
        yield from (span for span in spans if span not in self.found)


def tune(
    source: AudioSource,
    analysis: Analysis,
    preset: str,
    target: Target,
    check: Check = never_cancelled,
    *,
    excerpts: Excerpts | None = None,
) -> Tuning:
    """How far the forecast for this preset is off, from rendered windows of the audio; `excerpts` are of this track.

    Raises:
        InvalidRequest: there is no such preset.
        SourceError: the source cannot give the frames.
    """
    heard = Heard.of(analysis.ledger)
    mastered = _mastered(analysis, heard, preset, 1.0, target, UNTUNED)
    return tuned(source, heard, mastered, check, excerpts or Excerpts())


def read_ahead(
    source: AudioSource,
    analysis: Analysis,
    preset: str,
    target: Target,
    check: Check = never_cancelled,
    *,
    excerpts: Excerpts,
) -> None:
    """Read, and measure as it was, what `tune` will render; nothing of a track that is rendered as a whole.

    Raises:
        InvalidRequest: there is no such preset.
        SourceError: the source cannot give the frames.
    """
    heard = Heard.of(analysis.ledger)
    mastered = _mastered(analysis, heard, preset, 1.0, target, UNTUNED)
    if _foretold_lufs(source, heard, mastered) is None or _is_short(source):
        return
    grid, listener = Grid(heard.sample_rate, source.total_frames), _Listener(source, excerpts)
    chain = chain_for(mastered.recipe, heard.sample_rate, source.format.channels)
    # From behind, since whoever tunes meanwhile comes from the front.
    for span in reversed(windows(forecast(heard, Recipe()), grid)):
        check()
        needed = chain.reads(span.start // grid.grain, -(-span.end // grid.grain), grid.total_frames)
        listener.read(needed.start, needed.frames, check)
        listener.energy(span)
    excerpts.whole = True


def finished(
    recipe: Recipe, heard: Heard, original_lufs: float | None, change_lu: float | None, tuning: Tuning
) -> Mastered:
    """The recipe with the gain that makes the track louder by `change_lu`; as it is, if that has no meaning."""
    track = outlook(heard, original_lufs, recipe, recipe.intensity * tuning.correction_lu)
    if track is None or change_lu is None:
        return Mastered(recipe=recipe, target_lufs=None, expected_lufs=None)
    return solved(recipe, track.original_lufs + change_lu, [track])


def tuned(source: AudioSource, heard: Heard, mastered: Mastered, check: Check, excerpts: Excerpts) -> Tuning:
    """What the forecast that `mastered` was solved by is wrong by: over all of a short track, else in some windows.

    Nothing is learned of a track without loudness, nor from a ledger that is not of the whole track.
    """
    foretold_lufs = _foretold_lufs(source, heard, mastered)
    if foretold_lufs is None:
        return UNTUNED
    grid = Grid(heard.sample_rate, source.total_frames)
    if _is_short(source):
        found_lufs = _measured_lufs(source, mastered.recipe, grid, check)
        error_lu = 0.0 if found_lufs is None else found_lufs - foretold_lufs
    else:
        error_lu = _sampled_error_lu(_Listener(source, excerpts), heard, mastered.recipe, grid, check)
    return Tuning(correction_lu=round(error_lu, 4))


def windows(track: Forecast, grid: Grid) -> list[Span]:
    """The spans of a long track to listen to: whole grains, spread evenly over the parts that are heard."""
    grains = _window_grains(grid)
    active = np.flatnonzero(track.active)
    middles = active[((np.arange(WINDOWS) + 0.5) * len(active) / WINDOWS).astype(int)]
    firsts = np.clip(middles // LEDGER_HOPS_PER_GRAIN - grains // 2, 0, grid.total_grains - grains)
    return [grid.grains(int(first), int(first) + grains) for first in firsts]


def _foretold_lufs(source: AudioSource, heard: Heard, mastered: Mastered) -> float | None:
    """What a render can be compared with; None without loudness, or by a ledger that is not of all of it."""
    return mastered.expected_lufs if heard.covers(source.total_frames) else None


def _is_short(source: AudioSource) -> bool:
    return source.total_frames <= WHOLE_S * source.format.sample_rate


def _window_grains(grid: Grid) -> int:
    return round(WINDOW_S * grid.sample_rate / grid.grain)


def _measured_lufs(source: AudioSource, recipe: Recipe, grid: Grid, check: Check) -> float | None:
    """The loudness of the whole rendered track."""
    meter = LoudnessMeter(grid.sample_rate, source.format.channels)
    grains = _window_grains(grid)
    for first in range(0, grid.total_grains, grains):
        meter.add(render(source, recipe, first, first + grains, check).samples)
    return meter.result().integrated_lufs


def _sampled_error_lu(listener: "_Listener", heard: Heard, recipe: Recipe, grid: Grid, check: Check) -> float:
    """By how much more energy leaves the windows than was foretold of what enters them."""
    before = forecast(heard, Recipe())
    after = forecast(heard, recipe).power(recipe.gain_db, recipe.ceiling_dbtp)
    spans, work = windows(before, grid), listener.excerpts.round(recipe)
    for span in work.left(spans):
        samples = render_span(listener, recipe, span, check).samples
        work.found[span] = weighted_energy(samples, heard.sample_rate), listener.energy(span)
    listener.excerpts.whole = True
    found = foretold = _NO_POWER
    for span in spans:
        rendered, was = work.found[span]
        hops = slice(span.start // heard.hop_frames, -(-span.end // heard.hop_frames))
        found += rendered
        foretold += was * float(after[hops].sum() / max(before.loudness_power[hops].sum(), _NO_POWER))
    return 10.0 * float(np.log10(found / foretold))


class _Listener:
    """A source whose last read can be measured as well, so that nothing is decoded twice."""

    def __init__(self, source: AudioSource, excerpts: Excerpts) -> None:
        self._source = source
        self.excerpts = excerpts
        self._start = 0
        self._last: Samples = np.zeros((0, source.format.channels), np.float32)
        self.format = source.format
        self.total_frames = source.total_frames
        self.close = source.close

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        self._start, self._last = start, self.excerpts.read(self._source, Span(start, frames), check)
        return self._last

    def energy(self, span: Span) -> float:
        """The K-weighted energy of these frames of what was last read."""
        samples = self._last[span.start - self._start : span.end - self._start]
        return self.excerpts.energy(span, samples, self.format.sample_rate)


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
