"""What the encoders of FFmpeg have in common: they take frames of one size, which blocks are cut into."""

from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.stream import Stream
from numpy.typing import NDArray

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""FFmpeg's names for 1 to 8 channels in the order of WAV."""


class AvEncoder:
    """An encoder that is set up for interleaved `sample_format`, and what was not yet enough for a frame of it."""

    def __init__(self, context: AudioCodecContext, sample_format: str) -> None:
        self._context = context
        self._sample_format = sample_format
        context.time_base = Fraction(1, context.sample_rate)
        context.thread_count = 1
        context.open()
        self._rest: NDArray[Any] | None = None
        self._position = 0

    @property
    def extradata(self) -> bytes:
        """What a decoder has to know beforehand."""
        return bytes(self._context.extradata or b"")

    def encode(self, words: NDArray[Any]) -> "list[Packet[Stream]]":
        """The packets that are whole with these (frames, channels)."""
        if self._rest is not None:
            words = np.concatenate((self._rest, words))
        step = self._context.frame_size
        whole = len(words) - len(words) % step
        self._rest = words[whole:].copy()
        return [packet for start in range(0, whole, step) for packet in self._encode(words[start : start + step])]

    def finish(self) -> "list[Packet[Stream]]":
        """The packets that are left; the last one says with its duration how much of it counts."""
        rest, self._rest = self._rest, None
        packets = [] if rest is None or not len(rest) else self._encode(rest)
        return packets + (self._context.encode(None) if self._position else [])

    def _encode(self, words: NDArray[Any]) -> "list[Packet[Stream]]":
        context = self._context
        interleaved = np.ascontiguousarray(words).reshape(1, -1)
        frame = AudioFrame.from_ndarray(interleaved, format=self._sample_format, layout=context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = context.sample_rate, self._position, context.time_base
        self._position += len(words)
        return context.encode(frame)
