"""Files that a quick look takes for the same or might, and that are not: each is heard and known as what it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from auralis_trio.decoder.opening import probe
from tests.serving import client_of, in_thread, running_server, settings_for

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
            client_of(server.url) as http,
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


def write_stem(path: Path, from_s: int) -> None:
    samples = np.zeros(FRAMES, np.int16)
    samples[from_s * RATE : (from_s + 3) * RATE] = song("clean")[: 3 * RATE, 0]
    soundfile.write(path, samples, RATE)


async def test_stems_of_one_length_are_no_duplicates_and_none_takes_the_place_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "stems"
    folder.mkdir()
    for name, from_s in (("a", 3), ("b", 13)):
        write_stem(folder / f"{name}.wav", from_s)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        ids = await tracks(http)
        heard = [(await http.get(f"/api/stream/{ids[name]}/audio.wav")).content for name in ("b", "a")]
        assert heard[0] != heard[1]
        assert (await http.get("/api/library/duplicates")).json()["total"] == 0
        await in_thread((folder / "a.wav").unlink)
        await in_thread(write_stem, folder / "c.wav", 7)
        report = await server.services.scan.run()
        assert (report.added, report.moved, report.missing) == (1, 0, 1)
        assert (await tracks(http))["c"] not in ids.values()


def make_older(data_dir: Path) -> None:
    """What a library is after a step of its schema that wants the files read anew."""
    with closing(sqlite3.connect(data_dir / "library.sqlite3")) as connection, connection:
        connection.execute("UPDATE track SET mtime_ns = -1, content_id = 'of before ' || id")


async def test_a_library_that_knew_its_files_by_less_plays_them_and_keeps_its_tracks(
    tmp_path: Path, music: Path
) -> None:
    settings = settings_for(tmp_path, music)
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        ids = await tracks(http)
        await http.put(f"/api/library/tracks/{ids['clean']}/rating", json={"rating": 5})
        before = (await http.get("/api/library/tracks?sort=title")).json()["items"]
    await in_thread(make_older, tmp_path / "data")
    for scanned in (False, True):
        async with (
            running_server(settings, scanned=scanned) as server,
            client_of(server.url) as http,
        ):
            for name in NAMES:
                answer = await http.get(f"/api/stream/{ids[name]}/audio.wav")
                assert answer.content.endswith(song(name).tobytes())
            assert (await http.get("/api/library/tracks?sort=title")).json()["items"] == before
            assert before[0]["rating"] == 5
