"""The queue through the real server: played without a gap, commanded from two doors, and counted as it was heard."""

from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
from trio.testing import MockClock

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from tests.clock import limited, pass_time
from tests.player_client import Delivery, PlayerClient, open_player
from tests.serving import client_of, running_server, settings_for

RATES = {1: 44_100, 2: 48_000, 3: 44_100}
SECONDS = {1: 6.0, 2: 4.0, 3: 5.0}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number, rate in RATES.items():
        path = folder / f"{number}.flac"
        soundfile.write(path, synthesise(SECONDS[number], rate, 2, seed=number), rate, subtype="PCM_16")
    return folder


def expected(music: Path, number: int) -> bytes:
    samples, _ = soundfile.read(music / f"{number}.flac", dtype="int16")
    data: bytes = np.asarray(samples).astype("<i2").tobytes()
    return data


async def ids_of(http: httpx2.AsyncClient) -> dict[int, int]:
    """The tracks' ids by the numbers of their files."""
    items = (await http.get("/api/library/tracks")).json()["items"]
    return {int(item["title"]): item["id"] for item in items}


async def counts_of(http: httpx2.AsyncClient) -> dict[int, tuple[int, int]]:
    """Plays and skips by the numbers of the files."""
    items = (await http.get("/api/library/tracks")).json()["items"]
    return {int(item["title"]): (item["play_count"], item["skip_count"]) for item in items}


async def fill(http: httpx2.AsyncClient, *numbers: int) -> list[int]:
    """Have these in the queue; their entries."""
    ids = await ids_of(http)
    answer = await http.post("/api/player/queue", json={"track_ids": [ids[number] for number in numbers]})
    assert answer.status_code == 200
    return [item["entry_id"] for item in (await http.get("/api/player/queue")).json()["items"]]


async def command(http: httpx2.AsyncClient, name: str, **data: Any) -> None:
    """Command the player over HTTP."""
    answer = await http.post(f"/api/player/{name}", json=data)
    assert answer.status_code == 200, answer.text


async def hear_streams(player: PlayerClient, number: int) -> list[Delivery]:
    """The next so many streams, from start to end."""
    heard = []
    for _ in range(number):
        await player.hear_text("audio_stream_start")
        heard.append(await player.hear_to_end())
    return heard


async def play(player: PlayerClient, **options: Any) -> Delivery:
    """Play one track to its end."""
    await player.say("play", credit=2**52, autoplay=False, **options)
    return (await hear_streams(player, 1))[0]


async def told(player: PlayerClient, delivery: Delivery, played: int, credit: int = 2**52) -> None:
    """Say how much of a stream has sounded, and wait until that has been heard."""
    await player.say("credit", stream_id=delivery.start["stream_id"], frames=credit, played=played)
    await player.say("ping")
    await player.hear_text("pong")


