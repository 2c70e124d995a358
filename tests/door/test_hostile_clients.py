"""Every hostile input against the whole server: it goes on answering, and another's stream goes on flowing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import trio

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from tests.player_client import PlayerClient, open_player
from tests.serving import LIMIT_S, running_server, settings_for
from tests.web.hostile import assert_survives, hostile_inputs
from tests.web.raw_client import connected

RATE = 44_100
STEP_FRAMES = 8_192


class Witness:
    """A listener who hears one packet for each that it gives credit for."""

    def __init__(self, player: PlayerClient) -> None:
        self.player = player
        self.credit = 0
        self.turn = trio.Lock()

    async def hears_on(self) -> None:
        async with self.turn:
            assert self.player.delivery is not None
            self.credit += STEP_FRAMES
            await self.player.say("credit", stream_id=self.player.delivery.start["stream_id"], frames=self.credit)
            assert (await self.player.hear_packet()).frames == STEP_FRAMES


@asynccontextmanager
async def listened_to(tmp_path: Path) -> AsyncIterator[tuple[Server, int, Witness]]:
    music = tmp_path / "music"
    music.mkdir()
    soundfile.write(music / "long.wav", np.resize(synthesise(5.0, RATE, 1), (RATE * 120, 1)), RATE)
    # However long it takes, who is listened to is not cut for having said nothing.
    settings = settings_for(tmp_path, music, max_messages_per_s=10_000, stall_timeout_s=10 * LIMIT_S)
    async with running_server(settings) as server, open_player(server.url) as player:
        await player.play(1, credit=0)
        yield server, int(server.url.rpartition(":")[2]), Witness(player)


async def answers(port: int) -> None:
    async with connected(port) as client:
        await client.get(b"/api/health")
        assert (await client.answer()).body == b'{"status":"ok"}'


async def test_hostile_clients_one_after_the_other_harm_nobody(tmp_path: Path) -> None:
    async with listened_to(tmp_path) as (server, port, witness):
        for hostile in hostile_inputs():
            await assert_survives(port, hostile, b"/ws", partial(answers, port), witness.hears_on)
        with trio.fail_after(LIMIT_S):
            while server.transport.statistics().connections > 1:
                await trio.lowlevel.checkpoint()
        assert server.transport.statistics().ended_by_errors == 0
        assert len(server.services.hub.statistics()) == 1


async def test_all_hostile_clients_at_once_harm_nobody(tmp_path: Path) -> None:
    async with listened_to(tmp_path) as (server, port, witness):
        async with trio.open_nursery() as nursery:
            for hostile in hostile_inputs():
                nursery.start_soon(assert_survives, port, hostile, b"/ws", partial(answers, port), witness.hears_on)
        assert server.transport.statistics().ended_by_errors == 0
