"""The absolute grid that all rendering lies on: grains, chunks, packets. This module owns the arithmetic.

    frame 0                                                                    total_frames
    |grain|grain|grain| ... 18 ... |grain|grain| ...            |grain|gr|
    |------------- chunk 0 --------------|--------- chunk 1 ----------|--|
    |packet|packet| ... 27 ...    |packet|packet| ...                 |p |

Sizes double with each octave of sample rate above 48 kHz and halve with each below, so a chunk is about five
seconds and a packet about 0.2 s everywhere. A chunk is a whole number of grains and of packets; only the last is
shorter. Positions are integers of frames; seconds appear only where people and programs are met.
"""

from dataclasses import dataclass
from functools import cached_property

import msgspec

GRAINS_PER_CHUNK = 18
PACKETS_PER_CHUNK = 27

# The hops of analysis and mastering are whole parts of a grain: 1,024, 64 and 16 frames at 44.1 and 48 kHz.
LEDGER_HOPS_PER_GRAIN = 12
CONTROL_HOPS_PER_GRAIN = 192
PEAK_HOPS_PER_GRAIN = 768


def grain_frames(sample_rate: int) -> int:
    """Frames in a grain: ``12288 * 2**ceil(log2(sample_rate / 48000))``, in integers.

    >>> [grain_frames(rate) for rate in (8_000, 44_100, 48_000, 96_000, 192_000)]
    [3072, 12288, 12288, 24576, 49152]
    """
    frames, top = 12288, 48_000
    while sample_rate > top:
        frames, top = frames * 2, top * 2
    while sample_rate * 2 <= top:
        frames, top = frames // 2, top // 2
    return frames


class Span(msgspec.Struct, frozen=True):
    """A run of frames: from `start`, `frames` long. Not a dataclass, since each packet of each listener makes one."""

    start: int
    frames: int

    @property
    def end(self) -> int:
        """The first frame behind it."""
        return self.start + self.frames


@dataclass(frozen=True)
class Grid:
    """The grid of one track of `total_frames` at `sample_rate`."""

    sample_rate: int
    total_frames: int

    @cached_property
    def grain(self) -> int:
        """Frames in a grain."""
        return grain_frames(self.sample_rate)

    @cached_property
    def chunk_frames(self) -> int:
        """Frames in every chunk but the last."""
        return GRAINS_PER_CHUNK * self.grain

    @cached_property
    def packet_frames(self) -> int:
        """Frames in every packet that is neither cut by credit nor the last of the track."""
        return self.chunk_frames // PACKETS_PER_CHUNK

    @property
    def total_chunks(self) -> int:
        """How many chunks there are; none in an empty track."""
        return -(-self.total_frames // self.chunk_frames)

    @property
    def total_grains(self) -> int:
        """How many grains there are."""
        return -(-self.total_frames // self.grain)

    def chunk(self, index: int) -> Span:
        """The frames of chunk `index`.

        Raises:
            IndexError: there is no such chunk.
        """
        if not 0 <= index < self.total_chunks:
            raise IndexError(index)
        return self.grains(index * GRAINS_PER_CHUNK, (index + 1) * GRAINS_PER_CHUNK)

    def grains(self, first: int, last: int) -> Span:
        """The frames of the grains from `first` up to, not including, `last`, cut at the track's end."""
        start = first * self.grain
        return Span(start, max(0, min(last * self.grain, self.total_frames) - start))

    def chunk_of(self, frame: int) -> int:
        """The index of the chunk that `frame` lies in."""
        return frame // self.chunk_frames

    def packet_end(self, frame: int) -> int:
        """The first frame behind the packet that `frame` lies in, cut at the track's end."""
        return min((frame // self.packet_frames + 1) * self.packet_frames, self.total_frames)
