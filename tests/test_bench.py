"""The benchmarks run and print their whole tables; what they measure is nobody's to assert."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmarks.load import lateness_s
from scripts.benchmarks.playback import PREBUFFER_S, Playback

ROOT = Path(__file__).parent.parent
LISTENERS_ROWS = (
    "CPU, ms per second of a listener",
    "CPU, µs per packet",
    "waiting for a CPU that others had, %",
    "ping beside them, p99, ms",
    "packets late, p99, ms",
    "told to come again, while they came",
    "underruns",
    "least that a player had left, ms",
    "memory, KiB per listener",
    "listeners (in steps of 1, 3 at most)",
    "write: the kernel",
    "scheduler, timers, epoll",
    "together",
    "8,192 frames",
    *(
        f"{what}: {figure}"
        for what in ("small JSON", "one chunk, cached")
        for figure in ("requests per second", "MiB per second", "CPU, µs per request")
    ),
    *(
        row
        for kind in ("FLAC", "MP3")
        for row in (
            f"{kind}, mastered: analysed, not heard yet; a scan runs",
            f"{kind}, mastered: heard before, not rendered",
            f"{kind}, mastered: another preset, the first, after 2 s of a track",
            f"{kind}, mastered: another preset, the first, as soon as a track is heard",
            f"{kind}, mastered: another preset, heard before, not rendered",
            f"{kind} of 20 s, mastered: never analysed",
        )
    ),
    *(
        f"{kind}, as recorded, not rendered: {question}"
        for kind in ("FLAC, direct", "MP3, direct", "Opus, filled")
        for question in ("a start", "a seek")
    ),
    "as recorded, cached",
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


def test_the_listeners_benchmark_prints_every_row_with_a_figure_of_ours() -> None:
    printed = trial("listeners").splitlines()
    for row in LISTENERS_ROWS:
        (line,) = [line for line in printed if line.startswith(f"{row}  ")]
        assert line.removeprefix(row).split(), row


def test_the_master_benchmark_prints_every_row_of_ours_and_of_each_peer() -> None:
    printed = trial("master").splitlines()
    for row in MASTER_ROWS:
        (line,) = [line for line in printed if line.startswith((f"{row}  ", f"{row} ("))]
        assert line.removeprefix(row).split(), row


def test_a_player_that_is_served_in_time_never_runs_dry() -> None:
    playback = Playback()
    playback.take(0.0, 0.3)
    for number in range(1, 100):
        playback.take(number * 0.2, 0.2)
    assert playback.underruns == 0
    assert playback.least_s == pytest.approx(0.1)


def test_a_player_runs_dry_when_a_packet_comes_later_than_its_buffer_lasts() -> None:
    playback = Playback()
    playback.take(0.0, 0.5)
    playback.take(0.49, 0.2)
    assert playback.underruns == 0
    assert playback.least_s == pytest.approx(0.01)
    playback.take(0.71, 0.2)
    assert playback.underruns == 1
    assert playback.least_s == 0.0


def test_a_player_also_runs_dry_when_nothing_comes_any_more() -> None:
    playback = Playback()
    playback.take(0.0, 0.5)
    playback.look(0.4)
    assert playback.underruns == 0
    playback.look(0.6)
    playback.look(9.0)
    assert playback.underruns == 1


def test_a_player_begins_and_begins_again_only_with_something_in_hand() -> None:
    playback = Playback()
    playback.take(0.0, PREBUFFER_S * 0.75)
    playback.look(5.0)
    assert playback.underruns == 0  # nothing was heard yet that could have ended
    playback.take(5.0, PREBUFFER_S * 0.75)
    playback.look(5.0 + PREBUFFER_S * 1.6)
    assert playback.underruns == 1
    playback.take(9.0, PREBUFFER_S * 0.5)
    playback.look(20.0)
    assert playback.underruns == 1


def test_lateness_counts_from_the_most_punctual_packet() -> None:
    assert lateness_s([10.0, 10.25, 10.4, 10.65], 0.2) == pytest.approx([0.0, 0.05, 0.0, 0.05])
