"""Limits through the door: how many listen, and how often one asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
import trio

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from tests.player_client import open_player
from tests.serving import LIMIT_S, client_of, running_server, settings_for

RATE = 44_100
WHOLE = "/api/stream/1/audio.wav"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    samples = np.resize(synthesise(5.0, RATE, 2, seed=1), (180 * RATE, 2))
    soundfile.write(folder / "long.wav", samples, RATE)
    return folder


@asynccontextmanager
async def serving(tmp_path: Path, music: Path, **options: Any) -> AsyncIterator[tuple[Server, httpx2.AsyncClient]]:
    async with (
        running_server(settings_for(tmp_path, music, **options)) as server,
        client_of(server.url) as http,
    ):
        yield server, http


def places(server: Server) -> int:
    return server.services.admission.statistics().streams


async def until_free(server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        while places(server):
            await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("path", ["//api/stream/1/audio.wav", "/api//stream/1/audio.wav", "/%2Fapi/stream/1/file"])
async def test_no_other_way_to_write_an_address_is_without_limit(tmp_path: Path, music: Path, path: str) -> None:
    async with serving(tmp_path, music, max_streams=1) as (server, http):
        answer = await http.get(server.url + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_one_more_listener_than_there_are_places_is_told_to_come_again(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music, max_streams=1) as (server, http):
        async with http.stream("GET", WHOLE) as first:
            assert first.status_code == 200
            refused = await http.get(WHOLE)
            assert refused.status_code == 503
            assert refused.json()["code"] == "server_busy"
            assert int(refused.headers["Retry-After"]) > 0
            # What only looks or fetches a piece takes no place.
            assert (await http.head(WHOLE)).status_code == 200
            assert (await http.get("/api/stream/1/chunk/0")).status_code == 200
        await until_free(server)
        assert (await http.get(WHOLE, headers={"Range": "bytes=0-99"})).status_code == 206


async def test_a_session_without_a_place_is_refused_its_stream_and_goes_on(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music, max_streams=1) as (server, _):
        async with open_player(server.url) as first, open_player(server.url) as second:
            await first.play(1, credit=100_000)
            await second.say("play", track_id=1, credit=100_000)
            error = await second.hear_text("audio_stream_error")
            assert error["code"] == "server_busy"
            assert error["retry_after_s"] > 0
            # Who plays keeps the place through seeks and other tracks.
            await first.say("seek", position_s=60)
            await first.hear_text("audio_stream_start")
            await first.say("stop")
            await until_free(server)
            await second.play(1, credit=100_000)
        await until_free(server)


@pytest.mark.parametrize("bound", ["max_streams", "max_streams_per_client"])
async def test_who_takes_over_has_the_place_of_who_is_stopped(tmp_path: Path, music: Path, bound: str) -> None:
    async with (
        serving(tmp_path, music, **{bound: 1}) as (server, http),
        open_player(server.url) as first,
        open_player(server.url) as second,
    ):
        assert (await http.post("/api/player/queue", json={"track_ids": [1, 1]})).status_code == 200
        playing = [first, second]
        for turn in range(6):
            one, other = playing[turn % 2], playing[1 - turn % 2]
            await one.say("play", takeover=True, credit=50_000)
            assert (await one.hear_text("audio_stream_start"))["entry_id"] == 1
            if turn:
                assert (await other.hear_text("audio_stream_end"))["reason"] == "stopped"
            assert places(server) == 1


async def test_who_finds_no_place_in_the_queue_is_told_so_and_stops_nobody(tmp_path: Path, music: Path) -> None:
    async with (
        serving(tmp_path, music, max_streams=2, max_streams_per_client=1) as (server, http),
        open_player(server.url) as first,
        open_player(server.url) as second,
    ):
        entries = (await http.post("/api/player/queue", json={"track_ids": [1, 1]})).json()["entry_ids"]
        await first.say("play", credit=50_000)
        await first.hear_text("audio_stream_start")
        await second.say("play", entry_id=entries[1], credit=50_000)
        error = await second.hear_text("error")
        assert error["code"] == "server_busy"
        assert error["retry_after_s"] > 0
        status = (await http.get("/api/player/status")).json()
        assert (status["state"], status["entry_id"], len(status["outputs"])) == ("playing", entries[0], 1)


async def test_who_asks_too_often_gets_429_and_is_served_again(tmp_path: Path, music: Path) -> None:
    codes: list[int] = []

    async def ask(http: httpx2.AsyncClient) -> None:
        codes.append((await http.get("/api/health")).status_code)

    async with serving(tmp_path, music, max_requests_per_s=1) as (_, http):
        await ask(http)
        assert codes == [200]
        async with trio.open_nursery() as nursery:
            for _ in range(50):  # which would take 50 s if each had its turn
                nursery.start_soon(ask, http)
        assert codes.count(429) > 0
        assert set(codes) <= {200, 429}
        with trio.fail_after(LIMIT_S):
            while (answer := await http.get("/api/health")).status_code == 429:
                assert answer.json()["code"] == "too_many_requests"
                await trio.sleep(int(answer.headers["Retry-After"]))
