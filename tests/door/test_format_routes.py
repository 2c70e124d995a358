"""What is said of each format is true of a file of it, and what is said of the ways out is what comes out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import soundfile

from auralis_trio.app import Server
from auralis_trio.audio.formats import FORMATS
from tests.player_client import open_player
from tests.serving import in_thread, running_server, settings_for
from tests.sound_files import music as samples
from tests.sound_files import write

RATE = 48_000
FRAMES = 9_000


def write_all(folder: Path) -> None:
    """One file of each format under each of its extensions, all of different sound; the same again to be sent."""
    (folder / "music" / "new").mkdir(parents=True)
    (folder / "sent").mkdir()
    for place in ("music", "sent"):
        for row in FORMATS:
            for number, suffix in enumerate(row.suffixes):
                seed = 10 * FORMATS.index(row) + number + 500 * (place == "sent")
                path = folder / place / f"{row.name}-{number}{suffix}"
                write(str(path), row.name, samples(FRAMES, 2, RATE, seed), RATE)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    await in_thread(write_all, tmp_path)
    folder = tmp_path / "music"
    options: dict[str, Any] = {"upload_dir": str(folder / "new"), "allow_tag_edits": True}
    async with running_server(settings_for(tmp_path, folder, **options)) as running:
        yield running


async def test_what_is_said_of_each_format_is_true_of_a_file_of_it(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    told = (await http.get("/api/audio/formats")).json()["input_formats"]
    assert [row["name"] for row in told] == [row.name for row in FORMATS]
    tracks = {one["title"]: one for one in (await http.get("/api/library/tracks?limit=500")).json()["items"]}
    for row in told:
        titles = [f"{row['name']}-{number}" for number in range(len(row["extensions"]))]
        assert [title in tracks for title in titles] == [row["scan"]] * len(titles)
        track = tracks[titles[0]]
        assert track["format"] == row["name"]
        chunk = await http.get(f"/api/stream/{track['id']}/chunk/0?encoding=s16")
        assert (chunk.status_code == 200, len(chunk.content) > FRAMES) == (row["play"], row["play"])
        file = await http.get(f"/api/stream/{track['id']}/file")
        assert file.headers["Content-Type"] == row["media_type"]
        edited = await http.put(f"/api/metadata/tracks/{track['id']}", json={"album": "Edited"})
        assert (edited.status_code == 200) is row["tag"], (row["name"], edited.text)
        assert ((await http.get(f"/api/library/tracks/{track['id']}")).json()["album"] == "Edited") is row["tag"]
        for number, suffix in enumerate(row["extensions"]):
            name = f"{row['name']}-{number}{suffix}"
            data = (tmp_path / "sent" / name).read_bytes()
            headers = {
                "Content-Type": row["media_type"],
                "Content-Disposition": f'attachment; filename="sent-{name}"',
            }
            sent = await http.post("/api/library/uploads", content=data, headers=headers)
            assert (sent.status_code == 201) is row["upload"], (name, sent.text)
            assert sent.json()["file"] == f"sent-{name}"
            found = (await http.get(f"/api/library/tracks/{sent.json()['track_id']}")).json()
            assert found["format"] == row["name"]


async def test_what_is_said_of_the_ways_out_is_what_comes_out(
    server: Server, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    told = (await http.get("/api/audio/formats")).json()
    tracks = {one["title"]: one["id"] for one in (await http.get("/api/library/tracks?limit=500")).json()["items"]}
    track_id = tracks["flac-0"]
    path = tmp_path / "out"
    for encoding in told["chunk_encodings"]:
        answer = await http.get(f"/api/stream/{track_id}/chunk/0?encoding={encoding}")
        assert answer.status_code == 200
    for encoding in told["packet_encodings"]:
        async with open_player(server.url) as player:
            delivery = await player.play_to_end(track_id, encoding=encoding)
        assert (delivery.start["encoding"], delivery.frames) == (encoding, FRAMES)
    bits = set()
    wav, flac, opus = told["output_formats"]
    assert [form["name"] for form in told["output_formats"]] == ["wav", "flac", "opus"]
    for encoding in wav["encodings"]:
        answer = await http.get(f"/api/stream/{track_id}/audio.wav?encoding={encoding}")
        assert answer.headers["Content-Type"] == wav["media_type"]
        path.write_bytes(answer.content)
        bits.add(8 * len(answer.content) // (2 * FRAMES) // 8 * 8)
        assert soundfile.info(path).frames == FRAMES
    assert sorted(bits) == wav["bit_depths"] == told["bit_depths"]
    for mastered, word_bits in zip(("false", "true"), flac["bit_depths"], strict=True):
        answer = await http.get(f"/api/stream/{track_id}/audio.flac?enhanced={mastered}")
        assert answer.headers["Content-Type"] == flac["media_type"]
        path.write_bytes(answer.content)
        assert soundfile.info(path).subtype == f"PCM_{word_bits}"
    for kbps in (opus["min_bitrate_kbps"], opus["max_bitrate_kbps"]):
        answer = await http.get(f"/api/stream/{track_id}/audio.opus?bitrate_kbps={kbps}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, opus["media_type"])
    for beyond in (opus["min_bitrate_kbps"] - 1, opus["max_bitrate_kbps"] + 1):
        assert (await http.get(f"/api/stream/{track_id}/audio.opus?bitrate_kbps={beyond}")).status_code == 422
    for rate in told["sample_rates"]:
        answer = await http.get(f"/api/stream/{track_id}/metadata?sample_rate={rate}")
        assert answer.json()["sample_rate"] == rate
    assert (await http.get(f"/api/stream/{track_id}/metadata?sample_rate=44101")).status_code == 422
