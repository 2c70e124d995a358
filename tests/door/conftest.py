"""A server of a test's `music`, and a client of the server; a test module may have its own of either."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from auralis_trio.app import Server
from tests.serving import client_of, running_server, settings_for


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music)) as running:
        yield running


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(server.url) as client:
        yield client
