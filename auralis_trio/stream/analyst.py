"""What is known of a track's sound: kept by the library, or found out now.

A profile lies in the database and a ledger in a folder of its own; where one of them is missing, the track is
analysed again. Analysis and tuning are flights: each is done once at a time, and goes on when its asker has left.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from functools import partial

import msgspec

from auralis_trio.analysis import Analysis, analyse, quick_look
from auralis_trio.analysis.blocks import block_frames
from auralis_trio.audio.source import AudioSource, Check
from auralis_trio.errors import AuralisError, Busy, SourceCorrupt, SourceUnsupported
from auralis_trio.library.ledgers import LedgerStore
from auralis_trio.library.mastering_store import (
    get_profile,
    get_tuning,
    keep_failure,
    keep_of,
    keep_profile,
    keep_tuning,
)
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering.recipe import ENGINE_VERSION
from auralis_trio.mastering.tuning import WHOLE_S, Excerpts, Tuning
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.ahead import ReadAhead

LONG_S = 900.0
"""A track longer than this may begin on a quick look."""

LEAST_DEADLINE_S = 60.0
SLOWEST = 10.0
"""How many seconds of a track must be worked through in each second, at least."""

Tune = Callable[[AudioSource, Excerpts, Check], Tuning]

log = logging.getLogger(__name__)


class Analyst:
    """Analyses of tracks."""

    def __init__(self, catalogue: Catalogue, renderer: Renderer, ledgers: LedgerStore, flights: Flights) -> None:
        self._catalogue = catalogue
        self._renderer = renderer
        self._ledgers = ledgers
        self._flights = flights
        self._tuned = ("", Excerpts())  # the track that was tuned last, until all is known that may be asked for

    async def known(self, file: TrackFile) -> Analysis | None:
        """What was found out before, if all of it is still there."""
        profile = await self._catalogue.ask(get_profile, file.content_id)
        if profile is None:
            return None
        ledger = await self._renderer.read_disk(self._ledgers.get, file.content_id)
        return None if ledger is None else Analysis(profile, ledger)

    async def analysis(self, file: TrackFile, *, hurried: bool = True) -> Analysis:
        """What is to be known of a track; `hurried` when somebody waits, so that two cores work at it.

        Raises:
            SourceError: it cannot be played.
            Busy: too much is asked for at once.
        """
        known = await self.known(file)
        if known is not None:
            return known
        return await self._flights.join(("analysis", file.origin), partial(self._analyse, file, hurried))

    async def quick_look(self, file: TrackFile) -> Analysis:
        """The same from parts of the track, in a moment; not kept.

        Raises:
            SourceError: it cannot be played.
        """
        async with self._renderer.open_track(file) as track:
            return await track.work(quick_look, deadline_of(file))

    async def known_tuning(self, file: TrackFile, sound: str) -> Tuning | None:
        """What rendering the track with `sound` (its name) has taught, if it ever was."""
        kept = await self._catalogue.ask(get_tuning, file.content_id, _versioned(sound))
        return None if kept is None else msgspec.json.decode(kept, type=Tuning)

    async def tuning(self, file: TrackFile, sound: str, tune: Tune) -> Tuning:
        """What rendering the track with `sound` (its name) teaches, by `tune`.

        Raises:
            SourceError: it cannot be played.
            Busy: too much is asked for at once.
        """
        name, kept = _versioned(sound), await self.known_tuning(file, sound)
        if kept is not None:
            return kept
        key = ("tuning", file.origin, name)
        return await self._flights.join(key, partial(self._tune, file, name, tune))

    async def read_ahead(self, file: TrackFile, read: Callable[[AudioSource, Excerpts, Check], None]) -> None:
        """Have `read` find out what tuning the track begins with; cancelling ends that soon.

        Raises:
            SourceError: it cannot be played.
        """
        excerpts = self._excerpts_of(file)
        if has_windows(file) and not excerpts.whole:
            async with self._renderer.open_track(file) as track:
                await track.work(lambda source, check: read(source, excerpts, check), deadline_of(file))

    def forget_excerpts(self, file: TrackFile) -> None:
        """All that the track had to be tuned for is known: what was read of it for that is not needed any more."""
        if self._tuned[0] == file.origin:
            self._tuned = ("", Excerpts())

    def _excerpts_of(self, file: TrackFile) -> Excerpts:
        if self._tuned[0] != file.origin:
            self._tuned = (file.origin, Excerpts())
        return self._tuned[1]

    async def _analyse(self, file: TrackFile, hurried: bool) -> Analysis:
        found = await self._analysed(file, hurried)
        if isinstance(found, AuralisError):
            await self._keep(file, keep_failure, found.code, time.time_ns())
            raise found
        try:
            await self._renderer.read_disk(self._ledgers.put, file.content_id, found.ledger)
        except (OSError, AuralisError) as error:
            log.warning("the ledger of track %d was not kept: %s", file.track_id, type(error).__name__)
        else:
            if not await self._keep(file, keep_profile, found.profile, time.time_ns()):
                await self._forget_ledger(file)
        return found

    async def _forget_ledger(self, file: TrackFile) -> None:
        """Have no ledger without its own profile; one of a file that was replaced meanwhile above all."""
        try:
            await self._renderer.read_disk(self._ledgers.forget, file.content_id)
        except (OSError, AuralisError) as error:
            log.warning("the ledger of track %d was not removed: %s", file.track_id, type(error).__name__)

    async def _keep(self, file: TrackFile, keep: Callable[..., None], *found: object) -> bool:
        """Write down what was found out, which also counts where it is not: then it is found out again."""
        try:
            return await self._catalogue.tell(keep_of, file, keep, *found)
        except AuralisError as error:
            log.warning("what was found out of track %d was not kept: %s", file.track_id, error.code)
            return False

    async def _analysed(self, file: TrackFile, hurried: bool) -> Analysis | AuralisError:
        """What is found out, or why nothing ever will be of this content."""
        try:
            async with self._renderer.open_track(file) as track:
                # A long one leaves the other thread to the quick looks at it.
                if hurried and not is_long(file):
                    analysis = await self._analysed_ahead(track)
                else:
                    analysis = await track.work(analyse, deadline_of(file))
                await self._catalogue.keep_length(track)
                return analysis
        except (SourceCorrupt, SourceUnsupported) as error:
            return error

    async def _analysed_ahead(self, track: OpenTrack) -> Analysis:
        """The same, while another thread decodes ahead if one is free."""
        key, deadline_s = ("ahead", track.file.origin), deadline_of(track.file)
        ahead = ReadAhead(block_frames(track.format.sample_rate))
        async with self._helped(key, partial(track.work, ahead.feed, deadline_s)):
            try:
                return await track.work(partial(ahead.run, analyse), deadline_s)
            finally:
                ahead.close()

    @asynccontextmanager
    async def _helped(self, key: Hashable, work: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
        """Work that may be left out is under way beside the body, if there is room for it."""
        with suppress(Busy):
            self._flights.begin(key, work)
        try:
            yield
        finally:
            await self._flights.end(key)  # noqa: ASYNC102  # shielded, and as short as a block or a grain takes

    async def _tune(self, file: TrackFile, name: str, tune: Tune) -> Tuning:
        excerpts = self._excerpts_of(file)

        async def work() -> Tuning:
            async with self._renderer.open_track(file) as track:
                return await track.work(lambda source, check: tune(source, excerpts, check), deadline_of(file))

        if excerpts.whole or not has_windows(file):
            tuning = await work()
        else:  # much of it is still to be read: two threads with a decoder each have done that sooner than one
            async with self._helped(("tuning too", file.origin, name), work):
                tuning = await work()
        text = msgspec.json.encode(tuning).decode()
        with suppress(Busy):  # a listener need not wait until it is written
            self._flights.begin(("kept", file.origin, name), partial(self._keep, file, keep_tuning, name, text))
        return tuning


def _versioned(sound: str) -> str:
    return f"{sound} {ENGINE_VERSION}"


def deadline_of(file: TrackFile) -> float:
    """How long work on a whole track may take, in seconds."""
    if file.format is None or file.total_frames is None:
        return 3600.0
    return LEAST_DEADLINE_S + file.total_frames / file.format.sample_rate / SLOWEST


def is_long(file: TrackFile) -> bool:
    """Whether a stream of this track may begin before it is analysed."""
    return _longer_than(file, LONG_S)


def has_windows(file: TrackFile) -> bool:
    """Whether only some windows of this track are rendered to tune it."""
    return _longer_than(file, WHOLE_S)


def _longer_than(file: TrackFile, length_s: float) -> bool:
    """Whether this is known of a track."""
    return (
        file.format is not None
        and file.total_frames is not None
        and file.total_frames > length_s * file.format.sample_rate
    )
