"""One track under the hands of one stream or request: open, render, encode. Called from worker threads only."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
import numpy as np

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid, Span
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.decoder.opening import Seen, open_source, verify
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.encoder import encode
from auralis_trio.errors import SourceError
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound, render_span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded frames with their place. `cuts` are the offsets of packets that can only be taken whole.

    Where those do not lie on the grid, `ends` are the first frames behind them.
    """

    span: Span
    data: bytes
    cuts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return len(self.data)


@dataclass(frozen=True)
class Described:
    """What is known of a track's sound once its file was opened."""

    format: AudioFormat
    total_frames: int


@dataclass(frozen=True)
class Rendered:
    """A run of frames, and the format to encode it from."""

    block: Block
    form: AudioFormat


class Reader(Protocol):
    """What gives the chunks of one track; from worker threads only. Every method raises `SourceError`."""

    def work(self, job: Callable[[AudioSource, Check], T], check: Check = never_cancelled) -> T:
        """Do something with the whole track."""

    def chunk(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """Render and encode one chunk as a whole."""

    def packets(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """Render one chunk and encode each of its packets on its own."""

    def span(self, sound: Sound, span: Span, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """Render and encode any run of frames: for what lies across the grid or before a damaged place."""


class TrackReader:
    """A track's decoder: opened by the first job that needs it, closed by the stream or request that owns it.

    Making one costs nothing and touches no file, so a job that nobody waits for any more has nothing to give back.
    """

    def __init__(self, file: TrackFile, pcm: PcmCache) -> None:
        self._file = file
        self._pcm = pcm
        self._lock = threading.Lock()
        self._source: AudioSource | None = None
        self._closed = False

    def open(self, check: Check) -> AudioSource:
        """Open the file; the one step that other sources of sound replace.

        Raises:
            SourceError: it cannot be played, or is no longer the one that the library knows.
        """
        file = self._file
        # What is rendered is kept under the content that the library saw: so it must be that content.
        return open_source(file.path, file.file_origin, self._pcm, check, file.resample_hz, _seen(file))

    def describe(self, check: Check = never_cancelled) -> Described:
        """Open the file and count its frames.

        Raises:
            SourceError: the file cannot be played, or is no longer the one that the library knows.
        """
        source = self._opened(check)
        return Described(source.format, source.total_frames)

    def work(self, job: Callable[[AudioSource, Check], T], check: Check = never_cancelled) -> T:
        """Do something with the whole track.

        Raises:
            SourceError: the file cannot be played.
        """
        return job(self._opened(check), check)

    def chunk(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.chunk`."""
        source = self._opened(check)
        return as_whole([_rendered_chunk(source, sound, index, check)], encoding)

    def packets(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.packets`."""
        source = self._opened(check)
        step = Grid(source.format.sample_rate, source.total_frames).packet_frames
        return in_packets([_rendered_chunk(source, sound, index, check)], step, encoding, check)

    def span(self, sound: Sound, span: Span, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.span`."""
        return as_whole([rendered_span(self._opened(check), sound, span, check)], encoding)

    def retire(self) -> bool:
        """Let no job open the file any more; whether it is open, so that `close` has something to give back."""
        with self._lock:
            self._closed = True
            return self._source is not None

    def close(self) -> None:
        """Give the file back; a job that is still reading does so when it ends. Blocks."""
        self.retire()
        if self._source is not None:
            self._source.close()

    def _opened(self, check: Check) -> AudioSource:
        if self._source is not None:
            return self._source
        source = self.open(check)
        with self._lock:
            if not self._closed and self._source is None:
                self._source = source
                return source
        source.close()
        if self._source is None or self._closed:
            raise SourceError("The track was closed.")
        return self._source


def verify_file(file: TrackFile) -> None:
    """Look at a track's file, without decoding it.

    Raises:
        SourceError: it is missing, or no longer the one that the library knows.
    """
    verify(file.path, _seen(file))


def _seen(file: TrackFile) -> Seen:
    return Seen(file.file_content_id, file.size, file.mtime_ns)


def rendered_span(source: AudioSource, sound: Sound, span: Span, check: Check) -> Rendered:
    """Any run of frames.

    Raises:
        SourceError: the source cannot give the frames.
    """
    return Rendered(render_span(source, sound, span, check), form_behind(sound, source.format))


def form_behind(sound: Sound, form: AudioFormat) -> AudioFormat:
    """The format of what comes out: whatever was changed has more bits than it came with, so that it is dithered."""
    return form if sound.identity else msgspec.structs.replace(form, bits=None)


def as_whole(parts: Sequence[Rendered], encoding: Encoding) -> Chunk:
    """Runs of frames that follow each other, of which there is at least one, encoded as one.

    Plain PCM of each is as it would be alone. Other encodings have one word length for all: that of what was changed.
    """
    first, frames = parts[0].block.start_frame, sum(part.block.frames for part in parts)
    if encoding.sample_bytes is None and len(parts) > 1:
        samples = np.concatenate([part.block.samples for part in parts])
        parts = [Rendered(Block(samples, first), msgspec.structs.replace(parts[0].form, bits=None))]
    return Chunk(Span(first, frames), b"".join([encode(part.block, part.form, encoding) for part in parts]))


def in_packets(parts: Sequence[Rendered], step: int, encoding: Encoding, check: Check) -> Chunk:
    """The same, each packet of `step` frames for itself."""
    first, end = parts[0].block.start_frame, parts[-1].block.end_frame
    packets, cuts = [], [0]
    for start in range(first, end, step):
        packets.append(as_whole(_within(parts, start, start + step), encoding).data)
        cuts.append(cuts[-1] + len(packets[-1]))
        check()
    return Chunk(Span(first, end - first), b"".join(packets), tuple(cuts))


def _within(parts: Sequence[Rendered], start: int, end: int) -> list[Rendered]:
    """What lies from frame `start` up to, not including, `end`."""
    cut = []
    for part in parts:
        first, last = max(start, part.block.start_frame), min(end, part.block.end_frame)
        if first < last:
            samples = part.block.samples[first - part.block.start_frame : last - part.block.start_frame]
            cut.append(Rendered(Block(samples, first), part.form))
    return cut


def _rendered_chunk(source: AudioSource, sound: Sound, index: int, check: Check) -> Rendered:
    chunk = Grid(source.format.sample_rate, source.total_frames).grains(
        index * GRAINS_PER_CHUNK, (index + 1) * GRAINS_PER_CHUNK
    )
    return rendered_span(source, sound, chunk, check)
