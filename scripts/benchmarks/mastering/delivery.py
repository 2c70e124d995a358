"""Whether what was promised is what independent meters read: loudness against the target, true peak, frames."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import soundfile

from scripts.benchmarks.mastering.rivals import (
    has_ffmpeg,
    has_libebur128,
    has_python,
    read_ffmpeg,
    read_libebur128,
)
from scripts.benchmarks.mastering.runs import ours
from scripts.benchmarks.table import Columns

Meter = Callable[[Path], tuple[float, float]]


@dataclass(frozen=True)
class Delivered:
    """One mastered track: what was promised, what each meter reads (LUFS, dBTP) by the meter's name."""

    preset: str
    target_lufs: float
    expected_lufs: float
    limited: bool
    frames_missing: int
    read: dict[str, tuple[float, float]]


def meters() -> dict[str, Meter]:
    """The independent meters that are there."""
    found: dict[str, Meter] = {}
    if has_python() and has_libebur128():
        found["libebur128"] = read_libebur128
    if has_ffmpeg():
        found["ffmpeg"] = read_ffmpeg
    return found


def deliver(tracks: Sequence[Path], folder: Path, presets: Sequence[str]) -> list[Delivered]:
    """Master every track by every preset, and read the results; as many at once as there are cores."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return [
            each for part in threads.map(lambda track: _delivered(track, folder, presets), tracks) for each in part
        ]


def _delivered(track: Path, folder: Path, presets: Sequence[str]) -> list[Delivered]:
    done = []
    for preset, facts in ours("delivery", track, folder, *presets, pin=False).facts.items():
        path = Path(facts["path"])
        read = {name: _read(meter, path) for name, meter in meters().items()}
        missing = soundfile.info(track).frames - soundfile.info(path).frames
        path.unlink()
        if facts["target_lufs"] is not None:
            limited = facts["limited_by"] is not None
            done.append(Delivered(preset, facts["target_lufs"], facts["expected_lufs"], limited, missing, read))
    return done


def _read(meter: Meter, path: Path) -> tuple[float, float]:
    integrated_lufs, amplitude = meter(path)
    return integrated_lufs, 20.0 * math.log10(max(amplitude, 1e-9))


def report(delivered: Sequence[Delivered]) -> list[Columns]:
    """A table for each meter."""
    return [_table(name, delivered) for name in meters()]


def _table(meter: str, delivered: Sequence[Delivered]) -> Columns:
    table = Columns(
        f"Delivered, as {meter} reads it",
        (
            "tracks",
            "off target p50, LU",
            "at worst",
            "limited",
            "off what was said",
            "highest dBTP",
            "frames missing",
        ),
    )
    for preset in dict.fromkeys(each.preset for each in delivered):
        rows = [each for each in delivered if each.preset == preset]
        free = [abs(each.read[meter][0] - each.target_lufs) for each in rows if not each.limited]
        bound = [abs(each.read[meter][0] - each.expected_lufs) for each in rows if each.limited]
        table.add(
            preset,
            str(len(rows)),
            f"{median(free):.3f}" if free else "-",
            f"{max(free):.3f}" if free else "-",
            str(len(bound)),
            f"{max(bound):.3f}" if bound else "-",
            f"{max(each.read[meter][1] for each in rows):.2f}",
            str(sum(abs(each.frames_missing) for each in rows)),
        )
    return table
