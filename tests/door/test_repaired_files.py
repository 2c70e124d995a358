"""A damaged file that was played, measured and found wanting is replaced by a good copy: the good one is heard."""

from pathlib import Path

import httpx2
import numpy as np
import pytest

from auralis_trio.decoder.opening import probe
from tests.serving import client_of, in_thread, running_server, settings_for
from tests.sound_files import write

RATE, FRAMES = 44_100, 44_100 * 12
SOUNDS = ["", "?enhanced=true", "?sample_rate=48000", "?enhanced=true&sample_rate=48000"]


def put(path: Path, data: bytes) -> None:
    """As a copy does: in one step, with the time of now."""
    draft = path.with_name("draft")
    draft.write_bytes(data)
    draft.rename(path)


async def scan(http: httpx2.AsyncClient) -> None:
    assert (await http.post("/api/library/scan", json={})).status_code == 202
    while (await http.get("/api/library/scan/status")).json()["finished_ns"] is None:
        pass


async def heard(http: httpx2.AsyncClient) -> list[bytes] | None:
    """Every sound of the one track; None where it is refused or breaks off."""
    try:
        answers = [await http.get(f"/api/stream/1/audio.wav{sound}") for sound in SOUNDS]
    except httpx2.RemoteProtocolError:
        return None
    return [answer.content for answer in answers] if {one.status_code for one in answers} == {200} else None


def spoilt(good: bytes, place: int) -> bytes:
    return good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :]


@pytest.mark.parametrize("kind", ["mp3", "m4a"])
async def test_nothing_of_a_damaged_file_outlives_its_repair_nor_a_restart(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "music" / f"song.{kind}"
    path.parent.mkdir()
    samples = np.random.default_rng(1).normal(0, 0.1, (FRAMES, 2)).astype(np.float32)
    write(str(path), kind, samples, RATE)
    good, what = await in_thread(path.read_bytes), await in_thread(probe, str(path))
    settings = settings_for(tmp_path, path.parent)
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        expected = await heard(http)
        assert expected is not None
        for place in range(len(good) * 31 // 100, len(good) * 45 // 100, 137):  # until the decoder does not notice
            await in_thread(put, path, spoilt(good, place))
            await scan(http)
            await http.post("/api/cache/clear", json={})  # as if it had been damaged from the beginning
            damaged = await heard(http)
            if damaged is not None and all(map(bytes.__ne__, damaged, expected)):
                break
        else:
            pytest.fail("the decoder notices everything")
        assert await in_thread(probe, str(path)) == what
        await in_thread(put, path, good)
        await scan(http)
        assert await heard(http) == expected
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        assert await heard(http) == expected


@pytest.mark.parametrize("kind", ["mp3", "flac"])
async def test_a_track_that_could_not_be_measured_is_measured_when_its_file_was_replaced(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "music" / f"song.{kind}"
    path.parent.mkdir()
    write(str(path), kind, np.random.default_rng(1).normal(0, 0.1, (FRAMES, 2)).astype(np.float32), RATE)
    good = path.read_bytes()
    at = len(good) * 31 // 100
    put(path, good[:at] + bytes(8_000) + good[at + 8_000 :])
    async with (
        running_server(settings_for(tmp_path, path.parent, analyse_in_background=True)) as server,
        client_of(server.url) as http,
    ):
        while (await http.get("/api/library/analysis/status")).json()["failed"] == 0:
            pass
        await in_thread(put, path, good)
        await scan(http)
        while (told := (await http.get("/api/library/analysis/status")).json())["done"] == 0 or told["failed"]:
            pass
        assert (await http.get("/api/library/stats")).json()["analysed"] == 1
