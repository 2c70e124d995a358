"""One track in the PCM cache: float32 on disk, as far as the track has been decoded, and a checksum of each block.

It is decoded in sequence by whoever needs more of it, one step and one thread at a time; what is there already is
read without a lock, and given only if it is what was written. When it is complete, a record beside it says so, and
only then does it outlive the process. An entry that finds no room on the way, or whose samples the disk has lost or
spoilt, *spills*: its samples are let go and its readers decode for themselves.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from threading import Lock

import msgspec
import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.block_sums import BlockSums
from auralis_trio.decoder.decoder import Decoder
from auralis_trio.decoder.lease import take
from auralis_trio.decoder.patience import Patience
from auralis_trio.errors import SourceChanged, SourceCorrupt
from auralis_trio.own_files import open_own, write_own

STEP_FRAMES = 1 << 15
BLOCK_FRAMES = 1 << 13
"""How many frames are proved together."""

_CHECKSUM_BYTES = 16
_GROWTH_BYTES = 1 << 23  # what is reserved ahead for a track of unknown length

DATA_SUFFIX, RECORD_SUFFIX, DRAFT_SUFFIX = ".pcm", ".record", ".draft"

log = logging.getLogger(__name__)

Reserve = Callable[["PcmEntry", int], bool]
"""Asks the cache to hold this many bytes for an entry, all in all."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside a complete entry: whose it is, and the checksums of its blocks."""

    name: str
    format: AudioFormat
    total_frames: int
    packed_sums: bytes

    @property
    def data_bytes(self) -> int:
        """How long the samples are."""
        return self.total_frames * _frame_bytes(self.format)

    @property
    def sums(self) -> BlockSums | None:
        """The checksums; None if they are not those of so many frames."""
        return BlockSums.unpack(BLOCK_FRAMES * _frame_bytes(self.format), self.data_bytes, self.packed_sums)

    def pack(self) -> bytes:
        """The record with a checksum before it."""
        body = msgspec.json.encode(self)
        return blake2b(body, digest_size=_CHECKSUM_BYTES).digest() + body


def parse_record(data: bytes) -> Record | None:
    """The record that was packed into `data`; None if a bit of it has changed."""
    checksum, body = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if blake2b(body, digest_size=_CHECKSUM_BYTES).digest() != checksum:
        return None
    return msgspec.json.decode(body, type=Record)


def _frame_bytes(audio_format: AudioFormat) -> int:
    return 4 * audio_format.channels


def _bytes_of(samples: Samples) -> memoryview:
    return samples.data.cast("B") if samples.size else memoryview(b"")


