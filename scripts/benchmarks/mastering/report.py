"""`scripts/bench master`: speed, memory, latency, where the time goes, what is delivered, how free the loop stays."""

import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy

from auralis_trio.mastering.presets import PRESETS
from scripts.benchmarks.mastering.corpus import Corpus, make_corpus
from scripts.benchmarks.mastering.delivery import deliver, report
from scripts.benchmarks.mastering.loop import watch_loop
from scripts.benchmarks.mastering.runs import CORETYPE, ours
from scripts.benchmarks.mastering.speed import BANDS, Care, mastering, measuring
from scripts.benchmarks.table import Columns, percentile

TEN_S = 36 * 12_288 / 44_100
"""How long a chunk of 36 grains is."""


@dataclass(frozen=True)
class Effort:
    """How much is measured: of how many tracks, how long, how often."""

    tracks: int
    least_s: float
    timed: int
    cut_s: float | None
    care: Care
    latencies: int
    presets: Sequence[str]
    loop_s: float


FULL = Effort(12, 120.0, 3, None, Care(3, peers=True, kernels=True), 40, tuple(PRESETS), 20.0)
QUICK = Effort(2, 60.0, 1, 60.0, Care(3, peers=True, kernels=False), 8, ("adaptive", "warm"), 4.0)
TRIAL = Effort(2, 10.0, 1, 8.0, Care(1, peers=False, kernels=False), 2, ("adaptive",), 0.6)


def measure(effort: Effort) -> Iterator[str]:
    """Measure everything; parts of the report as they come."""
    with tempfile.TemporaryDirectory(prefix="auralis-bench-") as name:
        corpus = _corpus(Path(name), effort)
        timed = corpus.tracks[: effort.timed]
        yield _heading(corpus, timed)
        yield str(measuring(corpus, timed, effort.care))
        yield str(mastering(corpus, timed, effort.care))
        yield str(_latencies(corpus, effort))
        yield str(_stages(timed[0]))
        if effort.care.peers:
            yield from map(str, report(deliver(corpus.tracks, corpus.folder, effort.presets)))
        yield str(watch_loop(timed[0], corpus.folder, effort.loop_s))


def _corpus(folder: Path, effort: Effort) -> Corpus:
    corpus = make_corpus(folder, effort.tracks, least_s=effort.least_s, real=effort.care.peers)
    if effort.cut_s is None:
        return corpus
    cut = [corpus.cut(track, f"{track.stem}-cut.wav", effort.cut_s) for track in corpus.tracks]
    return Corpus(folder, cut, corpus.real)


def _heading(corpus: Corpus, timed: Sequence[Path]) -> str:
    minutes = [sum(map(corpus.seconds, tracks)) / 60 for tracks in (timed, corpus.tracks)]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, numpy {np.__version__},"
        f" scipy {scipy.__version__}, {CORETYPE}={os.environ.get(CORETYPE, '')};"
        f" {'real' if corpus.real else 'synthesised'} music, 44.1 kHz stereo: {len(timed)} tracks"
        f" ({minutes[0]:.1f} min) timed, {len(corpus.tracks)} ({minutes[1]:.1f} min) delivered;"
        " CPU time, medians (from - to)"
    )


def _latencies(corpus: Corpus, effort: Effort) -> Columns:
    """What a listener waits for, on the wall clock and without the network, and the CPU time of that."""
    table = Columns("From the question to the samples, ms (warm, 16 bits)", ("p50", "p99", "CPU, p50"))
    duration_s = 240.0 if effort.cut_s is None else effort.cut_s
    long = corpus.cut(corpus.tracks[0], "long.wav", duration_s)
    for suffix in (".flac", ".mp3"):
        found = ours("latencies", corpus.coded(long, suffix), "warm", effort.latencies).facts
        for key, what in (
            ("ten_s", "a random chunk of 10 s, with its context"),
            ("five_s", "a random chunk of 5 s, with its context"),
            ("known", "the first chunk of a known track: open, solve, design, render"),
            ("unknown", f"the first chunk of {duration_s:.0f} s never analysed"),
        ):
            taken = found[key]
            shares = ((taken["ms"], 0.5), (taken["ms"], 0.99), (taken["cpu_ms"], 0.5))
            cells = [f"{percentile(values, share):.1f}" for values, share in shares]
            table.add(f"{suffix[1:].upper()}: {what}", *cells)
    return table


def _stages(track: Path) -> Columns:
    """Where the time of a chunk goes, for each kind of recipe."""
    found = ours("stages", track, *BANDS).facts
    table = Columns("Where a chunk of 10 s spends its time, ms", list(BANDS.values()))
    bound_ms = {preset: facts["bound_s"] * 1000 for preset, facts in found.items()}
    for stage in next(iter(found.values()))["stages"]:
        table.add(stage, *(f"{facts['stages'][stage] / facts['chunks'] * 1000:.2f}" for facts in found.values()))
    table.add("bare convolution with as many taps", *(f"{value:.2f}" for value in bound_ms.values()))
    table.add(
        "its x real time: no equalizer is faster", *(f"{TEN_S / value * 1000:.0f}" for value in bound_ms.values())
    )
    return table
