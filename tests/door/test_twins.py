"""Files that a quick look takes for the same, and that are not: each is heard as what it is."""

from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from auralis_trio.decoder.opening import probe
from tests.serving import running_server, settings_for

RATE, FRAMES = 44_100, 44_100 * 20
NAMES = ("clean", "explicit")


def song(name: str) -> NDArray[np.int16]:
    """The same but for half a second."""
    samples = np.random.default_rng(1).integers(-8000, 8000, (FRAMES, 2)).astype("<i2")
    if name == "explicit":
        samples[7 * RATE : 15 * RATE // 2] //= 2
    return samples


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in NAMES:
        soundfile.write(folder / f"{name}.wav", song(name), RATE)
    first, second = (probe(str(folder / f"{name}.wav")) for name in NAMES)
    assert first == second
    return folder


async def tracks(http: httpx2.AsyncClient) -> dict[str, int]:
    return {one["title"]: one["id"] for one in (await http.get("/api/library/tracks")).json()["items"]}


@pytest.mark.parametrize("turn", [NAMES, NAMES[::-1]])
async def test_each_of_two_tracks_of_one_content_is_heard_as_what_it_is_also_after_a_restart(
    tmp_path: Path, music: Path, turn: tuple[str, str]
) -> None:
    sounds = ["", "?sample_rate=48000", "?enhanced=true", "?enhanced=true&sample_rate=48000"]
    heard: dict[tuple[str, str], set[bytes]] = {}
    tags: dict[tuple[str, str], set[str]] = {}
    for names in (turn, turn[::-1]):
        async with (
            running_server(settings_for(tmp_path, music)) as server,
            httpx2.AsyncClient(base_url=server.url, timeout=60) as http,
        ):
            ids = await tracks(http)
            for name in names:
                for sound in sounds:
                    answer = await http.get(f"/api/stream/{ids[name]}/audio.wav{sound}")
                    heard.setdefault((name, sound), set()).add(answer.content)
                    tags.setdefault((name, sound), set()).add(answer.headers["ETag"])
                    if not sound:
                        assert answer.content.endswith(song(name).tobytes())
    count = len(turn) * len(sounds)
    assert len(set().union(*heard.values())) == count == len(heard) == sum(map(len, heard.values()))
    assert len(set().union(*tags.values())) == count == len(tags) == sum(map(len, tags.values()))
