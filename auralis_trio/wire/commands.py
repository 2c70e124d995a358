"""What a conversation decides: one frozen record for each thing to do about what was said; see `conversation`."""

from dataclasses import dataclass

from auralis_trio.audio.encoding import Encoding
from auralis_trio.wire.messages import Enhancement, Steering, Topic
from auralis_trio.wire.wishes import Wishes

AS_SET = Wishes()
"""Everything as the settings have it."""


@dataclass(frozen=True)
class Manner:
    """How a client wants to be sent whatever it plays; without `credit` the server paces it."""

    encoding: Encoding
    json: bool = False
    credit: int | None = None
    sample_rate: int | None = None
    legacy: bool = False
    autoplay: bool = True
    counts: bool = True


@dataclass(frozen=True)
class Request:
    """What is to be streamed, and how; `start` is frames (int) or seconds (float)."""

    track_id: int
    start: int | float
    manner: Manner
    wishes: Wishes = AS_SET
    entry_id: int | None = None


@dataclass(frozen=True)
class Start:
    """End the present stream as `replaced` and begin this one, heard behind the one that it `follows` or at once."""

    stream_id: int
    request: Request
    paused: bool
    follows: int | None = None


@dataclass(frozen=True)
class Join:
    """Let the player say what to play: an entry or the present one, from `start` on or where it is heard."""

    entry_id: int | None
    start: int | float | None
    takeover: bool
    manner: Manner
    wishes: Wishes


@dataclass(frozen=True)
class Steer:
    """Pass this on to the player of the queue; `start` is where to seek to."""

    message: Steering
    start: int | float = 0


@dataclass(frozen=True)
class End:
    """End the present stream, if it still runs, as `stopped`; nothing of it is heard any more."""

    stream_id: int


@dataclass(frozen=True)
class Hold:
    """Send nothing more of this stream, or go on."""

    stream_id: int
    paused: bool


@dataclass(frozen=True)
class Grant:
    """The client's credit, and how far it has played, in frames since the stream's start; each None if not told."""

    stream_id: int
    frames: int | None
    played: int | None


@dataclass(frozen=True)
class Enhance:
    """Keep these settings and tell all; begin the present stream anew if there is one."""

    settings: Enhancement


@dataclass(frozen=True)
class Reply:
    """Say this to the client."""

    kind: str
    data: dict[str, object]


@dataclass(frozen=True)
class Topics:
    """The state events that the client wants."""

    topics: frozenset[Topic]


Command = Start | Join | Steer | End | Hold | Grant | Enhance | Reply | Topics