class PcmEntry:
    """The PCM of one track. Its `users` are counted by the cache."""

    def __init__(self, path: str, reserve: Reserve, total_frames: int | None = None) -> None:
        self.path = path
        self.users = 0
        self.reserved_bytes = 0
        self.total_frames = total_frames
        self.decoded_frames = 0
        self.complete = False
        self.spilled = False
        self.unwanted = False
        self._reserve = reserve
        self._lock = Lock()
        self._format: AudioFormat | None = None
        self._decoder: Decoder | None = None
        self._sums = BlockSums(1)
        self._descriptor = -1
        self._failure: SourceChanged | SourceCorrupt | None = None

    @property
    def format(self) -> AudioFormat:
        """What the PCM looks like; known once it is prepared."""
        assert self._format is not None
        return self._format

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return _frame_bytes(self.format)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to decode: its samples are all there, or it has spilled and was counted."""
        return self.complete or (self.spilled and self.total_frames is not None)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether a next reader gains from it; a broken one should look at the file anew, which may be replaced."""
        return not self.unwanted and ((self.decoded_frames > 0 and self._failure is None) or self.complete)

    def restore(self, record: Record, sums: BlockSums) -> None:
        """Take over the samples that an earlier process completed."""
        self._sums = sums
        self._format, self.total_frames, self.complete = record.format, record.total_frames, True
        self.decoded_frames, self.reserved_bytes = record.total_frames, record.data_bytes

    def prepare(self, start_decoder: Callable[[], Decoder], patience: Patience) -> bool:
        """Make it readable; True if that began a decoding.

        Raises:
            SourceError: the file cannot be decoded.
        """
        take(self._lock, patience.check)
        try:
            if self.complete and not self.spilled and not self._is_there():
                self._start_over()
            if self.complete or self._decoder or self._failure or self.spilled:
                return False
            self._begin(start_decoder())
            return True
        finally:
            self._lock.release()

    def _begin(self, decoder: Decoder) -> None:
        self._decoder, self._format = decoder, decoder.format
        self._sums = BlockSums(BLOCK_FRAMES * self.frame_bytes)
        if decoder.total_frames is not None:
            self.total_frames = decoder.total_frames
        room = self._reserve(self, (self.total_frames or 0) * self.frame_bytes)
        if not (room and self._create_data()):
            self._spill()
        elif self.total_frames == 0:
            self._finish()

    def _is_there(self) -> bool:
        """Open the samples' file, if it is not open; whether there still is one."""
        with suppress(OSError):
            self._open_data(os.O_RDONLY)
        return self._descriptor >= 0

    def _start_over(self) -> None:
        log.warning("decoded audio in the data directory is gone: it is decoded again")
        self.complete, self.decoded_frames = False, 0
        self._reserve(self, 0)

    def _create_data(self) -> bool:
        """Make the samples' file, and its folder where somebody has removed it; where that fails the entry spills."""
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            self._open_data(os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        except OSError as error:
            self._give_up(error)
        return not self.spilled

    def _open_data(self, flags: int) -> None:
        if self._descriptor < 0:
            self._descriptor = open_own(self.path + DATA_SUFFIX, flags)

    def advance(self, end_frame: int | None, patience: Patience) -> None:
        """Decode until `end_frame` is there (None: until the length is known) or the entry has spilled.

        Raises:
            SourceCorrupt: the track breaks before.
            SourceChanged: its file was written to before that was decoded.
            SourceNotReady: patience ended; what was decoded stays.
        """
        while not self._reached(end_frame):
            patience.ask(None if end_frame is None else end_frame - self.decoded_frames)
            take(self._lock, patience.check)
            try:
                if not self._reached(end_frame):
                    patience.count(self._step())
            finally:
                self._lock.release()

    def _reached(self, end_frame: int | None) -> bool:
        if end_frame is None:
            return self.total_frames is not None
        return self.spilled or self.decoded_frames >= end_frame

    def _step(self) -> int:
        """Decode one block; returns how long it was."""
        if self._decoder is None:
            raise type(self._failure or SourceCorrupt())(frame=self.decoded_frames) from self._failure
        try:
            block = self._decoder.read(STEP_FRAMES)
            if not len(block) and self.total_frames is not None:
                raise SourceCorrupt(frame=self.decoded_frames)
        except (SourceChanged, SourceCorrupt) as error:
            self._failure = error
            self._stop()
            raise
        if not self.spilled:
            self._append(block)
        self.decoded_frames += len(block)
        if self.total_frames is None and not len(block):
            self.total_frames = self.decoded_frames
        if self.decoded_frames == self.total_frames:
            self._finish()
        return len(block)

    def _append(self, block: Samples) -> None:
        offset = self.decoded_frames * self.frame_bytes
        end = offset + len(block) * self.frame_bytes
        try:
            if end > self.reserved_bytes and not self._reserve(self, end + _GROWTH_BYTES):
                return self._spill()
            rest = data = _bytes_of(np.ascontiguousarray(block))
            while rest:
                written = os.pwrite(self._descriptor, rest, offset)
                rest, offset = rest[written:], offset + written
            self._sums.add(data)
        except OSError as error:  # the disk is full, or gone: nothing half-written may count
            self._give_up(error)
        return None

    def _finish(self) -> None:
        self._stop()
        if self.spilled:
            return
        record = Record(os.path.basename(self.path), self.format, self.decoded_frames, self._sums.pack())
        try:
            os.fdatasync(self._descriptor)  # the record must never reach the disk before what it vouches for
            write_own(self.path + DRAFT_SUFFIX, record.pack())
            os.replace(self.path + DRAFT_SUFFIX, self.path + RECORD_SUFFIX)
        except OSError as error:
            return self._give_up(error)
        self._reserve(self, record.data_bytes)
        self.complete = True
        return None

    def _give_up(self, error: OSError) -> None:
        if not self.spilled:
            log.warning("decoded audio cannot be kept in the data directory: %s", error.strerror)
        self._spill()

    def _spill(self) -> None:
        """Let the samples go; a track whose length is not known yet is still counted to its end."""
        if self.spilled:
            return
        self.spilled = True
        if self.total_frames is not None:
            self._stop()
        self._unlink()
        if self._descriptor >= 0:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)  # readers hold it open: give the room back now
        self._reserve(self, 0)

    def read(self, start: int, frames: int) -> Samples | None:
        """Frames that are decoded, as they were when they were; None if the entry has spilled."""
        if not frames:
            return np.empty((0, self.format.channels), np.float32)
        first = start * self.frame_bytes
        cover = self._sums.covering(first, first + frames * self.frame_bytes)
        data = np.empty(cover.length, np.uint8)
        whole = self._fill(data.data, cover.start)
        if self.spilled:
            return None
        if not (whole and cover.agrees(data.data)):
            with self._lock:
                if not self.spilled:
                    log.warning("decoded audio in the data directory is damaged or gone: it is decoded again")
                self._spill()
            return None
        first -= cover.start
        samples: Samples = data[first : first + frames * self.frame_bytes].view(np.float32)
        return samples.reshape(frames, self.format.channels)

    def _fill(self, rest: memoryview, offset: int) -> bool:
        """Read what lies from `offset` on; False where the file was cut, or its disk fails."""
        while rest:
            try:
                count = os.preadv(self._descriptor, [rest], offset)
            except OSError:
                return False
            if not count:
                return False
            rest, offset = rest[count:], offset + count
        return True

    def _stop(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.close()

    def rest(self) -> None:
        """Give back the file of an entry that nobody reads."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def discard(self) -> None:
        """Give back everything and delete the files."""
        self._stop()
        self.rest()
        self._unlink()

    def _unlink(self) -> None:
        for suffix in (RECORD_SUFFIX, DATA_SUFFIX, DRAFT_SUFFIX):  # the record first: it vouches for the rest
            with suppress(OSError):
                os.unlink(self.path + suffix)
