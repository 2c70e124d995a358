"""Every format, through the real server: chunks, packets and byte ranges all equal the decoder's own full read."""

import random
from pathlib import Path

import numpy as np
import pytest

from auralis_trio.audio.formats import FORMATS
from auralis_trio.audio.grid import Grid
from tests.player_client import open_player
from tests.reference import full_read
from tests.serving import client_of, in_thread, running_server, settings_for
from tests.sound_files import can_hold, music, write

RATES = (8_000, 44_100, 48_000, 96_000, 192_000)
BEYOND_A_CHUNK = 4_321


def write_all(folder: Path, kind: str) -> None:
    for rate in RATES:
        for channels in (1, 2):
            if can_hold(kind, channels, rate):
                frames = Grid(rate, 1).chunk_frames + BEYOND_A_CHUNK
                suffix = next(row.suffixes[0] for row in FORMATS if row.name == kind)
                write(str(folder / f"{rate}-{channels}{suffix}"), kind, music(frames, channels, rate), rate)


@pytest.mark.parametrize("kind", [row.name for row in FORMATS])
async def test_every_path_gives_the_frames_of_the_decoder(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    await in_thread(write_all, folder, kind)
    dice = random.Random(kind)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        tracks = (await http.get("/api/library/tracks?limit=500")).json()["items"]
        assert len(tracks) == len(list(folder.iterdir()))
        for track in tracks:
            assert track["format"] == kind
            path = next(folder.glob(f"{track['title']}.*"))
            expected = await in_thread(full_read, path, tmp_path / "scratch")
            where = f"/api/stream/{track['id']}"
            meta = (await http.get(f"{where}/metadata")).json()
            assert meta["total_frames"] * meta["channels"] * 4 == len(expected)

            order = list(range(meta["total_chunks"]))
            dice.shuffle(order)
            chunks = {index: (await http.get(f"{where}/chunk/{index}?encoding=f32")).content for index in order}
            assert b"".join(chunks[index] for index in sorted(chunks)) == expected

            async with open_player(server.url) as player:
                delivery = await player.play_to_end(track["id"], encoding="f32")
            assert delivery.audio == expected

            head = await http.head(f"{where}/audio.wav?encoding=f32")
            size = int(head.headers["Content-Length"])
            for _ in range(4):
                start = dice.randrange(size - len(expected), size)
                end = dice.randrange(start, size)
                part = await http.get(f"{where}/audio.wav?encoding=f32", headers={"Range": f"bytes={start}-{end}"})
                offset = start - (size - len(expected))
                assert part.content == expected[offset : offset + end - start + 1]
        loudest = np.abs(np.frombuffer(expected, "<f4")).max()
        assert loudest > 0.1
