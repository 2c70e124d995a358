"""Audio over HTTP: chunks, whole files and byte ranges, all of one render. A URL says everything that is heard."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import msgspec
import trio
from msgspec import Meta
from quart import Response, request
from werkzeug.datastructures import Headers

from auralis_trio.audio.encoding import OPUS_RATE, Encoding
from auralis_trio.audio.formats import FORMATS, format_named
from auralis_trio.audio.source import AudioFormat
from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.encoder.opus import DEFAULT_KBPS
from auralis_trio.encoder.whole import FlacStream, OggOpus
from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.mastering.solve import Mastered
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.web.answers import MasteringSummary, Media, caching, describe_mastering, head_response, not_modified
from auralis_trio.web.bodies import EncodedBody, OriginalBody, StartEncoder, WavBody, WavLayout
from auralis_trio.web.plain import Answer, PlainRoute
from auralis_trio.web.ranges import is_unchanged, requested_part
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.sounds import SOUND_ERRORS, SoundQuery, open_sound
from auralis_trio.work.encoding import CHUNK_ENCODING
from auralis_trio.work.original import look_at

CHUNK_ENCODINGS = (Encoding.WAV, Encoding.FLAC, Encoding.F32, Encoding.S24, Encoding.S16)
WAV_TYPE = "audio/wav"
FLAC_TYPE = "audio/flac"
OPUS_TYPE = "audio/ogg; codecs=opus"
RAW_TYPE = "application/octet-stream"
MIN_OPUS_KBPS, MAX_OPUS_KBPS = 32, 320
CHUNK_RULE = "/api/stream/<int:track_id>/chunk/<int:index>"
MEDIA_TYPES = {Encoding.WAV: WAV_TYPE, Encoding.FLAC: FLAC_TYPE, Encoding.OPUS: OPUS_TYPE}

WavResponse = Annotated[Response, Media((WAV_TYPE,), conditional=True, ranges=True)]
"""A whole WAV, or a part of its bytes."""

FILE_TYPES = tuple(sorted({known.media_type for known in FORMATS}))


WavEncoding = Literal["s16", "s24", "f32"]
"""In what a whole track is sent as WAV."""


class ChunkQuery(SoundQuery, frozen=True):
    """Parameters of one chunk."""

    encoding: Literal["wav", "flac", "f32", "s24", "s16"] = "wav"


class WavQuery(SoundQuery, frozen=True):
    """Parameters of a whole track as WAV."""

    encoding: WavEncoding = "s16"


class OpusQuery(SoundQuery, frozen=True):
    """Parameters of a whole track as Opus, whose rate is always the same."""

    bitrate_kbps: Annotated[int, Meta(ge=MIN_OPUS_KBPS, le=MAX_OPUS_KBPS)] = DEFAULT_KBPS


class TrackSound(TypedDict):
    """What a client must know before it fetches chunks; `mastering` is null where the track is as it was recorded."""

    track_id: int
    sample_rate: int
    channels: int
    bits: int | None
    total_frames: int
    chunk_frames: int
    total_chunks: int
    duration_s: float
    revision: str
    recipe: str
    encodings: list[str]
    mastering: MasteringSummary | None


@dataclass(frozen=True)
class StreamApi:
    """What stands under `/api/stream`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        track = "/api/stream/<int:track_id>"
        return [
            Route("GET", f"{track}/metadata", self.metadata, raises=SOUND_ERRORS),
            Route("GET", CHUNK_RULE, self.chunk, raises=SOUND_ERRORS),
            Route("GET", f"{track}/audio.wav", self.audio_wav, raises=SOUND_ERRORS),
            Route("GET", f"{track}/audio.flac", self.audio_flac, raises=SOUND_ERRORS),
            Route("GET", f"{track}/audio.opus", self.audio_opus, raises=SOUND_ERRORS),
            Route("GET", f"{track}/file", self.original, raises=SOUND_ERRORS),
        ]

    def plain_routes(self) -> list[PlainRoute]:
        """Those of them that are asked for by the thousand."""
        pattern = re.compile(r"/api/stream/([0-9]{1,18})/chunk/([0-9]{1,18})")
        return [PlainRoute(CHUNK_RULE, pattern, self.answer_chunk)]

    async def metadata(self, track_id: int, query: SoundQuery) -> TrackSound:
        """What a client must know before it fetches chunks."""
        async with open_sound(self.services, track_id, query) as (track, mastered):
            return _describe(track, mastered)

    async def chunk(
        self, track_id: int, index: int, query: ChunkQuery
    ) -> Annotated[Response, Media((WAV_TYPE, FLAC_TYPE, RAW_TYPE), conditional=True)]:
        """One chunk of the grid."""
        return (await self.answer_chunk(request.headers, query, track_id, index)).response()

    async def answer_chunk(self, given: Headers, query: ChunkQuery, track_id: int, index: int) -> Answer:
        """The same for whoever asks."""
        encoding = Encoding.named(query.encoding)
        async with open_sound(self.services, track_id, query) as (track, mastered):
            recipe = mastered.recipe
            if index >= track.grid.total_chunks:
                raise NotFound(
                    f"The track has chunks from 0 to {track.grid.total_chunks - 1}, and not this one."
                    if track.grid.total_chunks
                    else "The track has not a single frame, and so no chunk.",
                    code="chunk_not_found",
                )
            etag = f"{track.revision(recipe)}-{index}-{encoding.label}"
            headers = caching(etag, pinned=query.revision is not None)
            if is_unchanged(given, etag):
                return Answer(304, headers)
            began_s = trio.current_time()
            chunk, cached = await track.chunk(recipe, index, encoding)
            self.services.prefetch.ahead(track.file, recipe, index + 1, encoding)
            headers |= {
                "X-Chunk-Start-Frame": str(chunk.span.start),
                "X-Chunk-Frames": str(chunk.span.frames),
                "X-Sample-Rate": str(track.format.sample_rate),
                "X-Channels": str(track.format.channels),
                "X-Cache": "hit" if cached else "miss",
                "Server-Timing": f"render;dur={(trio.current_time() - began_s) * 1000:.1f}",
            }
            kind = MEDIA_TYPES.get(encoding, RAW_TYPE)
            return Answer(200, headers, kind, chunk.data)

    async def audio_wav(self, track_id: int, query: WavQuery) -> WavResponse:
        """The whole track as WAV, or any part of its bytes."""
        encoding = Encoding.named(query.encoding)
        async with open_sound(self.services, track_id, query) as (track, mastered):
            recipe = mastered.recipe
            etag = f"{track.revision(recipe)}-{encoding.label}.wav"
            headers = caching(etag, pinned=query.revision is not None)
            if is_unchanged(request.headers, etag):
                return not_modified(headers)
            layout = WavLayout(track.format, encoding, track.total_frames)
            part = requested_part(request.method, request.headers, etag, layout.total_bytes)
            headers |= part.headers()
            # What cannot be played is said before a body is promised.
            await track.verify()
            if request.method == "HEAD":
                return head_response(part.status, headers, WAV_TYPE)
            if track.total_frames:
                frame = layout.frame_at(min(part.start, layout.data_end - 1))
                await track.chunk(recipe, track.grid.chunk_of(frame), encoding)
            body = WavBody(self.services.renderer, track, recipe, (encoding, part))
        return Response(body, part.status, headers, content_type=WAV_TYPE)

    async def audio_flac(
        self, track_id: int, query: SoundQuery
    ) -> Annotated[Response, Media((FLAC_TYPE,), conditional=True)]:
        """The whole track as FLAC, encoded as it is rendered."""
        return await self._encoded(track_id, query, FlacStream, suffix="flac", kind=FLAC_TYPE)

    async def audio_opus(
        self, track_id: int, query: OpusQuery
    ) -> Annotated[Response, Media((OPUS_TYPE,), conditional=True)]:
        """The whole track as Ogg Opus, encoded as it is rendered."""
        if query.sample_rate not in (None, OPUS_RATE):
            raise InvalidRequest(f"Opus is always at {OPUS_RATE} Hz: leave sample_rate out.")
        at_its_rate = await self._at_opus_rate(track_id, query)

        def start(form: AudioFormat, total_frames: int) -> OggOpus:
            return OggOpus(form, query.bitrate_kbps)

        return await self._encoded(track_id, at_its_rate, start, suffix=f"{query.bitrate_kbps}.opus", kind=OPUS_TYPE)

    async def _at_opus_rate(self, track_id: int, query: OpusQuery) -> OpusQuery:
        """The same at 48 kHz; a revision that was told of the track at its own rate is made that of this one."""
        at_rate = msgspec.structs.replace(query, sample_rate=OPUS_RATE)
        if query.revision is None or query.sample_rate is not None:
            return at_rate
        async with open_sound(self.services, track_id, query):
            unpinned = msgspec.structs.replace(at_rate, revision=None)
        async with open_sound(self.services, track_id, unpinned) as (track, mastered):
            return msgspec.structs.replace(at_rate, revision=track.revision(mastered.recipe))

    async def _encoded(
        self, track_id: int, wanted: SoundQuery, start: StartEncoder, *, suffix: str, kind: str
    ) -> Response:
        """A whole track whose bytes nobody knows before they are made: its length is not told, nor any part sent."""
        async with open_sound(self.services, track_id, wanted) as (track, mastered):
            recipe = mastered.recipe
            if not track.total_frames:
                raise InvalidRequest(
                    "A track without a single frame cannot be sent as FLAC or Opus: ask for audio.wav."
                )
            etag = f"{track.revision(recipe)}-{suffix}"
            headers = caching(etag, pinned=wanted.revision is not None) | {"Accept-Ranges": "none"}
            if is_unchanged(request.headers, etag):
                return not_modified(headers)
            # What cannot be played is said before a body is begun.
            await track.verify()
            if request.method == "HEAD":
                head = Response(b"", 200, headers, content_type=kind)
                del head.headers["Content-Length"]
                return head
            await track.chunk(recipe, 0, CHUNK_ENCODING)
            body = EncodedBody(self.services.renderer, track, recipe, start)
        return Response(body, 200, headers, content_type=kind)

    async def original(self, track_id: int) -> Annotated[Response, Media(FILE_TYPES, conditional=True, ranges=True)]:
        """The file as it lies on the disk, or any part of its bytes."""
        file = await self.services.catalogue.find_track(track_id)
        seen = await self.services.renderer.read_disk(look_at, file.path)
        etag = f"{file.content_id}-{seen.size}-{seen.mtime_ns}"
        headers = caching(etag)
        if is_unchanged(request.headers, etag):
            return not_modified(headers)
        part = requested_part(request.method, request.headers, etag, seen.size)
        headers |= part.headers()
        kind = format_named(file.kind).media_type
        if request.method == "HEAD":
            return head_response(part.status, headers, kind)
        body = OriginalBody(self.services.renderer, file.path, seen, part)
        return Response(body, part.status, headers, content_type=kind)


def _describe(track: OpenTrack, mastered: Mastered) -> TrackSound:
    recipe = mastered.recipe
    return {
        "track_id": track.file.track_id,
        "sample_rate": track.format.sample_rate,
        "channels": track.format.channels,
        "bits": track.format.bits,
        "total_frames": track.total_frames,
        "chunk_frames": track.grid.chunk_frames,
        "total_chunks": track.grid.total_chunks,
        "duration_s": frames_to_seconds(track.total_frames, track.format.sample_rate),
        "revision": track.revision(recipe),
        "recipe": recipe.key,
        "encodings": [encoding.label for encoding in CHUNK_ENCODINGS],
        "mastering": describe_mastering(mastered) if recipe.masters else None,
    }
