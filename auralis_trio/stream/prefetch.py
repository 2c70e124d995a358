"""Chunks rendered before they are asked for: few, with what listeners leave over, and called off where these need it.

What is rendered ahead is a render like any other, so whoever asks for it meanwhile waits for it, and takes over where
it is called off.
"""

import logging
from functools import partial

import msgspec
import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid
from auralis_trio.errors import AuralisError
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.stream.chunk_key import chunk_key
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.renderer import Renderer

log = logging.getLogger(__name__)

FREE_PERMITS = 2
"""How many permits must be free: one to render ahead with, one for the next listener."""


class PrefetchStatistics(msgspec.Struct, frozen=True):
    """What was rendered ahead, and what came of the rest: left out for want of room, called off, failed."""

    under_way: int
    max_chunks: int
    rendered: int
    left_out: int
    called_off: int
    failed: int


class Prefetch:
    """What is being rendered ahead: `max_chunks` at most, in tasks of `nursery`; 0: nothing ever is."""

    def __init__(self, renderer: Renderer, nursery: trio.Nursery, max_chunks: int) -> None:
        self._renderer = renderer
        self._flights = Flights(nursery, max_chunks)
        self._left_out = 0
        self._outcomes = dict.fromkeys(("rendered", "called_off", "failed"), 0)
        renderer.before_read = self._give_way

    def ahead(self, file: TrackFile, sound: Sound, index: int, encoding: Encoding) -> None:
        """Have a chunk rendered that somebody will ask for soon, if there is need and room for that."""
        if file.total_frames is not None:
            grid = Grid(file.format.sample_rate, file.total_frames)
            if index >= grid.total_chunks or chunk_key(file, grid, (sound, index, encoding)) in self._renderer.cache:
                return
        name = (file.origin, sound.key, index, encoding)
        if name in self._flights:
            return
        full = len(self._flights) >= self._flights.max_flights
        if full or self._renderer.free_permits() < FREE_PERMITS:
            self._left_out += 1
        else:
            self._flights.begin(name, partial(self._run, file, sound, index, encoding))

    def statistics(self) -> PrefetchStatistics:
        """The present figures."""
        return PrefetchStatistics(
            under_way=len(self._flights),
            max_chunks=self._flights.max_flights,
            left_out=self._left_out,
            **self._outcomes,
        )

    async def _run(self, file: TrackFile, sound: Sound, index: int, encoding: Encoding) -> None:
        outcome = "called_off"
        try:
            async with self._renderer.open_track(file) as track:
                if index < track.grid.total_chunks:
                    await track.chunk(sound, index, encoding)
            outcome = "rendered"
        except AuralisError as error:
            # Whoever asks for it will be told.
            log.debug("chunk %d of track %d was not rendered ahead: %s", index, file.track_id, error.code)
            outcome = "failed"
        finally:
            self._outcomes[outcome] += 1

    def _give_way(self) -> None:
        """Leave the permits to listeners where there are none left for them."""
        if len(self._flights) and self._renderer.free_permits() < 1:
            self._flights.cancel_all_nowait()
