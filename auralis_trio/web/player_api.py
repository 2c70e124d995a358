"""The player's commands and its state. What they do is the player's own; every session hears of each change.

A command is answered when what it did is written down, or cannot be for now.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from quart import Response

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.queue_tracks import tracks_by_id
from auralis_trio.stream.ordering import seek_in_current
from auralis_trio.stream.player import Player
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.messages import Frame, Position
from auralis_trio.wire.wishes import Id


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry, and from where on; without either, the queue goes on where it is."""

    entry_id: Id | None = None
    position_s: Position | None = None


class Seek(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to in the current entry: one of both."""

    position_s: Position | None = None
    start_frame: Frame | None = None


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry."""

    entry_id: Id


@dataclass(frozen=True)
class PlayerApi:
    """What stands directly under `/api/player`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        root = "/api/player"
        return [
            Route("GET", f"{root}/status", self.status),
            Route("POST", f"{root}/play", self.play),
            Route("POST", f"{root}/pause", self.pause),
            Route("POST", f"{root}/resume", self.resume),
            Route("POST", f"{root}/stop", self.stop),
            Route("POST", f"{root}/next", self.next),
            Route("POST", f"{root}/previous", self.previous),
            Route("POST", f"{root}/seek", self.seek),
            Route("POST", f"{root}/jump", self.jump),
        ]

    @property
    def player(self) -> Player:
        """The one player."""
        return self.services.sessions.player

    async def status(self) -> Response:
        """What is played, where, and by whom; the track as the library knows it."""
        query(NoParameters)
        self.player.look()
        state, hub = describe_player(self.player), self.services.hub
        told = {**state, "boot": hub.boot, "seq": hub.seq}
        if (track_id := state["track_id"]) is None:
            return json_response({**told, "track": None})
        tracks = await self.services.catalogue.ask(tracks_by_id, [track_id])
        return json_response({**told, "track": tracks.get(track_id)})

    async def play(self) -> Response:
        """Go on, or go to an entry or to another place."""
        wanted = await body(Play)
        self.player.play(wanted.entry_id, None if wanted.position_s is None else float(wanted.position_s))
        return await self._told()

    async def seek(self) -> Response:
        """Go to another place in the current entry."""
        wanted = await body(Seek)
        if (wanted.position_s is None) == (wanted.start_frame is None):
            raise InvalidRequest("Give either position_s or start_frame.")
        place = wanted.start_frame or 0 if wanted.position_s is None else float(wanted.position_s)
        await seek_in_current(place, self.player, self.services.catalogue)
        return await self._told()

    async def jump(self) -> Response:
        """Go to the beginning of an entry."""
        self.player.jump((await body(Jump)).entry_id)
        return await self._told()

    async def pause(self) -> Response:
        """Pause every output."""
        return await self._command(self.player.pause)

    async def resume(self) -> Response:
        """Go on."""
        return await self._command(self.player.resume)

    async def stop(self) -> Response:
        """Stop every output."""
        return await self._command(self.player.stop)

    async def next(self) -> Response:
        """Go to the entry behind the current one."""
        return await self._command(self.player.next)

    async def previous(self) -> Response:
        """Go to the entry before the current one."""
        return await self._command(self.player.previous)

    async def _command(self, command: Callable[[], None]) -> Response:
        await body(NoParameters)
        command()
        return await self._told()

    async def _told(self) -> Response:
        told = describe_player(self.player)
        await self.player.news.wait_written()
        return json_response(told)


def describe_player(player: Player) -> dict[str, Any]:
    """The player's state, and what the queue is like without its entries."""
    return {**player.describe(), **player.summary()}
