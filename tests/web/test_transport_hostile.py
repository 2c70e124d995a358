"""Every hostile input against the transport: others go on being served, and in the end nothing is left of it."""

import os
from functools import partial

import pytest
import trio
import trio.testing

from tests.web.hostile import Hostile, assert_survives, hostile_inputs
from tests.web.raw_client import RawClient, connected
from tests.web.running import Running, running

INPUTS = hostile_inputs()


async def answers(server: Running) -> None:
    for path, body in ((b"/plain", b"fine"), (b"/q/plain", b'{"fine":true}\n')):
        async with connected(server.port) as client:
            await client.get(path)
            assert (await client.answer()).body == body


async def flows(witness: RawClient) -> None:
    for _ in range(2):
        await witness.hear()


def test_the_table_is_long_and_every_name_stands_in_it_once() -> None:
    names = [hostile.name for hostile in INPUTS]
    assert len(names) == len(set(names))
    assert len(names) >= 60


@pytest.mark.parametrize("hostile", INPUTS, ids=lambda hostile: hostile.name)
async def test_a_hostile_client_harms_nobody(hostile: Hostile) -> None:
    tasks = trio.lowlevel.current_statistics().tasks_living
    descriptors = len(os.listdir("/proc/self/fd"))
    limits = {"max_body_bytes": 100_000_000, "graceful_timeout_s": 0.2}
    async with running(**limits) as server, connected(server.port) as witness:
        await witness.open_websocket(b"/ws/flow")
        await assert_survives(server.port, hostile, b"/ws/echo", partial(answers, server), partial(flows, witness))
        assert server.transport.statistics().ended_by_errors == 0
    assert server.transport.statistics().connections == 0
    assert server.transport.statistics().websockets == 0
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert len(os.listdir("/proc/self/fd")) == descriptors


async def test_all_hostile_clients_at_once_harm_nobody() -> None:
    async with running(max_body_bytes=100_000_000) as server, connected(server.port) as witness:
        await witness.open_websocket(b"/ws/flow")
        heard = 0

        async def listen() -> None:
            nonlocal heard
            while True:
                await witness.hear()
                heard += 1

        async with trio.open_nursery() as listening:
            listening.start_soon(listen)
            async with trio.open_nursery() as playing:
                for hostile in INPUTS:
                    checks = partial(answers, server), trio.lowlevel.checkpoint
                    playing.start_soon(assert_survives, server.port, hostile, b"/ws/echo", *checks)
            before = heard
            while heard < before + 2:
                await trio.testing.wait_all_tasks_blocked()
            listening.cancel_scope.cancel()
        await server.until(connections=1, websockets=1, ended_by_errors=0)
