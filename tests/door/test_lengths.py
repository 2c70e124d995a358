"""Tracks of every length deliver exactly their frames, on every path."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralis_trio.audio.grid import Grid
from auralis_trio.demo import synthesise
from tests.player_client import open_player
from tests.serving import client_of, running_server, settings_for

RATE = 44_100
CHUNK = Grid(RATE, 1).chunk_frames


@pytest.mark.parametrize("frames", [1, 4_410, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
async def test_a_track_delivers_exactly_its_frames(tmp_path: Path, frames: int) -> None:
    music = tmp_path / "music"
    music.mkdir()
    samples = synthesise(3.0, RATE, 2, seed=frames)
    samples = np.resize(samples, (frames, 2))
    soundfile.write(music / "track.wav", samples, RATE, subtype="FLOAT")
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
    ):
        meta = (await http.get("/api/stream/1/metadata")).json()
        assert meta["total_frames"] == frames
        assert meta["total_chunks"] == -(-frames // CHUNK)

        chunks = [
            (await http.get(f"/api/stream/1/chunk/{index}?encoding=f32")).content
            for index in range(meta["total_chunks"])
        ]
        assert b"".join(chunks) == samples.tobytes()
        assert len(chunks[-1]) == 8 * (frames - (meta["total_chunks"] - 1) * CHUNK)
        assert (await http.get(f"/api/stream/1/chunk/{meta['total_chunks']}")).status_code == 404

        whole = (await http.get("/api/stream/1/audio.wav?encoding=f32")).content
        assert whole[-len(samples.tobytes()) :] == samples.tobytes()

        async with open_player(server.url) as player:
            delivery = await player.play_to_end(1, encoding="f32")
        assert delivery.end["reason"] == "completed"
        assert delivery.audio == samples.tobytes()
