"""The one way from a source to the samples that are heard."""

import numpy as np

from auralis_trio.audio.block import Block, Samples, sane
from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.audio.units import db_to_gain
from auralis_trio.mastering.chain import chain_for
from auralis_trio.mastering.recipe import Recipe, Schedule, Sound


def render(
    source: AudioSource, sound: Sound, first_grain: int, last_grain: int, check: Check = never_cancelled
) -> Block:
    """Return the grains from `first_grain` up to, not including, `last_grain`.

    A pure function of the audio, the recipe and the grain indices: any run of grains equals the same span of a
    whole-track render, bit for bit.

    Raises:
        SourceError: the source cannot give the frames.
    """
    grid = Grid(source.format.sample_rate, source.total_frames)
    return render_span(source, sound, grid.grains(first_grain, last_grain), check)


def render_span(source: AudioSource, sound: Sound, span: Span, check: Check = never_cancelled) -> Block:
    """Return any run of frames: what `render` gives for the grains that they lie in, cut to the frame.

    Raises:
        SourceError: the source cannot give the frames.
    """
    if isinstance(sound, Recipe) and not sound.masters:
        return Block(_turned_down(source.read(span.start, span.frames, check), sound), span.start)
    grain = Grid(source.format.sample_rate, source.total_frames).grain
    first, last = span.start // grain, -(-span.end // grain)
    if not span.frames:
        return Block(np.zeros((0, source.format.channels), np.float32), span.start)
    offset = span.start - first * grain
    samples = _grains(source, sound, first, last, check)[offset : offset + span.frames]
    return Block(samples, span.start)


def _turned_down(samples: Samples, recipe: Recipe) -> Samples:
    return samples if recipe.identity else sane(samples) * np.float32(db_to_gain(recipe.trim_db))


def _grains(source: AudioSource, sound: Sound, first: int, last: int, check: Check) -> Samples:
    """The frames of some grains, of which there is at least one."""
    sound = sound.within(first, last)
    if isinstance(sound, Schedule):
        return _blended(source, sound, first, last, check)
    if not sound.masters:
        span = Grid(source.format.sample_rate, source.total_frames).grains(first, last)
        return _turned_down(source.read(span.start, span.frames, check), sound)
    chain = chain_for(sound, source.format.sample_rate, source.format.channels)

    def read(start: int, frames: int) -> Samples:
        return source.read(start, frames, check)

    return chain.run(read, first, last, source.total_frames)


def _blended(source: AudioSource, change: Schedule, first: int, last: int, check: Check) -> Samples:
    """Grains with a change among them: over the grain that it begins with, the old sound goes over into the new."""
    old = _grains(source, change.before, first, change.at + 1, check)
    new = _grains(source, change.after, change.at, last, check)
    kept = (change.at - first) * Grid(source.format.sample_rate, source.total_frames).grain
    blended = len(old) - kept
    mixed = old[kept:] + (new[:blended] - old[kept:]) * _rise(blended)
    return np.concatenate((old[:kept], mixed, new[blended:]))


def _rise(frames: int) -> Samples:
    """From 0 to 1 along half a cosine, shape (frames, 1)."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 0.5) / frames)).astype(np.float32)[:, np.newaxis]
