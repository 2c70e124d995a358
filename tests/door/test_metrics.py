"""The figures for Prometheus: valid, the same as those of the status, and bounded in number."""

import re
from pathlib import Path

import httpx2
import pytest
import soundfile
import trio
import trio.testing
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from auralis_trio.app import Server
from auralis_trio.demo import synthesise
from auralis_trio.offload import Lane
from auralis_trio.web.metrics import write_metrics
from auralis_trio.web.server import route_table
from auralis_trio.web.status import look
from auralis_trio.wire.packets import LAST
from tests.player_client import open_player
from tests.serving import LIMIT_S, held_permits

RATE = 44_100
FRAMES = 3 * RATE


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / "one.wav", synthesise(3.0, RATE, 2, seed=1), RATE, subtype="PCM_16")
    return folder


async def metrics(http: httpx2.AsyncClient) -> dict[str, Metric]:
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, sample: str = "", **labels: str) -> float | None:
    """The figure with exactly these labels; None where there is none."""
    found = [
        one.value
        for one in families[name].samples
        if one.labels == labels and one.name in {name + sample, name + (sample or "_total")}
    ]
    assert len(found) <= 1
    return found[0] if found else None


async def test_names_are_as_prometheus_has_them(http: httpx2.AsyncClient) -> None:
    families = await metrics(http)
    assert len(families) > 60
    for name, family in families.items():
        assert re.fullmatch(r"auralis_[a-z_]+", name), name
        assert family.documentation.endswith("."), name
        assert family.type in {"gauge", "counter", "histogram"}, name
        assert not name.endswith(("_ms", "_kb", "_mb", "_percent", "_count", "_sum", "_info_total")), name
        assert len({(one.name, *sorted(one.labels.items())) for one in family.samples}) == len(family.samples)


async def test_what_a_stream_sends_is_counted(http: httpx2.AsyncClient, server: Server) -> None:
    async with open_player(server.url) as player:
        delivery = await player.play_to_end(1, encoding="s16")
        families = await metrics(http)
        assert value(families, "auralis_sessions", state="ended") == 1
    assert delivery.frames == FRAMES
    assert value(families, "auralis_streams_begun") == 1
    assert value(families, "auralis_streams_ended", reason="completed") == 1
    assert value(families, "auralis_stream_frames") == FRAMES
    assert value(families, "auralis_stream_bytes") == FRAMES * 4
    assert value(families, "auralis_stream_packets") == -(-FRAMES // 8192)
    assert value(families, "auralis_stream_underruns") == 0


async def test_who_had_played_all_that_was_sent_has_heard_a_gap(http: httpx2.AsyncClient, server: Server) -> None:
    async with open_player(server.url) as player:
        started = await player.play(1, credit=8192)
        packet = await player.hear_packet()
        assert packet.frames == 8192
        await player.say("credit", stream_id=started["stream_id"], frames=FRAMES, played=8192)
        while not (await player.hear_packet()).flags & LAST:
            pass
        families = await metrics(http)
    assert value(families, "auralis_stream_underruns") == 1


async def test_requests_are_counted_by_route_and_never_by_path(http: httpx2.AsyncClient, server: Server) -> None:
    for path in ("/api/stream/1/chunk/0", "/api/stream/1/chunk/0/", "/api/stream/1/chunk/99", "/api/albums/7"):
        await http.get(path)
    for path in ("/nothing", "/api/nothing/at/all", "/player/../x"):
        await http.get(path)
    await http.request("BREW", "/api/health")
    await http.get("/api/health", headers={"Host": "elsewhere"})
    families = await metrics(http)
    chunk = "/api/stream/{track_id}/chunk/{index}"
    name = "auralis_http_requests"
    assert value(families, name, method="GET", route=chunk, status="200") == 2
    assert value(families, name, method="GET", route=chunk, status="404") == 1
    assert value(families, name, method="GET", route="/api/albums/{album_id}", status="404") == 1
    assert value(families, name, method="GET", route="other", status="404") == 3
    assert value(families, name, method="GET", route="other", status="403") == 1
    assert value(families, name, method="other", route="other", status="405") == 1
    told = {one.labels["route"] for one in families[name].samples}
    assert told <= {route.path for route in route_table(server.services)} | {"other"}
    took = "auralis_http_request_duration_seconds"
    assert value(families, took, "_count", method="GET", route=chunk) == 3
    assert value(families, took, "_bucket", method="GET", route=chunk, le="+Inf") == 3


async def test_figures_are_those_of_the_status(http: httpx2.AsyncClient, server: Server) -> None:
    await http.get("/api/stream/1/chunk/0")
    await http.get("/api/stream/1/chunk/0")
    status, families = (await http.get("/api/status")).json(), await metrics(http)
    cache = status["chunk_cache"]
    for name in ("entries", "bytes", "max_bytes", "hits", "misses", "evictions"):
        assert value(families, f"auralis_chunk_cache_{name}", tier="memory") == cache[name]
    assert (cache["hits"], cache["entries"]) == (1, 1)
    for lane, held in status["permits"].items():
        assert value(families, "auralis_permits", lane=lane) == held["permits"]
    assert value(families, "auralis_scan_state", state="finished") == 1
    assert value(families, "auralis_scan_state", state="reading") == 0
    assert value(families, "auralis_library_tracks") == 1
    assert value(families, "auralis_library_duration_seconds") == 3.0
    assert value(families, "auralis_process_open_fds") is not None
    assert value(families, "auralis_service_running", service="lag") == 1


async def test_the_lag_of_the_event_loop_is_measured_by_itself(http: httpx2.AsyncClient, server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        while not value(await metrics(http), "auralis_event_loop_lag_seconds", "_count"):
            await trio.testing.wait_all_tasks_blocked(0.05)


async def test_what_does_not_answer_is_absent_and_never_zero(http: httpx2.AsyncClient, server: Server) -> None:
    async with held_permits(server, Lane.DISK):
        status = await look(server.services)
    text = write_metrics(status, {}, None).decode()
    assert "auralis_process" not in text
    assert "auralis_library" not in text
    assert "auralis_permits" in text