async def test_entries_follow_each_other_without_a_frame_between_them(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    entries = await fill(http, 1, 2, 3, 3)
    async with open_player(server.url) as player:
        await player.say("play", credit=2**52)
        heard = await hear_streams(player, 4)
    assert [delivery.start["entry_id"] for delivery in heard] == entries
    assert [delivery.start["sample_rate"] for delivery in heard] == [RATES[number] for number in (1, 2, 3, 3)]
    assert [delivery.end["next_entry_id"] for delivery in heard] == [*entries[1:], None]
    assert [delivery.audio for delivery in heard] == [expected(music, number) for number in (1, 2, 3, 3)]


async def test_who_goes_back_comes_past_a_track_that_cannot_be_played(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    entries = await fill(http, 1, 2, 3)
    (music / "2.flac").write_bytes(b"")
    async with open_player(server.url) as player:
        await player.say("play", entry_id=entries[2], credit=2**52)
        [third] = await hear_streams(player, 1)
        assert third.start["entry_id"] == entries[2]
        await player.say("previous")
        error = await player.hear_text("audio_stream_error")
        [first] = await hear_streams(player, 1)
    assert error["entry_id"] == entries[1]
    assert first.start["entry_id"] == entries[0]
    assert first.audio == expected(music, 1)


async def test_at_one_rate_the_whole_queue_is_one_sound(server: Server, http: httpx2.AsyncClient) -> None:
    await fill(http, 1, 2)
    async with open_player(server.url) as player:
        await player.say("play", credit=2**52, sample_rate=48_000)
        heard = await hear_streams(player, 2)
    assert [delivery.start["sample_rate"] for delivery in heard] == [48_000, 48_000]
    assert [delivery.frames for delivery in heard] == [6 * 48_000, 4 * 48_000]


async def test_both_doors_command_the_same_player(server: Server, http: httpx2.AsyncClient) -> None:
    entries = await fill(http, 1, 2, 3)
    async with open_player(server.url) as player, open_player(server.url) as remote:
        await player.say("play", credit=1000)
        await player.hear_text("audio_stream_start")
        await command(http, "next")
        assert (await player.hear_text("audio_stream_end"))["reason"] == "replaced"
        assert (await player.hear_text("audio_stream_start"))["entry_id"] == entries[1]
        await remote.say("seek", start_frame=100_000)
        start = await player.hear_text("audio_stream_start")
        assert (start["entry_id"], start["start_frame"]) == (entries[1], 100_000)
        await command(http, "jump", entry_id=entries[2])
        assert (await player.hear_text("audio_stream_start"))["entry_id"] == entries[2]
        await remote.say("previous")
        assert (await player.hear_text("audio_stream_start"))["entry_id"] == entries[1]
        await command(http, "seek", position_s=1.5)
        assert (await player.hear_text("audio_stream_start"))["start_frame"] == 72_000
        await command(http, "pause")
        while (await remote.hear_text("player_state"))["state"] != "paused":
            pass
        await command(http, "stop")
        assert (await player.hear_text("audio_stream_end"))["reason"] == "stopped"
        refused = await http.post("/api/player/resume", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "no_output")


async def test_who_takes_over_plays_on_from_the_frame_that_was_heard(
    server: Server, http: httpx2.AsyncClient, music: Path
) -> None:
    await fill(http, 1)
    async with open_player(server.url) as one, open_player(server.url) as two:
        await one.say("play", credit=100_000)
        await one.hear_text("audio_stream_start")
        delivery = one.delivery
        assert delivery is not None
        while delivery.frames < 100_000:
            await one.hear()
        await told(one, delivery, 54_321, 100_000)  # the rest of it cannot be sent before it is taken over
        await two.say("play", takeover=True, credit=2**52)
        assert (await two.hear_text("audio_stream_start"))["start_frame"] == 54_321
        assert (await two.hear_to_end()).audio == expected(music, 1)[54_321 * 4 :]
        assert (await one.hear_text("audio_stream_end"))["reason"] == "stopped"
        status = (await http.get("/api/player/status")).json()
        assert status["outputs"] == [two.hello["session"]]


async def test_a_place_in_frames_is_the_same_place_for_those_who_play_at_another_rate(
    server: Server, http: httpx2.AsyncClient
) -> None:
    (entry,) = await fill(http, 1)
    async with open_player(server.url) as native, open_player(server.url) as other:
        await native.say("play", credit=10)
        await native.hear_text("audio_stream_start")
        await other.say("play", entry_id=entry, start_frame=48_000, credit=10, sample_rate=48_000)
        assert (await other.hear_text("audio_stream_start"))["start_frame"] == 48_000
        assert (await native.hear_text("audio_stream_start"))["start_frame"] == 44_100
        await other.say("seek", start_frame=96_001)
        assert (await other.hear_text("audio_stream_start"))["start_frame"] == 96_001
        assert (await native.hear_text("audio_stream_start"))["start_frame"] == 88_201
        await native.say("seek", start_frame=4_410)
        assert (await native.hear_text("audio_stream_start"))["start_frame"] == 4_410


async def test_what_was_heard_is_counted_once_and_what_was_compared_not_at_all(tmp_path: Path, music: Path) -> None:
    settings = settings_for(tmp_path, music)
    async with running_server(settings) as server, client_of(server.url) as http:
        ids = await ids_of(http)
        entries = await fill(http, 1, 2, 3)
        async with open_player(server.url) as player:
            first = await play(player, entry_id=entries[0])
            await told(player, first, 3 * 44_100)  # half of it
            await player.say("seek", position_s=5.0)
            (back,) = await hear_streams(player, 1)
            assert back.start["start_frame"] == 5 * RATES[1]
            await told(player, back, 44_100)
            second = await play(player, entry_id=entries[1])
            await told(player, second, 48_000)  # a quarter, and then something else
            await player.say("next")
            (third,) = await hear_streams(player, 1)
            await told(player, third, 5 * 44_100)
            compared = await play(player, track_id=ids[1], counts=False)
            await told(player, compared, 6 * 44_100)
        async with open_player(server.url) as player:
            vanished = await play(player, track_id=ids[2])
            await told(player, vanished, 2 * 48_000)
    async with running_server(settings, scanned=False) as again, client_of(again.url) as http:
        assert await counts_of(http) == {1: (1, 0), 2: (1, 1), 3: (1, 0)}
        recent = (await http.get("/api/library/tracks/recently-played")).json()["items"]
        assert {item["title"] for item in recent} == {"1", "2", "3"}


async def test_a_paced_listener_who_leaves_early_has_skipped_when_the_queue_goes_elsewhere(
    tmp_path: Path, music: Path, mock_clock: MockClock
) -> None:
    settings = settings_for(tmp_path, music)
    with limited():
        async with running_server(settings) as server, client_of(server.url) as http:
            await fill(http, 1)
            async with open_player(server.url) as player:
                await player.say("play")
                await player.hear_packet()
                await pass_time(mock_clock, 2.5)
                await player.hear_packet()
        async with running_server(settings, scanned=False) as again, client_of(again.url) as http:
            assert (await counts_of(http))[1] == (0, 0)
            assert (await http.post("/api/player/stop", json={})).status_code == 200
        async with running_server(settings, scanned=False) as again, client_of(again.url) as http:
            assert (await counts_of(http))[1] == (0, 1)


async def test_orders_over_the_socket_are_carried_out_before_what_is_said_behind_them(
    server: Server, http: httpx2.AsyncClient
) -> None:
    ids = await ids_of(http)
    async with open_player(server.url) as player:
        await player.say("queue", action="set", track_ids=[ids[3], ids[1]], start_index=1)
        await player.say("play", credit=10)
        start = await player.hear_text("audio_stream_start")
        assert start["track_id"] == ids[1]
        await player.say("queue", action="from", album_id=10**6)
        assert (await player.hear_text("error"))["code"].endswith("not_found")
        await player.say("queue", action="remove", entry_ids=[start["entry_id"]], revision=0)
        assert (await player.hear_text("error"))["code"] == "stale_revision"
        state: dict[str, Any] = (await http.get("/api/player/status")).json()
        assert state["entry_id"] == start["entry_id"]
