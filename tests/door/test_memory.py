"""A track of three hours costs the memory of one of three minutes, on every path."""

import json
import socket
import struct
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile
import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.demo import synthesise
from auralis_trio.encoder import wav_header
from auralis_trio.mastering.presets import PRESETS
from tests.player_client import open_player
from tests.serving import LIMIT_S, Process, client_of, server_process

MIB = 2**20
CACHE_BYTES = 2 * MIB
KEPT_BYTES = 40 * MIB
"""The cache above, excerpts of a track, its filters and ledger, the database's pages; not what renders worked in."""


def write_long(path: Path, sample_rate: int, channels: int, duration_s: int) -> int:
    """A 16-bit WAV whose samples are zeros that take no room on the disk, but for one in each minute."""
    frames = duration_s * sample_rate
    header = wav_header(AudioFormat(sample_rate, channels, 16), Encoding.S16, frames)
    with open(path, "wb") as file:
        file.write(header)
        file.truncate(len(header) + frames * channels * 2)
        for minute in range(duration_s // 60):
            file.seek(len(header) + minute * 60 * sample_rate * channels * 2)
            file.write(struct.pack("<h", minute + 1))
    return frames


def peak_bytes(server: Process) -> int:
    """The most memory that the server ever had."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


async def tracks_of(http: httpx2.AsyncClient, number: int) -> dict[str, int]:
    with trio.fail_after(LIMIT_S):
        while (page := (await http.get("/api/library/tracks")).json())["total"] < number:
            pass
    return {track["title"]: track["id"] for track in page["items"]}


@pytest.mark.parametrize("path", ["http", "websocket"])
async def test_three_hours_cost_no_more_memory_than_three_minutes(tmp_path: Path, path: str) -> None:
    music = tmp_path / "music"
    music.mkdir()
    # Over HTTP as large as a long recording is; the WebSocket client here is the slow part, so fewer bytes for it.
    rate, channels = (44_100, 2) if path == "http" else (8_000, 1)
    frames = {
        "minutes": write_long(music / "minutes.wav", rate, channels, 3 * 60),
        "hours": write_long(music / "hours.wav", rate, channels, 3 * 3600),
    }
    with server_process(tmp_path / "data", music, chunk_cache_bytes=CACHE_BYTES) as server:
        async with client_of(server.url) as http:
            tracks = await tracks_of(http, 2)
            peaks = {}
            for title in ("minutes", "hours"):
                take = over_http if path == "http" else over_websocket
                assert await take(server, tracks[title]) == frames[title] * channels * 2
                peaks[title] = peak_bytes(server)
    assert peaks["hours"] - peaks["minutes"] < 8 * MIB


async def over_http(server: Process, track: int) -> int:
    """Take the whole track as one WAV; how many bytes of samples came."""
    return await trio.to_thread.run_sync(take_all, server.url, f"/api/stream/{track}/audio.wav") - 44


def take_all(url: str, path: str) -> int:
    """How many bytes the body of an answer has; as little work a byte as Python can do."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        room, taken = bytearray(MIB), 0
        while got := connection.recv_into(room):
            taken += got
    return taken


async def over_websocket(server: Process, track: int) -> int:
    """Play the whole track as fast as it comes; how many bytes of samples came."""
    taken = 0
    async with open_player(server.url) as player:
        await player.play(track)
        while isinstance(message := await player.socket.get_message(), bytes) or not is_end(message):
            if isinstance(message, bytes):
                taken += len(message) - 24
    return taken


async def test_what_renders_took_goes_back_when_nobody_listens_any_more(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    soundfile.write(music / "song.wav", np.resize(synthesise(5.0, 44_100, 2, seed=1), (60 * 44_100, 2)), 44_100)
    with server_process(
        tmp_path / "data",
        music,
        chunk_cache_bytes=CACHE_BYTES,
        chunk_disk_bytes=0,
        read_deadline_s=LIMIT_S,
        analysis_deadline_s=LIMIT_S,
    ) as server:
        async with client_of(server.url) as http:
            track = (await tracks_of(http, 1))["song"]
            before = await resident_bytes(http)
            await take_chunks(http, track, 12)
            assert await resident_bytes(http) > before + KEPT_BYTES
            with trio.fail_after(LIMIT_S):
                while await resident_bytes(http) > before + KEPT_BYTES:  # noqa: ASYNC110
                    await trio.sleep(0.1)


async def take_chunks(http: httpx2.AsyncClient, track: int, number: int) -> None:
    """Take the first chunks of a track in every sound, all at once."""

    async def take(index: int, preset: str) -> None:
        asked = f"enhanced=true&preset={preset}&encoding=f32"
        assert (await http.get(f"/api/stream/{track}/chunk/{index}?{asked}")).status_code == 200

    async with trio.open_nursery() as nursery:
        for index in range(number):
            for preset in PRESETS:
                nursery.start_soon(take, index, preset)


async def resident_bytes(http: httpx2.AsyncClient) -> int:
    """How much memory the server says that it takes."""
    found: int = (await http.get("/api/status")).json()["process"]["resident_bytes"]
    return found


def is_end(message: str) -> bool:
    """Whether this is the end of a stream, not some event beside it."""
    return bool(json.loads(message)["type"] == "audio_stream_end")
