"""The face of a decoder: one file, frame after frame. What seeks, waits or caches is built on it."""

from typing import Protocol

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat


class Decoder(Protocol):
    """Decodes a file in sequence; used by one thread at a time."""

    @property
    def format(self) -> AudioFormat:
        """What its PCM looks like."""

    @property
    def total_frames(self) -> int | None:
        """The declared length; None where only decoding tells it."""

    def read(self, frames: int) -> Samples:
        """The next frames: at least one and at most `frames`; none at the end.

        Raises:
            SourceCorrupt: the audio breaks here; its `frame` says where.
            SourceChanged: the file was written to since it was opened.
        """

    def close(self) -> None:
        """Give back everything; a second call does nothing."""
