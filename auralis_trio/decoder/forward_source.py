"""A source that is decoded as it is read and kept nowhere: for tracks that the PCM cache has no room for.

Reading on works as long as the track is; a step back within the window is free; any other jump decodes its way
there, and after the cache's patience says when to come again. What was decoded by then stays, also where its reader
leaves: see `parking`.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, Check, never_cancelled
from auralis_trio.decoder.decoder import Decoder
from auralis_trio.decoder.lease import Lease, check_span
from auralis_trio.decoder.patience import Patience
from auralis_trio.errors import SourceCorrupt, SourceError

WINDOW_BYTES = 1 << 24
PARKED_WINDOW_BYTES = 1 << 23
"""What stays of the window while nobody reads: some seconds more than what a render reads before its first frame."""
_STEP_FRAMES = 1 << 15


class ForwardSource:
    """An `AudioSource` over a decoder that only goes forward."""

    def __init__(
        self, start_decoder: Callable[[], Decoder], audio_format: AudioFormat, total_frames: int, patience_s: float
    ) -> None:
        self.format = audio_format
        self.total_frames = total_frames
        self._start_decoder = start_decoder
        self._patience_s = patience_s
        self._decoder: Decoder | None = None
        self._window: deque[Samples] = deque()
        self.window_start = 0
        """the first frame that can be read without beginning anew"""
        self._decoded = 0
        self._broken = False
        self._lease = Lease(self._stop)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """As `AudioSource.read`."""
        check_span(start, frames, self.total_frames)
        patience = Patience(self._patience_s, check)
        with self._lease.use(check):
            if start < self.window_start:
                self._stop()
            while self._decoded < start + frames:
                patience.ask(start + frames - self._decoded)
                patience.count(self._step(start))
            return self._cut(start, frames)

    def rest(self) -> bool:
        """Give back most of the window while nobody reads; False where there is nothing to go on with.

        Behind damage there is not, nor in a file that is another one by now: the next one looks anew.
        """
        if self._decoder is None or not self._decoded or self._broken:
            return False
        self._shrink(PARKED_WINDOW_BYTES, self._decoded)
        return True

    def close(self) -> None:
        """As `AudioSource.close`."""
        self._lease.close()

    def _step(self, keep_from: int) -> int:
        """Decode one more block; the window may lose what lies before `keep_from`."""
        if self._decoder is None:
            self._decoder = self._start_decoder()
        try:
            block = self._decoder.read(_STEP_FRAMES)
            if not len(block):
                raise SourceCorrupt(frame=self._decoded)
        except SourceError:
            self._broken = True
            raise
        self._window.append(block)
        self._decoded += len(block)
        self._shrink(WINDOW_BYTES, keep_from)
        return len(block)

    def _shrink(self, window_bytes: int, keep_from: int) -> None:
        oldest = self._decoded - window_bytes // (4 * self.format.channels)
        while self.window_start + len(self._window[0]) <= min(oldest, keep_from):
            self.window_start += len(self._window.popleft())

    def _cut(self, start: int, frames: int) -> Samples:
        samples = np.empty((frames, self.format.channels), np.float32)
        at = self.window_start
        for block in self._window:
            first, last = max(start, at), min(start + frames, at + len(block))
            if first < last:
                samples[first - start : last - start] = block[first - at : last - at]
            at += len(block)
        return samples

    def _stop(self) -> None:
        decoder, self._decoder = self._decoder, None
        self._window.clear()
        self.window_start = self._decoded = 0
        self._broken = False
        if decoder is not None:
            decoder.close()
