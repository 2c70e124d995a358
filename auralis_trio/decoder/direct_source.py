"""Random access where the decoder itself gives it: reading on never seeks, and a seek gives what reading on gives."""

import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, Check, never_cancelled
from auralis_trio.decoder.awake import Awake
from auralis_trio.decoder.lease import Lease, check_span
from auralis_trio.decoder.soundfile_decoder import SoundfileDecoder
from auralis_trio.errors import SourceCorrupt

_STEP_FRAMES = 1 << 16


class DirectSource:
    """An `AudioSource` over a decoder that seeks exactly."""

    def __init__(self, decoder: SoundfileDecoder, total_frames: int, awake: Awake | None = None) -> None:
        self.format: AudioFormat = decoder.format
        self.total_frames = total_frames
        self._decoder = decoder
        self._awake = awake
        self._broken = False
        self._lease = Lease(decoder.close)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """As `AudioSource.read`."""
        check_span(start, frames, self.total_frames)
        samples = np.empty((frames, self.format.channels), np.float32)
        with self._lease.use(check):
            try:
                self._go_to(start, check)
                self._fill(samples, check)
            except SourceCorrupt:
                self._broken = True
                raise
        if self._awake is not None:
            self._awake.used(self)
        return samples

    def rest_nowait(self) -> bool:
        """See `awake.Sleeper`."""
        return self._lease.do_if_idle(self._decoder.release)

    def close(self) -> None:
        """As `AudioSource.close`."""
        self._lease.close()
        if self._awake is not None:
            self._awake.forget(self)

    def _fill(self, samples: Samples, check: Check) -> None:
        done = 0
        while done < len(samples):
            check()
            block = self._decoder.read(min(_STEP_FRAMES, len(samples) - done))
            if not len(block):
                raise SourceCorrupt(frame=self._decoder.position)
            samples[done : done + len(block)] = block
            done += len(block)

    def _go_to(self, frame: int, check: Check) -> None:
        """Put the decoder at `frame`, if need be the long way: damage elsewhere in a file can spoil a seek."""
        if self._broken or self._decoder.released:
            self._broken = False
            self._decoder.reopen()
        if self._decoder.position == frame or self._decoder.seek(frame):
            return
        self._stay_awake()
        self._decoder.reopen()
        while self._decoder.position < frame:
            check()
            if not len(self._decoder.read(min(_STEP_FRAMES, frame - self._decoder.position))):
                raise SourceCorrupt(frame=self._decoder.position)

    def _stay_awake(self) -> None:
        """Where the way to each place is long, it is not gone anew for each read."""
        if self._awake is not None:
            self._awake.forget(self)
            self._awake = None
