"""Decodes in sequence, with FFmpeg through PyAV, what libsndfile cannot read or reads wrongly.

The demuxer is named, never guessed, so a file cannot make it open others. Frames pass a one-thread filter graph to
interleaved float32: PyAV's own way to an array crashes on eight planes. A jump in the time stamps means that packets
were lost on the way, which FFmpeg itself passes over in silence.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags2
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.ogg import OGG_KINDS
from auralis_trio.decoder.page_guard import PageGuard
from auralis_trio.decoder.regular_file import RegularFile, is_disk_failure
from auralis_trio.errors import SourceCorrupt, SourceError, SourceHung, SourceUnsupported

_DEMUXERS = {
    "mp3": "mp3", "vorbis": "ogg", "opus": "ogg", "ogg_flac": "ogg", "m4a": "mov", "alac": "mov", "aac": "aac",
    "wma": "asf", "wavpack": "wv", "tta": "tta", "flac": "flac",
}  # fmt: skip
_STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}
_LAST_BYTES = 1 << 13  # a packet of a container, at most
_MAX_JITTER_TICKS = 20  # of the time stamps, which some containers keep in milliseconds
_MAX_VORBIS_JITTER = 2048  # frames, a quarter of the longest block: where blocks change size, its stamps are off


@contextmanager
def _library_errors(frame: int | None = None) -> Iterator[None]:
    try:
        yield
    except (av.error.DecoderNotFoundError, av.error.DemuxerNotFoundError) as error:
        raise SourceUnsupported from error
    except (av.error.FFmpegError, ValueError) as error:
        if is_disk_failure(error):
            raise SourceHung from error
        raise SourceCorrupt(frame=frame) from error


class AvDecoder:
    """A file under FFmpeg."""

    def __init__(self, file: RegularFile, mapped: FileMap) -> None:
        self._file = file
        self._position = 0
        self._broken = False
        self._rest = np.empty((0, 0), np.float32)
        file.rewind()
        options = {"fd": str(file.descriptor), "ignore_editlist": "1"}
        with _library_errors():
            # Tags in an unknown encoding would otherwise be an error, and one that leaves the file open.
            self._container = av.open(
                "fd:", format=_DEMUXERS[mapped.kind], options=options, metadata_errors="replace"
            )
        try:
            with _library_errors():
                self._stream = _sound_stream(self._container, trim=mapped.first_frame is None)
                self._graph = _graph_to_float(self._stream)
        except SourceError:
            self._container.close()
            raise
        context = self._stream.codec_context
        self.format = AudioFormat(context.sample_rate, context.channels, mapped.bits)
        self.total_frames = self._scaled(mapped.total_frames, mapped.clock_rate)
        self._sound_start = mapped.sound_start
        self._skip = self._scaled(mapped.first_frame, mapped.clock_rate) or 0
        self._clock = _Clock(self.format.sample_rate, _MAX_VORBIS_JITTER if mapped.kind == "vorbis" else 1)
        self._guard: PageGuard | None = None
        if mapped.kind in OGG_KINDS:
            self._guard = PageGuard(file, mapped, self._skip + self._late_start(mapped.kind))
        self._blocks = self._decode()

    def _scaled(self, frames: int | None, clock_rate: int | None) -> int | None:
        """Frames at the decoder's rate: a container may count at half of it, where the codec doubles the band."""
        if frames is None or clock_rate is None:
            return frames
        return frames * self.format.sample_rate // clock_rate

    def _late_start(self, kind: str) -> int:
        """Where an Opus stream begins that was cut out of a longer one; its last position counts from there."""
        late = max(0, self._stream.start_time or 0) if kind == "opus" else 0
        if self.total_frames is not None:
            self.total_frames = max(0, self.total_frames - late)
        return late

    def read(self, frames: int) -> Samples:
        """The next frames, as `Decoder.read`."""
        with self._file.unchanged():
            return self._read(frames)

    def _read(self, frames: int) -> Samples:
        if self.total_frames is not None:
            frames = min(frames, self.total_frames - self._position)
        if self._guard is not None:
            frames = self._guard.sound_frames(self._position, frames)
        samples = np.empty((frames, self.format.channels), np.float32)
        done = 0
        while done < frames and self._refill(nothing_yet=not done):
            take = min(frames - done, len(self._rest))
            samples[done : done + take], self._rest = self._rest[:take], self._rest[take:]
            done += take
            self._position += take
        return samples[:done]

    def _refill(self, nothing_yet: bool) -> bool:
        """Have frames at hand; False at the end. A break is raised only where no frames come before it."""
        while not len(self._rest):
            try:
                block = self._next_block()
            except SourceCorrupt:
                if nothing_yet:
                    raise
                return False
            if block is None:
                return False
            self._skip, dropped = max(0, self._skip - len(block)), self._skip
            self._rest = block[dropped:]
        return True

    def _next_block(self) -> Samples | None:
        """The next block; None at the end, if it comes where it should."""
        try:
            block = next(self._blocks, None)
        except SourceCorrupt:
            self._broken = True
            raise
        if block is None and (self._broken or self.total_frames is not None):
            raise SourceCorrupt(frame=self._position)
        return block

    def _decode(self) -> Iterator[Samples]:
        packets = self._container.demux(self._stream)
        while True:
            with _library_errors(self._position):
                packet = next(packets, None)
            if packet is None:
                return
            if packet.pos is not None and packet.pos < self._sound_start:
                continue  # behind junk, FFmpeg takes a frame with nothing but a Xing header for one of sound
            try:
                with _library_errors(self._position):
                    blocks = [self._convert(frame) for frame in packet.decode()]
            except SourceCorrupt:
                if self._ends_with(packet):
                    return
                raise
            yield from blocks

    def _ends_with(self, packet: "Packet[AudioStream]") -> bool:
        """Whether a bad packet is just the end: a file that declares no length may be cut anywhere."""
        if self.total_frames is not None or not self._position or packet.pos is None:
            return False
        return packet.pos + packet.size + _LAST_BYTES >= self._file.size

    def _convert(self, frame: AudioFrame) -> Samples:
        if not self._fits(frame) or not self._clock.agrees(frame):
            raise SourceCorrupt(frame=self._position)
        self._graph.push(frame)
        packed = self._graph.pull().to_ndarray()
        return np.asarray(packed, np.float32).reshape(-1, self.format.channels)

    def _fits(self, frame: AudioFrame) -> bool:
        return frame.sample_rate == self.format.sample_rate and frame.layout.nb_channels == self.format.channels

    def release(self) -> None:
        """Give back the decoder and leave the file open."""
        self._container.close()

    def close(self) -> None:
        """Give back the decoder and the file."""
        self.release()
        self._file.close()


