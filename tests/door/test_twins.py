# mypy: disable-error-code="no-untyped-call"

"""Files that a quick look takes for the same or might, and that are not: each is heard and known as what it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from numpy.typing import NDArray

from auralis_trio.analysis import analyse
from auralis_trio.audio.content import PAYLOAD_DIGITS
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.demo import synthesise
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.tuning import master, tune
from auralis_trio.work.whole import rendered
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


def make_older(data_dir: Path, content_id: str = "'of before ' || id") -> None:
    """What a library is after a step of its schema that wants the files read anew."""
    with closing(sqlite3.connect(data_dir / "library.sqlite3")) as connection, connection:
        connection.execute(f"UPDATE track SET mtime_ns = -1, content_id = {content_id}")


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


def write_at(path: Path, sample_rate: int) -> None:
    """The same samples at a rate of one's choice."""
    soundfile.write(path, synthesise(6.0, RATE, 2, seed=5), sample_rate, format="FLAC", subtype="PCM_16")


def write_mp3s(folder: Path) -> None:
    """An MP3, and one with junk before it, which another library decodes."""
    soundfile.write(folder / "a.mp3", synthesise(6.0, RATE, 2, seed=6), RATE, format="MP3")
    (folder / "b.mp3").write_bytes(bytes(5_000) + (folder / "a.mp3").read_bytes())


def mastered_alone(path: Path, scratch: Path, preset: str = "adaptive") -> bytes:
    """The mastered frames of a file of which nothing is known, as its playing begins by them."""
    with closing(
        open_source(str(path), probe(str(path)).content_id, PcmCache(str(scratch), 1 << 28, 60.0))
    ) as source:
        found = analyse(source)
        recipe = master(found, preset, 1.0, Target(), tune(source, found, preset, Target())).recipe
        return b"".join(block.samples.tobytes() for block in rendered(source, recipe))


async def test_the_same_payload_under_other_headers_is_mastered_by_what_it_sounds_like(tmp_path: Path) -> None:
    folder = tmp_path / "headers"
    folder.mkdir()
    for name, rate in (("48", 48_000), ("44", 44_100), ("96", 96_000)):
        write_at(folder / f"{name}.flac", rate)
    write_mp3s(folder)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        ids = await tracks(http)
        assert (await http.get("/api/library/duplicates")).json()["total"] == 0
        for path in sorted(folder.iterdir()):
            answer = await http.get(f"/api/stream/{ids[path.stem]}/audio.wav?enhanced=true&encoding=f32")
            expected = await in_thread(mastered_alone, path, tmp_path / f"alone {path.stem}")
            assert answer.content.endswith(expected), path.stem


async def test_a_better_copy_with_the_same_samples_and_the_right_rate_is_no_duplicate(tmp_path: Path) -> None:
    folder = tmp_path / "rates"
    (folder / "new").mkdir(parents=True)
    write_at(folder / "wrong.flac", 48_000)
    write_at(tmp_path / "right.flac", 44_100)
    async with (
        running_server(settings_for(tmp_path, folder, upload_dir=str(folder / "new"))) as server,
        client_of(server.url) as http,
    ):
        for name, status, kept in (("right", 201, True), ("right", 200, False)):
            data = (tmp_path / f"{name}.flac").read_bytes()
            named = {"Content-Type": "audio/flac", "Content-Disposition": 'attachment; filename="right.flac"'}
            answer = await http.post("/api/library/uploads", content=data, headers=named)
            assert (answer.status_code, answer.json()["duplicate"]) == (status, not kept)
        assert (folder / "new" / "right.flac").exists()


async def test_files_that_were_moved_before_a_newer_version_looked_at_them_keep_their_tracks(
    tmp_path: Path, music: Path
) -> None:
    settings = settings_for(tmp_path, music)
    write_at(music / "rated.flac", 48_000)
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        ids = await tracks(http)
        await http.put(f"/api/library/tracks/{ids['rated']}/rating", json={"rating": 5})
    await in_thread(make_older, tmp_path / "data", f"substr(content_id, 1, {PAYLOAD_DIGITS})")
    (music / "rated.flac").rename(music / "moved.flac")
    tagged = FLAC(music / "moved.flac")
    tagged["comment"] = "retagged"
    tagged.save()
    async with (
        running_server(settings) as server,
        client_of(server.url) as http,
    ):
        assert await tracks(http) == {**{name: ids[name] for name in NAMES}, "moved": ids["rated"]}
        assert (await http.get(f"/api/library/tracks/{ids['rated']}")).json()["rating"] == 5


async def test_a_ledger_under_the_name_of_another_tracks_is_not_mastered_by(tmp_path: Path) -> None:
    folder, ledgers = tmp_path / "music", tmp_path / "data" / "ledgers"
    folder.mkdir()
    for seed, name in enumerate("ab"):
        soundfile.write(folder / f"{name}.flac", synthesise(6.0, RATE, 2, seed=seed) / (1 + 2 * seed), RATE)
    found: list[Path] = []
    async with running_server(settings_for(tmp_path, folder)) as server, client_of(server.url) as http:
        ids = await tracks(http)
        for name in "ab":
            await http.get(f"/api/stream/{ids[name]}/chunk/0?enhanced=true")
            found += set(ledgers.iterdir()) - set(found)
    one, other = found
    other.write_bytes(one.read_bytes())
    async with running_server(settings_for(tmp_path, folder)) as server, client_of(server.url) as http:
        answer = await http.get(f"/api/stream/{ids['b']}/audio.wav?enhanced=true&preset=warm&encoding=f32")
    expected = await in_thread(mastered_alone, folder / "b.flac", tmp_path / "alone", "warm")
    assert answer.content.endswith(expected)
