"""The one way from a source to the samples that are heard."""

from auralis_trio.audio.block import Block
from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.mastering.recipe import Recipe


def render(
    source: AudioSource, recipe: Recipe, first_grain: int, last_grain: int, check: Check = never_cancelled
) -> Block:
    """Return the grains from `first_grain` up to, not including, `last_grain`.

    A pure function of the audio, the recipe and the grain indices: any run of grains equals the same span of a
    whole-track render, bit for bit.

    Raises:
        SourceError: the source cannot give the frames.
        ValueError: the recipe asks for processing that this version does not have.
    """
    span = Grid(source.format.sample_rate, source.total_frames).grains(first_grain, last_grain)
    return render_span(source, recipe, span, check)


def render_span(source: AudioSource, recipe: Recipe, span: Span, check: Check = never_cancelled) -> Block:
    """Return any run of frames: what `render` gives for the grains that they lie in, cut to the frame.

    Raises:
        SourceError: the source cannot give the frames.
        ValueError: the recipe asks for processing that this version does not have.
    """
    if not recipe.identity:
        raise ValueError(f"no such preset: {recipe.preset}")
    return Block(source.read(span.start, span.frames, check), span.start)
