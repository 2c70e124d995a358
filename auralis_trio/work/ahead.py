"""Reading ahead: one thread decodes while another measures what is decoded already.

Nothing depends on the helper: where it has not started, has ended or has failed, whoever reads decodes for itself,
and meets whatever the helper met. So it may be begun or left out as there is room.
"""

from collections.abc import Callable
from threading import Condition
from typing import TypeVar

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled

MAX_BLOCKS = 8
"""How many blocks lie ready at most."""

_ASK_EVERY_S = 0.05


T = TypeVar("T")


class ReadAhead:
    """What the two threads share: blocks of `block_frames`, counted from frame 0, decoded and not read yet."""

    def __init__(self, block_frames: int) -> None:
        self.max_held = 0
        self._block_frames = block_frames
        self._turn = Condition()
        self._blocks: dict[int, Samples] = {}
        self._place = 0  # where the reader is
        self._under_way: int | None = None  # the block that the helper decodes now
        self._closed = False

    def feed(self, source: AudioSource, check: Check) -> None:
        """Decode ahead of the reader until the end, an error or `close`; in a thread of its own.

        Raises:
            SourceError: the source cannot be read; whoever reads comes upon the same.
        """
        start, end = 0, source.total_frames
        while (start := self._next(start, end, check)) < end:
            try:
                samples = source.read(start, min(self._block_frames, end - start), check)
            except BaseException:
                self._put(start, None)
                raise
            self._put(start, samples)
            start += len(samples)

    def run(self, job: Callable[[AudioSource, Check], T], source: AudioSource, check: Check) -> T:
        """Run ``job(source, check)``, which reads on from frame 0 in blocks, with what is decoded ahead."""
        return job(_AheadSource(source, self), check)

    def take(self, start: int, check: Check) -> Samples | None:
        """The block at `start`, if it is decoded or being decoded; what lies before it is forgotten."""
        with self._turn:
            self._place = start
            while start == self._under_way:
                self._turn.wait(_ASK_EVERY_S)
                check()
            samples = self._blocks.pop(start, None)
            for passed in [place for place in self._blocks if place < start]:
                del self._blocks[passed]
            self._turn.notify_all()
            return samples

    def close(self) -> None:
        """Let the helper end at its next block. The source stays open: it is somebody else's."""
        with self._turn:
            self._closed = True
            self._blocks.clear()
            self._turn.notify_all()

    def _next(self, start: int, end: int, check: Check) -> int:
        """The block to decode next, once there is room for it; `end` when nothing is wanted any more."""
        with self._turn:
            while not self._closed and len(self._blocks) >= MAX_BLOCKS:
                self._turn.wait(_ASK_EVERY_S)
                check()
            if self._closed:
                return end
            self._under_way = max(start, self._place)
            return self._under_way

    def _put(self, start: int, samples: Samples | None) -> None:
        with self._turn:
            self._under_way = None
            if samples is not None and not self._closed and start >= self._place:
                self._blocks[start] = samples
                self.max_held = max(self.max_held, len(self._blocks))
            self._turn.notify_all()


class _AheadSource:
    """An `AudioSource` whose blocks may be there already."""

    def __init__(self, source: AudioSource, ahead: ReadAhead) -> None:
        self.format: AudioFormat = source.format
        self.total_frames = source.total_frames
        self._source = source
        self._ahead = ahead

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """As `AudioSource.read`."""
        samples = self._ahead.take(start, check)
        return self._source.read(start, frames, check) if samples is None or len(samples) != frames else samples

    def close(self) -> None:
        """The source is somebody else's, who closes it."""
