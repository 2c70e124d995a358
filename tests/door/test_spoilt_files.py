"""Files that somebody writes to while they are streamed: nobody hears another recording, neither then nor later."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import mutagen.flac
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from auralis_trio.app import Server
from tests.player_client import open_player
from tests.serving import client_of, in_thread, running_server, settings_for

RATE, FRAMES = 44_100, 44_100 * 40
CREDIT = 100_000
LONG_AGO_NS = 1_700_000_000_000_000_000


def noise(seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-8000, 8000, (FRAMES, 2)).astype("<i2")


@pytest.fixture(params=["wav"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The one file of the library: track 1."""
    folder = tmp_path / "music"
    folder.mkdir()
    path = folder / f"noise.{request.param}"
    soundfile.write(path, noise(1), RATE)
    os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return path


@pytest.fixture
async def server(tmp_path: Path, path: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, path.parent)) as running:
        yield running


def write_over(path: Path, seed: int) -> None:
    """Another recording of the same length, in place."""
    with path.open("r+b") as file:
        file.seek(-FRAMES * 4, os.SEEK_END)
        file.write(noise(seed).tobytes())


def bring_back(path: Path, original: bytes) -> None:
    """The right file, as a copy that is given its name."""
    copy = path.with_name("copy")
    copy.write_bytes(original)
    os.utime(copy, ns=(LONG_AGO_NS, LONG_AGO_NS))
    copy.rename(path)


def tag(path: Path) -> None:
    """What a tagger does for a large picture: it moves the audio behind, in place."""
    tagged: Any = mutagen.flac.FLAC(path)  # type: ignore[no-untyped-call]
    picture: Any = mutagen.flac.Picture()  # type: ignore[no-untyped-call]
    picture.data, picture.mime = bytes(300_000), "image/jpeg"
    tagged.add_picture(picture)
    tagged.save()


async def audio_of(http: httpx2.AsyncClient, **options: Any) -> bytes:
    answer = await http.get("/api/stream/1/audio.wav", params=options)
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize(
    "sound", [{}, {"enhanced": True}, {"sample_rate": 48_000}, {"encoding": "flac"}], ids=lambda sound: str(sound)
)
async def test_a_file_that_is_written_over_while_it_is_streamed_ends_the_stream_and_poisons_nothing(
    server: Server, http: httpx2.AsyncClient, path: Path, sound: dict[str, Any]
) -> None:
    wav = {name: value for name, value in sound.items() if name != "encoding"}
    original = await in_thread(path.read_bytes)
    async with open_player(server.url) as player:
        start = await player.play(1, credit=CREDIT, **sound)
        while player.delivery is None or player.delivery.frames < CREDIT // 2:
            await player.hear()
        await in_thread(write_over, path, 9)
        await player.say("credit", stream_id=start["stream_id"], frames=2**50)
        delivery = await player.hear_to_end()
        assert delivery.end["reason"] == "failed"
        assert delivery.error is not None
        assert delivery.error["code"] == "track_changed"
    heard = delivery.audio
    await in_thread(bring_back, path, original)
    served = await audio_of(http, **wav)
    await http.post("/api/cache/clear", json={})
    assert served == await audio_of(http, **wav)
    if not sound:
        assert served[-FRAMES * 4 :] == noise(1).tobytes()
    if "encoding" not in sound:
        assert heard
        assert heard == served[-len(served) + served.index(b"data") + 8 :][: len(heard)]


@pytest.mark.parametrize("path", ["flac"], indirect=True)
async def test_tagging_a_track_in_place_while_it_plays_is_no_damage(server: Server, path: Path) -> None:
    async with open_player(server.url) as player:
        start = await player.play(1, credit=CREDIT)
        await player.hear_packet()
        await in_thread(tag, path)
        await player.say("credit", stream_id=start["stream_id"], frames=2**50)
        delivery = await player.hear_to_end()
        assert (delivery.end["reason"], delivery.error and delivery.error["code"]) == ("failed", "track_changed")
        assert delivery.audio == noise(1).tobytes()[: len(delivery.audio)]
    async with open_player(server.url) as player:
        delivery = await player.play_to_end(1)
        assert (delivery.end["reason"], delivery.audio) == ("completed", noise(1).tobytes())


def flip(folder: Path) -> None:
    """What a failing disk does to decoded audio."""
    [data] = folder.glob("*.pcm")
    with data.open("r+b") as file:
        file.seek(400_000)
        file.write(bytes(8))


async def test_decoded_audio_that_the_disk_has_spoilt_is_decoded_again_and_never_heard(
    tmp_path: Path, path: Path
) -> None:
    settings = settings_for(tmp_path, path.parent, chunk_cache_bytes=100_000, chunk_disk_bytes=0, prefetch_chunks=0)
    heard = []
    for _ in range(2):  # and after a restart
        async with (
            running_server(settings) as server,
            client_of(server.url) as http,
        ):
            for _ in range(3):
                heard.append(await audio_of(http, sample_rate=48_000, encoding="f32"))
                await in_thread(flip, tmp_path / "data" / "pcm")
    assert len(set(heard)) == 1


async def test_clearing_the_cache_takes_decoded_audio_with_it(
    http: httpx2.AsyncClient, path: Path, tmp_path: Path
) -> None:
    pcm = tmp_path / "data" / "pcm"
    for clear in (http.post("/api/cache/clear", json={}), http.delete("/api/cache/track/1")):
        await audio_of(http, sample_rate=48_000)
        assert len(list(await in_thread(lambda: list(pcm.glob("*.pcm"))))) == 1
        decoded = (await clear).json()["decoded"]
        assert (decoded["entries"], decoded["bytes"] > FRAMES * 8) == (1, True)
        assert await in_thread(lambda: list(pcm.iterdir())) == []


@pytest.mark.parametrize("folder", ["pcm", "chunks", "ledgers"])
async def test_a_folder_of_a_cache_that_somebody_has_removed_is_made_again(
    http: httpx2.AsyncClient, server: Server, tmp_path: Path, path: Path, folder: str
) -> None:
    answers = []
    for preset in ("warm", "bright", "gentle"):  # for another sound more has to be known
        await http.post("/api/cache/clear", json={})
        answers.append(await audio_of(http, sample_rate=48_000, enhanced=True, preset=preset))
        assert await in_thread(lambda: list((tmp_path / "data" / folder).iterdir()))
        # In one step, since chunks may still be on their way there.
        await in_thread(os.rename, tmp_path / "data" / folder, tmp_path / f"{folder} before {preset}")
    assert answers[0] == await audio_of(http, sample_rate=48_000, enhanced=True, preset="warm")


@pytest.mark.parametrize("resource", ["audio.wav", "audio.flac", "audio.opus"])
async def test_a_missing_or_changed_file_is_told_before_a_body_is_promised_whatever_is_cached(
    http: httpx2.AsyncClient, path: Path, resource: str
) -> None:
    url = f"/api/stream/1/{resource}"
    for encoding in ("s16", "f32", "s24"):
        for sample_rate in ("", "&sample_rate=48000"):
            assert (await http.get(f"/api/stream/1/chunk/0?encoding={encoding}{sample_rate}")).status_code == 200
    etag = (await http.head(url)).headers["ETag"]
    await in_thread(write_over, path, 9)
    for code, status in (("track_changed", 409), ("track_missing", 404)):
        answer = await http.get(url)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await http.head(url)).status_code == status
        assert (await http.get(url, headers={"If-None-Match": etag})).status_code == 304
        await in_thread(path.unlink, True)
