"""A server of a test's `music`, and a client of the server; a test module may have its own of either."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from auralis_trio.app import Server
from auralis_trio.web.openapi import describe
from auralis_trio.web.server import route_table
from tests.described import Description
from tests.serving import client_of, running_server, settings_for

DESCRIPTIONS: list[Description] = []


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music)) as running:
        yield running


def described(server: Server) -> Description:
    """What a server says of its routes; what it says does not depend on which server it is."""
    if not DESCRIPTIONS:
        DESCRIPTIONS.append(
            Description(msgspec.json.decode(msgspec.json.encode(describe(route_table(server.services)))))
        )
    return DESCRIPTIONS[0]


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    """Each answer is held against what the server says of it."""
    async with client_of(server.url) as client:
        client.event_hooks = {"response": [described(server).look]}
        yield client
