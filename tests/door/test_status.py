"""What the server tells of itself while it is at work."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
import trio
import trio_websocket

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from auralis_trio.offload import Lane
from tests.player_client import PlayerClient, open_player
from tests.serving import LIMIT_S, held_permits, running_server, settings_for

RATE = 44_100


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    music = tmp_path / "music"
    music.mkdir()
    tone = synthesise(5.0, RATE, 2, seed=1)
    soundfile.write(music / "long.wav", np.resize(tone, (60 * RATE, 2)), RATE)
    soundfile.write(music / "short.wav", tone[: 2 * RATE], RATE)
    async with running_server(settings_for(tmp_path, music)) as running:
        yield running


@pytest.fixture
async def tracks(http: httpx2.AsyncClient) -> dict[str, int]:
    found = (await http.get("/api/library/tracks")).json()["items"]
    return {track["title"]: track["id"] for track in found}


async def status(http: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await http.get("/api/status")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def until_waiting(http: httpx2.AsyncClient, decoder: str | None, sender: str) -> dict[str, Any]:
    """The one stream, once its tasks wait for this."""
    with trio.fail_after(LIMIT_S):
        while True:
            stream: dict[str, Any] | None = (await status(http))["sessions"][0]["stream"]
            if stream and (stream["decoder_waits_for"], stream["sender_waits_for"]) == (decoder, sender):
                return stream


async def take_all(player: PlayerClient) -> None:
    with suppress(trio_websocket.ConnectionClosed):
        while True:
            await player.socket.get_message()


async def test_a_stream_says_what_its_two_tasks_wait_for(
    http: httpx2.AsyncClient, server: Server, tracks: dict[str, int]
) -> None:
    async with open_player(server.url) as player:
        await player.play(tracks["long"], credit=30_000)
        stream = await until_waiting(http, "sender", "credit")
        assert (stream["frames_sent"], stream["channel_chunks"]) == (30_000, 1)
        await player.say("pause")
        await until_waiting(http, "sender", "resume")
        await player.play(tracks["short"], credit=30_000)
        await until_waiting(http, None, "credit")


async def test_a_paced_stream_waits_for_its_time(
    http: httpx2.AsyncClient, server: Server, tracks: dict[str, int]
) -> None:
    async with open_player(server.url) as player, trio.open_nursery() as nursery:
        await player.say("play", track_id=tracks["long"])
        nursery.start_soon(take_all, player)
        await until_waiting(http, "sender", "pace")
        nursery.cancel_scope.cancel()


async def test_a_client_that_takes_nothing_is_what_its_stream_waits_for(
    http: httpx2.AsyncClient, server: Server, tracks: dict[str, int]
) -> None:
    async with open_player(server.url) as player:
        await player.say("play", track_id=tracks["long"], encoding="f32", credit=2**40)
        await until_waiting(http, "sender", "client")


async def test_every_task_and_service_is_named(
    http: httpx2.AsyncClient, server: Server, tracks: dict[str, int]
) -> None:
    before = (await status(http))["process"]["temporary_bytes"]  # of what other tests left to this process
    async with open_player(server.url) as player:
        await player.play(tracks["long"], credit=30_000)
        await until_waiting(http, "sender", "credit")
        told = await status(http)
        names = told["task_names"]
        assert {name: names[name] for name in ("reader", "writer", "conductor", "send stream", "decode stream")} == {
            "reader": 1, "writer": 1, "conductor": 1, "send stream": 1, "decode stream": 1,
        }  # fmt: skip
        assert sum(names.values()) == told["tasks"]
        assert set(told["services"].values()) == {"running"}
        assert (told["renders"]["under_way"], told["flights"]["under_way"]) == (0, 0)
        assert told["listens"] == {"waiting": 0, "max_waiting": 256, "dropped": 0}
        assert told["process"]["temporary_bytes"] == before
        assert {"max_streams", "stall_timeout_s", "chunk_cache_bytes"} <= told["limits"].keys()


async def test_a_disk_that_does_not_answer_is_no_reason_to_tell_nothing(
    http: httpx2.AsyncClient, server: Server
) -> None:
    async with held_permits(server, Lane.DISK):
        told = await status(http)
        assert told["process"] is None
        assert told["permits"]["disk"]["running"] == told["permits"]["disk"]["permits"]
    assert (await status(http))["process"] is not None
