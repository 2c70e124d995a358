"""What is told of the player, its queue and the enhancement, by events and answers alike."""

from typing import Literal, TypedDict

from auralis_trio.wire.queue_orders import RepeatMode
from auralis_trio.wire.wishes import PresetName

PlayerState = Literal["stopped", "playing", "paused"]


class PlayerNow(TypedDict):
    """What is played, and where; null where there is no entry or its place is not known. `outputs` are sessions."""

    state: PlayerState
    entry_id: int | None
    track_id: int | None
    position_s: float | None
    frame: int | None
    sample_rate: int | None
    outputs: list[str]


class QueueSummary(TypedDict):
    """What the queue is like, without its entries."""

    revision: int
    total: int
    current_entry_id: int | None
    repeat: RepeatMode
    shuffled: bool
    can_undo: bool
    can_redo: bool


class QueueEntry(TypedDict):
    """One place in the queue."""

    entry_id: int
    track_id: int


class WholeQueue(QueueSummary):
    """What there is to play; of a long queue without its entries."""

    entries: list[QueueEntry] | None


class EnhancementNow(TypedDict):
    """How tracks are mastered where nobody says otherwise."""

    enabled: bool
    preset: PresetName
    intensity: float
    match_loudness: bool
    loudness_offset_lu: float
    ceiling_dbtp: float
