"""The conversation through the real server: one stream after the other, and what ends them."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from tests.player_client import open_player
from tests.serving import running_server, settings_for

RATE = 44_100


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in (1, 2):
        soundfile.write(folder / f"{number}.flac", synthesise(12.0, RATE, 2, seed=number), RATE, subtype="PCM_16")
    return folder


def expected(music: Path, number: int) -> bytes:
    samples, _ = soundfile.read(music / f"{number}.flac", dtype="int16")
    data: bytes = np.asarray(samples).astype("<i2").tobytes()
    return data


async def test_a_sixteen_bit_track_arrives_bit_for_bit(server: Server, music: Path) -> None:
    async with open_player(server.url) as player:
        delivery = await player.play_to_end(1)
    assert delivery.audio == expected(music, 1)
    assert delivery.end["reason"] == "completed"


async def test_of_two_quick_plays_the_first_ends_as_replaced_and_nothing_of_it_follows(server: Server) -> None:
    async with open_player(server.url) as player:
        await player.say("play", track_id=1, credit=2**40)
        await player.hear_packet()
        await player.say("play", track_id=2, credit=2**40)
        first = await player.hear_text("audio_stream_end")
        assert first["reason"] == "replaced"
        second = await player.hear_text("audio_stream_start")
        assert second["stream_id"] > first["stream_id"]
        assert second["track_id"] == 2
        # The client itself refuses packets of another stream than the present one.
        assert (await player.hear_to_end()).end["reason"] == "completed"


async def test_a_pause_stops_the_packets_and_a_resume_goes_on_with_the_next_frame(
    server: Server, music: Path
) -> None:
    async with open_player(server.url) as player:
        start = await player.play(1, credit=RATE)
        while player.delivery is None or player.delivery.frames < RATE:
            await player.hear()
        await player.say("pause")
        await player.say("credit", stream_id=start["stream_id"], frames=2**40)
        await player.say("ping")
        await player.hear_text("pong")
        assert player.delivery.frames == RATE
        await player.say("resume")
        delivery = await player.hear_to_end()
        assert delivery.start["stream_id"] == start["stream_id"]
        assert delivery.audio == expected(music, 1)


async def test_a_seek_begins_at_exactly_the_frame(server: Server, music: Path) -> None:
    async with open_player(server.url) as player:
        await player.play(1, credit=1000)
        await player.say("seek", start_frame=300_001)
        start = await player.hear_text("audio_stream_start")
        assert start["start_frame"] == 300_001
        await player.say("credit", stream_id=start["stream_id"], frames=2**40)
        delivery = await player.hear_to_end()
        assert delivery.audio == expected(music, 1)[300_001 * 4 :]


async def test_a_seek_past_the_end_is_a_start_and_a_completed_end_without_frames(server: Server) -> None:
    async with open_player(server.url) as player:
        await player.play(1, credit=1000)
        await player.say("seek", position_s=1e6)
        start = await player.hear_text("audio_stream_start")
        assert start["start_frame"] == start["total_frames"]
        end = await player.hear_text("audio_stream_end")
        assert (end["reason"], end["frames_sent"]) == ("completed", 0)


async def test_a_seek_reaches_back_into_a_track_that_was_sent_to_its_end(server: Server) -> None:
    async with open_player(server.url) as player:
        await player.play_to_end(1)
        await player.say("seek", start_frame=0)
        assert (await player.hear_text("audio_stream_start"))["start_frame"] == 0
        assert (await player.hear_to_end()).end["reason"] == "completed"


async def test_credit_that_is_not_renewed_ends_the_stream_as_stalled_and_the_session_lives(
    tmp_path: Path, music: Path
) -> None:
    settings = settings_for(tmp_path, music, stall_timeout_s=0.5)
    async with running_server(settings) as server, open_player(server.url) as player:
        await player.play(1, credit=5000)
        end = await player.hear_text("audio_stream_end")
        assert (end["reason"], end["frames_sent"]) == ("stalled", 5000)
        await player.say("ping")
        await player.hear_text("pong")


async def test_stop_ends_the_stream_as_stopped(server: Server) -> None:
    async with open_player(server.url) as player:
        await player.play(1, credit=5000)
        await player.say("stop")
        assert (await player.hear_text("audio_stream_end"))["reason"] == "stopped"


async def test_a_client_without_credit_is_sent_no_more_than_a_few_seconds_ahead(server: Server) -> None:
    ahead = int(server.services.settings.pace_ahead_s * RATE)
    async with open_player(server.url) as player:
        began_s = trio.current_time()
        await player.say("play", track_id=1)
        while player.delivery is None or player.delivery.frames < ahead:
            await player.hear()
            heard = 0 if player.delivery is None else player.delivery.frames
            assert heard <= ahead + (trio.current_time() - began_s) * RATE


async def test_packets_of_flac_are_each_decodable_and_hold_every_frame(server: Server, music: Path) -> None:
    async with open_player(server.url) as player:
        # A credit that cuts packets: what credit cuts is encoded for itself.
        start = await player.play(1, encoding="flac", start_frame=5, credit=10_000)
        while player.delivery is None or player.delivery.frames < 10_000:
            await player.hear()
        await player.say("credit", stream_id=start["stream_id"], frames=2**40)
        delivery = await player.hear_to_end()
    decoded = [soundfile.read(io.BytesIO(packet.payload), dtype="int16")[0] for packet in delivery.packets]
    assert np.concatenate(decoded).astype("<i2").tobytes() == expected(music, 1)[5 * 4 :]


async def test_the_json_transport_carries_the_same_frames(server: Server, music: Path) -> None:
    async with open_player(server.url) as player:
        await player.say("play", track_id=1, transport="json", credit=2**40)
        parts: list[bytes] = []
        while (heard := await player.socket_json())["type"] != "audio_stream_end":
            if heard["type"] == "audio_chunk":
                assert heard["data"]["sequence"] == len(parts)
                parts.append(base64.b64decode(heard["data"]["data"]))
    assert heard["data"]["reason"] == "completed"
    assert b"".join(parts) == expected(music, 1)


async def test_the_older_request_gets_the_older_field_names(server: Server, music: Path) -> None:
    async with open_player(server.url) as player:
        await player.say("play_normal", track_id=1, start_position=9.0)
        start = await player.hear_text("audio_stream_start")
        assert start["encoding"] == "f32"
        assert start["total_duration"] == 12.0
        chunk = await player.hear_text("audio_chunk")
        samples = np.frombuffer(base64.b64decode(chunk["samples"]), "<f4")
        assert len(samples) == chunk["sample_count"]
        wanted = np.frombuffer(expected(music, 1)[9 * RATE * 4 :], "<i2")[: len(samples)]
        assert np.array_equal(samples * 32768, wanted)


async def test_an_unknown_track_is_an_error_and_the_conversation_goes_on(server: Server) -> None:
    async with open_player(server.url) as player:
        await player.say("play", track_id=999)
        assert (await player.hear_text("audio_stream_error"))["code"] == "track_not_found"
        assert (await player.play_to_end(2)).end["reason"] == "completed"
