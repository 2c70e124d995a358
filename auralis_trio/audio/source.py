"""The face that every decoder shows: random access to the frames of one track."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from auralis_trio.audio.block import Samples

Check = Callable[[], None]
"""Called between pieces of work; raises when the work is no longer wanted."""


def never_cancelled() -> None:
    """The `Check` of work that nobody can call off."""


class AudioFormat(msgspec.Struct, frozen=True):
    """What a track's PCM looks like.

    `bits` is the source's integer word length; None where it has none (lossy or floating point).
    """

    sample_rate: int
    channels: int
    bits: int | None


class AudioSource(Protocol):
    """Random access to a track's frames; blocking, used from worker threads only.

    Reads give the same samples in any order as in sequence. One thread at a time may read; `close` may come from
    another one while a read is under way, and then takes effect when that read ends.
    """

    @property
    def format(self) -> AudioFormat:
        """The track's sample rate, channels and word length."""

    @property
    def total_frames(self) -> int:
        """The exact number of frames."""

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """Return frames `start` up to `start + frames`: float32 (frames, channels), exactly as many as asked.

        Raises:
            ValueError: the span does not lie within the track.
            SourceError: the file breaks off, is damaged, hangs, or is not decoded that far yet.
        """

    def close(self) -> None:
        """Give back the file handle; a second call does nothing."""
