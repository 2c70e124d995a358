"""A medley as WAV: its chapters behind the samples, and the body that is made while it is sent."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from hashlib import blake2b

from auralis_trio.audio.encoding import Encoding
from auralis_trio.encoder import wav_chapters
from auralis_trio.encoder.chapters import Chapter
from auralis_trio.stream.medley import Medley, OpenMedley, open_medley
from auralis_trio.stream.renderer import Renderer
from auralis_trio.web.bodies import OpenBody, WavLayout, wav_pieces
from auralis_trio.web.ranges import Part
from auralis_trio.work.rendering import Chunk


class MedleyLayout(WavLayout):
    """Where the bytes of a medley's WAV lie."""

    def __init__(self, medley: Medley, encoding: Encoding) -> None:
        chapters = wav_chapters(chapters_of(medley))
        super().__init__(medley.format, encoding, medley.total_frames, chapters)
        # Names may change where samples do not.
        self.etag = f"{medley.revision}-{blake2b(chapters, digest_size=4).hexdigest()}-{encoding.label}.wav"


def chapters_of(medley: Medley) -> list[Chapter]:
    """The tracks of a medley as chapters; one that is joined to the one before begins with the join."""
    return [Chapter(part.track.title, part.start_frame, part.track.artist) for part in medley.parts]


class MedleyBody(OpenBody[OpenMedley]):
    """A part of a medley as WAV."""

    def __init__(self, renderer: Renderer, medley: Medley, encoding: Encoding, part: Part) -> None:
        super().__init__()
        self._renderer = renderer
        self._medley = medley
        self._encoding = encoding
        self._part = part

    def _open(self) -> AbstractAsyncContextManager[OpenMedley]:
        return open_medley(self._renderer, self._medley)

    def _pieces(self, opened: OpenMedley) -> AsyncGenerator[bytes | memoryview, None]:
        async def chunk_at(frame: int) -> tuple[int, Chunk]:
            return await opened.chunk_at(frame, self._encoding)

        return wav_pieces(MedleyLayout(self._medley, self._encoding), self._part, chunk_at)
