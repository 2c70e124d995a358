"""What a URL says is to be heard, and the track that it is heard of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auralis_trio.errors import Conflict, NotFound, SourceError
from auralis_trio.mastering.solve import Mastered
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.web.services import Services
from auralis_trio.wire.wishes import SampleRate, Wish, wish_in

SOUND_ERRORS = (Conflict, SourceError, NotFound)
"""What comes of a track that cannot be heard, or not as it is wanted."""


class SoundQuery(Wish, frozen=True, forbid_unknown_fields=True):
    """What is to be heard, at its own rate or at `sample_rate`; `revision` makes sure that it is still the same.

    Preset and intensity say how a track is mastered, and change nothing in one that is heard as recorded.
    """

    revision: str | None = None
    sample_rate: SampleRate | None = None


@asynccontextmanager
async def open_sound(
    services: Services, track_id: int, query: SoundQuery
) -> AsyncIterator[tuple[OpenTrack, Mastered]]:
    """The track and what is done to it, if it is still what the URL was made for.

    Raises:
        NotFound: there is no such track.
        Conflict: its samples have changed since `revision`.
        SourceError: it cannot be played.
        Busy: it is still being analysed.
    """
    file = (await services.catalogue.find_track(track_id)).at_rate(query.sample_rate)
    mastered = await services.mastery.resolve(file, wish_in(query))
    async with services.renderer.open_track(file) as track:
        await services.catalogue.keep_length(track)
        if query.revision not in (None, track.revision(mastered.recipe)):
            raise Conflict("The track has changed. Fetch its metadata again.", code="stale_revision")
        yield track, mastered
