"""One track under the hands of one stream or request: open, render, encode. Called from worker threads only."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid, Span
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.decoder import PcmCache, open_source, probe
from auralis_trio.encoder import encode
from auralis_trio.errors import SourceChanged, SourceError, SourceMissing
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound, render, render_span

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded frames with their place. `cuts` are the offsets of packets that can only be taken whole."""

    span: Span
    data: bytes
    cuts: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return len(self.data)


@dataclass(frozen=True)
class Described:
    """What is known of a track's sound once its file was opened."""

    format: AudioFormat
    total_frames: int


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
        self._verify()
        file = self._file
        return open_source(file.path, file.content_id, self._pcm, check, file.resample_hz)

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
        """Render and encode one chunk as a whole.

        Raises:
            SourceError: the file cannot be played.
        """
        source = self._opened(check)
        block = _render_chunk(source, sound, index, check)
        return Chunk(Span(block.start_frame, block.frames), encode(block, _form(source, sound), encoding))

    def packets(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """Render one chunk and encode each of its packets on its own."""
        source = self._opened(check)
        block, form = _render_chunk(source, sound, index, check), _form(source, sound)
        step = Grid(source.format.sample_rate, source.total_frames).packet_frames
        parts, cuts, length = [], [], 0
        for start in range(0, block.frames, step):
            parts.append(encode(_part(block, start, start + step), form, encoding))
            cuts.append(length)
            length += len(parts[-1])
            check()
        return Chunk(Span(block.start_frame, block.frames), b"".join(parts), (*cuts, length))

    def span(self, sound: Sound, span: Span, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """Render and encode any run of frames: for what lies across the grid or before a damaged place."""
        source = self._opened(check)
        return Chunk(span, encode(render_span(source, sound, span, check), _form(source, sound), encoding))

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

    def _verify(self) -> None:
        """What is rendered is kept under the content that the library saw: so it must be that content."""
        try:
            seen = os.stat(self._file.path)
        except OSError as error:
            raise SourceMissing from error
        if (seen.st_size, seen.st_mtime_ns) == (self._file.size, self._file.mtime_ns):
            return
        if probe(self._file.path).content_id != self._file.file_content_id:
            raise SourceChanged


def _form(source: AudioSource, sound: Sound) -> AudioFormat:
    """The format to encode from: whatever was changed has more bits than it came with."""
    return source.format if sound.identity else msgspec.structs.replace(source.format, bits=None)


def _render_chunk(source: AudioSource, sound: Sound, index: int, check: Check) -> Block:
    return render(source, sound, index * GRAINS_PER_CHUNK, (index + 1) * GRAINS_PER_CHUNK, check)


def _part(block: Block, start: int, end: int) -> Block:
    return Block(block.samples[start:end], block.start_frame + start)
