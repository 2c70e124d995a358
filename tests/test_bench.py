"""The benchmarks run and print their whole tables; what they measure is nobody's to assert."""

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


MASTER_ROWS = (
    *(f"ours: analysis with decoding, {kind}" for kind in ("WAV", "FLAC", "MP3")),
    "ours: loudness and its range alone",
    "ours: loudness, its range, true peak alone",
    *(f"libebur128: {what}" for what in ("I", "I, LRA", "I, LRA, true peak")),
    "pyloudnorm: I",
    "ffmpeg ebur128, with decoding: I, LRA, true peak",
    "ffmpeg loudnorm, first pass",
    *(
        f"ours: {bands}, chunks of 10 s"
        for bands in ("wideband (adaptive)", "two bands (warm)", "three bands (bright)")
    ),
    *(f"ours: {bands}, on the hottest track" for bands in ("wideband", "two bands", "three bands")),
    "ours: file to file, analysis and all",
    "Matchering",
    "ffmpeg loudnorm, two passes",
    *(
        f"{kind}: {what}"
        for kind in ("FLAC", "MP3")
        for what in (
            "a random chunk of 10 s, with its context",
            "a random chunk of 5 s, with its context",
            "the first chunk of a known track: open, solve, design, render",
            "the first chunk of 8 s never analysed",
        )
    ),
    *("decode", "mid and side", "equalizer", "dynamics", "limiter", "16 bits, dithered", "rest", "together"),
    "bare convolution with as many taps",
    *(f"{who}, {what}" for who in ("server", "bare") for what in ("idle", "every core masters")),
)


def trial(benchmark: str) -> str:
    command = [sys.executable, "-m", "scripts.benchmarks", benchmark, "--trial"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_the_stream_benchmark_prints_every_row_with_a_figure_of_ours() -> None:
    figures = {line[:56].strip(): line[56:].split() for line in trial("stream").splitlines()}
    assert [row for row in ROWS if not figures.get(row)] == []


def test_the_master_benchmark_prints_every_row_of_ours_and_of_each_peer() -> None:
    printed = trial("master").splitlines()
    for row in MASTER_ROWS:
        (line,) = [line for line in printed if line.startswith((f"{row}  ", f"{row} ("))]
        assert line.removeprefix(row).split(), row
