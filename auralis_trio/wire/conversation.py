"""The rules of one client's conversation, without sockets, clocks or tasks.

Theory. A conversation has at most one *stream* at a time, and its id only rises. The client's messages come in
through `receive`, the ends of streams through `stream_ended`, what the player of the queue wants through `enter`,
`go_on`, `hold` and `halt`; all are plain functions that change the state and return the command to carry out. So no
invariant is ever open while something is awaited.

A stream is of a *track*, and then this client's alone, or of an *entry* of the play queue, whose player commands all
who play it. Messages that mean the queue are passed on to the player (Steer), and what it wants of this client comes
back through its own functions.

    from the client | play track | play queue | seek         | pause | resume | stop  | credit | played, tail
    ----------------+------------+------------+--------------+-------+--------+-------+--------+-------------
    IDLE            | Start      | Join       | Steer        | Steer | Steer  | Steer | !      | Grant
    PLAYING track   | Start      | Join       | Start        | Hold  |        | End   | Grant  | Grant
    PAUSED  track   | Start      | Join       | Start paused |       | Hold   | End   | Grant  | Grant
    ENDED   track   | Start      | Join       | Start        | Hold  |        | End   | Grant  | Grant
      paused        | Start      | Join       | Start paused |       | Hold   | End   | Grant  | Grant
    any     entry   | Start      | Join       | Steer        | Steer | Steer  | Steer | Grant  | Grant

    from within     | ended | enter | go on | hold | halt
    ----------------+-------+-------+-------+------+-----
    IDLE            |       | Start |       |      |
    PLAYING         | ENDED | Start | Start | Hold | End
    PAUSED          | ENDED | Start | Start | Hold | End
    ENDED           |       | Start | Start | Hold | End

`next`, `previous` and `queue` are Steer in every state; `enhancement` is answered with Enhance and changes none. What
is heard goes on in its old sound until the new one is ready; then whoever carries out the commands lets the same
track `go_on` at a frame that is still to be heard. Until then the present stream stays it, and its credit counts.

Rules.
1. `Start` always means: end the present stream, if any, as `replaced`, wait until nothing of it can follow, then
   begin the new one. Whoever carries out the commands does that; here there is only one order.
2. What a listener still has of earlier streams is dropped at a `Start`, but where that *follows* one of them: then
   that one is heard to its end, or, where the same track goes on in another sound, up to the new one's first frame;
   what came behind it is dropped. So it is where the queue goes on by itself and where a stream is begun anew.
3. ENDED is a stream that was sent to its last frame: the listener still hears its tail, so a seek goes back into
   the same track. After `stop` there is nothing to seek in.
4. A pause belongs to its stream and to the tail of it that is still heard; only a seek while paused carries it over.
   What comes from the player, and what goes on, is said to be paused or not.
5. Credit never falls, and counts from the stream's own start frame. Credit for an older stream than the present one
   was under way when the stream changed: it is ignored, but not what was *played* of it, since its tail may still
   sound. Credit for a stream that was never started is an error.
6. A seek that names a stream other than the present one is refused: it was meant for what is no longer heard.
7. A session that said with `play` how it wants to hear follows its own `enhancement` messages alone; one that left
   something open follows the settings of all. The same wish counts for every entry of the queue that follows.
8. Whatever cannot be understood or does not fit is answered with an `error` and changes nothing.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from msgspec import structs

from auralis_trio.audio.encoding import OPUS_RATE, Encoding
from auralis_trio.wire.commands import (
    Command,
    End,
    Enhance,
    Grant,
    Hold,
    Join,
    Manner,
    Reply,
    Request,
    Start,
    Steer,
    Topics,
)
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
    Steering,
    Stop,
    Subscribe,
    parse,
)
from auralis_trio.wire.wishes import Wishes


class State(Enum):
    """Where a conversation stands."""

    IDLE = auto()
    PLAYING = auto()
    PAUSED = auto()
    ENDED = auto()


@dataclass
class Conversation:
    """One client's side of the protocol; `paused` is what the listener hears, be it the tail of what has ended."""

    state: State = State.IDLE
    paused: bool = False
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

    @property
    def queued(self) -> bool:
        """Whether the present stream is of an entry of the play queue."""
        return self.request is not None and self.request.entry_id is not None

    def enter(self, request: Request, *, paused: bool) -> Start:
        """Play an entry of the queue, at once: the answer to Join, or where the player sends its outputs."""
        return self._start(request, paused=paused)

    def go_on(
        self, entry_id: int | None, track_id: int, *, follows: int | None, paused: bool, start: int = 0
    ) -> Start | None:
        """Play this behind what is still heard: an entry of the queue, or the track that is played alone once more.

        None where nothing is played, or not of the queue what is to go on with it, or the other way round.
        """
        if self.request is None or self.queued != (entry_id is not None):
            return None
        request = replace(self.request, entry_id=entry_id, track_id=track_id, start=start)
        return self._start(request, paused=paused, follows=follows)

    def hold(self, paused: bool) -> Hold | None:
        """Pause the stream, or let it go on."""
        if self.request is None:
            return None
        self.paused = paused
        if self.live:
            self.state = State.PAUSED if paused else State.PLAYING
        return Hold(self.stream_id, paused)

    def halt(self) -> End | None:
        """Play no more."""
        if self.request is None:
            return None
        self.state, self.paused, self.request = State.IDLE, False, None
        return End(self.stream_id)

    def _decide(self, message: Message) -> Command | None:
        match message:
            case Ping():
                return Reply("pong", {})
            case Subscribe():
                return Topics(frozenset(message.topics))
            case Enhancement():
                return self._enhance(message)
            case Play(track_id=None):
                return _join(message)
            case Play() | PlayNormal() | PlayEnhanced():
                return self._start(_request_of(message), paused=False)
            case Credit():
                return self._grant(message)
        return self._steer(message)

    def _steer(self, message: Steering) -> Command | None:
        """What to do about a message that means the present stream, or else the queue."""
        start = self._place(message) if isinstance(message, Seek) else 0
        if self.request is None or self.queued:
            return Steer(message, start)
        match message:
            case Seek():
                return self._start(replace(self.request, start=start), paused=self.paused)
            case Pause():
                return None if self.paused else self.hold(True)
            case Resume():
                return self.hold(False) if self.paused else None
            case Stop():
                return self.halt()
        return Steer(message)

    def _start(self, request: Request, *, paused: bool, follows: int | None = None) -> Start:
        self.stream_id += 1
        self.state, self.paused = State.PAUSED if paused else State.PLAYING, paused
        self.request = request
        self.credit = request.manner.credit
        return Start(self.stream_id, request, paused, follows)

    def _place(self, message: Seek) -> int | float:
        if message.stream_id is not None and message.stream_id != self.stream_id:
            raise MessageError("stale_stream", "This stream is no longer the present one.")
        places = [message.start_frame, message.position_s, message.position]
        given = [place for place in places if place is not None]
        if len(given) != 1:
            raise MessageError("validation_error", "seek: give either start_frame or position_s.")
        return given[0] if message.start_frame is not None else float(given[0])

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

    def _grant(self, message: Credit) -> Grant | None:
        if message.stream_id > self.stream_id or message.stream_id < 1:
            raise MessageError("unknown_stream", "There was no stream of this id.")
        if message.stream_id < self.stream_id or self.request is None:
            return None if message.played is None else Grant(message.stream_id, None, message.played)
        if self.credit is None:
            raise MessageError("paced_stream", "The server paces this stream: to give credit, begin with it in play.")
        if message.frames < self.credit:
            raise MessageError("credit_falling", "Credit is a total since the stream's start: it can only rise.")
        self.credit = message.frames
        return Grant(self.stream_id, message.frames, message.played)


