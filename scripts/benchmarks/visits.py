"""What visitors do before they go: everything that clients do, and most of what they should not."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import trio

from scripts.benchmarks.visitor import Visitor

PRESETS = ("adaptive", "gentle", "warm", "bright", "punchy", "live")
ENCODINGS = ("s16", "s24", "f32", "flac", "opus")
FRAMES = 500_000
"""which every track has"""

ESTABLISHED = 1
"""the state of a TCP connection, in the first byte of what the kernel tells of it"""
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Visit:
    """One thing to do; `deaf` visitors have room for next to nothing."""

    act: Callable[[Visitor, Sequence[int]], Awaitable[None]]
    deaf: bool = False

    @property
    def name(self) -> str:
        """For the table."""
        return self.act.__name__.replace("_", " ")


async def _moment(visitor: Visitor) -> None:
    """Let the server do a little, or nothing."""
    await trio.sleep(visitor.dice.choice((0.0, 0.0, 0.002, 0.01, 0.05)))


def _wish(visitor: Visitor, tracks: Sequence[int]) -> dict[str, Any]:
    """Some track in some sound and form."""
    dice = visitor.dice
    wish: dict[str, Any] = {
        "track_id": dice.choice(tracks),
        "encoding": dice.choice(ENCODINGS),
        "start_frame": dice.randrange(FRAMES),
    }
    if dice.random() < 0.7:
        wish["credit"] = dice.randrange(10_000, 2_000_000)
    if dice.random() < 0.5:
        wish |= {"enhanced": True, "preset": dice.choice(PRESETS)}
    if dice.random() < 0.2:
        wish |= {"sample_rate": 48_000}
    if dice.random() < 0.1:
        wish |= {"transport": "json"}
    return wish


async def _play(visitor: Visitor, tracks: Sequence[int]) -> None:
    await visitor.open()
    await visitor.say("play", **_wish(visitor, tracks))


async def say_nothing(visitor: Visitor, _tracks: Sequence[int]) -> None:
    await _moment(visitor)
    if visitor.dice.random() < 0.5:
        visitor.reset()


async def leave_in_the_handshake(visitor: Visitor, _tracks: Sequence[int]) -> None:
    asked = visitor.upgrade()
    await visitor.send(asked[: visitor.dice.randrange(1, len(asked))])
    await _moment(visitor)
    visitor.reset()


async def leave_before_the_greeting(visitor: Visitor, tracks: Sequence[int]) -> None:
    await visitor.send(visitor.upgrade() + visitor.message("play", **_wish(visitor, tracks)))
    await _moment(visitor)
    visitor.reset()


async def leave_before_the_first_packet(visitor: Visitor, tracks: Sequence[int]) -> None:
    await _play(visitor, tracks)
    await _moment(visitor)
    visitor.reset()


async def leave_in_mid_stream(visitor: Visitor, tracks: Sequence[int]) -> None:
    await _play(visitor, tracks)
    await visitor.hear_packets(visitor.dice.randrange(1, 12))
    if visitor.dice.random() < 0.5:
        visitor.reset()


async def say_goodbye(visitor: Visitor, tracks: Sequence[int]) -> None:
    await _play(visitor, tracks)
    await visitor.hear_packets(visitor.dice.randrange(1, 4))
    await visitor.goodbye()


async def seek_about(visitor: Visitor, tracks: Sequence[int]) -> None:
    await _play(visitor, tracks)
    for _ in range(visitor.dice.randrange(1, 6)):
        await visitor.say("seek", start_frame=visitor.dice.randrange(FRAMES))
        await _moment(visitor)
    await visitor.hear_packets(2)


async def change_the_sound(visitor: Visitor, tracks: Sequence[int]) -> None:
    await visitor.open()
    await visitor.say("play", track_id=visitor.dice.choice(tracks), credit=200_000)
    for _ in range(visitor.dice.randrange(1, 4)):
        enabled = visitor.dice.random() < 0.8
        await visitor.say("enhancement", enabled=enabled, preset=visitor.dice.choice(PRESETS))
        await visitor.hear_packets(visitor.dice.randrange(0, 3))


async def pause_resume_stop(visitor: Visitor, tracks: Sequence[int]) -> None:
    await _play(visitor, tracks)
    await visitor.hear_text("audio_stream_start", "audio_stream_error")
    for _ in range(visitor.dice.randrange(1, 5)):
        await visitor.say(visitor.dice.choice(("pause", "resume", "stop", "nonsense")))
        await _moment(visitor)


async def play_one_after_the_other(visitor: Visitor, tracks: Sequence[int]) -> None:
    await visitor.open()
    for _ in range(visitor.dice.randrange(2, 6)):
        await visitor.say("play", **_wish(visitor, tracks))
        await _moment(visitor)
    await visitor.hear_text("audio_stream_start", "audio_stream_error")


async def play_the_queue(visitor: Visitor, tracks: Sequence[int]) -> None:
    await visitor.open()
    chosen = visitor.dice.sample(tracks, 2)
    await visitor.say("queue", action="set", track_ids=chosen)
    await visitor.say("play", takeover=visitor.dice.random() < 0.5, credit=visitor.dice.randrange(10_000, 3_000_000))
    await visitor.hear_packets(visitor.dice.randrange(1, 30))
    for _ in range(visitor.dice.randrange(0, 4)):
        await visitor.say(visitor.dice.choice(("next", "previous", "pause", "resume")))
        await _moment(visitor)
    if visitor.dice.random() < 0.3:
        await visitor.say("queue", action="clear")


async def take_nothing(visitor: Visitor, tracks: Sequence[int]) -> None:
    """The server has to cut it: by the stall limit, or by a ping that is not answered."""
    await visitor.open()
    await visitor.say("play", track_id=visitor.dice.choice(tracks), encoding="f32", credit=10**9)
    await _until_cut(visitor)


async def answer_no_ping(visitor: Visitor, _tracks: Sequence[int]) -> None:
    """The server has to cut it."""
    await visitor.open()
    await _until_cut(visitor)


async def _until_cut(visitor: Visitor) -> None:
    """Read nothing until the connection is no more, which the kernel knows without reading.

    It asks the other end's kernel, which gives up a connection without a word if that is quicker than the server.
    """
    visitor.stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        visitor.stream.setsockopt(socket.IPPROTO_TCP, option, 1)
    while visitor.stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED:  # noqa: ASYNC110
        await trio.sleep(LOOK_EVERY_S)


async def cut_a_body(visitor: Visitor, tracks: Sequence[int]) -> None:
    dice, track = visitor.dice, visitor.dice.choice(tracks)
    sound = dice.choice(("", "enhanced=true", f"enhanced=true&preset={dice.choice(PRESETS)}", "sample_rate=48000"))
    whole = dice.choice(("audio.wav", "audio.wav", "audio.flac", "audio.opus", "file"))
    path = f"/api/stream/{track}/{whole}" + (f"?{sound}" if whole != "file" else "")
    if whole == "audio.opus":
        path = path.replace("sample_rate=48000", "bitrate_kbps=64")
    if dice.random() < 0.1:
        path = "/api/stream/queue/audio.wav?crossfade_s=2"
    place = (f"Range: bytes={dice.randrange(2_000_000)}-",) if dice.random() < 0.6 else ()
    await visitor.get(path, *place)
    for _ in range(dice.randrange(0, 6)):
        await visitor.receive()
    if dice.random() < 0.5:
        visitor.reset()


async def cut_a_chunk(visitor: Visitor, tracks: Sequence[int]) -> None:
    dice = visitor.dice
    for _ in range(dice.randrange(1, 4)):
        sound = f"enhanced=true&preset={dice.choice(PRESETS)}" if dice.random() < 0.6 else "enhanced=false"
        encoding = dice.choice(("wav", "flac", "f32", "s24", "s16"))
        await visitor.get(f"/api/stream/{dice.choice(tracks)}/chunk/{dice.randrange(4)}?{sound}&encoding={encoding}")
    await _moment(visitor)
    if dice.random() < 0.3:
        await visitor.receive()
    visitor.reset()


async def ask_what_is_not_there(visitor: Visitor, _tracks: Sequence[int]) -> None:
    for path in ("/api/stream/999/audio.wav", "/api/stream/1/chunk/999", "/api/nothing", "/api/library/tracks"):
        await visitor.get(path)
    await visitor.head()


VISITS = (
    Visit(say_nothing),
    Visit(leave_in_the_handshake),
    Visit(leave_before_the_greeting),
    Visit(leave_before_the_first_packet),
    Visit(leave_in_mid_stream),
    Visit(say_goodbye),
    Visit(seek_about),
    Visit(change_the_sound),
    Visit(pause_resume_stop),
    Visit(play_one_after_the_other),
    Visit(play_the_queue),
    Visit(take_nothing, deaf=True),
    Visit(answer_no_ping),
    Visit(cut_a_body),
    Visit(cut_a_chunk),
    Visit(ask_what_is_not_there),
)
