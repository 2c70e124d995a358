"""Follows an MP3's frames along with a decoder that passes over a lost one in silence, and says where.

MP3 frames have no number. A decoder that finds none where the one before ends looks for the next, and has all behind
it too early; where a seek lands, it counts by other rules again. So an MP3 that declares its length breaks where a
frame does not follow, as it does in FFmpeg.
"""

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.mpeg import parse_frame
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt

_BLOCK_BYTES = 1 << 16
_HEAD_BYTES = 4


class FrameGuard:
    """Follows the frames from the one behind the Xing header on, each of them once."""

    def __init__(self, file: RegularFile, mapped: FileMap) -> None:
        """Raises SourceCorrupt where no frame begins the payload."""
        start, length = mapped.payload[0]
        head = file.read_exactly(start, _HEAD_BYTES)
        first = parse_frame(head)
        if first is None:
            raise SourceCorrupt
        self._file = file
        self._delay = mapped.first_frame or 0
        self._samples = first.samples
        self._second = head[1] | 1  # whether a checksum follows may differ
        self._lengths = [_length(head, third, first.sample_rate) for third in range(256)]
        self._next, self._end = mapped.sound_start, start + length
        self._followed = 0
        self._broken = False

    def seek(self, frame: int) -> None:
        """What was followed once is known, wherever one goes."""

    def sound_frames(self, start: int, frames: int) -> int:
        """How many of the `frames` from `start` lie before the first place where no frame follows.

        Raises:
            SourceCorrupt: none.
        """
        while self._sound_until < start + frames and not self._broken:
            self._follow_block()
        sound = min(frames, self._sound_until - start) if self._broken else frames
        if frames and sound <= 0:
            raise SourceCorrupt(frame=max(0, self._sound_until))
        return sound

    @property
    def _sound_until(self) -> int:
        return self._followed * self._samples - self._delay

    def _follow_block(self) -> None:
        data = self._file.read_at(self._next, max(0, min(_BLOCK_BYTES, self._end - self._next)))
        at = 0
        while at + _HEAD_BYTES <= len(data):
            length = self._lengths[data[at + 2]]
            if data[at] != 0xFF or data[at + 1] | 1 != self._second or not length:
                self._broken = True
                break
            at += length
            self._followed += 1
        self._broken |= not at  # the end
        self._next += at


def _length(head: bytes, third: int, sample_rate: int) -> int:
    """The length of a frame whose header is `head` but for its third byte; 0 where it is none of that stream."""
    frame = parse_frame(head[:2] + bytes([third]) + head[3:])
    return frame.bytes if frame is not None and frame.sample_rate == sample_rate else 0
