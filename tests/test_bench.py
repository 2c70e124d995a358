"""The benchmark runs and prints its whole table; what it measures is nobody's to assert."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROWS = (
    "3 streams: CPU, ms per stream-second",
    "3 streams: waiting for a CPU that others had, %",
    "3 streams: memory, KiB per stream",
    "3 streams: packets late, p99, ms",
    "3 streams: ping beside them, p99, ms",
    "streams on one core, late p99 < 50 ms",
    *(
        f"{kind}: {question}, {share}"
        for kind in ("FLAC", "WAV")
        for question in ("play, not cached", "play, cached", "seek, not cached", "seek, cached")
        for share in ("p50", "p99")
    ),
    "small JSON: requests per second",
    "small JSON: CPU, µs per request",
    "one chunk, cached: requests per second",
    "one chunk, cached: CPU, µs per request",
)


def test_the_stream_benchmark_prints_every_row_with_a_figure_of_ours() -> None:
    command = [sys.executable, "-m", "scripts.benchmarks", "stream", "--trial"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    figures = {line[:56].strip(): line[56:].split() for line in done.stdout.splitlines()}
    assert [row for row in ROWS if not figures.get(row)] == []
