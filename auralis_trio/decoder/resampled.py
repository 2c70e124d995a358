"""Decodes at another sample rate: one resampler goes over the whole track, in sequence, from its first frame on.

libsoxr at its highest quality, in double precision inside. The frames that come out do not depend on the sizes of
the blocks that go in, lie without delay where those that went in lay, and are ``ceil(N * out / in)`` in number.
"""

import numpy as np
import soxr

from auralis_trio.audio.block import Samples, sane
from auralis_trio.audio.source import AudioFormat
from auralis_trio.audio.units import frames_at_rate
from auralis_trio.decoder.decoder import Decoder
from auralis_trio.errors import SourceCorrupt, SourceHung

QUALITY = "VHQ"


class ResampledDecoder:
    """A `Decoder` over another one, at `sample_rate`."""

    def __init__(self, decoder: Decoder, sample_rate: int) -> None:
        self._decoder = decoder
        self._from_hz, channels = decoder.format.sample_rate, decoder.format.channels
        self.format = AudioFormat(sample_rate, channels, None)
        self._resampler = soxr.ResampleStream(self._from_hz, sample_rate, channels, "float32", QUALITY)
        self._taken = self._made = 0
        self._rest: Samples = np.empty((0, channels), np.float32)
        self._ended = False
        self._failure: SourceCorrupt | None = None

    @property
    def total_frames(self) -> int | None:
        """As `Decoder.total_frames`."""
        frames = self._decoder.total_frames
        return None if frames is None else frames_at_rate(frames, self._from_hz, self.format.sample_rate)

    def read(self, frames: int) -> Samples:
        """The next frames, as `Decoder.read`."""
        while not len(self._rest) and not self._ended:
            self._rest = self._next(max(1, frames * self._from_hz // self.format.sample_rate))
            self._made += len(self._rest)
        if not len(self._rest) and self._failure is not None:
            raise SourceCorrupt(self._failure.message, frame=self._made) from self._failure
        block, self._rest = self._rest[:frames], self._rest[frames:]
        return block

    def _next(self, frames: int) -> Samples:
        """What the next frames of the file become, which may be none yet."""
        try:
            block = self._decoder.read(frames)
        except SourceCorrupt as error:
            self._failure = error
            block = self._rest[:0]
        except SourceHung as error:
            raise SourceHung(frame=self._made) from error
        self._taken += len(block)
        return self._resampled(sane(block)) if len(block) else self._end()

    def _end(self) -> Samples:
        """What is still inside of the resampler; of a track that breaks, what lies wholly before the break."""
        self._ended = True
        due = frames_at_rate(self._taken, self._from_hz, self.format.sample_rate)
        if self._failure is not None:
            due = self._taken * self.format.sample_rate // self._from_hz
        # libsoxr rounds the number of frames: one more of silence makes sure of the last.
        silence = np.zeros(
            (frames_at_rate(1, self.format.sample_rate, self._from_hz), self.format.channels), np.float32
        )
        return self._resampled(silence, last=True)[: max(0, due - self._made)]

    def _resampled(self, block: Samples, last: bool = False) -> Samples:
        return np.asarray(self._resampler.resample_chunk(block, last=last), np.float32)

    def close(self) -> None:
        """Give back the decoder under it."""
        self._decoder.close()
