"""Decodes with libsndfile, in sequence, and from any frame where it seeks exactly.

It goes past the library's Python face for reading, which seeks after every read: that costs half the speed and puts
zeros into some MP3 files.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import soundfile

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.frame_guard import FrameGuard
from auralis_trio.decoder.ogg import OGG_KINDS
from auralis_trio.decoder.page_guard import PageGuard
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt, SourceHung, SourceUnsupported

_MP3_PREROLL_FRAMES = 9216  # more than the bit reservoir and the overlap of the frames before can reach
_MP3_PERIOD_FRAMES = 4 * 1152
_SYSTEM_ERROR, _UNSUPPORTED_ENCODING = 2, 4

_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32,
}  # fmt: skip
_SAMPLE_BYTES = {
    "PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8, "ULAW": 1, "ALAW": 1,
}  # fmt: skip

# Vorbis counts its channels in an order of its own; sound cards, WAV and the rest of this program in another.
_FROM_VORBIS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        raise (SourceUnsupported if error.code == _UNSUPPORTED_ENCODING else SourceCorrupt)() from error


class SoundfileDecoder:
    """A file under libsndfile; `position` is the frame that the next read begins at."""

    def __init__(self, file: RegularFile, mapped: FileMap) -> None:
        self._file = file
        self._mapped = mapped
        self._handle = self._open()
        handle = self._handle
        self.format = AudioFormat(handle.samplerate, handle.channels, _BITS.get(handle.subtype))
        self.plain = handle.subtype in _SAMPLE_BYTES
        self.total_frames = self._total()
        self.position = 0
        self._guard = self._watch()
        self._order = _FROM_VORBIS.get(handle.channels) if mapped.kind == "vorbis" else None

    def _open(self) -> soundfile.SoundFile:
        self._file.rewind()
        with _library_errors():
            return soundfile.SoundFile(self._file.descriptor, closefd=False)

    def _watch(self) -> PageGuard | FrameGuard | None:
        """What notices the damage that libsndfile passes over."""
        if self._mapped.kind in OGG_KINDS:
            return PageGuard(self._file, self._mapped, 0)
        return FrameGuard(self._file, self._mapped) if self._mapped.kind == "mp3" else None

    def _total(self) -> int | None:
        """The declared length: libsndfile cuts it to what the file holds, and we want to know."""
        if self._mapped.kind in ("flac", "mp3"):
            return self._mapped.total_frames
        if self.plain and self._mapped.missing_bytes:
            declared_bytes = self._mapped.payload[0][1] + self._mapped.missing_bytes
            return declared_bytes // (_SAMPLE_BYTES[self._handle.subtype] * self.format.channels)
        return self.library_frames

    @property
    def library_frames(self) -> int:
        """The length as libsndfile sees it."""
        return int(self._handle.frames)

    def read(self, frames: int) -> Samples:
        """The next frames, as `Decoder.read`."""
        with self._file.unchanged():
            return self._read(frames)

    def _read(self, frames: int) -> Samples:
        if self._guard is not None:
            frames = self._guard.sound_frames(self.position, frames)
        samples = np.empty((frames, self.format.channels), np.float32)
        pointer = soundfile._ffi.cast("float *", samples.ctypes.data)
        count = max(0, soundfile._snd.sf_readf_float(self._handle._file, pointer, frames))
        if not count:
            self._check_end()
        self.position += count
        samples = samples[:count]
        return samples if self._order is None else np.ascontiguousarray(samples[:, self._order])

    def _check_end(self) -> None:
        """Raise if the audio should not end here."""
        failure = soundfile._snd.sf_error(self._handle._file)
        if failure == _SYSTEM_ERROR:
            raise SourceHung(frame=self.position)
        if failure or (self.total_frames is not None and self.position < self.total_frames):
            raise SourceCorrupt(frame=self.position)

    def seek(self, frame: int) -> bool:
        """Go to `frame`, to read there what reading in sequence gives; False where the file does not let it."""
        with self._file.unchanged():
            return self._go_to(frame)

    def _go_to(self, frame: int) -> bool:
        start = self._landing(frame)
        if self._mapped.kind == "mp3":
            self.reopen()
        elif self._mapped.kind == "vorbis" and self._seek(0) != 0:  # a seek forward on a used handle lands anywhere
            return False
        if (start or self._mapped.kind != "mp3") and self._seek(start) != start:
            return False
        self.position = start
        if self._guard is not None:
            self._guard.seek(start)
        while self.position < frame:
            self._read(frame - self.position)
        return True

    def _landing(self, frame: int) -> int:
        """Where to seek to, at or before `frame`, and read on from there."""
        if self._mapped.kind == "mp3":
            # A fresh handle that starts on an even frame adds up its windows in the order that decoding from the
            # beginning does; any other start differs in the last bit.
            delay = self._mapped.first_frame or 0
            start = max(0, frame - _MP3_PREROLL_FRAMES) + delay
            return max(0, start - start % _MP3_PERIOD_FRAMES - delay)
        last = self._mapped.last_landing
        return frame if last is None else min(frame, last)

    def _seek(self, frame: int) -> int:
        return int(soundfile._snd.sf_seek(self._handle._file, frame, 0))

    def reopen(self) -> None:
        """Begin again at frame 0 with a fresh handle: after an error the old one is of no use."""
        self._handle.close()
        with self._file.unchanged():
            self._handle = self._open()
        self.position = 0
        if self._guard is not None:
            self._guard.seek(0)

    @property
    def released(self) -> bool:
        """Whether it has to be reopened before it is read from."""
        return bool(self._handle.closed)

    def release(self) -> None:
        """Give back the handle, so that another decoder can take the file."""
        if not self._handle.closed:
            self._handle.close()

    def close(self) -> None:
        """Give back the handle and the file."""
        self.release()
        self._file.close()