def _join(message: Play) -> Join:
    return Join(message.entry_id, _start_of(message), message.takeover, _manner_of(message), _wishes_of(message))


def _request_of(message: Play | PlayNormal | PlayEnhanced) -> Request:
    if not isinstance(message, Play):
        return _older_request(message)
    if message.track_id is None or message.entry_id is not None:
        raise MessageError("validation_error", "play: give either track_id or entry_id.")
    return Request(message.track_id, _start_of(message) or 0, _manner_of(message), _wishes_of(message))


def _start_of(message: Play) -> int | float | None:
    """Where to begin: frames (int), seconds (float), or not said."""
    if message.start_frame is not None and message.position_s is not None:
        raise MessageError("validation_error", "play: give either start_frame or position_s.")
    return message.start_frame if message.position_s is None else float(message.position_s)


def _manner_of(message: Play) -> Manner:
    encoding = Encoding.named(message.encoding)
    own_rate = OPUS_RATE if encoding is Encoding.OPUS else None
    if own_rate is not None and message.sample_rate not in (None, own_rate):
        raise MessageError("validation_error", f"play: opus is always at {own_rate} Hz.")
    return Manner(
        encoding,
        json=message.transport == "json",
        credit=message.credit,
        sample_rate=own_rate or message.sample_rate,
        autoplay=message.autoplay,
        counts=message.counts,
    )


def _wishes_of(message: Play) -> Wishes:
    if message.album and message.reference is not None:
        raise MessageError("validation_error", "play: give either album or reference.")
    return Wishes(**{name: getattr(message, name) for name in Wishes.__struct_fields__})


def _older_request(message: PlayNormal | PlayEnhanced) -> Request:
    start = float(message.start_position or 0.0)
    if isinstance(message, PlayEnhanced):
        wishes = Wishes(enhanced=True, preset=message.preset, intensity=message.intensity)
    else:
        wishes = Wishes(enhanced=False, preset="adaptive", intensity=1.0, match_loudness=False)
    return Request(message.track_id, start, Manner(Encoding.F32, json=True, legacy=True), wishes)
