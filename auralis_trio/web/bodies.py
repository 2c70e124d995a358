"""Response bodies that are made while they are sent. What they open is closed when they end, are cut or fail.

Their length was promised before the first byte. A body that cannot keep the promise raises, and the connection is
ended in the middle: the client sees that something is missing, and never silence in its place.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

import msgspec
from quart.wrappers.response import ResponseBody

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder import wav_header, wav_padding
from auralis_trio.encoder.whole import WholeEncoder
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.web.ranges import Part
from auralis_trio.work.encoding import CHUNK_ENCODING, block_of
from auralis_trio.work.original import FileState, read_bytes
from auralis_trio.work.rendering import Chunk, form_behind

T = TypeVar("T")

StartEncoder = Callable[[AudioFormat, int], WholeEncoder]
"""Begins to encode a track of this format and so many frames."""

PIECE_BYTES = 65_536
READ_BYTES = 262_144


class WavLayout:
    """Where the bytes of a WAV lie: header, frames, padding and what else stands behind."""

    def __init__(self, form: AudioFormat, encoding: Encoding, total_frames: int, behind: bytes = b"") -> None:
        self.header = wav_header(form, encoding, total_frames, len(behind))
        self.behind = wav_padding(form, encoding, total_frames) + behind
        self.frame_bytes = encoding.frame_bytes(form.channels)
        self.data_end = len(self.header) + total_frames * self.frame_bytes
        self.total_bytes = self.data_end + len(self.behind)

    def frame_at(self, offset: int) -> int:
        """The frame that the byte at `offset` belongs to; the first one for the header."""
        return max(0, offset - len(self.header)) // self.frame_bytes

    def frame_start(self, frame: int) -> int:
        """Where a frame's first byte lies."""
        return len(self.header) + frame * self.frame_bytes


ChunkAt = Callable[[int], Awaitable[tuple[int, Chunk]]]
"""The chunk that a frame lies in, as plain PCM, and the first frame of it."""


async def wav_pieces(layout: WavLayout, part: Part, chunk_at: ChunkAt) -> AsyncGenerator[bytes | memoryview, None]:
    """A part of a WAV, rendered chunk by chunk as it is taken."""
    start, end = part.start, part.end
    head = layout.header[start:end]  # not sent for itself: there are programs that know a WAV by what they read first
    while (at := max(start, len(layout.header))) < min(end, layout.data_end):
        first_frame, chunk = await chunk_at(layout.frame_at(at))
        first = layout.frame_start(first_frame)
        data = memoryview(chunk.data)[at - first : end - first]
        for piece in pieces_of(data):
            yield b"".join((head, piece)) if head else piece
            head = b""
        start = at + len(data)
    if head:
        yield head
    if end > layout.data_end:
        yield layout.behind[max(0, part.start - layout.data_end) : end - layout.data_end]


class OpenBody(ResponseBody, ABC, Generic[T]):
    """What is made of something that is open while the body is sent."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncIterator[bytes | memoryview]:
        opened = await self._stack.enter_async_context(self._open())
        return await self._stack.enter_async_context(aclosing(self._pieces(opened)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is open shields and limits its own closing.
        await self._stack.__aexit__(kind, error, trace)  # noqa: ASYNC102

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[T]:
        """What the pieces are made of."""

    @abstractmethod
    def _pieces(self, opened: T) -> AsyncGenerator[bytes | memoryview, None]:
        """The body, piece by piece."""


class TrackBody(OpenBody[OpenTrack]):
    """A track as it is to sound."""

    def __init__(self, renderer: Renderer, track: OpenTrack, sound: Sound) -> None:
        super().__init__()
        self._renderer = renderer
        self._file: TrackFile = msgspec.structs.replace(track.file, total_frames=track.total_frames)
        self._sound = sound

    def _open(self) -> AbstractAsyncContextManager[OpenTrack]:
        return self._renderer.open_track(self._file)


class WavBody(TrackBody):
    """A part of a whole track as WAV."""

    def __init__(self, renderer: Renderer, track: OpenTrack, sound: Sound, sent: tuple[Encoding, Part]) -> None:
        super().__init__(renderer, track, sound)
        self._encoding, self._part = sent

    def _pieces(self, opened: OpenTrack) -> AsyncGenerator[bytes | memoryview, None]:
        async def chunk_at(frame: int) -> tuple[int, Chunk]:
            chunk, _ = await opened.chunk(self._sound, opened.grid.chunk_of(frame), self._encoding)
            return chunk.span.start, chunk

        layout = WavLayout(opened.format, self._encoding, opened.total_frames)
        return wav_pieces(layout, self._part, chunk_at)


class EncodedBody(TrackBody):
    """A whole track in an encoding that goes on from chunk to chunk, rendered and encoded as it is taken."""

    def __init__(self, renderer: Renderer, track: OpenTrack, sound: Sound, start: StartEncoder) -> None:
        super().__init__(renderer, track, sound)
        self._start = start

    async def _pieces(self, opened: OpenTrack) -> AsyncGenerator[bytes | memoryview, None]:
        form = form_behind(self._sound, opened.format)
        encoder = await opened.encode(partial(self._start, form, opened.total_frames))
        for index in range(opened.grid.total_chunks):
            chunk, _ = await opened.chunk(self._sound, index, CHUNK_ENCODING)
            block = block_of(chunk, form.channels)
            for piece in pieces_of(await opened.encode(partial(encoder.write, block))):
                yield piece
        for piece in pieces_of(await opened.encode(encoder.finish)):
            yield piece


class OriginalBody(ResponseBody):
    """A part of a file as it lies on the disk."""

    def __init__(self, renderer: Renderer, path: str, seen: FileState, part: Part) -> None:
        self._renderer = renderer
        self._path = path
        self._seen = seen
        self._part = part
        self._given = self._pieces()

    async def __aenter__(self) -> AsyncIterator[bytes | memoryview]:
        return self._given

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Each read closes what it opened.
        await self._given.aclose()  # noqa: ASYNC102

    async def _pieces(self) -> AsyncGenerator[bytes | memoryview, None]:
        offset = self._part.start
        while offset < self._part.end:
            size = min(READ_BYTES, self._part.end - offset)
            data = memoryview(await self._renderer.read_disk(read_bytes, self._path, self._seen, offset, size))
            for piece in pieces_of(data):
                yield piece
            offset += size


def pieces_of(data: bytes | memoryview) -> Iterator[memoryview]:
    """The same bytes in pieces that are sent at once."""
    view = memoryview(data)
    return (view[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))
