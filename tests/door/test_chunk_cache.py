"""The cache of rendered chunks through the door: whatever happens to its files, the right samples come out."""

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import soundfile
import trio

from auralis_trio.app import Server, url_of
from auralis_trio.app.foundation import open_foundation
from auralis_trio.app.services import run_services
from auralis_trio.config import Settings
from auralis_trio.demo import synthesise
from auralis_trio.library.disk_cache import DiskCache, Files
from auralis_trio.web.server import create_app
from auralis_trio.web.transport import Counters, TransportLimits, open_listener, run_transport
from tests.player_client import open_player
from tests.serving import LIMIT_S, client_of, in_thread, running_server, settings_for

RATE = 22_050
CHUNKS = 4
MASTERED = "enhanced=true&preset=warm&encoding=s16"


def write_track(path: Path, seed: int) -> None:
    soundfile.write(path, synthesise(18.0, RATE, 2, seed=seed), RATE, subtype="PCM_16")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    write_track(folder / "one.flac", seed=1)
    write_track(folder / "two.flac", seed=2)
    return folder


def on_disk(tmp_path: Path) -> dict[str, int]:
    """The files of the cache that lie on the disk, by the operating system's word."""
    return {entry.name: entry.stat().st_size for entry in os.scandir(tmp_path / "data" / "chunks")}


def figures(tmp_path: Path) -> tuple[int, int]:
    sizes = on_disk(tmp_path).values()
    return len(sizes), sum(sizes)


