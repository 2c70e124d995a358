"""The conversation: every cell of its table, every rule, and a model of all of it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auralis_trio.audio.encoding import Encoding
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
from auralis_trio.wire.conversation import Conversation, State
from auralis_trio.wire.messages import TOPICS, Enhancement, Next, Pause, Previous, Resume, Seek, Steering, Stop
from auralis_trio.wire.queue_orders import Clear
from auralis_trio.wire.wishes import Wish, Wishes

TRACK, ENTRY = 7, 5
MANNER = Manner(Encoding.S16, credit=1000)
PLAY: dict[str, Any] = {"track_id": TRACK, "credit": 1000}
QUEUE: dict[str, Any] = {"entry_id": ENTRY, "credit": 1000, "start_frame": 30}
AS_ASKED = Request(TRACK, 0, MANNER)
AN_ENTRY = Request(TRACK, 0, MANNER, entry_id=ENTRY)
A_JOIN = Join(ENTRY, 30, False, MANNER, Wishes())


def say(conversation: Conversation, kind: str, **data: Any) -> Command | None:
    return conversation.receive(json.dumps({"type": kind, "data": data}))


def error_of(command: Command | None) -> str:
    assert isinstance(command, Reply)
    assert command.kind == "error"
    assert command.data["message"]
    return str(command.data["code"])


def conversation_in(state: State, request: Request = AS_ASKED) -> Conversation:
    """A conversation that came to `state` as it would; its stream, if any, has id 1."""
    conversation = Conversation()
    if state is State.IDLE:
        return conversation
    if request.entry_id is None:
        say(conversation, "play", **PLAY)
    else:
        conversation.enter(request, paused=False)
    if state is State.PAUSED:
        conversation.hold(True)
    elif state is State.ENDED:
        conversation.stream_ended(1)
    assert conversation.state is state
    return conversation


IDLE, PLAYING, PAUSED, ENDED = State.IDLE, State.PLAYING, State.PAUSED, State.ENDED
LIVE_OR_ENDED = (PLAYING, PAUSED, ENDED)
SEEK, CREDIT = {"start_frame": 40}, {"stream_id": 1, "frames": 2000, "played": 10}
SOUGHT = Request(TRACK, 40, MANNER)
STEERING: list[tuple[str, dict[str, Any], Steer]] = [
    ("seek", SEEK, Steer(Seek(start_frame=40), 40)),
    ("pause", {}, Steer(Pause())),
    ("resume", {}, Steer(Resume())),
    ("stop", {}, Steer(Stop())),
    ("next", {}, Steer(Next())),
    ("previous", {}, Steer(Previous())),
    ("queue", {"action": "clear"}, Steer(Clear())),
]
TABLE: list[tuple[State, str, dict[str, Any], Command | str | None, State]] = [
    (IDLE, "play", PLAY, Start(1, AS_ASKED, paused=False), PLAYING),
    (IDLE, "play", QUEUE, A_JOIN, IDLE),
    *((IDLE, kind, data, steer, IDLE) for kind, data, steer in STEERING),
    (IDLE, "credit", CREDIT, "unknown_stream", IDLE),
    (PLAYING, "play", PLAY, Start(2, AS_ASKED, paused=False), PLAYING),
    (PLAYING, "play", QUEUE, A_JOIN, PLAYING),
    (PLAYING, "seek", SEEK, Start(2, SOUGHT, paused=False), PLAYING),
    (PLAYING, "pause", {}, Hold(1, paused=True), PAUSED),
    (PLAYING, "resume", {}, None, PLAYING),
    (PLAYING, "stop", {}, End(1), IDLE),
    (PLAYING, "next", {}, Steer(Next()), PLAYING),
    (PLAYING, "credit", CREDIT, Grant(1, 2000, 10), PLAYING),
    (PAUSED, "play", PLAY, Start(2, AS_ASKED, paused=False), PLAYING),
    (PAUSED, "play", QUEUE, A_JOIN, PAUSED),
    (PAUSED, "seek", SEEK, Start(2, SOUGHT, paused=True), PAUSED),
    (PAUSED, "pause", {}, None, PAUSED),
    (PAUSED, "resume", {}, Hold(1, paused=False), PLAYING),
    (PAUSED, "stop", {}, End(1), IDLE),
    (PAUSED, "previous", {}, Steer(Previous()), PAUSED),
    (PAUSED, "credit", CREDIT, Grant(1, 2000, 10), PAUSED),
    (ENDED, "play", PLAY, Start(2, AS_ASKED, paused=False), PLAYING),
    (ENDED, "play", QUEUE, A_JOIN, ENDED),
    (ENDED, "seek", SEEK, Start(2, SOUGHT, paused=False), PLAYING),
    (ENDED, "pause", {}, Hold(1, paused=True), ENDED),
    (ENDED, "resume", {}, None, ENDED),
    (ENDED, "stop", {}, End(1), IDLE),
    (ENDED, "queue", {"action": "clear"}, Steer(Clear()), ENDED),
    (ENDED, "credit", CREDIT, Grant(1, 2000, 10), ENDED),
]
QUEUE_TABLE = [
    row
    for state in LIVE_OR_ENDED
    for row in (
        (state, "play", PLAY, Start(2, AS_ASKED, paused=False), PLAYING),
        (state, "play", QUEUE, A_JOIN, state),
        *((state, kind, data, steer, state) for kind, data, steer in STEERING),
        (state, "credit", CREDIT, Grant(1, 2000, 10), state),
    )
]


@pytest.mark.parametrize(
    ("state", "kind", "data", "expected", "after"), TABLE, ids=[f"{row[0].name}-{row[1]}" for row in TABLE]
)
def test_each_cell_of_a_track_in_the_table(
    state: State, kind: str, data: dict[str, Any], expected: Command | str | None, after: State
) -> None:
    conversation = conversation_in(state)
    command = say(conversation, kind, **data)
    if isinstance(expected, str):
        assert error_of(command) == expected
    else:
        assert command == expected
    assert conversation.state is after


@pytest.mark.parametrize(
    ("state", "kind", "data", "expected", "after"),
    QUEUE_TABLE,
    ids=[f"{row[0].name}-{row[1]}" for row in QUEUE_TABLE],
)
def test_each_cell_of_an_entry_in_the_table(
    state: State, kind: str, data: dict[str, Any], expected: Command, after: State
) -> None:
    conversation = conversation_in(state, AN_ENTRY)
    assert say(conversation, kind, **data) == expected
    assert conversation.state is after


@pytest.mark.parametrize("request_", [AS_ASKED, AN_ENTRY], ids=["track", "entry"])
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("paused", [False, True])
def test_the_player_says_where_an_output_is_to_play(state: State, request_: Request, paused: bool) -> None:
    conversation = conversation_in(state, request_)
    wanted = Request(3, 8, MANNER, entry_id=4)
    assert conversation.enter(wanted, paused=paused) == Start(conversation.stream_id, wanted, paused)
    assert conversation.state is (PAUSED if paused else PLAYING)


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("state", LIVE_OR_ENDED)
def test_the_queue_goes_on_with_another_entry_in_the_same_manner(state: State, paused: bool) -> None:
    conversation = conversation_in(state, Request(TRACK, 12.5, MANNER, Wishes(preset="warm"), ENTRY))
    start = conversation.go_on(6, 8, follows=1, paused=paused)
    assert start == Start(2, Request(8, 0, MANNER, Wishes(preset="warm"), 6), paused, follows=1)
    assert conversation.state is (PAUSED if paused else PLAYING)
    assert conversation.credit == 1000


@pytest.mark.parametrize("state", list(State))
def test_what_is_not_of_the_queue_does_not_go_on(state: State) -> None:
    conversation = conversation_in(state)
    assert conversation.go_on(6, 8, follows=1, paused=False) is None
    assert conversation.state is state


@pytest.mark.parametrize("state", LIVE_OR_ENDED)
def test_the_player_pauses_and_stops_its_outputs(state: State) -> None:
    conversation = conversation_in(state, AN_ENTRY)
    for paused in (True, False):
        assert conversation.hold(paused) == Hold(1, paused)
        assert conversation.state is (state if state is ENDED else PAUSED if paused else PLAYING)
    assert conversation.halt() == End(1)
    assert conversation.state is IDLE
    assert conversation.hold(True) is None
    assert conversation.halt() is None


def test_a_play_of_the_queue_says_the_manner_for_all_that_follows() -> None:
    command = say(
        Conversation(), "play", position_s=2, encoding="f32", sample_rate=48_000, takeover=True, autoplay=False,
        counts=False, preset="warm", transport="json",
    )  # fmt: skip
    manner = Manner(Encoding.F32, json=True, sample_rate=48_000, autoplay=False, counts=False)
    assert command == Join(None, 2.0, True, manner, Wishes(preset="warm"))
    assert say(Conversation(), "play") == Join(None, None, False, Manner(Encoding.S16), Wishes())


def test_a_play_is_of_a_track_or_of_an_entry() -> None:
    assert error_of(say(Conversation(), "play", track_id=1, entry_id=2)) == "validation_error"


def test_what_was_played_of_an_older_stream_is_passed_on() -> None:
    conversation = conversation_in(ENDED, AN_ENTRY)
    conversation.go_on(6, 8, follows=1, paused=False)
    assert say(conversation, "credit", stream_id=1, frames=0, played=500) == Grant(1, None, 500)
    assert say(conversation, "credit", stream_id=1, frames=9000) is None
    assert conversation.credit == 1000


@pytest.mark.parametrize(
    ("state", "after"),
    [(IDLE, IDLE), (PLAYING, ENDED), (PAUSED, ENDED), (ENDED, ENDED)],
    ids=lambda state: state.name.lower(),
)
def test_the_end_of_the_stream_is_noted_once(state: State, after: State) -> None:
    conversation = conversation_in(state)
    conversation.stream_ended(1)
    assert conversation.state is after


@pytest.mark.parametrize("state", list(State))
def test_the_end_of_an_older_stream_changes_nothing(state: State) -> None:
    conversation = conversation_in(state)
    conversation.stream_ended(0)
    assert conversation.state is state


@pytest.mark.parametrize("state", list(State))
def test_ping_and_subscribe_are_answered_anywhere(state: State) -> None:
    conversation = conversation_in(state)
    assert say(conversation, "ping") == Reply("pong", {})
    assert say(conversation, "subscribe", topics=["jobs"]) == Topics(frozenset({"jobs"}))
    assert say(conversation, "subscribe") == Topics(frozenset(TOPICS))
    assert conversation.state is state


def test_after_stop_a_seek_means_the_queue() -> None:
    conversation = conversation_in(PLAYING)
    say(conversation, "stop")
    assert say(conversation, "seek", start_frame=0) == Steer(Seek(start_frame=0), 0)


def test_credit_for_a_stopped_stream_was_under_way() -> None:
    conversation = conversation_in(PLAYING)
    say(conversation, "stop")
    assert say(conversation, "credit", stream_id=1, frames=5000) is None


@pytest.mark.parametrize("state", LIVE_OR_ENDED)
def test_only_a_seek_carries_a_pause_over(state: State) -> None:
    conversation = conversation_in(state)
    conversation.hold(True)
    assert say(conversation, "pause") is None
    sought = say(conversation, "seek", start_frame=9)
    assert isinstance(sought, Start)
    assert sought.paused
    played = say(conversation, "play", **PLAY)
    assert isinstance(played, Start)
    assert not played.paused


def test_a_tail_that_was_paused_can_go_on() -> None:
    conversation = conversation_in(ENDED)
    say(conversation, "pause")
    assert say(conversation, "resume") == Hold(1, paused=False)
    assert say(conversation, "resume") is None
    assert say(conversation, "seek", **SEEK) == Start(2, SOUGHT, paused=False)


def test_a_seek_keeps_the_track_the_encoding_and_the_first_credit() -> None:
    conversation = Conversation()
    say(conversation, "play", track_id=3, encoding="f32", transport="json", credit=50)
    say(conversation, "credit", stream_id=1, frames=900)
    assert say(conversation, "seek", position_s=2) == Start(
        2, Request(3, 2.0, Manner(Encoding.F32, json=True, credit=50)), paused=False
    )
    assert conversation.credit == 50


def test_credit_never_falls() -> None:
    conversation = conversation_in(PLAYING)
    assert error_of(say(conversation, "credit", stream_id=1, frames=999)) == "credit_falling"
    assert say(conversation, "credit", stream_id=1, frames=1000) == Grant(1, 1000, None)
    assert say(conversation, "credit", stream_id=1, frames=1001) == Grant(1, 1001, None)
    assert error_of(say(conversation, "credit", stream_id=1, frames=1000)) == "credit_falling"


def test_credit_for_an_older_stream_is_ignored_whatever_it_says() -> None:
    conversation = conversation_in(PLAYING)
    say(conversation, "seek", start_frame=1)
    assert say(conversation, "credit", stream_id=1, frames=0) is None
    assert conversation.credit == 1000


@pytest.mark.parametrize("stream_id", [2, 10**30, 0, -1])
def test_credit_for_a_stream_that_never_was_is_an_error(stream_id: int) -> None:
    assert error_of(say(conversation_in(PLAYING), "credit", stream_id=stream_id, frames=5)) == "unknown_stream"


def test_a_stream_that_the_server_paces_takes_no_credit() -> None:
    conversation = Conversation()
    say(conversation, "play", track_id=1)
    assert error_of(say(conversation, "credit", stream_id=1, frames=5)) == "paced_stream"


def test_a_seek_in_a_stream_that_is_no_longer_heard_is_refused() -> None:
    conversation = conversation_in(PLAYING)
    say(conversation, "seek", start_frame=5, stream_id=1)
    assert error_of(say(conversation, "seek", start_frame=6, stream_id=1)) == "stale_stream"
    assert say(conversation, "seek", start_frame=6, stream_id=2) == Start(3, Request(TRACK, 6, MANNER), paused=False)


def test_a_seek_in_an_entry_that_is_no_longer_heard_is_refused() -> None:
    conversation = conversation_in(PLAYING, AN_ENTRY)
    conversation.go_on(6, 8, follows=1, paused=False)
    assert error_of(say(conversation, "seek", start_frame=6, stream_id=1)) == "stale_stream"
    assert say(conversation, "seek", start_frame=6, stream_id=2) == Steer(Seek(start_frame=6, stream_id=2), 6)


@pytest.mark.parametrize(
    "places",
    [{}, {"start_frame": 1, "position_s": 1}, {"position": 1, "position_s": 1}],
    ids=["none", "two", "both names"],
)
def test_a_seek_names_one_place(places: dict[str, Any]) -> None:
    assert error_of(say(conversation_in(PLAYING), "seek", **places)) == "validation_error"


def test_a_play_names_at_most_one_place() -> None:
    command = say(Conversation(), "play", track_id=1, start_frame=0, position_s=0)
    assert error_of(command) == "validation_error"


@pytest.mark.parametrize(
    ("place", "start"), [({"start_frame": 5}, 5), ({"position_s": 5}, 5.0), ({"start_frame": 0}, 0), ({}, 0)]
)
def test_frames_stay_integers_and_seconds_floats(place: dict[str, Any], start: float) -> None:
    command = say(Conversation(), "play", track_id=1, **place)
    assert isinstance(command, Start)
    assert (command.request.start, type(command.request.start)) == (start, type(start))


def request_of(command: Command | None) -> Request:
    assert isinstance(command, Start)
    return command.request


def test_a_play_says_how_it_is_to_sound_and_leaves_the_rest_to_the_settings() -> None:
    settings_of_all = Wish(enhanced=False, preset="live", intensity=0.25, match_loudness=True)
    request = request_of(say(Conversation(), "play", track_id=1, enhanced=True, preset="warm"))
    assert request.wishes.within(settings_of_all) == Wish(
        enhanced=True, preset="warm", intensity=0.25, match_loudness=True
    )
    assert request_of(say(Conversation(), "play", track_id=1)).wishes.within(settings_of_all) == settings_of_all


def test_album_and_reference_exclude_each_other() -> None:
    command = say(Conversation(), "play", track_id=1, album=True, reference=2)
    assert error_of(command) == "validation_error"


@pytest.mark.parametrize("state", list(State))
def test_a_change_of_the_enhancement_is_passed_on_in_every_state_and_changes_none(state: State) -> None:
    conversation = conversation_in(state)
    stream_id, credit = conversation.stream_id, conversation.credit
    assert say(conversation, "enhancement", enabled=True) == Enhance(Enhancement(enabled=True))
    assert (conversation.state, conversation.stream_id, conversation.credit) == (state, stream_id, credit)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("paused", [False, True])
def test_a_track_goes_on_in_another_sound_whether_or_not_it_was_sent_to_its_end(state: State, paused: bool) -> None:
    conversation = conversation_in(state)
    if conversation.live:
        say(conversation, "credit", stream_id=1, frames=5000)
    start = conversation.go_on(None, AS_ASKED.track_id, follows=1, paused=paused, start=70)
    if state is IDLE:
        assert start is None
    else:
        assert start == Start(2, replace(AS_ASKED, start=70), paused=paused, follows=1)
        assert (conversation.state, conversation.credit) == (PAUSED if paused else PLAYING, 1000)


def test_the_old_stream_takes_credit_until_it_is_begun_anew() -> None:
    conversation = conversation_in(PLAYING)
    say(conversation, "enhancement", enabled=True)
    assert say(conversation, "credit", stream_id=1, frames=3000) == Grant(1, 3000, None)
    conversation.go_on(None, AS_ASKED.track_id, follows=1, paused=False, start=70)
    assert say(conversation, "credit", stream_id=1, frames=4000) is None
    assert say(conversation, "credit", stream_id=2, frames=4000) == Grant(2, 4000, None)


def test_what_a_play_said_is_changed_by_its_own_session_and_what_it_left_open_by_the_settings() -> None:
    conversation = Conversation()
    say(conversation, "play", track_id=1, enhanced=False, preset="warm", album=True)
    say(conversation, "enhancement", enabled=True, preset="bright", intensity=0.5)
    sought = request_of(say(conversation, "seek", start_frame=5))
    assert sought.wishes == Wishes(enhanced=True, preset="bright", album=True)


def test_the_older_play_for_mastered_sound_is_mastered() -> None:
    request = request_of(say(Conversation(), "play_enhanced", track_id=4, preset="warm", intensity=0.5))
    wishes = Wishes(enhanced=True, preset="warm", intensity=0.5)
    assert request == Request(4, 0.0, Manner(Encoding.F32, json=True, legacy=True), wishes)


def test_the_older_play_means_paced_floats_in_json() -> None:
    command = say(Conversation(), "play_normal", track_id=4, start_position=1)
    wishes = Wishes(enhanced=False, preset="adaptive", intensity=1.0, match_loudness=False)
    request = Request(4, 1.0, Manner(Encoding.F32, json=True, legacy=True), wishes)
    assert command == Start(1, request, paused=False)


@settings(deadline=None)
@given(st.sampled_from(list(State)), st.text() | st.binary())
def test_what_cannot_be_understood_changes_nothing(state: State, message: str | bytes) -> None:
    conversation, twin = conversation_in(state), conversation_in(state)
    assert error_of(conversation.receive(message))
    assert conversation == twin


class AnyConversation(RuleBasedStateMachine):
    """A client and a player that say anything in any order, and streams that end whenever they like."""

    def __init__(self) -> None:
        super().__init__()
        self.conversation = Conversation()
        self.live: int | None = None  # the stream that whoever carries out the commands has
        self.paused = False
        self.newest = 0
        self.granted: int | None = None
        self.entry: int | None = None

    def obey(self, command: Command | None) -> None:
        """Carry out a command as the rules say."""
        match command:
            case Start(stream_id, request, paused, follows):
                assert stream_id == self.newest + 1
                assert follows is None or follows <= self.newest
                self.newest = self.live = stream_id
                self.paused, self.granted, self.entry = paused, request.manner.credit, request.entry_id
            case End(stream_id):
                assert stream_id == self.newest
                self.live = self.entry = None
                self.paused = False
            case Hold(stream_id, paused):
                assert stream_id == self.newest
                self.paused = paused
            case Grant(stream_id, None, played):
                assert stream_id < self.newest or self.conversation.state is IDLE
                assert played is not None
            case Grant(stream_id, int(frames), _):
                assert stream_id == self.newest
                assert self.granted is not None
                assert frames >= self.granted
                self.granted = frames

    @rule(track=st.integers(-1, 3), credit=st.none() | st.integers(-1, 100), start=st.none() | st.integers(-1, 50))
    def play(self, track: int, credit: int | None, start: int | None) -> None:
        self.obey(say(self.conversation, "play", track_id=track, credit=credit, start_frame=start))

    @rule(entry=st.none() | st.integers(0, 3), credit=st.none() | st.integers(0, 100), refused=st.booleans())
    def play_the_queue(self, entry: int | None, credit: int | None, refused: bool) -> None:
        command = say(self.conversation, "play", entry_id=entry, credit=credit)
        if isinstance(command, Join) and not refused:
            request = Request(1, command.start or 0, command.manner, command.wishes, command.entry_id or 1)
            self.obey(self.conversation.enter(request, paused=False))

    @precondition(lambda self: self.conversation.queued)
    @rule(order=st.sampled_from(["enter", "hold", "go on", "halt"]), entry=st.integers(1, 3), paused=st.booleans())
    def the_player_wants_something(self, order: str, entry: int, paused: bool) -> None:
        conversation = self.conversation
        assert conversation.request is not None
        match order:
            case "enter":
                request = replace(conversation.request, entry_id=entry)
                self.obey(conversation.enter(request, paused=paused))
            case "hold":
                self.obey(conversation.hold(paused))
            case "go on":
                self.obey(conversation.go_on(entry, 1, follows=self.newest, paused=paused))
            case "halt":
                self.obey(conversation.halt())

    @rule(stream_id=st.none() | st.integers(0, 4), start=st.integers(-1, 50))
    def seek(self, stream_id: int | None, start: int) -> None:
        command = say(self.conversation, "seek", start_frame=start, stream_id=stream_id)
        assert not isinstance(command, Start) or command.paused is self.paused
        self.obey(command)

    @rule(kind=st.sampled_from(["pause", "resume", "stop", "next", "previous", "ping", "subscribe", "nonsense"]))
    def speak(self, kind: str) -> None:
        queued, state = self.conversation.queued, self.conversation.state
        command = say(self.conversation, kind)
        if isinstance(command, Steer):
            assert isinstance(command.message, Steering)
            assert queued or state is IDLE or kind in {"next", "previous"}
            assert self.conversation.state is state
        self.obey(command)

    @rule(stream_id=st.integers(-1, 5), frames=st.integers(-1, 200), played=st.none() | st.integers(-1, 200))
    def credit(self, stream_id: int, frames: int, played: int | None) -> None:
        self.obey(say(self.conversation, "credit", stream_id=stream_id, frames=frames, played=played))

    @rule(enabled=st.booleans() | st.none(), intensity=st.floats(-0.5, 1.5) | st.none())
    def enhance(self, enabled: bool | None, intensity: float | None) -> None:
        self.obey(say(self.conversation, "enhancement", enabled=enabled, intensity=intensity))

    @rule(paused=st.booleans())
    def the_new_sound_is_ready(self, paused: bool) -> None:
        request = self.conversation.request
        entry_id = None if request is None else request.entry_id
        command = self.conversation.go_on(entry_id, 1, follows=self.newest, paused=paused, start=7)
        assert (command is None) == (request is None)
        self.obey(command)

    @rule(message=st.text() | st.binary())
    def mumble(self, message: str | bytes) -> None:
        assert isinstance(self.conversation.receive(message), Reply)

    @precondition(lambda self: self.live is not None)
    @rule()
    def stream_comes_to_its_end(self) -> None:
        assert self.live is not None
        self.conversation.stream_ended(self.live)
        self.live = None

    @rule(stream_id=st.integers(0, 3))
    def an_older_stream_is_reported_late(self, stream_id: int) -> None:
        if stream_id < self.newest:
            self.conversation.stream_ended(stream_id)

    @invariant()
    def both_sides_agree(self) -> None:
        assert self.conversation.stream_id == self.newest
        assert (self.conversation.state in {PLAYING, PAUSED}) == (self.live is not None)
        assert self.conversation.queued == (self.entry is not None)
        assert self.conversation.paused is self.paused
        if self.live is not None:
            assert (self.conversation.state is PAUSED) == self.paused
            assert self.conversation.credit == self.granted
        assert (self.conversation.request is None) == (self.conversation.state is IDLE)


TestAnyConversation = AnyConversation.TestCase
TestAnyConversation.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
