"""Chunks rendered before they are asked for: few, with what listeners leave over, called off when plans change.

What is rendered ahead is a render like any other, so whoever asks for it meanwhile waits for it, and takes over where
it is called off.
"""

import logging
from dataclasses import dataclass
from functools import partial

import msgspec
import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid
from auralis_trio.errors import AuralisError
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.stream.chunk_key import Form, chunk_key
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.renderer import Renderer

log = logging.getLogger(__name__)

Name = tuple[str, str, int, Encoding, Form]

FREE_PERMITS = 2
"""How many permits must be free: one to render ahead with, one for the next listener."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim to have a chunk rendered ahead; several may be for the same chunk."""

    name: Name


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
        self._claims: dict[Name, set[Claim]] = {}
        self._left_out = 0
        self._outcomes = dict.fromkeys(("rendered", "called_off", "failed"), 0)
        renderer.before_read = self._give_way

    def ahead(
        self, file: TrackFile, sound: Sound, index: int, encoding: Encoding, form: Form = "whole"
    ) -> Claim | None:
        """Have a chunk rendered that somebody will ask for soon; None if there is no need or no room for that.

        Who claims anew takes the old claim back afterwards, so that a render for both goes on.
        """
        if file.total_frames is not None:
            grid = Grid(file.format.sample_rate, file.total_frames)
            key = chunk_key(file, grid, (sound, index, encoding), form)
            if index >= grid.total_chunks or key in self._renderer.cache:
                return None
        claim = Claim((file.origin, sound.key, index, encoding, form))
        if claim.name in self._claims:
            self._claims[claim.name].add(claim)
            return claim
        return claim if self._begin(claim, file, sound) else None

    def cancel(self, claim: Claim | None) -> None:
        """Take a claim back; the render is called off when nobody else has one. Does nothing where it has ended."""
        claims = set() if claim is None else self._claims.get(claim.name, set())
        if claim in claims:
            claims.discard(claim)
            if not claims:
                self._call_off(claim.name)

    def statistics(self) -> PrefetchStatistics:
        """The present figures."""
        return PrefetchStatistics(
            under_way=len(self._flights),
            max_chunks=self._flights.max_flights,
            left_out=self._left_out,
            **self._outcomes,
        )

    def _begin(self, claim: Claim, file: TrackFile, sound: Sound) -> bool:
        full = len(self._flights) >= self._flights.max_flights
        if full or claim.name in self._flights or self._renderer.free_permits() < FREE_PERMITS:
            self._left_out += 1
            return False
        self._claims[claim.name] = {claim}
        self._flights.begin(claim.name, partial(self._run, claim.name, file, sound))
        return True

    async def _run(self, name: Name, file: TrackFile, sound: Sound) -> None:
        _, _, index, encoding, form = name
        outcome = "called_off"
        try:
            async with self._renderer.open_track(file) as track:
                if index < track.grid.total_chunks:
                    await (track.chunk if form == "whole" else track.packets)(sound, index, encoding)
            outcome = "rendered"
        except AuralisError as error:
            # Whoever asks for it will be told.
            log.debug("chunk %d of track %d was not rendered ahead: %s", index, file.track_id, error.code)
            outcome = "failed"
        finally:
            self._claims.pop(name, None)
            self._outcomes[outcome] += 1

    def _call_off(self, name: Name) -> None:
        del self._claims[name]
        self._flights.cancel_nowait(name)

    def _give_way(self) -> None:
        """Leave the permits to listeners where there are none left for them."""
        if self._claims and self._renderer.free_permits() < 1:
            for name in list(self._claims):
                self._call_off(name)