@asynccontextmanager
async def serving(tmp_path: Path, *folders: Path, **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that renders nothing ahead unless that is wanted."""
    settings = settings_for(tmp_path, *folders, **{"prefetch_chunks": 0, **options})
    async with running_server(settings) as server, client_of(server.url) as http:
        yield http


async def fetch(http: httpx2.AsyncClient, index: int, track: int = 1, wish: str = MASTERED) -> tuple[bytes, str]:
    answer = await http.get(f"/api/stream/{track}/chunk/{index}?{wish}")
    assert answer.status_code == 200, answer.text
    return answer.content, answer.headers["X-Cache"]


async def stats(http: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/api/cache/stats")).json()
    return found


async def all_written(http: httpx2.AsyncClient) -> None:
    with trio.fail_after(LIMIT_S):
        while (await stats(http))["disk"]["waiting"]:
            await trio.lowlevel.checkpoint()


async def fetch_all(http: httpx2.AsyncClient, track: int = 1, wish: str = MASTERED) -> list[bytes]:
    chunks = [(await fetch(http, index, track, wish))[0] for index in range(CHUNKS)]
    await all_written(http)
    return chunks


async def test_what_was_rendered_survives_a_restart_bit_for_bit(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music) as http:
        chunks = await fetch_all(http)
        assert figures(tmp_path)[0] == CHUNKS
    async with serving(tmp_path, music) as http:
        assert [await fetch(http, index) for index in range(CHUNKS)] == [(chunk, "hit") for chunk in chunks]
        disk = (await stats(http))["disk"]
        assert (disk["hits"], disk["misses"], disk["written"]) == (CHUNKS, 0, 0)


async def test_what_the_memory_lets_go_comes_back_from_the_disk(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music, chunk_cache_bytes=700_000) as http:
        chunks = await fetch_all(http)
        assert (await stats(http))["memory"]["evictions"] > 0
        assert await fetch(http, 0) == (chunks[0], "hit")
        memory = (await stats(http))["memory"]
        assert memory["bytes"] <= memory["max_bytes"] == 700_000


async def test_plain_samples_as_recorded_take_no_room_on_the_disk_and_packed_ones_do(
    tmp_path: Path, music: Path
) -> None:
    async with serving(tmp_path, music) as http:
        for wish in ("encoding=s16", "encoding=wav", "encoding=f32"):
            await fetch_all(http, wish=wish)
        assert on_disk(tmp_path) == {}
        await fetch_all(http, wish="encoding=flac")
        assert figures(tmp_path)[0] == CHUNKS


async def test_the_disk_keeps_to_its_bytes(tmp_path: Path, music: Path) -> None:
    bound = 1_000_000
    async with serving(tmp_path, music, chunk_disk_bytes=bound) as http:
        for track in (1, 2):
            await fetch_all(http, track)
            assert figures(tmp_path)[1] <= bound
        disk = (await stats(http))["disk"]
        assert (disk["entries"], disk["bytes"]) == figures(tmp_path)
        assert disk["evictions"] > 0
    async with serving(tmp_path, music, chunk_disk_bytes=0) as http:
        await fetch_all(http)
        assert on_disk(tmp_path) == {}


# What happens to the files


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def forbid(path: Path) -> None:
    path.chmod(0)


@pytest.mark.parametrize("harm", [truncate, flip, empty, forbid, Path.unlink])
async def test_whatever_happens_to_the_files_the_right_samples_come_out(
    tmp_path: Path, music: Path, harm: Callable[[Path], None]
) -> None:
    def harm_all() -> None:
        assert figures(tmp_path)[0] == CHUNKS
        for name in on_disk(tmp_path):
            harm(tmp_path / "data" / "chunks" / name)

    # Whoever may read everything is forbidden nothing.
    cached = "hit" if harm is forbid and os.geteuid() == 0 else "miss"
    async with serving(tmp_path, music, chunk_cache_bytes=0) as http:
        chunks = await fetch_all(http)
        await in_thread(harm_all)
        assert [await fetch(http, index) for index in range(CHUNKS)] == [(chunk, cached) for chunk in chunks]
        await all_written(http)
        await in_thread(harm_all)
    async with serving(tmp_path, music, chunk_cache_bytes=0) as http:
        assert [await fetch(http, index) for index in range(CHUNKS)] == [(chunk, cached) for chunk in chunks]


async def test_files_that_changed_places_are_not_taken_for_each_other(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music, chunk_cache_bytes=0) as http:
        chunks = await fetch_all(http)
        folder = tmp_path / "data" / "chunks"
        names = sorted(on_disk(tmp_path))
        for name in names:
            os.rename(folder / name, folder / f"{name}.away")
        for name, other in zip(names, names[1:] + names[:1], strict=True):
            os.rename(folder / f"{name}.away", folder / other)
        assert [await fetch(http, index) for index in range(CHUNKS)] == [(chunk, "miss") for chunk in chunks]


class Failing(Files):
    """A disk on which one kind of call fails."""

    def __init__(self, what: str, number: int) -> None:
        self._what, self._number = what, number

    def _fail(self, what: str) -> None:
        if what == self._what:
            raise OSError(self._number, os.strerror(self._number))

    def read(self, path: Path) -> bytes:
        self._fail("read")
        return super().read(path)

    def write(self, path: Path, data: bytes) -> None:
        self._fail("write")
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        self._fail("rename")
        super().rename(old, new)


@asynccontextmanager
async def serving_on(settings: Settings, files: Files) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server whose chunks lie on a disk like that."""
    chunks = await in_thread(DiskCache, Path(settings.data_dir) / "chunks", settings.chunk_disk_bytes, files)
    async with open_foundation(settings) as base, run_services(replace(base, chunks=chunks)) as services:
        await services.scan.run()
        listener = await open_listener("127.0.0.1", 0)
        shutdown = trio.Event()
        async with trio.open_nursery() as nursery:
            await nursery.start(
                partial(run_transport, create_app(services), [listener], TransportLimits(), shutdown, Counters())
            )
            async with client_of(url_of("127.0.0.1", listener)) as http:
                yield http
            shutdown.set()


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("write", errno.ENOSPC),
        ("rename", errno.EROFS),
        ("read", errno.EACCES),
    ],
)
async def test_on_a_disk_that_fails_the_right_samples_come_out(
    tmp_path: Path, music: Path, what: str, number: int
) -> None:
    settings = settings_for(tmp_path, music, chunk_cache_bytes=0, prefetch_chunks=0)
    async with serving_on(settings, Failing(what, number)) as http:
        first = await fetch_all(http)
        second = await fetch_all(http)
        health = (await http.get("/api/cache/health")).json()
        told = (await stats(http))["disk"]
    async with serving(tmp_path, music, chunk_cache_bytes=0, chunk_disk_bytes=0) as http:
        assert first == second == await fetch_all(http)
    refused = what in {"write", "rename"}
    assert (told["failed"], told["written"]) == ((2 * CHUNKS, 0) if refused else (0, told["written"]))
    assert (health["healthy"], health["disk"]["trouble"]) == (not refused, "output_failed" if refused else None)


async def test_another_recording_in_a_files_place_is_heard_and_the_old_chunks_go(tmp_path: Path, music: Path) -> None:
    settings = settings_for(tmp_path, music, prefetch_chunks=0)
    async with running_server(settings) as server, client_of(server.url) as http:
        old = await fetch_all(http)
        kept = set(on_disk(tmp_path))
        await in_thread(write_track, music / "one.flac", 3)
        assert (await http.get(f"/api/stream/1/chunk/0?{MASTERED}")).status_code in {200, 409}
        await server.services.scan.run()
        with trio.fail_after(LIMIT_S):
            while kept & set(os.listdir(tmp_path / "data" / "chunks")):
                await trio.lowlevel.checkpoint()
        new = await fetch_all(http)
        assert all(one != other for one, other in zip(old, new, strict=True))
        assert figures(tmp_path)[0] == CHUNKS


# Once for all