class _Clock:
    """Compares time stamps with the frames that have come."""

    def __init__(self, sample_rate: int, max_jitter_frames: int) -> None:
        self._sample_rate = sample_rate
        self._max_jitter_frames = max_jitter_frames
        self._start: float | None = None
        self._frames = 0

    def agrees(self, frame: AudioFrame) -> bool:
        """Whether `frame` stands where the ones before it end."""
        expected, self._frames = self._frames, self._frames + frame.samples
        if frame.pts is None or frame.time_base is None:
            return True
        tick = float(frame.time_base * self._sample_rate)
        stamp = frame.pts * tick
        if self._start is None:
            self._start = stamp - expected
        return abs(stamp - self._start - expected) <= self._max_jitter_frames + _MAX_JITTER_TICKS * tick


def _sound_stream(container: InputContainer, trim: bool) -> AudioStream:
    stream = next(iter(container.streams.audio), None)
    context = stream.codec_context if stream is not None else None
    if stream is None or context is None:  # no sound, or of a codec that nobody knows
        raise SourceUnsupported
    context.thread_count = 1
    context.options = _STRICT
    if not trim:
        context.flags2 |= Flags2.skip_manual
    return stream


def _graph_to_float(stream: AudioStream) -> Graph:
    graph = Graph()
    graph.threads = 1
    source, convert, sink = (
        graph.add_abuffer(template=stream),
        graph.add("aformat", "sample_fmts=flt"),
        graph.add("abuffersink"),
    )
    source.link_to(convert)
    convert.link_to(sink)
    graph.configure()
    return graph
