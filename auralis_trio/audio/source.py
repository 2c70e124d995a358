"""The face that every decoder shows: random access to the frames of one track."""

from collections.abc import Callable
from typing import Protocol

from auralis_trio.audio.block import Samples
from auralis_trio.audio.format import AudioFormat

__all__ = ["AudioFormat", "AudioSource", "Check", "never_cancelled"]

Check = Callable[[], None]
"""Called between pieces of work; raises when the work is no longer wanted."""


def never_cancelled() -> None:
    """The `Check` of work that nobody can call off."""


class AudioSource(Protocol):
    """Random access to a track's frames; blocking, used from worker threads only.

    Reads give the same samples in any order as in sequence, in the order of channels that WAV has, as they stand in
    the file: they may exceed ±1.0, and those of a floating-point file may be infinite or no numbers at all. Threads
    that read at once take turns; `close` may come from another one while a read is under way, and then takes effect
    when that read ends.
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
            ValueError: the span does not lie within the track, or the source is closed.
            SourceError: the file breaks off, is damaged, hangs, was changed, or is not decoded that far yet. A
                `SourceCorrupt` says with `frame` where; the frames before that can be read.
        """

    def close(self) -> None:
        """Give back the file handle; a second call does nothing."""
