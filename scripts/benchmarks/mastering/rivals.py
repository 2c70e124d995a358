"""The peers, each doing its own to a file, as a user of it would: CPU time and peak of memory on one core."""

import ctypes.util
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import soundfile

from scripts.benchmarks.mastering.runs import PEERS_PYTHON, Run, peer, run

FFMPEG = ("ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-threads", "1", "-filter_threads", "1", "-y")
LOUDNORM = "loudnorm=I=-14:TP=-1:LRA=11"


@dataclass(frozen=True)
class Rival:
    """A peer: what it is called, what it needs, and what it does to a file."""

    name: str
    installed: bool
    work: Callable[[Path], Run]


def meters() -> Sequence[Rival]:
    """Those that measure."""
    python, ffmpeg, library = has_python(), has_ffmpeg(), has_libebur128()
    return (
        Rival("libebur128: I", python and library, lambda path: peer("ebur128_measure", path, "i")),
        Rival("libebur128: I, LRA", python and library, lambda path: peer("ebur128_measure", path, "lra")),
        Rival(
            "libebur128: I, LRA, true peak", python and library, lambda path: peer("ebur128_measure", path, "peak")
        ),
        Rival("pyloudnorm: I", python, lambda path: peer("pyloudnorm_measure", path)),
        Rival("ffmpeg ebur128, with decoding: I, LRA, true peak", ffmpeg, _ffmpeg_ebur128),
        Rival("ffmpeg loudnorm, first pass", ffmpeg, _loudnorm_first),
    )


def masters(reference: Path, into: Path) -> Sequence[Rival]:
    """Those that master, from file to file; `reference` is what Matchering goes by."""
    return (
        Rival("Matchering", has_python(), lambda path: peer("matchering_master", path, reference, into)),
        Rival("ffmpeg loudnorm, two passes", has_ffmpeg(), lambda path: _loudnorm(path, into)),
    )


def has_python() -> bool:
    """Whether the environment of the peers is there."""
    return PEERS_PYTHON.exists()


def has_ffmpeg() -> bool:
    """Whether there is an ffmpeg."""
    return shutil.which("ffmpeg") is not None


def has_libebur128() -> bool:
    """Whether there is a libebur128."""
    return ctypes.util.find_library("ebur128") is not None


def read_libebur128(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak as an amplitude, as libebur128 measures them."""
    facts = peer("ebur128_measure", path, "peak").facts
    return facts["integrated_lufs"], facts["true_peak"]


def read_ffmpeg(path: Path) -> tuple[float, float]:
    """The same by ffmpeg, whose meter is another one."""
    printed = "ebur128=peak=true:metadata=1,ametadata=mode=print:file=-"
    output = run([*FFMPEG, "-i", path, "-af", printed, "-f", "null", "-"]).output
    loudness = re.findall(r"lavfi\.r128\.I=(-?[0-9.]+)", output)
    peaks = re.findall(r"lavfi\.r128\.true_peak=([0-9.]+)", output)
    return float(loudness[-1]), float(peaks[-1])


def _ffmpeg_ebur128(path: Path) -> Run:
    return _timed(path, run([*FFMPEG, "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"]))


def _loudnorm_first(path: Path) -> Run:
    return _timed(path, run([*FFMPEG, "-i", path, "-af", f"{LOUDNORM}:print_format=json", "-f", "null", "-"]))


def _loudnorm(path: Path, into: Path) -> Run:
    """Measured first, then normalised with what was found, back at the rate that the file had."""
    first = _loudnorm_first(path)
    found: dict[str, Any] = json.loads(re.findall(r"\{[^{}]*\"input_i\"[^{}]*\}", first.output)[-1])
    known = ":".join(
        f"{option}={found[name]}"
        for option, name in (
            ("measured_I", "input_i"),
            ("measured_TP", "input_tp"),
            ("measured_LRA", "input_lra"),
            ("measured_thresh", "input_thresh"),
            ("offset", "target_offset"),
        )
    )
    rate = soundfile.info(path).samplerate
    second = run([*FFMPEG, "-i", path, "-af", f"{LOUDNORM}:{known}:linear=true", "-ar", rate, into])
    both = replace(second, cpu_s=first.cpu_s + second.cpu_s, peak_mib=max(first.peak_mib, second.peak_mib))
    return _timed(path, both)


def _timed(path: Path, done: Run) -> Run:
    return replace(done, facts={**done.facts, "audio_s": soundfile.info(path).duration})
