"""A medley as WAV: where its bytes lie, and the body that is made while it is sent."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from hashlib import blake2b
from types import TracebackType

from quart.wrappers.response import ResponseBody

from auralis_trio.audio.encoding import Encoding
from auralis_trio.encoder import wav_chapters, wav_header, wav_padding
from auralis_trio.encoder.chapters import Chapter
from auralis_trio.stream.medley import Medley, OpenMedley, open_medley
from auralis_trio.stream.renderer import Renderer
from auralis_trio.web.bodies import PIECE_BYTES
from auralis_trio.web.ranges import Part


class MedleyLayout:
    """Where the bytes of a medley's WAV lie: header, frames, padding and chapters."""

    def __init__(self, medley: Medley, encoding: Encoding) -> None:
        form, frames = medley.format, medley.total_frames
        chapters = wav_chapters(chapters_of(medley))
        self.header = wav_header(form, encoding, frames, len(chapters))
        self.behind = wav_padding(form, encoding, frames) + chapters
        self.frame_bytes = encoding.frame_bytes(form.channels)
        self.data_end = len(self.header) + frames * self.frame_bytes
        self.total_bytes = self.data_end + len(self.behind)
        # Names may change where samples do not.
        self.etag = f"{medley.revision}-{blake2b(chapters, digest_size=4).hexdigest()}-{encoding.label}.wav"

    def frame_at(self, offset: int) -> int:
        """The frame that the byte at `offset` belongs to; the first one for the header."""
        return max(0, offset - len(self.header)) // self.frame_bytes

    def frame_start(self, frame: int) -> int:
        """Where a frame's first byte lies."""
        return len(self.header) + frame * self.frame_bytes


def chapters_of(medley: Medley) -> list[Chapter]:
    """The tracks of a medley as chapters; one that is joined to the one before begins with the join."""
    return [Chapter(part.track.title, part.start_frame, part.track.artist) for part in medley.parts]


class MedleyBody(ResponseBody):
    """A part of a medley as WAV, rendered chunk by chunk as it is taken."""

    def __init__(self, renderer: Renderer, medley: Medley, encoding: Encoding, part: Part) -> None:
        self._renderer = renderer
        self._medley = medley
        self._encoding = encoding
        self._part = part
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncIterator[bytes | memoryview]:
        medley = await self._stack.enter_async_context(open_medley(self._renderer, self._medley))
        return await self._stack.enter_async_context(aclosing(self._pieces(medley)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is open shields and limits its own closing.
        await self._stack.__aexit__(kind, error, trace)  # noqa: ASYNC102

    async def _pieces(self, medley: OpenMedley) -> AsyncGenerator[bytes | memoryview, None]:
        layout, start, end = MedleyLayout(self._medley, self._encoding), self._part.start, self._part.end
        if start < len(layout.header):
            yield layout.header[start:end]
        while (at := max(start, len(layout.header))) < min(end, layout.data_end):
            first_frame, chunk = await medley.chunk_at(layout.frame_at(at), self._encoding)
            first = layout.frame_start(first_frame)
            data = memoryview(chunk.data)[at - first : end - first]
            for offset in range(0, len(data), PIECE_BYTES):
                yield data[offset : offset + PIECE_BYTES]
            start = at + len(data)
        if end > layout.data_end:
            yield layout.behind[max(0, self._part.start - layout.data_end) : end - layout.data_end]
