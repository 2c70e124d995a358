"""An album, or the play queue, as one resource: tracks one behind the other, with Range and chapters.

A URL says everything that is heard, as it does of one track. Between the tracks of an album there is no gap, and with
`crossfade_s` each is joined to the next; in the queue, tracks that follow each other on an album are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

from msgspec import Meta
from quart import Response, request

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.encoder import cue_sheet
from auralis_trio.errors import Conflict
from auralis_trio.library.medleys import MedleyTrack, album_tracks
from auralis_trio.mastering.join import MAX_CROSSFADE_S, Curve
from auralis_trio.stream.composer import Composer, MedleyWish
from auralis_trio.stream.medley import Medley, open_medley
from auralis_trio.stream.play_queue import queue_empty
from auralis_trio.web.answers import Media, caching, head_response, not_modified
from auralis_trio.web.medley_body import MedleyBody, MedleyLayout, chapters_of
from auralis_trio.web.ranges import is_unchanged, requested_part
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.sounds import SOUND_ERRORS, SoundQuery
from auralis_trio.web.stream_api import WAV_TYPE, WavEncoding, WavResponse
from auralis_trio.wire.wishes import wish_in


class MedleyQuery(SoundQuery, frozen=True):
    """Parameters of a medley; without `sample_rate` it has the one that most frames have."""

    encoding: WavEncoding = "s16"
    crossfade_s: Annotated[float, Meta(ge=0, le=MAX_CROSSFADE_S)] = 0.0
    crossfade_curve: Curve = "equal_power"
    skip_missing: bool = False


class MedleyChapter(TypedDict):
    """One of the tracks, from where it is first heard on; its `join_frames` are mixed with the one before."""

    track_id: int
    title: str
    artist: str | None
    start_frame: int
    frames: int
    join_frames: int
    start_s: float
    duration_s: float


class MedleyDescription(TypedDict):
    """What is heard one behind the other."""

    title: str
    sample_rate: int
    channels: int
    total_frames: int
    duration_s: float
    revision: str
    chapters: list[MedleyChapter]


CUE_TYPE = "application/x-cue; charset=utf-8"
CueResponse = Annotated[Response, Media((CUE_TYPE,))]


@dataclass(frozen=True)
class Listed:
    """What is heard one behind the other; `within_albums`: a crossfade is for what follows on an album as well."""

    title: str
    tracks: Sequence[MedleyTrack]
    within_albums: bool


@dataclass(frozen=True)
class MedleyApi:
    """What stands under `/api/stream/album` and `/api/stream/queue`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        album, queue = "/api/stream/album/<int:album_id>", "/api/stream/queue"
        return [
            Route("GET", f"{album}/audio.wav", self.album_wav, raises=SOUND_ERRORS),
            Route("GET", f"{album}/chapters", self.album_chapters, raises=SOUND_ERRORS),
            Route("GET", f"{album}/album.cue", self.album_cue, raises=SOUND_ERRORS),
            Route("GET", f"{queue}/audio.wav", self.queue_wav, raises=SOUND_ERRORS),
            Route("GET", f"{queue}/chapters", self.queue_chapters, raises=SOUND_ERRORS),
            Route("GET", f"{queue}/queue.cue", self.queue_cue, raises=SOUND_ERRORS),
        ]

    async def album_wav(self, album_id: int, query: MedleyQuery) -> WavResponse:
        """A whole album as WAV, or any part of its bytes."""
        return await self._wav(await self._album(album_id), query)

    async def album_chapters(self, album_id: int, query: MedleyQuery) -> MedleyDescription:
        """Where each track of an album begins in it."""
        return await self._chapters(await self._album(album_id), query)

    async def album_cue(self, album_id: int, query: MedleyQuery) -> CueResponse:
        """An album as a cue sheet."""
        return await self._cue(await self._album(album_id), query)

    async def queue_wav(self, query: MedleyQuery) -> WavResponse:
        """What is in the play queue now as WAV, or any part of its bytes."""
        return await self._wav(await self._queue(), query)

    async def queue_chapters(self, query: MedleyQuery) -> MedleyDescription:
        """Where each entry of the queue begins in it."""
        return await self._chapters(await self._queue(), query)

    async def queue_cue(self, query: MedleyQuery) -> CueResponse:
        """The queue as a cue sheet."""
        return await self._cue(await self._queue(), query)

    async def _album(self, album_id: int) -> Listed:
        album = await self.services.catalogue.ask(album_tracks, album_id)
        return Listed(album.title, album.tracks, within_albums=True)

    async def _queue(self) -> Listed:
        entries = self.services.sessions.player.queue.entries
        if not entries:
            raise queue_empty()
        track_ids = [entry.track_id for entry in entries]
        return Listed("Play queue", await self.services.catalogue.find_medley(track_ids), within_albums=False)

    async def _wav(self, listed: Listed, wanted: MedleyQuery) -> Response:
        encoding, medley = Encoding.named(wanted.encoding), await self._composed(listed, wanted)
        layout = MedleyLayout(medley, encoding)
        headers = caching(layout.etag, pinned=wanted.revision is not None)
        if is_unchanged(request.headers, layout.etag):
            return not_modified(headers)
        part = requested_part(request.method, request.headers, layout.etag, layout.total_bytes)
        headers |= part.headers()
        if request.method == "HEAD":
            return head_response(part.status, headers, WAV_TYPE)
        if part.start < layout.data_end and medley.total_frames:
            # What cannot be played is said before a body is promised.
            async with open_medley(self.services.renderer, medley) as opened:
                await opened.chunk_at(layout.frame_at(part.start), encoding)
        body = MedleyBody(self.services.renderer, medley, encoding, part)
        return Response(body, part.status, headers, content_type=WAV_TYPE)

    async def _chapters(self, listed: Listed, wanted: MedleyQuery) -> MedleyDescription:
        return _describe(listed.title, await self._composed(listed, wanted))

    async def _cue(self, listed: Listed, wanted: MedleyQuery) -> Response:
        medley = await self._composed(listed, wanted)
        # The file stands beside the sheet, and is heard as this was asked for.
        address = "?".join(["audio.wav", *filter(None, [request.query_string.decode("latin-1")])])
        sheet = cue_sheet(listed.title, address, chapters_of(medley), medley.format.sample_rate)
        return Response(sheet, 200, {"Cache-Control": "no-store"}, content_type=CUE_TYPE)

    async def _composed(self, listed: Listed, wanted: MedleyQuery) -> Medley:
        services = self.services
        composer = Composer(
            services.renderer, services.catalogue, services.mastery, services.settings.analysis_deadline_s
        )
        wish = MedleyWish(
            wish=wish_in(wanted),
            sample_rate=wanted.sample_rate,
            crossfade_s=wanted.crossfade_s,
            curve=wanted.crossfade_curve,
            skip_missing=wanted.skip_missing,
            within_albums=listed.within_albums,
        )
        medley = await composer.compose(listed.tracks, wish)
        if wanted.revision not in (None, medley.revision):
            raise Conflict("The tracks have changed. Fetch their chapters again.", code="stale_revision")
        return medley


def _describe(title: str, medley: Medley) -> MedleyDescription:
    rate = medley.format.sample_rate
    return {
        "title": title,
        "sample_rate": rate,
        "channels": medley.format.channels,
        "total_frames": medley.total_frames,
        "duration_s": frames_to_seconds(medley.total_frames, rate),
        "revision": medley.revision,
        "chapters": [
            {
                "track_id": part.track.file.track_id,
                "title": part.track.title,
                "artist": part.track.artist,
                "start_frame": part.start_frame,
                "frames": part.frames,
                "join_frames": part.joint.head_frames,
                "start_s": frames_to_seconds(part.start_frame, rate),
                "duration_s": frames_to_seconds(part.frames, rate),
            }
            for part in medley.parts
        ],
    }
