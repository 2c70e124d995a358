"""Messages: any text whatever gives a message or an error with a code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.wire.messages import (
    CLIENT_MESSAGES,
    TOPICS,
    Credit,
    Enhancement,
    Message,
    MessageError,
    Next,
    Pause,
    Ping,
    Play,
    PlayEnhanced,
    PlayNormal,
    Previous,
    Resume,
    Seek,
    Stop,
    Subscribe,
    pack,
    parse,
)
from auralis_trio.wire.queue_orders import AddTracks, Clear

README = Path(__file__).parents[2] / "README.md"
CODES = {"unsupported_frame_type", "invalid_json", "unknown_message_type", "validation_error"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ["track_id", "start_frame", "position_s", "position", "stream_id", "credit", "frames", "played", "encoding",
     "transport", "enhanced", "topics", "start_position", "action", "track_ids", "entry_id", "nonsense"]
)  # fmt: skip
near_misses = st.builds(
    lambda kind, data: json.dumps({"type": kind, "data": data}),
    st.sampled_from(sorted(CLIENT_MESSAGES)),
    values | st.dictionaries(fields, values, max_size=4),
)


def message(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


def hear(text: str) -> Message | MessageError:
    try:
        return parse(text)
    except MessageError as error:
        return error


def code_of(text: str | bytes) -> str:
    with pytest.raises(MessageError) as caught:
        parse(text)
    return caught.value.code


@settings(deadline=None)
@given(st.text() | st.text().map(json.dumps) | near_misses)
def test_any_text_is_a_message_or_refused_with_a_code(text: str) -> None:
    heard = hear(text)
    if isinstance(heard, MessageError):
        assert heard.code in CODES
        assert heard.text
    else:
        assert isinstance(heard, Message)


@settings(deadline=None)
@given(st.text(st.characters(), max_size=20))
def test_text_with_lone_surrogates_is_a_message_or_refused(text: str) -> None:
    # Characters of category Cs are those that UTF-8 cannot hold.
    assert code_of(text) in CODES


@settings(deadline=None)
@given(st.binary())
def test_binary_messages_are_refused(data: bytes) -> None:
    assert code_of(data) == "unsupported_frame_type"


@settings(deadline=None)
@given(near_misses)
def test_every_refusal_can_be_told_to_the_client(text: str) -> None:
    heard = hear(text)
    if isinstance(heard, MessageError):
        told = json.loads(pack("error", {"code": heard.code, "message": heard.text}))
        assert told["data"] == {"code": heard.code, "message": heard.text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (message("play", track_id=7), Play(track_id=7)),
        (
            message("play", track_id=7, start_frame=5, encoding="f32", transport="json", credit=9, enhanced=True),
            Play(track_id=7, start_frame=5, encoding="f32", transport="json", credit=9, enhanced=True),
        ),
        (message("play_normal", track_id=7, start_position=1.5), PlayNormal(7, 1.5)),
        (message("seek", start_frame=3, stream_id=2), Seek(start_frame=3, stream_id=2)),
        (message("seek", position_s=3), Seek(position_s=3.0)),
        (message("seek", position=2.5), Seek(position=2.5)),
        (message("credit", stream_id=1, frames=100, played=50), Credit(1, 100, 50)),
        (message("pause"), Pause()),
        (message("resume"), Resume()),
        (message("stop"), Stop()),
        (message("next"), Next()),
        (message("previous"), Previous()),
        (message("play"), Play()),
        (
            message("play", entry_id=3, takeover=True, autoplay=False, counts=False, sample_rate=48_000),
            Play(entry_id=3, takeover=True, autoplay=False, counts=False, sample_rate=48_000),
        ),
        (message("queue", action="add", track_ids=[5, 5], next=True), AddTracks(track_ids=(5, 5), next=True)),
        (message("queue", action="clear", revision=4), Clear(revision=4)),
        (message("ping"), Ping()),
        (message("subscribe", topics=["library"]), Subscribe(("library",))),
        (message("subscribe"), Subscribe(TOPICS)),
        ('{"type": "ping"}', Ping()),
        ('{"data": {"later": "field"}, "type": "pause", "id": 4}', Pause()),
        ('{"type": "stop", "type": "ping"}', Ping()),
        (
            message("play", track_id=2**63 - 1, start_frame=2**53, credit=2**53),
            Play(track_id=2**63 - 1, start_frame=2**53, credit=2**53),
        ),
        (
            message("play", track_id=7, preset="warm", intensity=1, match_loudness=True, album=True, reference=3),
            Play(track_id=7, preset="warm", intensity=1.0, match_loudness=True, album=True, reference=3),
        ),
        (
            message("play_enhanced", track_id=7, preset="live", intensity=0.5),
            PlayEnhanced(7, preset="live", intensity=0.5),
        ),
        (message("enhancement", enabled=True, preset="bright"), Enhancement(enabled=True, preset="bright")),
        (message("enhancement"), Enhancement()),
    ],
)
def test_each_message_is_read(text: str, expected: object) -> None:
    assert parse(text) == expected


NOT_JSON = {
    "nothing": "",
    "a word": "hello",
    "half an object": '{"type": "ping"',
    "something behind it": '{"type": "ping"} x',
    "not a number": '{"type": "seek", "data": {"position_s": NaN}}',
    "infinity": '{"type": "seek", "data": {"position_s": Infinity}}',
    "a lone surrogate": "\ud800",
    "a lone surrogate in a string": '{"type": "\udfff"}',
    "a null byte": '{"type": "ping"\0}',
    "deep nesting": '{"type": "play", "data": {"x": ' + "[" * 50_000 + "]" * 50_000 + "}}",
    "broken data": '{"type": "play", "data": {"track_id": }}',
}
OUT_OF_SHAPE = {
    "an array": '["ping"]',
    "an array that is deep": "[" * 50_000,
    "a number": "1",
    "null": "null",
    "no type": "{}",
    "type is a number": '{"type": 1}',
    "type is null": '{"type": null}',
    "data is null": '{"type": "ping", "data": null}',
    "data is an array": '{"type": "ping", "data": []}',
    "data is text": '{"type": "play", "data": "{}"}',
    "both automatic and not": message("play", autoplay="yes"),
    "a rate that nothing has": message("play", track_id=1, sample_rate=44_101),
    "an entry that is none": message("play", entry_id=0),
    "an order without its action": message("queue", track_ids=[1]),
    "an unknown order": message("queue", action="burn"),
    "an order of another shape": message("queue", action="move", entry_id=1),
    "no tracks to put in": message("queue", action="add", track_ids=[]),
    "track 0": message("play", track_id=0),
    "a negative track": message("play", track_id=-1),
    "a track beyond 63 bits": message("play", track_id=2**63),
    "a track of 5,000 digits": '{"type": "play", "data": {"track_id": ' + "9" * 5000 + "}}",
    "a track of text": message("play", track_id="1"),
    "a track that is true": message("play", track_id=True),
    "half a track": message("play", track_id=1.5),
    "a number beyond floats": '{"type": "seek", "data": {"position_s": 1e400}}',
    "a negative frame": message("play", track_id=1, start_frame=-1),
    "a frame beyond 2**53": message("play", track_id=1, start_frame=2**53 + 1),
    "a negative position": message("seek", position_s=-0.1),
    "a position beyond a billion seconds": message("seek", position_s=1.1e9),
    "an unknown encoding": message("play", track_id=1, encoding="mp3"),
    "an unknown transport": message("play", track_id=1, transport="carrier pigeon"),
    "an unknown preset": message("play", track_id=1, preset="loud"),
    "an intensity beyond one": message("enhancement", intensity=1.01),
    "an intensity that is true": message("enhancement", intensity=True),
    "an intensity of text": message("play", track_id=1, intensity="1"),
    "half enabled": message("enhancement", enabled=0.5),
    "a reference that is no track": message("play", track_id=1, reference=0),
    "negative credit": message("credit", stream_id=1, frames=-1),
    "no frames": message("credit", stream_id=1),
    "credit in text": message("credit", stream_id=1, frames="5"),
    "an unknown topic": message("subscribe", topics=["weather"]),
    "topics of text": message("subscribe", topics="player"),
}


@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_called_so(text: str) -> None:
    assert code_of(text) == "invalid_json"


@pytest.mark.parametrize("text", OUT_OF_SHAPE.values(), ids=OUT_OF_SHAPE.keys())
def test_json_of_another_shape_is_called_so(text: str) -> None:
    assert code_of(text) == "validation_error"


@pytest.mark.parametrize("kind", ["", "PLAY", "play ", "hello", "__class__"])
def test_an_unknown_type_is_answered_with_the_known_ones(kind: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse(message(kind))
    assert caught.value.code == "unknown_message_type"
    assert all(known in caught.value.text for known in CLIENT_MESSAGES)


@pytest.mark.parametrize(
    "text", [message("play", track_id=1, encoding="x" * 60_000), message("subscribe", topics=["y" * 60_000])]
)
def test_an_answer_does_not_repeat_all_that_was_said(text: str) -> None:
    assert code_of(text) == "validation_error"
    heard = hear(text)
    assert isinstance(heard, MessageError)
    assert len(heard.text) < 300


@settings(deadline=None)
@given(st.text(), st.dictionaries(st.text(), st.none() | st.integers(-(2**53), 2**53) | st.text(), max_size=4))
def test_what_the_server_says_is_json_of_the_same_envelope(kind: str, data: dict[str, Any]) -> None:
    assert json.loads(pack(kind, data)) == {"type": kind, "data": data}


def test_the_readme_names_every_message_of_a_client_and_every_field_of_a_play() -> None:
    words = set(re.findall(r"`(\w+)`", README.read_text(encoding="utf-8")))
    assert set(CLIENT_MESSAGES) <= words
    assert set(Play.__struct_fields__) <= words | {
        "enhanced",
        "preset",
        "intensity",
        "match_loudness",
        "album",
        "reference",
    }