async def test_many_who_ask_for_a_chunk_have_it_rendered_once_or_read_once(tmp_path: Path, music: Path) -> None:
    async def ask_at_once(http: httpx2.AsyncClient) -> set[bytes]:
        found: list[bytes] = []

        async def ask() -> None:
            found.append((await fetch(http, 0))[0])

        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(ask)
        assert len(found) == 12
        return set(found)

    async with serving(tmp_path, music) as http:
        await fetch(http, 1)  # so that the recipe is known
        rendered = await ask_at_once(http)
        await all_written(http)
        assert (await stats(http))["disk"]["written"] == 2
    async with serving(tmp_path, music) as http:
        assert await ask_at_once(http) == rendered
        disk = (await stats(http))["disk"]
        assert (disk["hits"], disk["written"]) == (1, 0)
    assert len(rendered) == 1


async def test_who_fetches_a_chunk_finds_the_next_one_rendered(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music, prefetch_chunks=1) as http:
        assert (await fetch(http, 0))[1] == "miss"
        with trio.fail_after(LIMIT_S):
            while not (await stats(http))["prefetch"]["rendered"]:
                await trio.lowlevel.checkpoint()
        assert (await fetch(http, 1))[1] == "hit"
        # Behind the last one there is none.
        assert (await fetch(http, CHUNKS - 1))[1] == "miss"
        assert (await stats(http))["prefetch"]["failed"] == 0


# What is told, and emptying


async def test_what_is_told_is_what_lies_on_the_disk(tmp_path: Path, music: Path) -> None:
    async with serving(tmp_path, music) as http:
        await fetch_all(http)
        await fetch(http, 0, track=2, wish="encoding=flac")
        await all_written(http)
        told = await stats(http)
        assert (told["disk"]["entries"], told["disk"]["bytes"]) == figures(tmp_path)
        by_track = {one["track_id"]: one for one in told["tracks"]}
        assert {track: one["disk"]["entries"] for track, one in by_track.items()} == {1: CHUNKS, 2: 1}
        assert {track: one["memory"]["entries"] for track, one in by_track.items()} == {1: CHUNKS, 2: 1}
        assert sum(one["disk"]["bytes"] for one in told["tracks"]) == figures(tmp_path)[1]
        assert sum(one["memory"]["bytes"] for one in told["tracks"]) == told["memory"]["bytes"]

        status = (await http.get("/api/cache/track/1/status")).json()
        [sound] = status["sounds"]
        revision = (await http.get("/api/stream/1/metadata?enhanced=true&preset=warm")).json()["revision"]
        assert (status["total_chunks"], sound["revision"], sound["encoding"]) == (CHUNKS, revision, "s16")
        assert (sound["memory_chunks"], sound["disk_chunks"], sound["complete"]) == (CHUNKS, CHUNKS, True)

        # Somebody removes a file by hand.
        name = next(name for name in on_disk(tmp_path) if revision in name)
        os.unlink(tmp_path / "data" / "chunks" / name)
        told = (await stats(http))["disk"]
        assert (told["entries"], told["bytes"]) == figures(tmp_path)
        assert (await http.get("/api/cache/track/99/status")).status_code == 404
        assert (await http.get("/api/status")).json()["chunk_disk"]["bytes"] == figures(tmp_path)[1]


async def test_a_tracks_chunks_and_then_all_are_forgotten_in_both_tiers(tmp_path: Path, music: Path) -> None:
    settings = settings_for(tmp_path, music, prefetch_chunks=0)
    async with running_server(settings) as server, client_of(server.url) as http, open_player(server.url) as player:
        for track in (1, 2):
            await fetch_all(http, track)
        before = figures(tmp_path)
        freed = (await http.delete("/api/cache/track/1")).json()
        assert (freed["track_id"], freed["entries"]) == (1, 2 * CHUNKS)
        assert await player.hear_text("cache_cleared") == {**freed, **await place(server)}
        assert figures(tmp_path)[0] == before[0] - CHUNKS
        assert [one["track_id"] for one in (await stats(http))["tracks"]] == [2]
        assert (await fetch(http, 0, track=2))[1] == "hit"
        assert (await fetch(http, 0))[1] == "miss"
        await all_written(http)
        freed = (await http.post("/api/cache/clear", json={})).json()
        assert (freed["track_id"], freed["entries"]) == (None, 2 * (CHUNKS + 1))
        assert await player.hear_text("cache_cleared") == {**freed, **await place(server)}
        assert on_disk(tmp_path) == {}
        told = await stats(http)
        assert (told["memory"]["entries"], told["disk"]["entries"], told["tracks"]) == (0, 0, [])
        assert (await http.get("/api/cache/health")).json()["healthy"]


async def place(server: Server) -> dict[str, Any]:
    return {"boot": server.services.hub.boot, "seq": server.services.hub.seq}
