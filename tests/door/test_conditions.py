"""Heads, conditions and ranges of everything that gives audio, as RFC 9110 has them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import mutagen
import pytest
import soundfile

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from auralis_trio.web.server import route_table
from tests.serving import client_of

RATE = 44_100
SOUNDS = ("enhanced=false", "enhanced=true&preset=warm")
WITH_RANGES = {
    "/api/stream/<int:track_id>/file": "/api/stream/1/file",
    "/api/stream/<int:track_id>/audio.wav": "/api/stream/1/audio.wav",
    "/api/stream/album/<int:album_id>/audio.wav": "/api/stream/album/1/audio.wav",
    "/api/stream/queue/audio.wav": "/api/stream/queue/audio.wav",
}
WITHOUT = {
    "/api/stream/<int:track_id>/chunk/<int:index>": "/api/stream/1/chunk/0",
    "/api/stream/<int:track_id>/audio.flac": "/api/stream/1/audio.flac",
    "/api/stream/<int:track_id>/audio.opus": "/api/stream/1/audio.opus",
}
ABOUT_AUDIO = ("/metadata", "/receipt", "/chapters", ".cue")
"""the ends of those under `/api/stream` that give none"""


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed, name in enumerate(("one", "two")):
        soundfile.write(folder / f"{name}.flac", synthesise(2.0, RATE, 2, seed=seed), RATE, subtype="PCM_16")
        tags = mutagen.File(folder / f"{name}.flac")
        tags["album"], tags["artist"] = "Both", "Somebody"
        tags.save()
    return folder


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(server.url) as client:
        filled = await client.post("/api/player/queue", json={"track_ids": [2, 1]})
        assert filled.status_code == 200
        yield client


def addresses(*tables: dict[str, str]) -> list[str]:
    """What is looked at, in every sound that it can have."""
    paths = [path for table in tables for path in table.values()]
    return [f"{path}?{sound}" for path in paths if not path.endswith("/file") for sound in SOUNDS] + [
        path for path in paths if path.endswith("/file")
    ]


async def get(http: httpx2.AsyncClient, address: str, **headers: str) -> httpx2.Response:
    return await http.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_every_route_that_gives_audio_is_looked_at_here(server: Server) -> None:
    paths = {route.rule for route in route_table(server.services) if route.rule.startswith("/api/stream/")}
    about = {path for path in paths if path.endswith(ABOUT_AUDIO) or "/receipt" in path}
    assert paths - about == {*WITH_RANGES, *WITHOUT}


async def test_a_head_is_that_of_the_whole_and_has_no_body(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITH_RANGES, WITHOUT):
        whole, head = await http.get(address), await http.head(address)
        assert (whole.status_code, head.status_code) == (200, 200)
        assert head.content == b""
        told = [dict(answer.headers.items()) for answer in (whole, head)]
        for headers in told:
            # How an answer travels, how long it took, and whether it had been rendered before.
            for name in ("transfer-encoding", "date", "server-timing", "x-cache"):
                headers.pop(name, None)
        assert told[0] == told[1]
        if head.headers.get("Accept-Ranges") == "bytes":
            assert int(head.headers["Content-Length"]) == len(whole.content)


async def test_what_the_client_has_is_not_sent_again(http: httpx2.AsyncClient) -> None:
    tags = set()
    for address in addresses(WITH_RANGES, WITHOUT):
        etag = (await http.head(address)).headers["ETag"]
        assert etag.startswith('"')
        tags.add(etag)
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            for method in ("GET", "HEAD"):
                fresh = await http.request(method, address, headers={"If-None-Match": known})
                assert (fresh.status_code, fresh.content, fresh.headers["ETag"]) == (304, b"", etag)
                assert not {"content-type", "content-length"} & {name.lower() for name in fresh.headers}
        # A condition on the whole comes before a range, and a date says nothing.
        assert (await get(http, address, If_None_Match=etag, Range="bytes=0-9")).status_code == 304
        assert (await get(http, address, If_None_Match='"other"')).status_code == 200
        assert (await get(http, address, If_Modified_Since="Fri, 31 Dec 2049 23:59:59 GMT")).status_code == 200
    assert len(tags) == len(addresses(WITH_RANGES, WITHOUT))


async def test_whoever_wants_a_version_that_is_gone_gets_none_of_another(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITH_RANGES, WITHOUT):
        etag = (await http.head(address)).headers["ETag"]
        for wanted, met in (
            (etag, True),
            ("*", True),
            (f'"other", {etag}', True),
            ('"zz"', False),
            (f"W/{etag}", False),
        ):
            answer = await get(http, address, If_Match=wanted, Range="bytes=0-9")
            assert answer.status_code in ((200, 206) if met else (412,))
            assert met or answer.json()["code"] == "precondition_failed"


async def test_a_part_is_cut_from_the_whole_for_whoever_has_the_rest_of_it(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITH_RANGES):
        whole = await http.get(address)
        size, etag = len(whole.content), whole.headers["ETag"]
        for wanted, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=43-1044", 43, 1045),
            (f"bytes={size - 1}-", size - 1, size),
            ("bytes=-1000", size - 1000, size),
            (f"bytes=0-{size * 2}", 0, size),
        ):
            for conditions in ({}, {"If-Range": etag}):
                part = await http.get(address, headers={"Range": wanted, **conditions})
                assert (part.status_code, part.headers["ETag"]) == (206, etag)
                assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
                assert part.content == whole.content[start:end]


async def test_whoever_has_another_version_gets_the_whole(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITH_RANGES):
        whole = await http.get(address)
        for other in ('"other"', f"W/{whole.headers['ETag']}", "Fri, 31 Dec 2049 23:59:59 GMT"):
            answer = await get(http, address, Range="bytes=5-9", If_Range=other)
            assert (answer.status_code, answer.content) == (200, whole.content)
            assert "Content-Range" not in answer.headers


async def test_what_cannot_be_cut_is_refused_and_what_is_no_range_gets_the_whole(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITH_RANGES):
        size = int((await http.head(address)).headers["Content-Length"])
        for wanted, code in (
            (f"bytes={size}-", "range_not_satisfiable"),
            ("bytes=0-1,5-6", "multiple_ranges"),
            ("bytes=0-1, -1", "multiple_ranges"),
        ):
            refused = await get(http, address, Range=wanted)
            assert (refused.status_code, refused.json()["code"]) == (416, code)
            assert refused.headers["Content-Range"] == f"bytes */{size}"
        for wanted in ("bytes=9-5", "seconds=0-1", "bytes=x"):
            answer = await get(http, address, Range=wanted)
            assert (answer.status_code, len(answer.content)) == (200, size)
        head = await http.head(address, headers={"Range": "bytes=0-1"})
        assert (head.status_code, int(head.headers["Content-Length"])) == (200, size)


async def test_what_has_no_parts_gives_the_whole_to_whoever_asks_for_one(http: httpx2.AsyncClient) -> None:
    for address in addresses(WITHOUT):
        whole = await http.get(address)
        assert whole.headers.get("Accept-Ranges") in (None, "none")
        for wanted in ("bytes=0-9", "bytes=0-1,5-6", "bytes=99999999-"):
            answer = await get(http, address, Range=wanted)
            assert (answer.status_code, answer.content) == (200, whole.content)
