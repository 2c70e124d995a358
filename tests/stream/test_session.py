"""Sessions: one client's conversation over tones, with a clock that the tests move."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceHung
from auralis_trio.stream.session import OUTBOX_MESSAGES, run_session
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.packets import FIRST, LAST
from tests.fakes import (
    CHUNK,
    LIMITS,
    PACKET,
    RATE,
    STEREO,
    FailingSource,
    FakeLink,
    ToneSource,
    Tracks,
    services_for,
    talk,
)

LONG = 30 * CHUNK + 123
SHORT = CHUNK + 5_000
ALL = 2**40
FRAME_BYTES = 4


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(1, SHORT)
    made.tone(2, LONG)
    made.tone(3, LONG)
    return made


@pytest.fixture
def services(tracks: Tracks, tmp_path: Path) -> SessionServices:
    return services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))


def span_of(tracks: Tracks, track_id: int, start: int, frames: int) -> bytes:
    return tracks.pcm(track_id)[start * FRAME_BYTES : (start + frames) * FRAME_BYTES]


async def test_the_server_greets_with_what_a_client_must_know(services: SessionServices) -> None:
    services.hub.announce("library", "library_updated", {})
    async with talk(replace(services, snapshot=lambda: {"scan": None})) as link:
        greeting = link.told("hello")[0]
        (session,) = services.hub.statistics()
    assert greeting == {
        "boot": services.hub.boot,
        "session": session["session"],
        "version": "test",
        "protocol": 1,
        "limits": {"stall_timeout_s": 20.0, "pace_ahead_s": 3.0, "max_messages_per_s": 100},
        "state": {"seq": 1, "scan": None},
    }


async def test_a_track_is_delivered_to_its_last_frame(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=ALL)
        end = await link.hear("audio_stream_end")
    assert end == {"stream_id": 1, "reason": "completed", "frames_sent": SHORT, "next_entry_id": None}
    assert link.audio(1) == tracks.pcm(1)
    assert link.kinds() == ["hello", "audio_stream_start", "packets 1", "audio_stream_end", "closed"]
    assert link.closed == (1001, "")


async def test_packets_lie_on_the_grid_with_numbers_and_flags(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
    packets = link.packets(1)
    assert [packet.sequence for packet in packets] == list(range(len(packets)))
    assert [packet.start_frame for packet in packets] == list(range(0, SHORT, PACKET))
    assert [packet.frames for packet in packets[:-1]] == [PACKET] * (len(packets) - 1)
    assert [packet.flags for packet in packets] == [FIRST] + [0] * (len(packets) - 2) + [LAST]


async def test_one_packet_is_both_first_and_last(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.tone(9, 1)
    async with talk(services) as link:
        link.say("play", track_id=9, credit=ALL)
        await link.hear("audio_stream_end")
    assert [(packet.flags, packet.frames) for packet in link.packets()] == [(FIRST | LAST, 1)]


async def test_the_start_says_what_is_coming(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, position_s=1.5, encoding="f32", credit=0)
        start = await link.hear("audio_stream_start")
    assert start | {"recipe": "", "revision": ""} == {
        "stream_id": 1,
        "track_id": 2,
        "entry_id": None,
        "follows_stream_id": None,
        "follows_frames": None,
        "join_frames": 0,
        "start_frame": 12_000,
        "total_frames": LONG,
        "sample_rate": RATE,
        "channels": 2,
        "encoding": "f32",
        "chunk_frames": CHUNK,
        "enhanced": False,
        "preset": None,
        "intensity": 0.0,
        "recipe": "",
        "revision": "",
    }
    assert start["recipe"]
    assert start["revision"]


@pytest.mark.parametrize(("encoding", "frame_bytes"), [("s16", 4), ("s24", 6), ("f32", 8)])
async def test_payloads_are_as_long_as_their_frames(
    services: SessionServices, autojump_clock: MockClock, encoding: str, frame_bytes: int
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, encoding=encoding, credit=ALL)
        await link.hear("audio_stream_end")
    assert all(len(packet.payload) == frame_bytes * packet.frames for packet in link.packets())


# Two plays, seeks, stops


async def test_two_quick_plays_deliver_the_second_and_nothing_of_the_first_follows(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=ALL)
        await link.wait_until(lambda: len(link.packets(1)) >= 3)
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end", 2)
    first, second = link.told("audio_stream_end")
    assert (first["stream_id"], first["reason"], first["frames_sent"]) == (1, "replaced", link.frames(1))
    assert (second["stream_id"], second["reason"]) == (2, "completed")
    assert link.kinds() == [
        "hello",
        "audio_stream_start", "packets 1", "audio_stream_end",
        "audio_stream_start", "packets 2", "audio_stream_end",
        "closed",
    ]  # fmt: skip
    assert link.audio(1) == span_of(tracks, 2, 0, link.frames(1))
    assert link.audio(2) == tracks.pcm(1)
    assert tracks.left_open() == 0


async def test_plays_that_come_at_once_begin_only_the_last(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        for track_id in (2, 3, 1):
            link.say("play", track_id=track_id, credit=ALL)
        await link.hear("audio_stream_end")
    assert [start["track_id"] for start in link.told("audio_stream_start")] == [1]
    assert link.told("audio_stream_end")[0]["stream_id"] == 3
    assert link.audio(3) == tracks.pcm(1)


async def test_a_seek_goes_on_elsewhere_in_the_same_track(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=ALL)
        await link.wait_until(lambda: len(link.packets(1)) >= 1)
        link.say("seek", start_frame=LONG - 3_000)
        await link.hear("audio_stream_end", 2)
    assert [end["reason"] for end in link.told("audio_stream_end")] == ["replaced", "completed"]
    assert link.audio(2) == span_of(tracks, 2, LONG - 3_000, 3_000)
    assert (link.packets(2)[0].sequence, link.packets(2)[0].flags) == (0, FIRST)


async def test_a_seek_from_the_heard_tail_goes_back_into_the_track(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
        link.say("seek", position_s=0)
        await link.hear("audio_stream_end", 2)
    assert link.audio(2) == tracks.pcm(1)


@pytest.mark.parametrize("place", [{"start_frame": SHORT}, {"start_frame": 2**53}, {"position_s": 1e9}])
async def test_a_seek_past_the_end_is_completed_with_no_frames(
    services: SessionServices, autojump_clock: MockClock, place: dict[str, Any]
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
        link.say("seek", **place)
        end = await link.hear("audio_stream_end", 2)
    assert (end["reason"], end["frames_sent"]) == ("completed", 0)
    assert link.told("audio_stream_start")[1]["start_frame"] == SHORT
    assert link.packets(2) == []


async def test_an_empty_track_is_completed_at_once(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.tone(9, 0)
    async with talk(services) as link:
        link.say("play", track_id=9)
        end = await link.hear("audio_stream_end")
    assert (end["reason"], end["frames_sent"]) == ("completed", 0)


async def test_scrubbing_never_ends_the_session_and_plays_only_the_last_place(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=20_000)
        await link.wait_until(lambda: link.frames(1) == 20_000)
        await trio.sleep(1)
        for place in range(100):
            link.say("seek", start_frame=LONG - 10_000 + place)
        await link.wait_until(lambda: link.told("audio_stream_end") != [] and _last_reason(link) == "completed")
        assert link.closed is None
    starts, ends = link.told("audio_stream_start"), link.told("audio_stream_end")
    assert len(starts) == len(ends)
    assert starts[-1]["start_frame"] == LONG - 9_901
    assert all(end["reason"] == "replaced" for end in ends[:-1])
    assert link.audio(starts[-1]["stream_id"]) == span_of(tracks, 2, LONG - 9_901, 9_901)
    assert tracks.left_open() == 0


def _last_reason(link: FakeLink) -> str:
    return str(link.told("audio_stream_end")[-1]["reason"])


async def test_stop_ends_the_stream_and_leaves_nothing_to_seek_in(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=5_000)
        await link.wait_until(lambda: link.frames(1) == 5_000)
        link.say("stop")
        end = await link.hear("audio_stream_end")
        link.say("seek", start_frame=0)
        error = await link.hear("error")
    assert end == {"stream_id": 1, "reason": "stopped", "frames_sent": 5_000, "next_entry_id": None}
    assert error["code"] == "queue_empty"
    assert tracks.left_open() == 0


# Credit, pause, pace, stall


async def test_credit_is_used_to_its_last_frame_and_never_beyond(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=3_000)
        for credit in (3_000, 3_001, 9_000, CHUNK + 7):
            link.say("credit", stream_id=1, frames=credit)
            await link.wait_until(lambda credit=credit: link.frames(1) >= credit)  # type: ignore[misc]
            await trio.sleep(1)
            assert link.frames(1) == credit
    assert link.audio(1) == span_of(tracks, 2, 0, CHUNK + 7)
    assert [packet.frames for packet in link.packets(1)][:3] == [2_048, 952, 1]
    assert [packet.sequence for packet in link.packets(1)] == list(range(len(link.packets(1))))


async def test_packets_that_credit_cut_short_still_end_on_the_grid(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=1)
        await link.wait_until(lambda: link.frames(1) == 1)
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_end")
    assert [packet.frames for packet in link.packets(1)][:3] == [1, PACKET - 1, PACKET]


async def test_only_the_packet_with_the_last_frame_is_marked_as_the_last(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=SHORT - 1)
        await link.wait_until(lambda: link.frames(1) == SHORT - 1)
        link.say("credit", stream_id=1, frames=SHORT)
        await link.hear("audio_stream_end")
    assert [packet.frames for packet in link.packets(1) if packet.flags & LAST] == [1]


@pytest.mark.parametrize("credit", [1, 1000, PACKET, PACKET + 1])
async def test_flac_packets_that_credit_cut_short_hold_their_frames_alone(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, credit: int
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, start_frame=700, encoding="flac", credit=credit)
        await link.wait_until(lambda: link.frames(1) == credit)
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_end")
    assert _flac_words(link, 1) == span_of(tracks, 1, 700, SHORT - 700)


def _flac_words(link: FakeLink, stream_id: int) -> bytes:
    parts = []
    for packet in link.packets(stream_id):
        words, _ = soundfile.read(io.BytesIO(packet.payload), dtype="int16", always_2d=True)
        assert len(words) == packet.frames
        parts.append(words.astype("<i2").tobytes())
    return b"".join(parts)


async def test_credit_that_is_not_renewed_ends_the_stream_as_stalled_and_the_session_lives(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        begun_s = trio.current_time()
        link.say("play", track_id=2, credit=4_000)
        end = await link.hear("audio_stream_end")
        assert trio.current_time() - begun_s == pytest.approx(LIMITS.stall_timeout_s)
        assert (end["reason"], end["frames_sent"]) == ("stalled", 4_000)
        assert tracks.left_open() == 0
        link.say("seek", start_frame=LONG - 10)
        await link.hear("audio_stream_start", 2)
        link.say("ping")
        await link.hear("pong")


async def test_renewed_credit_begins_the_wait_again(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=1_000)
        for credit in range(2_000, 7_000, 1_000):
            await trio.sleep(LIMITS.stall_timeout_s - 0.5)
            link.say("credit", stream_id=1, frames=credit)
        await trio.sleep(LIMITS.stall_timeout_s - 0.5)
        assert link.told("audio_stream_end") == []
        await link.hear("audio_stream_end")
    assert link.frames(1) == 6_000


async def test_words_that_give_no_credit_do_not_put_off_the_stall(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        begun_s = trio.current_time()
        link.say("play", track_id=2, credit=1_000)
        for _ in range(5):
            await trio.sleep(3.5)
            link.say("ping")
            link.say("credit", stream_id=1, frames=1_000, played=5)
        await link.hear("audio_stream_end")
        assert trio.current_time() - begun_s == pytest.approx(LIMITS.stall_timeout_s)


@pytest.mark.parametrize("credit", [None, ALL])
async def test_a_pause_of_a_minute_goes_on_with_the_next_frame_of_the_same_stream(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, credit: int | None
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=credit)
        await link.wait_until(lambda: link.frames(1) >= 8_000)
        link.say("pause")
        link.say("ping")
        await link.hear("pong")
        await trio.sleep(1)
        before = link.frames(1)
        await trio.sleep(60)
        assert link.frames(1) == before
        assert link.told("audio_stream_end") == []
        link.say("resume")
        end = await link.hear("audio_stream_end")
    assert (end["reason"], end["frames_sent"]) == ("completed", LONG)
    assert len(link.told("audio_stream_start")) == 1
    assert link.audio(1) == tracks.pcm(2)


async def test_a_paused_client_without_credit_left_does_not_stall(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=100)
        await link.wait_until(lambda: link.frames(1) == 100)
        link.say("pause")
        await trio.sleep(3600)
        assert link.told("audio_stream_end") == []
        link.say("resume")
        resumed_s = trio.current_time()
        end = await link.hear("audio_stream_end")
        assert end["reason"] == "stalled"
        assert trio.current_time() - resumed_s == pytest.approx(LIMITS.stall_timeout_s)


@pytest.mark.parametrize("all_sent", [False, True])
async def test_a_seek_while_paused_starts_paused(
    services: SessionServices, autojump_clock: MockClock, all_sent: bool
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=ALL)
        if all_sent:
            await link.hear("audio_stream_end")
            link.say("credit", stream_id=1, frames=ALL, played=500)
        link.say("pause")
        link.say("seek", start_frame=LONG - 100)
        start = await link.hear("audio_stream_start", 2 if all_sent else 1)
        await trio.sleep(100)
        assert (start["stream_id"], link.packets(2)) == (2, [])
        link.say("resume")
        await link.wait_until(lambda: link.frames(2) == 100)


async def test_words_said_before_the_stream_began_count_for_it(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=10)
        link.say("credit", stream_id=1, frames=500)
        link.say("pause")
        await trio.sleep(5)
        assert link.frames(1) == 0
        link.say("resume")
        await trio.sleep(5)
        assert link.frames(1) == 500


async def test_a_paced_client_is_sent_little_more_than_real_time(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2)
        await link.hear("audio_stream_start")
        begun_s = trio.current_time()
        for _ in range(20):
            await trio.sleep(1.7)
            elapsed_s = trio.current_time() - begun_s
            sent_s = link.frames(1) / RATE
            assert elapsed_s + LIMITS.pace_ahead_s - PACKET / RATE - 0.01 <= sent_s
            assert sent_s <= elapsed_s + LIMITS.pace_ahead_s
        await link.hear("audio_stream_end")
        assert trio.current_time() - begun_s == pytest.approx(LONG / RATE - LIMITS.pace_ahead_s, abs=0.3)


async def test_a_client_that_takes_nothing_stops_its_decoder(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=ALL)
        await link.wait_until(lambda: len(link.packets()) == 1)
        link.stop_taking()
        await trio.sleep(1000)
        assert len(tracks.opened[0].reads) <= 3
        link.go_on_taking()
        await link.hear("audio_stream_end")


# Failures


async def test_a_track_that_breaks_in_the_middle_is_heard_up_to_there_and_then_fails(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    damaged_at = 2 * CHUNK + 12_345
    tracks.tone(9, LONG, damaged_at=damaged_at)
    async with talk(services) as link:
        link.say("play", track_id=9, credit=ALL)
        end = await link.hear("audio_stream_end")
    error = link.told("audio_stream_error")[0]
    assert end == {"stream_id": 1, "reason": "failed", "frames_sent": damaged_at, "next_entry_id": None}
    assert (error["code"], error["stream_id"], error["track_id"]) == ("track_corrupt", 1, 9)
    assert error["recovery_position_s"] == damaged_at / RATE
    assert link.kinds() == [
        "hello", "audio_stream_start", "packets 1", "audio_stream_error", "audio_stream_end", "closed",
    ]  # fmt: skip
    assert link.audio(1) == span_of(tracks, 9, 0, damaged_at)
    assert not any(packet.flags & LAST for packet in link.packets())
    assert tracks.left_open() == 0


@pytest.mark.parametrize("encoding", ["s16", "flac"])
@pytest.mark.parametrize("damaged_at", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, SHORT - 1])
async def test_every_frame_before_the_damage_is_sent(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, damaged_at: int, encoding: str
) -> None:
    tracks.tone(9, SHORT, damaged_at=damaged_at)
    async with talk(services) as link:
        link.say("play", track_id=9, encoding=encoding, credit=ALL)
        end = await link.hear("audio_stream_end")
    assert (end["reason"], end["frames_sent"], link.frames(1)) == ("failed", damaged_at, damaged_at)
    heard = link.audio(1) if encoding == "s16" else _flac_words(link, 1)
    assert heard == span_of(tracks, 9, 0, damaged_at)


async def test_a_track_that_cannot_be_found_is_an_error_without_start_or_end(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=404)
        error = await link.hear("audio_stream_error")
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
    assert (error["code"], error["stream_id"], error["recovery_position_s"]) == ("not_found", 1, None)
    assert [start["stream_id"] for start in link.told("audio_stream_start")] == [2]
    assert [end["stream_id"] for end in link.told("audio_stream_end")] == [2]


@pytest.mark.parametrize("good_reads", [0, 1, 2])
async def test_a_disk_that_hangs_fails_the_stream_and_not_the_session(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, good_reads: int
) -> None:
    tracks.add(9, lambda: FailingSource(STEREO, LONG, error=SourceHung(), good_reads=good_reads))
    async with talk(services) as link:
        link.say("play", track_id=9, credit=ALL)
        end = await link.hear("audio_stream_end")
        assert (end["reason"], end["frames_sent"]) == ("failed", good_reads * CHUNK)
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end", 2)
    assert link.told("audio_stream_error")[0]["code"] == "track_hung"
    assert _last_reason(link) == "completed"


async def test_a_source_that_fails_while_a_short_packet_is_cut_fails_the_stream_and_not_the_session(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.add(9, lambda: FailingSource(STEREO, CHUNK, error=SourceHung(), good_reads=1))
    async with talk(services) as link:
        link.say("play", track_id=9, encoding="flac", start_frame=100, credit=ALL)
        end = await link.hear("audio_stream_end")
        assert (end["reason"], end["frames_sent"]) == ("failed", 0)
        assert link.closed is None
    assert link.told("audio_stream_error")[0]["recovery_position_s"] == 100 / RATE


# The older dialect


async def test_the_json_transport_carries_the_same_frames(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, transport="json", credit=ALL)
        await link.hear("audio_stream_end")
    chunks = link.told("audio_chunk")
    assert link.packets() == []
    assert b"".join(base64.b64decode(chunk["data"]) for chunk in chunks) == tracks.pcm(1)
    assert [chunk["sequence"] for chunk in chunks] == list(range(len(chunks)))
    assert [chunk["last"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[1].keys() == {"stream_id", "start_frame", "frames", "sequence", "encoding", "last", "data"}
    assert (chunks[1]["start_frame"], chunks[1]["frames"], chunks[1]["encoding"]) == (PACKET, PACKET, "s16")


async def test_the_older_play_uses_the_older_names(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play_normal", track_id=1, start_position=CHUNK / RATE)
        end = await link.hear("audio_stream_end")
    start, chunks = link.told("audio_stream_start")[0], link.told("audio_chunk")
    assert (start["preset"], start["total_chunks"], start["encoding"]) == ("none", 2, "f32")
    assert (start["chunk_duration"], start["total_duration"]) == (CHUNK / RATE, SHORT / RATE)
    assert [(chunk["chunk_index"], chunk["chunk_count"], chunk["crossfade_samples"]) for chunk in chunks] == [
        (1, 2, 0)
    ] * len(chunks)
    assert [chunk["frame_index"] for chunk in chunks] == list(range(len(chunks)))
    assert {chunk["frame_count"] for chunk in chunks} == {len(chunks)}
    assert sum(chunk["sample_count"] for chunk in chunks) == 2 * 5_000 == end["total_samples"]
    samples = np.frombuffer(b"".join(base64.b64decode(chunk["samples"]) for chunk in chunks), "<f4").reshape(-1, 2)
    assert np.array_equal(samples, ToneSource(STEREO, SHORT).tone(CHUNK, 5_000))
    assert (end["track_id"], end["duration"]) == (1, 5_000 / RATE)


# State events


async def test_events_reach_those_who_want_them_in_order(services: SessionServices) -> None:
    async with talk(services) as link, talk(services) as other:
        other.say("subscribe", topics=["jobs"])
        other.say("ping")
        await other.hear("pong")
        services.hub.announce("library", "library_updated", {"tracks": 1})
        services.hub.announce("jobs", "job_progress", {"done": 2})
        await link.hear("job_progress")
        await other.hear("job_progress")
    assert [link.told("library_updated")[0]["seq"], link.told("job_progress")[0]["seq"]] == [1, 2]
    assert other.told("library_updated") == []


async def test_events_that_come_while_the_client_is_greeted_are_not_lost(services: SessionServices) -> None:
    link = FakeLink()
    link.stop_taking()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_session, link, services)
        await trio.testing.wait_all_tasks_blocked()
        services.hub.announce("library", "library_updated", {})
        link.go_on_taking()
        event = await link.hear("library_updated")
        link.hang_up()
    assert event["seq"] == link.told("hello")[0]["state"]["seq"] + 1


async def test_statistics_show_the_live_stream(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, start_frame=7, credit=900)
        await link.wait_until(lambda: link.frames(1) == 900)
        link.say("credit", stream_id=1, frames=900, played=400)
        link.say("ping")
        await link.hear("pong")
        (shown,) = services.hub.statistics()
    assert shown["state"] == "playing"
    assert shown["stream"] == {
        "stream_id": 1,
        "track_id": 2,
        "start_frame": 7,
        "frames_sent": 900,
        "frames_played": 400,
        "credit": 900,
        "paused": False,
        "channel_chunks": 1,
        "decoder_waits_for": "sender",
        "sender_waits_for": "credit",
    }
    assert services.hub.statistics() == []


# Who ends whom


async def test_a_flood_is_cut(services: SessionServices, tracks: Tracks, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2, credit=0)
        for _ in range(LIMITS.max_messages_per_s + 50):
            link.say("credit", stream_id=1, frames=0)
        await link.hear("closed")
    assert link.closed == (1008, "too many messages")
    assert tracks.left_open() == 0


async def test_as_many_questions_at_once_as_the_limit_allows_are_all_answered(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        for _ in range(LIMITS.max_messages_per_s):
            link.say("ping")
        await link.hear("pong", LIMITS.max_messages_per_s)
        assert link.closed is None


async def test_a_client_that_lets_events_pile_up_is_cut(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.stop_taking()
        for _ in range(OUTBOX_MESSAGES + LIMITS.max_messages_per_s + 1):  # one is in the writer's hand
            services.hub.announce("library", "library_updated", {})
            await trio.testing.wait_all_tasks_blocked()
        assert link.closed is None
        services.hub.announce("library", "library_updated", {})
        await link.hear("closed")
    assert link.closed is not None
    assert link.closed[0] == 1008


async def test_one_slow_client_leaves_the_others_alone(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as slow, talk(services) as other:
        slow.stop_taking()
        for number in range(OUTBOX_MESSAGES + LIMITS.max_messages_per_s + 2):
            services.hub.announce("library", "library_updated", {})
            await other.hear("library_updated", number + 1)
        assert slow.closed is not None
        assert other.closed is None


async def test_when_every_place_is_taken_a_newcomer_is_told_to_come_again(tracks: Tracks, tmp_path: Path) -> None:
    services = services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0), max_sessions=1)
    late = FakeLink()
    async with talk(services) as link:
        await run_session(late, services)
        link.say("ping")
        await link.hear("pong")
    assert late.kinds() == ["closed"]
    assert late.closed is not None
    assert late.closed[0] == 1013
    async with talk(services) as link:
        assert link.kinds() == ["hello"]


async def test_when_the_server_stops_clients_are_told_so(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link, talk(services) as other:
        link.say("play", track_id=2)
        await link.wait_until(lambda: len(link.packets()) > 3)
        services.hub.end_all(1001, "the server is going away")
        await link.hear("closed")
        await other.hear("closed")
    assert link.closed == other.closed == (1001, "the server is going away")
    assert tracks.left_open() == 0


async def test_a_client_that_goes_away_takes_its_stream_along(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=2)
        await link.wait_until(lambda: len(link.packets()) > 3)
    assert link.closed == (1001, "")
    assert tracks.left_open() == 0
    assert services.hub.statistics() == []


@pytest.mark.parametrize("at", ["greeting", "reply", "stream"])
async def test_a_socket_that_breaks_ends_its_session_quietly(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, at: str
) -> None:
    link = FakeLink()
    async with trio.open_nursery() as nursery:
        if at == "greeting":
            link.send_error = trio.BrokenResourceError()
        nursery.start_soon(run_session, link, services)
        if at != "greeting":
            await link.hear("hello")
            link.send_error = trio.BrokenResourceError()
            link.say("play" if at == "stream" else "ping", track_id=2)
        await link.hear("closed")
    assert link.closed == (1001, "")
    assert tracks.left_open() == 0


def broken_snapshot() -> dict[str, Any]:
    raise ZeroDivisionError


async def test_a_crash_ends_one_session_and_reaches_no_other(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    tracks.add(9, lambda: FailingSource(STEREO, LONG, error=ZeroDivisionError("secret"), good_reads=1))
    unlucky = FakeLink()
    async with talk(services) as link, talk(services) as crashing:
        await run_session(unlucky, replace(services, snapshot=broken_snapshot))
        crashing.say("play", track_id=9, credit=ALL)
        await crashing.hear("closed")
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
        assert len(services.hub.statistics()) == 1
    for ended in (unlucky, crashing):
        assert ended.closed == (1011, "something went wrong on the server")
    assert "secret" not in json.dumps(crashing.told("audio_stream_error") + crashing.told("error"))
    assert [record.message for record in caplog.records if record.exc_info] == ["session failed"] * 2
    assert _last_reason(link) == "completed"
    assert tracks.left_open() == 0


async def test_a_close_that_does_not_end_is_given_up(services: SessionServices, autojump_clock: MockClock) -> None:
    class Deaf(FakeLink):
        async def close(self, code: int, reason: str) -> None:
            await trio.sleep_forever()

    link = Deaf()
    begun_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_session, link, services)
        await link.hear("hello")
        link.hang_up()
    assert trio.current_time() - begun_s <= 1.0


async def test_cancelling_anywhere_leaves_no_task_and_no_open_source(
    services: SessionServices, tracks: Tracks
) -> None:
    """Cancel after 0, 1, 2 ... turns of the scheduler, until the whole script has run before the cancellation."""

    def script(link: FakeLink) -> None:
        link.say("play", track_id=2, credit=20_000)
        link.say("ping")
        link.say("nonsense")

    turns, done = 0, False
    while not done:
        link = FakeLink()
        script(link)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_session, link, services)
            for _ in range(turns):
                await trio.lowlevel.cancel_shielded_checkpoint()
            if link.packets():
                link.say("seek", start_frame=9)
                for _ in range(turns // 4):
                    await trio.lowlevel.cancel_shielded_checkpoint()
            done = link.frames(2) == 20_000
            nursery.cancel_scope.cancel()
        assert tracks.left_open() == 0
        assert services.hub.statistics() == []
        turns += 1
    assert turns > 20


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text() | st.binary() | st.sampled_from(["{}", '{"type": 1}', '{"type": "play"}']), max_size=60))
def test_every_malformed_message_is_answered_and_the_conversation_goes_on(
    tracks: Tracks, tmp_path: Path, messages: list[str | bytes]
) -> None:
    async def converse() -> FakeLink:
        async with talk(services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))) as link:
            for message in messages:
                link.mumble(message)
            link.say("ping")
            await link.hear("pong")
            link.say("play", track_id=1, credit=ALL)
            await link.hear("audio_stream_end")
        return link

    link = trio.run(converse, clock=MockClock(autojump_threshold=0))
    errors = link.told("error")
    assert len(errors) == len(messages)
    assert all(error["code"] and error["message"] for error in errors)
    assert link.audio(1) == tracks.pcm(1)
