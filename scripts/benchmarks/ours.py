"""Our server as the benchmarks see it: by its HTTP."""

import json
import time
from collections.abc import Callable
from typing import Any

from scripts.benchmarks.http_load import fetch, post
from scripts.benchmarks.paced import AHEAD_S
from scripts.benchmarks.programs import Program

LONGEST_S = 900.0
LOOK_EVERY_S = 0.02
SETTINGS: dict[str, object] = {
    "pace_ahead_s": AHEAD_S,
    "log_level": "error",
    "max_messages_per_s": 10_000,
    "max_sessions": 8192,
    "max_connections": 8192,
    "max_streams": 8192,
    "max_streams_per_client": 8192,
    "max_requests_per_s": 1_000_000,
    "chunk_disk_bytes": 0,
    "watch": "false",
}
"""bounds that are not what is measured are out of the way, and what was rendered before is nowhere but in memory"""


def ask(program: Program, path: str) -> Any:
    """What is answered in JSON."""
    return json.loads(fetch(program.address, path))


def cached_bytes(program: Program) -> int:
    """What lies in the memory for rendered chunks."""
    held: int = ask(program, "/api/status")["chunk_cache"]["bytes"]
    return held


def chunk_path(track_id: int, index: int) -> str:
    """A chunk as plain PCM."""
    return f"/api/stream/{track_id}/chunk/{index}?encoding=s16"


def wait_scanned(program: Program) -> None:
    """Wait until the first scan has ended."""
    _wait(lambda: ask(program, "/api/library/scan/status")["state"] == "finished", "the scan does not end")


def wait_analysed(program: Program) -> None:
    """Wait until everything that was found is analysed."""

    def is_analysed() -> bool:
        told = ask(program, "/api/library/analysis/status")
        return bool(told["state"] == "idle" and told["done"] == told["total"] > 0)

    _wait(is_analysed, "the analysis does not end")


def tracks(program: Program, search: str | None = None) -> dict[str, int]:
    """The ids of the tracks, or of those that a search finds, by the names of their files."""
    found = "" if search is None else f"&search={search}"
    items = ask(program, f"/api/library/tracks?limit=500{found}")["items"]
    return {f"{item['title']}.{item['format']}": item["id"] for item in items}


def keep_scanning(program: Program) -> None:
    """Make sure that a scan is reading files at this moment, every one of them anew; or was, if they are so few."""
    told = ask(program, "/api/library/scan/status")
    if told["state"] not in {"walking", "reading"}:
        post(program.address, "/api/library/scan", b'{"skip_existing": false}')

    def has_begun() -> bool:
        now = ask(program, "/api/library/scan/status")
        return bool(
            now["state"] == "reading" or (now["state"] == "finished" and now["started_ns"] > told["started_ns"])
        )

    _wait(has_begun, "no scan begins")


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    until_s = time.monotonic() + LONGEST_S
    while not done():
        if time.monotonic() > until_s:
            raise RuntimeError(otherwise)
        time.sleep(LOOK_EVERY_S)  # noqa: TID251 - another process, which can only be asked again
