"""A whole track, chunk by chunk: rendered, and measured on the way out. Called where blocking is allowed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import scipy
import soxr

from auralis_trio import __version__
from auralis_trio.analysis import LoudnessMeter, Profile, TruePeakMeter
from auralis_trio.audio.block import Block
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.decoder.opening import DECODER_VERSION
from auralis_trio.mastering import render
from auralis_trio.mastering.recipe import Sound
from auralis_trio.mastering.solve import Mastered

LEVELS = (
    "integrated_lufs",
    "loudness_range_lu",
    "max_momentary_lufs",
    "max_short_term_lufs",
    "true_peak_dbtp",
    "sample_peak_dbfs",
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a rendered track measures; levels are None where there is nothing to measure.

    `sha256` is that of the float32 frames, interleaved and little-endian.
    """

    frames: int
    sha256: str
    integrated_lufs: float | None
    loudness_range_lu: float | None
    max_momentary_lufs: float | None
    max_short_term_lufs: float | None
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None


@dataclass
class OutcomeMeter:
    """Measures the blocks of one track, which come in order and without a gap."""

    form: AudioFormat
    _frames: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._loudness = LoudnessMeter(self.form.sample_rate, self.form.channels)
        self._peak = TruePeakMeter(self.form.sample_rate, self.form.channels)

    def add(self, block: Block) -> None:
        """Take the next block."""
        if block.start_frame != self._frames:
            raise ValueError(f"frame {self._frames} is next, not {block.start_frame}")
        self._frames += block.frames
        self._hash.update(block.samples.astype("<f4", copy=False).tobytes())
        self._loudness.add(block.samples)
        self._peak.add(block.samples)

    def result(self) -> Outcome:
        """What the blocks so far measure."""
        loudness = self._loudness.result()
        true_peak_dbtp, sample_peak_dbfs = self._peak.result()
        return Outcome(
            frames=self._frames,
            sha256=self._hash.hexdigest(),
            integrated_lufs=loudness.integrated_lufs,
            loudness_range_lu=loudness.loudness_range_lu,
            max_momentary_lufs=loudness.max_momentary_lufs,
            max_short_term_lufs=loudness.max_short_term_lufs,
            true_peak_dbtp=true_peak_dbtp,
            sample_peak_dbfs=sample_peak_dbfs,
        )


def rendered(source: AudioSource, sound: Sound, check: Check = never_cancelled) -> Iterator[Block]:
    """All chunks of a track, one after the other.

    Raises:
        SourceError: the source cannot give the frames.
    """
    grid = Grid(source.format.sample_rate, source.total_frames)
    for first in range(0, grid.total_grains, GRAINS_PER_CHUNK):
        check()
        yield render(source, sound, first, first + GRAINS_PER_CHUNK, check)


def receipt(profile: Profile, mastered: Mastered, after: Outcome) -> dict[str, Any]:
    """The whole way of the signal in plain values: what came in, everything that was done, what went out."""
    recipe = mastered.recipe
    return {
        "source": {
            "sample_rate": profile.sample_rate,
            "channels": profile.channels,
            "total_frames": profile.total_frames,
            "sha256": profile.source_sha256,
            "decoder": DECODER_VERSION,
        },
        "before": {name: profile.values[name] for name in LEVELS},
        "recipe": {"key": recipe.key, **msgspec.to_builtins(recipe)},
        "target_lufs": mastered.target_lufs,
        "expected_lufs": mastered.expected_lufs,
        "limited_by": mastered.limited_by,
        "shortfall_lu": mastered.shortfall_lu,
        "after": {name: getattr(after, name) for name in LEVELS},
        "frames": after.frames,
        "sha256": after.sha256,
        "versions": {
            "auralis_trio": __version__,
            "analysis": profile.version,
            "engine": recipe.engine,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "soxr": soxr.__version__,
        },
    }
