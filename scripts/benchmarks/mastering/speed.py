"""How fast, in how much memory: ours and the peers, each on one core, on the same tracks."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from scripts.benchmarks.mastering.corpus import Corpus
from scripts.benchmarks.mastering.rivals import Rival, masters, meters
from scripts.benchmarks.mastering.runs import CORETYPE, Run, ours
from scripts.benchmarks.table import Columns, figures

BANDS = {"adaptive": "wideband", "warm": "two bands", "bright": "three bands"}
"""A preset of each kind."""

Work = Callable[[Path], Run]


@dataclass
class Speeds:
    """A table of speeds, whose last column compares with one row of ours."""

    heading: str
    measure: str
    tracks: Sequence[Path]
    standard: float = 0.0
    table: Columns = field(init=False)

    def __post_init__(self) -> None:
        self.table = Columns(self.heading, ("x real time", "peak MiB", self.measure))

    def add(self, name: str, work: Work, *, tracks: Sequence[Path] | None = None, standard: bool = False) -> None:
        """Put in a row of ours."""
        self._add(name, work, self.tracks if tracks is None else tracks, standard=standard)

    def compare(self, rival: Rival, *, wanted: bool) -> None:
        """Put in a row of a peer."""
        if wanted and rival.installed:
            self._add(rival.name, rival.work, self.tracks)
        else:
            self.table.add(rival.name, "not installed" if wanted else "left out", "", "")

    def _add(self, name: str, work: Work, tracks: Sequence[Path], *, standard: bool = False) -> None:
        runs = [work(track) for track in tracks]
        speeds = [run.facts["audio_s"] / run.cpu_s for run in runs]
        if standard:
            self.standard = median(speeds)
        ratio = f"{self.standard / median(speeds):.1f}" if self.standard else ""
        self.table.add(name, figures(speeds), f"{max(run.peak_mib for run in runs):.0f}", ratio)


@dataclass(frozen=True)
class Care:
    """How often ours is timed, whether peers are, and whether also with the kernels that OpenBLAS would choose."""

    repeats: int
    peers: bool
    kernels: bool


def measuring(corpus: Corpus, tracks: Sequence[Path], care: Care) -> Columns:
    """Analysis, and what only measures."""
    speeds = Speeds("Measuring, one core", "analysis of WAV / this", tracks)
    for suffix in (".wav", ".flac", ".mp3"):
        coded = list(tracks) if suffix == ".wav" else [corpus.coded(track, suffix) for track in tracks]
        for remark, without in _variants(care):
            speeds.add(
                f"ours: analysis with decoding, {suffix[1:].upper()}{remark}",
                _task("analysis", care.repeats, without=without),
                tracks=coded,
                standard=not speeds.standard,
            )
    speeds.add("ours: loudness and its range alone", _task("loudness", care.repeats))
    speeds.add("ours: loudness, its range, true peak alone", _task("peaks", care.repeats))
    for rival in meters():
        speeds.compare(rival, wanted=care.peers)
    return speeds.table


def mastering(corpus: Corpus, tracks: Sequence[Path], care: Care) -> Columns:
    """Chunks of ten seconds with their context, and files to files."""
    hottest = corpus.loudest
    speeds = Speeds("Mastering, one core", "two bands / this", tracks)
    for preset in ("warm", "adaptive", "bright"):
        for remark, without in _variants(care):
            speeds.add(
                f"ours: {BANDS[preset]} ({preset}), chunks of 10 s{remark}",
                _task("rendering", preset, care.repeats, without=without),
                standard=not speeds.standard,
            )
    for preset, bands in BANDS.items():
        speeds.add(
            f"ours: {bands}, on the hottest track ({hottest.stem})",
            _task("rendering", preset, care.repeats),
            tracks=[hottest],
        )
    into = corpus.folder / "mastered.wav"
    speeds.add("ours: file to file, analysis and all (warm)", _task("file", into, "warm"))
    for rival in masters(corpus.tracks[-1], into):
        speeds.compare(rival, wanted=care.peers)
    return speeds.table


def _task(name: str, *behind: object, without: str | None = None) -> Work:
    """One of our own tasks, done to a path."""
    return lambda path: ours(name, path, *behind, without=without)


def _variants(care: Care) -> list[tuple[str, str | None]]:
    """With OpenBLAS as the environment has it, and, where that chooses for it, as it would choose itself."""
    chosen = os.environ.get(CORETYPE) if care.kernels else None
    return [("", None), (f", without {CORETYPE}={chosen}", CORETYPE)] if chosen else [("", None)]
