"""The rules of one client's conversation, without sockets, clocks or tasks.

Theory. A conversation has at most one *stream* at a time, and its id only rises. The client's messages come in
through `receive`, the ends of streams through `stream_ended`; both are plain functions that change the state and
return the commands to carry out, in order. So no invariant is ever open while something is awaited.

                 | play         | seek           | pause  | resume  | stop      | credit | ended | anew
    -------------+--------------+----------------+--------+---------+-----------+--------+-------+-------------
    IDLE         | Start        | !no_stream     | !      | !       | !         | !      |       |
    PLAYING      | Start        | Start          | Pause  | ok      | Stop      | Grant  | ENDED | Start
    PAUSED       | Start        | Start paused   | ok     | Resume  | Stop      | Grant  | ENDED | Start paused
    ENDED        | Start        | Start          | ok     | ok      | IDLE      | ok     |       |

`enhancement` is answered with Enhance in every state and changes none. A stream that plays goes on in its old sound
until the new one is ready; then whoever carries out the commands calls `begin_anew`, the last column, and begins the
same track's next stream at a frame that is still to be heard. Until then the old stream is the present one, and its
credit counts.

Rules.
1. `Start` always means: end the present stream, if any, as `replaced`, wait until nothing of it can follow, then
   begin the new one. Whoever carries out the commands does that; here there is only one order.
2. ENDED is a stream that was sent to its last frame: the listener still hears its tail, so a seek goes back into
   the same track. After `stop` there is nothing to seek in.
3. A pause belongs to its stream; only a seek while paused, and a stream that is begun anew, carry it over.
4. Credit never falls, and counts from the stream's own start frame. Credit for an older stream than the present one
   was under way when the stream changed: it is ignored. Credit for a stream that was never started is an error.
5. A seek that names a stream other than the present one is refused: it was meant for what is no longer heard.
6. A session that said with `play` how it wants to hear follows its own `enhancement` messages alone; one that left
   something open follows the settings of all.
7. Whatever cannot be understood or does not fit is answered with an `error` and changes nothing.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from msgspec import structs

from auralis_trio.audio.encoding import Encoding
from auralis_trio.wire.messages import (
    Credit,
    Enhancement,
    Message,
    MessageError,
    Pause,
    Ping,
    Play,
    PlayEnhanced,
    PlayNormal,
    Resume,
    Seek,
    Stop,
    Subscribe,
    Topic,
    parse,
)
from auralis_trio.wire.wishes import Wishes

AS_SET = Wishes()
"""Everything as the settings have it."""


class State(Enum):
    """Where a conversation stands."""

    IDLE = auto()
    PLAYING = auto()
    PAUSED = auto()
    ENDED = auto()


@dataclass(frozen=True)
class Request:
    """What is to be streamed, and how; `start` is frames (int), seconds (float) or the beginning."""

    track_id: int
    start: int | float
    encoding: Encoding
    json: bool
    credit: int | None
    legacy: bool = False
    wishes: Wishes = AS_SET


@dataclass(frozen=True)
class Start:
    """End the present stream as `replaced` and begin this one."""

    stream_id: int
    request: Request
    paused: bool


@dataclass(frozen=True)
class End:
    """End the present stream as `stopped`."""

    stream_id: int


@dataclass(frozen=True)
class Hold:
    """Send nothing more of this stream, or go on."""

    stream_id: int
    paused: bool


@dataclass(frozen=True)
class Grant:
    """The client's credit, and how far it has played, in frames since the stream's start."""

    stream_id: int
    frames: int
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


Command = Start | End | Hold | Grant | Enhance | Reply | Topics


@dataclass
class Conversation:
    """One client's side of the protocol."""

    state: State = State.IDLE
    stream_id: int = 0
    request: Request | None = None
    credit: int | None = None

    def receive(self, text: str | bytes) -> Command | None:
        """What to do about a message; malformed ones give an `error` reply."""
        try:
            return self._decide(parse(text))
        except MessageError as error:
            return Reply("error", {"code": error.code, "message": error.text})

    def stream_ended(self, stream_id: int) -> None:
        """The stream came to its end by itself."""
        if stream_id == self.stream_id and self.live:
            self.state = State.ENDED

    @property
    def live(self) -> bool:
        """Whether a stream is under way."""
        return self.state in (State.PLAYING, State.PAUSED)

    def begin_anew(self) -> Start | None:
        """The new sound of the present stream is ready; None if that stream has ended meanwhile."""
        if self.request is None or not self.live:
            return None
        return self._start(self.request, paused=self.state is State.PAUSED)

    def _decide(self, message: Message) -> Command | None:
        match message:
            case Ping():
                return Reply("pong", {})
            case Subscribe():
                return Topics(frozenset(message.topics))
            case Enhancement():
                return self._enhance(message)
            case Play() | PlayNormal() | PlayEnhanced():
                return self._start(_request_of(message), paused=False)
            case Credit():
                return self._grant(message)
        return self._decide_present(message)

    def _decide_present(self, message: Message) -> Command | None:
        """What to do about a message that means the present stream."""
        if self.request is None:
            raise MessageError("no_stream", "Nothing is playing: send play first.")
        match message:
            case Seek():
                return self._seek(self.request, message)
            case Pause():
                return self._hold(State.PLAYING, State.PAUSED)
            case Resume():
                return self._hold(State.PAUSED, State.PLAYING)
            case Stop():
                return self._stop()
        raise TypeError(f"{type(message).__name__} has no rule")

    def _start(self, request: Request, *, paused: bool) -> Start:
        self.stream_id += 1
        self.state = State.PAUSED if paused else State.PLAYING
        self.request = request
        self.credit = request.credit
        return Start(self.stream_id, request, paused)

    def _seek(self, request: Request, message: Seek) -> Start:
        if message.stream_id is not None and message.stream_id != self.stream_id:
            raise MessageError("stale_stream", "This stream is no longer the present one.")
        places = [message.start_frame, message.position_s, message.position]
        given = [place for place in places if place is not None]
        if len(given) != 1:
            raise MessageError("validation_error", "seek: give either start_frame or position_s.")
        start = given[0] if message.start_frame is not None else float(given[0])
        return self._start(replace(request, start=start), paused=self.state is State.PAUSED)

    def _enhance(self, message: Enhancement) -> Enhance:
        """What `play` said counts no longer where this says something else."""
        if self.request is not None:
            wishes = self.request.wishes
            said = {
                "enhanced": message.enabled,
                "preset": message.preset,
                "intensity": message.intensity,
                "match_loudness": message.match_loudness,
            }
            changed = {name: value for name, value in said.items() if None not in (value, getattr(wishes, name))}
            self.request = replace(self.request, wishes=structs.replace(wishes, **changed))
        return Enhance(message)

    def _hold(self, before: State, after: State) -> Hold | None:
        if self.state is not before:
            return None
        self.state = after
        return Hold(self.stream_id, paused=after is State.PAUSED)

    def _stop(self) -> End | None:
        live = self.live
        self.state, self.request = State.IDLE, None
        return End(self.stream_id) if live else None

    def _grant(self, message: Credit) -> Grant | None:
        if message.stream_id > self.stream_id or message.stream_id < 1:
            raise MessageError("unknown_stream", "There was no stream of this id.")
        if message.stream_id < self.stream_id or self.request is None:
            return None
        if self.credit is None:
            raise MessageError("paced_stream", "The server paces this stream: to give credit, begin with it in play.")
        if message.frames < self.credit:
            raise MessageError("credit_falling", "Credit is a total since the stream's start: it can only rise.")
        self.credit = message.frames
        return Grant(self.stream_id, message.frames, message.played)


def _request_of(message: Play | PlayNormal | PlayEnhanced) -> Request:
    if not isinstance(message, Play):
        return _older_request(message)
    if message.start_frame is not None and message.position_s is not None:
        raise MessageError("validation_error", "play: give either start_frame or position_s.")
    if message.album and message.reference is not None:
        raise MessageError("validation_error", "play: give either album or reference.")
    start = message.start_frame or 0 if message.position_s is None else float(message.position_s)
    return Request(
        message.track_id,
        start,
        Encoding.named(message.encoding),
        json=message.transport == "json",
        credit=message.credit,
        wishes=Wishes(**{name: getattr(message, name) for name in Wishes.__struct_fields__}),
    )


def _older_request(message: PlayNormal | PlayEnhanced) -> Request:
    start = float(message.start_position or 0.0)
    if isinstance(message, PlayEnhanced):
        wishes = Wishes(enhanced=True, preset=message.preset, intensity=message.intensity)
    else:
        wishes = Wishes(enhanced=False, preset="adaptive", intensity=1.0, match_loudness=False)
    return Request(message.track_id, start, Encoding.F32, json=True, credit=None, legacy=True, wishes=wishes)
