"""The text messages: `{"type": ..., "data": {...}}`, one frozen record for each type a client can say.

`parse` accepts any text and returns a record or raises `MessageError` with a code; nothing else ever comes out of
it. Unknown fields are ignored, so that newer clients can talk to older servers; wrong types are not.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from auralis_trio.fitting import misfit
from auralis_trio.wire.queue_orders import QueueOrder
from auralis_trio.wire.wishes import Id, Intensity, PresetName, SampleRate, Wishes

PROTOCOL_VERSION = 1

Frame = Annotated[int, Meta(ge=0, le=2**53)]
Position = Annotated[float, Meta(ge=0, le=1e9)]
Topic = Literal["player", "library", "jobs"]
TOPICS: tuple[Topic, ...] = ("player", "library", "jobs")


class MessageError(ValueError):
    """A message that cannot be understood; `code` is stable, the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Play(Wishes, frozen=True, kw_only=True):
    """Play a track from a frame on, or the play queue; without `credit` the server paces the stream itself.

    `start_frame` is one of the track as it is recorded, or at `sample_rate` where that is said; opus is at 48,000 Hz.
    Without `track_id` it is the queue: the entry `entry_id`, or where it is heard at present. With `takeover` the
    queue's other outputs stop; unless `autoplay` is false, each entry is followed by the next. What is played with
    `counts` false is no play and no skip.
    """

    track_id: Id | None = None
    entry_id: Id | None = None
    start_frame: Frame | None = None
    position_s: Position | None = None
    encoding: Literal["s16", "s24", "f32", "flac", "opus"] = "s16"
    transport: Literal["binary", "json"] = "binary"
    credit: Frame | None = None
    sample_rate: SampleRate | None = None
    takeover: bool = False
    autoplay: bool = True
    counts: bool = True


class PlayNormal(msgspec.Struct, frozen=True):
    """The older name of `play`: float samples as base64, paced by the server."""

    track_id: Id
    start_position: Position | None = None


class PlayEnhanced(msgspec.Struct, frozen=True):
    """The older name of `play` for mastered sound; the rest as in `play_normal`."""

    track_id: Id
    start_position: Position | None = None
    preset: PresetName | None = None
    intensity: Intensity | None = None


class Enhancement(msgspec.Struct, frozen=True):
    """How the listener wants to hear from now on; what is left out stays as it is."""

    enabled: bool | None = None
    preset: PresetName | None = None
    intensity: Intensity | None = None
    match_loudness: bool | None = None


class Seek(msgspec.Struct, frozen=True):
    """Go on from another place in the same track; `start_frame` counts as in this client's `play`."""

    start_frame: Frame | None = None
    position_s: Position | None = None
    position: Position | None = None
    stream_id: int | None = None


class Credit(msgspec.Struct, frozen=True):
    """How many frames in all may have been sent since the stream's start, and how many were heard.

    What was heard is told also of a stream that was sent to its end, until its last frame has sounded. A client that
    never tells it is taken to hear what it was sent in real time.
    """

    stream_id: int
    frames: Frame
    played: Frame | None = None


class Pause(msgspec.Struct, frozen=True):
    """Send nothing more for now."""


class Resume(msgspec.Struct, frozen=True):
    """Go on with the next frame of the same stream."""


class Stop(msgspec.Struct, frozen=True):
    """End the stream."""


class Next(msgspec.Struct, frozen=True):
    """Go to the entry of the play queue behind the present one."""


class Previous(msgspec.Struct, frozen=True):
    """Go to the entry of the play queue before the present one."""


class Ping(msgspec.Struct, frozen=True):
    """Asks for a `pong`."""


class Subscribe(msgspec.Struct, frozen=True):
    """Which state events this client wants to hear."""

    topics: tuple[Topic, ...] = TOPICS


Steering = Seek | Pause | Resume | Stop | Next | Previous | QueueOrder
"""What can be meant for the play queue."""

Message = Play | PlayNormal | PlayEnhanced | Enhancement | Credit | Ping | Subscribe | Steering

CLIENT_MESSAGES: dict[str, Any] = {
    "play": Play,
    "play_normal": PlayNormal,
    "play_enhanced": PlayEnhanced,
    "enhancement": Enhancement,
    "seek": Seek,
    "credit": Credit,
    "pause": Pause,
    "resume": Resume,
    "stop": Stop,
    "next": Next,
    "previous": Previous,
    "queue": QueueOrder,
    "ping": Ping,
    "subscribe": Subscribe,
}


class _Envelope(msgspec.Struct):
    type: str
    data: msgspec.Raw | UnsetType = UNSET


_envelope = msgspec.json.Decoder(_Envelope)
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in CLIENT_MESSAGES.items()}
_encoder = msgspec.json.Encoder()


def parse(message: str | bytes) -> Message:
    """Read what a client said.

    Raises:
        MessageError: `unsupported_frame_type`, `invalid_json`, `unknown_message_type` or `validation_error`.
    """
    if isinstance(message, bytes):
        raise MessageError("unsupported_frame_type", "Send text messages; this server takes no binary ones.")
    try:
        envelope = _envelope.decode(message)
    except msgspec.ValidationError as error:
        raise _shape_error('A message is {"type": ..., "data": {...}}', error, _Envelope) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MessageError("invalid_json", "This is not JSON.") from None
    decoder: msgspec.json.Decoder[Message] | None = _decoders.get(envelope.type)
    if decoder is None:
        raise MessageError("unknown_message_type", f"Known types: {', '.join(sorted(_decoders))}.")
    try:
        return decoder.decode(b"{}" if isinstance(envelope.data, UnsetType) else envelope.data)
    except msgspec.ValidationError as error:
        raise _shape_error(envelope.type, error, CLIENT_MESSAGES[envelope.type]) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MessageError("invalid_json", "This is not JSON.") from None


def _shape_error(what: str, error: msgspec.ValidationError, kind: Any) -> MessageError:
    return MessageError("validation_error", f"{what}: {misfit(error, kind)}")


def pack(kind: str, data: dict[str, Any]) -> str:
    """Write what the server says."""
    return _encoder.encode({"type": kind, "data": data}).decode()
