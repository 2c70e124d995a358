"""A page that is sent sound and cannot let it be heard: a machine that sleeps, a device that hangs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.web.player_page import (
    ask,
    click_track,
    decoded,
    heard,
    hold_when,
    open_player,
    release,
    wait_for,
    write_tracks,
)

RATE = 44_100
LONG_S = 12.0
"""more than a page is sent ahead"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracks(tmp_path_factory.mktemp("music"), {"Long": (LONG_S, RATE, 2, "Alone")})


@pytest.fixture(scope="module")
def url(serve_folder: Callable[..., str], folder: Path) -> str:
    return serve_folder(folder, stall_timeout_s=3)


@pytest.fixture
def line(page: Page, url: str) -> WebSocket:
    """The line of a page that was opened."""
    with page.expect_websocket() as opened:
        open_player(page, url, 1)
    return opened.value


def stall(page: Page, line: WebSocket) -> list[str]:
    """Play, and hear no more, until the server has given up; what it has said since, and says from now on."""
    told: list[str] = []
    line.on("framereceived", lambda said: told.append(said) if isinstance(said, str) else None)
    click_track(page, "Long")
    hold_when(page, "record?.frames > 8000")
    _hear(line, told, "audio_stream_end", reason="stalled")
    _hear(line, told, "player_state", state="paused")
    return told


def _hear(line: WebSocket, told: list[str], kind: str, **data: Any) -> None:
    """Wait until this has been said, unless it has."""
    if not any(_is(said, kind, **data) for said in told):
        line.wait_for_event("framereceived", lambda said: _is(said, kind, **data))


def _is(said: str | bytes, kind: str, **data: Any) -> bool:
    if isinstance(said, bytes):
        return False
    message = json.loads(said)
    return bool(message["type"] == kind and data.items() <= message["data"].items())


def test_what_is_not_heard_is_not_counted_and_all_of_it_follows_when_it_can_be(
    page: Page, line: WebSocket, url: str, folder: Path
) -> None:
    told = stall(page, line)
    player = ask(page, url, "player/status")
    assert player["outputs"] == []
    assert player["position_s"] < 1
    release(page)
    wait_for(page, "record.ended")
    (tape,) = heard(page)
    assert np.array_equal(tape.samples, decoded(folder / "Long.flac"))
    assert tape.underruns == 0
    assert sum(_is(said, "audio_stream_start") for said in told) == 2
    assert ask(page, url, "player/status")["state"] == "stopped"


def test_who_wakes_up_when_others_play_is_silent(page: Page, line: WebSocket, url: str) -> None:
    stall(page, line)
    silent = sum(len(tape.samples) for tape in heard(page))
    with page.context.new_page() as other:
        open_player(other, url, 1)
        other.get_by_role("button", name="Play", exact=True).click()
        wait_for(other, "record?.frames > 8000")
        release(page)
        expect(page.locator("#elsewhere")).to_be_visible()
        wait_for(other, f"record.frames > 2 * {RATE}")
        assert sum(len(tape.samples) for tape in heard(page)) == silent
        assert len(ask(page, url, "player/status")["outputs"]) == 1
