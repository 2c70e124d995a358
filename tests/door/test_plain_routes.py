"""Chunks are answered without Quart: word for word as Quart answers the same request with a slash at its end."""

from pathlib import Path

import httpx2
import pytest
import soundfile

from auralis_trio.demo import synthesise

RATE = 44_100
CHUNK = "/api/stream/1/chunk/0"
QUESTIONS = (
    "",
    "?encoding=s16",
    "?encoding=flac",
    "?encoding=s24&enhanced=true&preset=warm&intensity=0.5",
    "?sample_rate=22050",
    "?encoding=opus",
    "?encoding=s16&encoding=s24",
    "?encoding=",
    "?encoding=%73%31%36",
    "?nonsense",
    "?revision=another",
    "?%ff=%fe",
)
CHANGING = {"date", "server-timing", "x-cache"}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    soundfile.write(folder / "one.flac", synthesise(6.0, RATE, 2, seed=1), RATE, subtype="PCM_16")
    return folder


def said(answer: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    """Everything but when it was, how long it took and where it came from; only that this is said as well."""
    headers = {name: "" if name in CHANGING else value for name, value in answer.headers.items()}
    return answer.status_code, headers, answer.content


async def test_a_chunk_has_the_same_status_headers_and_bytes_with_quart_and_without(http: httpx2.AsyncClient) -> None:
    for path in (CHUNK, "/api/stream/1/chunk/1", "/api/stream/1/chunk/99", "/api/stream/7/chunk/0"):
        for question in QUESTIONS:
            plain, quart = await http.get(path + question), await http.get(f"{path}/{question}")
            assert said(plain) == said(quart), path + question


async def test_what_the_client_has_already_is_not_sent_again_with_quart_or_without(http: httpx2.AsyncClient) -> None:
    etag = (await http.get(CHUNK)).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        plain, quart = [await http.get(path, headers={"If-None-Match": known}) for path in (CHUNK, f"{CHUNK}/")]
        assert (plain.status_code, quart.status_code) == (304, 304)
        assert plain.content == quart.content == b""
        # The length and kind of nothing would be told for those of the chunk.
        assert {"content-length", "content-type"}.isdisjoint(plain.headers)
        for name in ("etag", "cache-control", "x-frame-options"):
            assert plain.headers[name] == quart.headers[name]


async def test_the_head_alone_is_that_of_the_whole_answer(http: httpx2.AsyncClient) -> None:
    whole = await http.get(CHUNK)
    for path in (CHUNK, f"{CHUNK}/"):
        status, headers, body = said(await http.head(path))
        assert (status, headers) == said(whole)[:2]
        assert body == b""
    # The connection is still of use: nothing of a body was sent.
    assert (await http.get(CHUNK)).content == whole.content


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_other_methods_are_refused_as_everywhere(http: httpx2.AsyncClient, method: str) -> None:
    answer = await http.request(method, CHUNK, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("number", ["-1", "x", "1.0", "%F0", "9" * 19])
async def test_what_is_no_number_of_a_chunk_is_not_found(http: httpx2.AsyncClient, number: str) -> None:
    answer = await http.get(f"/api/stream/1/chunk/{number}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_guard_stands_before_it(http: httpx2.AsyncClient) -> None:
    answer = await http.get(CHUNK, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


async def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_client(
    http: httpx2.AsyncClient, music: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (music / "one.flac").rename(music / "gone.flac")
    try:
        plain, quart = await http.get(f"{CHUNK}?encoding=s24"), await http.get(f"{CHUNK}/?encoding=s24")
    finally:
        (music / "gone.flac").rename(music / "one.flac")
    assert said(plain) == said(quart)
    assert plain.json()["code"] == "track_missing"
    assert "gone" not in plain.text


@pytest.mark.parametrize("path", ["/", "/api/docs"])
async def test_a_page_has_its_window_for_itself_where_browsers_heed_that(http: httpx2.AsyncClient, path: str) -> None:
    """Over plain HTTP from another machine they would only complain of the header; there they tell no destination."""
    trusted, plain = await http.get(path, headers={"Sec-Fetch-Dest": "document"}), await http.get(path)
    assert trusted.headers["cross-origin-opener-policy"] == "same-origin"
    assert "cross-origin-opener-policy" not in plain.headers
    assert trusted.headers["content-security-policy"] == plain.headers["content-security-policy"]
