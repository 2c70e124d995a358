"""What is told of the player, its queue and the enhancement, by events and answers alike."""

from typing import Literal, TypedDict

from auralis_trio.wire.queue_orders import RepeatMode
from auralis_trio.wire.wishes import PresetName

SessionState = Literal["idle", "playing", "paused", "ended"]
PlayerState = Literal["stopped", "playing", "paused"]


class StreamNow(TypedDict):
    """How far a stream has come, and what its two tasks wait for; null where they have ended or wait for nothing."""

    stream_id: int
    track_id: int
    start_frame: int
    frames_sent: int
    frames_played: int
    credit: int | None
    paused: bool
    channel_chunks: int | None
    decoder_waits_for: str | None
    sender_waits_for: str | None


class HearingNow(TypedDict):
    """How many streams are under way to a client's ears, and whether they are paused."""

    streams: int
    paused: bool


class SessionNow(TypedDict):
    """A client's conversation."""

    session: str
    open_s: float
    state: SessionState
    outbox_messages: int
    stream: StreamNow | None
    heard: HearingNow


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
