"""The blocks that a track is measured in: always the same ones, counted from frame 0, whatever is read at once."""

from collections.abc import Iterator

import numpy as np

from auralis_trio.analysis.true_peak import Planar
from auralis_trio.audio.block import Samples, sane
from auralis_trio.audio.grid import Span, grain_frames
from auralis_trio.audio.source import AudioSource, Check

GRAINS_PER_BLOCK = 4
"""A block is about a second."""


def block_frames(sample_rate: int) -> int:
    """Frames in a block."""
    return GRAINS_PER_BLOCK * grain_frames(sample_rate)


def read_blocks(source: AudioSource, span: Span, check: Check) -> Iterator[Samples]:
    """The samples of a span, block by block from its start; the last one is as long as what is left.

    Raises:
        SourceError: the source cannot be read.
    """
    frames = block_frames(source.format.sample_rate)
    for start in range(span.start, span.end, frames):
        check()
        yield source.read(start, min(frames, span.end - start), check)


def planar(samples: Samples) -> Planar:
    """The samples as they are measured, channel by channel."""
    return np.ascontiguousarray(sane(samples).T)
