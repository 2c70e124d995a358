"""The player's commands and its state. What they do is the player's own; every session hears of each change.

A command is answered when what it did is written down, or cannot be for now.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.library.queue_tracks import tracks_by_id
from auralis_trio.library.records import TrackRecord
from auralis_trio.stream import output
from auralis_trio.stream.ordering import seek_in_current
from auralis_trio.stream.player import Player
from auralis_trio.stream.telling import PlayerNow, QueueSummary
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.messages import Frame, Position
from auralis_trio.wire.wishes import Id


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry, and from where on; without either, the queue goes on where it is."""

    entry_id: Id | None = None
    position_s: Position | None = None


class Seek(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to in the current entry: one of both, `start_frame` being one of the track as it is recorded."""

    position_s: Position | None = None
    start_frame: Frame | None = None


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry."""

    entry_id: Id


class PlayerAndQueue(PlayerNow, QueueSummary):
    """What is played, and what the queue is like without its entries."""


class PlayerStatus(PlayerAndQueue):
    """The same with the track as the library knows it, and which events the state follows from."""

    boot: str
    seq: int
    track: TrackRecord | None


@dataclass(frozen=True)
class PlayerApi:
    """What stands directly under `/api/player`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        root = "/api/player"
        return [
            Route("GET", f"{root}/status", self.status),
            Route("POST", f"{root}/play", self.play, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/pause", self.pause, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/resume", self.resume, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/stop", self.stop, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/next", self.next, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/previous", self.previous, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/seek", self.seek, raises=(Conflict, NotFound)),
            Route("POST", f"{root}/jump", self.jump, raises=(Conflict, NotFound)),
        ]

    @property
    def player(self) -> Player:
        """The one player."""
        return self.services.sessions.player

    async def status(self) -> PlayerStatus:
        """What is played, where, and by whom; the track as the library knows it."""
        self.player.look()
        state, hub = describe_player(self.player), self.services.hub
        if (track_id := state["track_id"]) is None:
            return {**state, "boot": hub.boot, "seq": hub.seq, "track": None}
        tracks = await self.services.catalogue.ask(tracks_by_id, [track_id])
        return {**state, "boot": hub.boot, "seq": hub.seq, "track": tracks.get(track_id)}

    async def play(self, body: Play) -> PlayerAndQueue:
        """Go on, or go to an entry or to another place."""
        self.player.play(body.entry_id, None if body.position_s is None else output.Position(float(body.position_s)))
        return await self._told()

    async def seek(self, body: Seek) -> PlayerAndQueue:
        """Go to another place in the current entry."""
        if (body.position_s is None) == (body.start_frame is None):
            raise InvalidRequest("Give either position_s or start_frame.")
        place = body.start_frame or 0 if body.position_s is None else float(body.position_s)
        await seek_in_current(place, self.player, self.services.catalogue)
        return await self._told()

    async def jump(self, body: Jump) -> PlayerAndQueue:
        """Go to the beginning of an entry."""
        self.player.jump(body.entry_id)
        return await self._told()

    async def pause(self) -> PlayerAndQueue:
        """Pause every output."""
        return await self._command(self.player.pause)

    async def resume(self) -> PlayerAndQueue:
        """Go on."""
        return await self._command(self.player.resume)

    async def stop(self) -> PlayerAndQueue:
        """Stop every output."""
        return await self._command(self.player.stop)

    async def next(self) -> PlayerAndQueue:
        """Go to the entry behind the current one."""
        return await self._command(self.player.next)

    async def previous(self) -> PlayerAndQueue:
        """Go to the entry before the current one."""
        return await self._command(self.player.previous)

    async def _command(self, command: Callable[[], None]) -> PlayerAndQueue:
        command()
        return await self._told()

    async def _told(self) -> PlayerAndQueue:
        told = describe_player(self.player)
        await self.player.news.wait_written()
        return told


def describe_player(player: Player) -> PlayerAndQueue:
    """The player's state, and what the queue is like without its entries."""
    return {**player.describe(), **player.summary()}
