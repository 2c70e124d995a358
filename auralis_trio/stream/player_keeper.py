"""What the player plays is written down, so that a restart goes on where everything was.

Edits and commands are written at once, and whoever asks for one may wait until it is: the queue with the edits that
can be taken back as far as there is room for them, and where it is heard. That is written every few seconds besides,
and all at the end. After a restart nothing plays: what did is paused.

A server that is killed may have told of edits that it had not written. So the numbers that are written lie well
ahead of those that were told, but at the end: a server that starts behind another that was killed begins with them,
and no revision and no entry's id is ever told twice.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import msgspec

from auralis_trio.errors import AuralisError, NotFound
from auralis_trio.library.player_store import get_player, keep_player
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import keep_written
from auralis_trio.stream.output import Position
from auralis_trio.stream.play_queue import PlayQueue
from auralis_trio.stream.player import Player
from auralis_trio.stream.playings import Sounded
from auralis_trio.stream.queue_edits import History
from auralis_trio.stream.telling import PlayerState

PLACE_INTERVAL_S = 2.0
AHEAD = 100_000_000
"""How far ahead written numbers lie at most; half of it suffices for thousands of the longest edits in one write."""

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
    """Where the queue is heard, and whether it is; how long that entry has sounded."""

    entry_id: int | None
    state: PlayerState
    position: Position
    sounded: Sounded | None = None


class _Numbers(msgspec.Struct, frozen=True):
    """A revision and an entry's id that were not told yet, nor any behind them."""

    revision: int = 0
    next_id: int = 1

    def ahead_of(self, other: "_Numbers") -> int:
        """How far ahead of the other's both lie."""
        return min(self.revision - other.revision, self.next_id - other.next_id)

    def further(self, by: int) -> "_Numbers":
        """Those that lie so far ahead."""
        return _Numbers(self.revision + by, self.next_id + by)


class PlayerKeeper:
    """Writes down what changes of one player."""

    def __init__(self, player: Player, catalogue: Catalogue) -> None:
        self._player = player
        self._catalogue = catalogue
        self._kept = self._now()
        self._numbers: _Numbers | None = None

    async def load(self) -> None:
        """Take up what was kept; what cannot be understood is as good as nothing."""
        parts = await self._catalogue.ask(get_player)
        if parts:
            self._take_up(parts)
        self._kept = self._now()
        with suppress(AuralisError):  # `run` tries again, and says so
            await self._keep(AHEAD)

    def _take_up(self, parts: Mapping[str, str]) -> None:
        numbers = _numbers_in(parts)
        self._player.restore((PlayQueue(), History()), (numbers.revision, numbers.next_id), "stopped", Position())
        if parts.keys() == {"numbers"}:
            return
        try:
            kept = msgspec.json.decode(parts.get("queue", ""), type=_Queue)
            place = msgspec.json.decode(parts.get("place", ""), type=_Place)
            queue = kept.queue if place.entry_id is None else kept.queue.at(place.entry_id)
        except (msgspec.DecodeError, NotFound):
            log.warning("what the player kept cannot be used: it begins with an empty queue")
            return
        both = max(kept.revision, numbers.revision), max(kept.next_id, numbers.next_id)
        self._player.restore((queue, kept.history), both, place.state, place.position)
        if queue.current is not None and place.sounded is not None:
            self._player.playings.restore(queue.current, place.sounded)

    async def run(self) -> None:
        """Write changes down, until cancelled."""
        keep, at_end = partial(self._keep, AHEAD), partial(self._keep, 0)
        await keep_written("what the player plays", self._player.news, keep, every_s=PLACE_INTERVAL_S, at_end=at_end)

    async def _keep(self, ahead: int) -> None:
        """Write what is not written yet, and numbers that lie so far ahead unless those written suffice."""
        self._player.look()
        now = edits, place = self._now()
        parts = {}
        if edits != self._kept[0]:
            parts["queue"] = msgspec.json.encode(self._queue()).decode()
        if parts or place != self._kept[1]:
            parts["place"] = msgspec.json.encode(place).decode()
        told, numbers = _Numbers(self._player.revision, self._player.next_id), self._numbers
        if numbers is None or not ahead or numbers.ahead_of(told) < ahead // 2:
            numbers = told.further(ahead)
        if numbers != self._numbers:
            parts["numbers"] = msgspec.json.encode(numbers).decode()
        if parts:
            await self._catalogue.tell(keep_player, parts)
            self._kept, self._numbers = now, numbers

    def _now(self) -> tuple[tuple[int, History], _Place]:
        """What tells one queue with its history from another, and the place."""
        player = self._player
        return (player.revision, player.history), _Place(
            player.queue.current_id, player.state, player.position, player.playings.sounded
        )

    def _queue(self) -> _Queue:
        player = self._player
        return _Queue(player.queue, player.history.latest(MAX_KEPT_ENTRIES), player.revision, player.next_id)


def _numbers_in(parts: Mapping[str, str]) -> _Numbers:
    try:
        return msgspec.json.decode(parts.get("numbers", "{}"), type=_Numbers)
    except msgspec.DecodeError:
        log.warning("the numbers that the player kept cannot be used")
        return _Numbers()
