"""What the player plays is written down, so that a restart goes on where everything was.

Edits and commands are written at once, also for a server that is killed: the queue with the edits that can be taken
back as far as there is room for them, and where it is heard. That is written every few seconds besides, and all at
the end. After a restart nothing plays: what did is paused.
"""

import logging
from collections.abc import Mapping

import msgspec
import trio

from auralis_trio.errors import NotFound
from auralis_trio.library.player_store import get_player, keep_player
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import keep_written
from auralis_trio.stream.output import Position
from auralis_trio.stream.play_queue import PlayQueue
from auralis_trio.stream.player import Player, PlayerState
from auralis_trio.stream.queue_edits import History

PLACE_INTERVAL_S = 2.0

MAX_KEPT_ENTRIES = 40_000
"""How many entries the edits that are written down have in all."""

log = logging.getLogger(__name__)


class _Queue(msgspec.Struct, frozen=True):
    """The queue with its numbers, which go on rising."""

    queue: PlayQueue
    history: History
    revision: int
    next_id: int


class _Place(msgspec.Struct, frozen=True):
    """Where the queue is heard, and whether it is."""

    entry_id: int | None
    state: PlayerState
    position: Position


class PlayerKeeper:
    """Writes down what changes of one player."""

    def __init__(self, player: Player, catalogue: Catalogue) -> None:
        self._player = player
        self._catalogue = catalogue
        self._kept = self._now()

    async def load(self) -> None:
        """Take up what was kept; what cannot be understood is as good as nothing."""
        parts = await self._catalogue.ask(get_player)
        if parts:
            self._take_up(parts)
        self._kept = self._now()

    def _take_up(self, parts: Mapping[str, str]) -> None:
        try:
            kept = msgspec.json.decode(parts.get("queue", ""), type=_Queue)
            place = msgspec.json.decode(parts.get("place", ""), type=_Place)
            queue = kept.queue if place.entry_id is None else kept.queue.at(place.entry_id)
        except (msgspec.DecodeError, NotFound):
            log.warning("what the player kept cannot be used: it begins with an empty queue")
            return
        self._player.restore((queue, kept.history), (kept.revision, kept.next_id), place.state, place.position)

    async def run(self) -> None:
        """Write changes down, until cancelled."""
        await keep_written("what the player plays", self._wait_news, self._keep)

    async def _wait_news(self) -> None:
        with trio.move_on_after(PLACE_INTERVAL_S):
            await self._player.news.wait()
        self._player.news = trio.Event()

    async def _keep(self) -> None:
        self._player.look()
        now = edits, place = self._now()
        parts = {}
        if edits != self._kept[0]:
            parts["queue"] = msgspec.json.encode(self._queue()).decode()
        if parts or place != self._kept[1]:
            parts["place"] = msgspec.json.encode(place).decode()
        if parts:
            await self._catalogue.tell(keep_player, parts)
            self._kept = now

    def _now(self) -> tuple[tuple[int, History], _Place]:
        """What tells one queue with its history from another, and the place."""
        player = self._player
        return (player.revision, player.history), _Place(player.queue.current_id, player.state, player.position)

    def _queue(self) -> _Queue:
        player = self._player
        return _Queue(player.queue, player.history.latest(MAX_KEPT_ENTRIES), player.revision, player.next_id)
