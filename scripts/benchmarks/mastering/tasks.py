"""What is measured of ours, each task in a process of its own: `tasks.py TASK ARGUMENTS...` prints JSON.

Single-threaded figures are CPU time (`cpu_s`, the median of `repeats`), latencies are what a clock on the wall says.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import soundfile

from auralis_trio.analysis import Analysis, LoudnessMeter, TruePeakMeter, analyse
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.encoder.pcm import pack_pcm
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Recipe, render
from auralis_trio.mastering.chain import chain_for
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.solve import Mastered
from auralis_trio.mastering.tuning import Tuning, master, tune
from auralis_trio.work.memory import keep_freed_memory
from auralis_trio.work.offline import Finished, Order, Workshop, master_file
from auralis_trio.work.rendering import TrackReader
from scripts.benchmarks.mastering.stages import bound_s, stage_times

TEN_S_GRAINS = 36
STEP = 1 << 16
PATIENCE_S = 600.0
_TARGET = Target()

Facts = dict[str, Any]


def analysis(path: str, repeats: str) -> Facts:
    """Decoding and analysing a whole file."""

    def once() -> None:
        with _opened(path) as source:
            analyse(source)

    return _timed(once, int(repeats)) | {"audio_s": _audio_s(path)}


def loudness(path: str, repeats: str) -> Facts:
    """Loudness and its range alone, of decoded samples."""
    return _metered(path, int(repeats), peaks=False)


def peaks(path: str, repeats: str) -> Facts:
    """Loudness, its range and true peak, of decoded samples."""
    return _metered(path, int(repeats), peaks=True)


def rendering(path: str, preset: str, repeats: str) -> Facts:
    """All chunks of ten seconds in a random order, each with its context, from decoded samples to mastered ones."""
    with _opened(path) as source:
        recipe = _mastered(source, preset)[1].recipe
        firsts = list(range(0, _grid(source).total_grains, TEN_S_GRAINS))
        random.Random(1).shuffle(firsts)

        def once() -> None:
            for first in firsts:
                render(source, recipe, first, first + TEN_S_GRAINS)

        once()
        return _timed(once, int(repeats)) | {"audio_s": _audio_s(path)}


def file(path: str, into: str, preset: str) -> Facts:
    """From file to file: analysed, tuned, rendered, measured, written with 16 bits."""
    began_s = time.process_time()
    with _workshop() as shop:
        order = Order(preset=preset, intensity=1.0, target=_TARGET, words="16")
        finished = master_file(shop, path, into, order)
    return {"cpu_s": time.process_time() - began_s, "audio_s": _audio_s(path), **_figures(finished)}


def delivery(path: str, folder: str, *presets: str) -> Facts:
    """Files of floats for the independent meters, one for each preset, and what is claimed of them."""
    found: Facts = {}
    with _workshop() as shop:
        for preset in presets:
            into = str(Path(folder) / f"{Path(path).stem}-{preset}.wav")
            order = Order(preset=preset, intensity=1.0, target=_TARGET, words="float")
            found[preset] = {"path": into, **_figures(master_file(shop, path, into, order))}
    return found


def stages(path: str, *presets: str) -> Facts:
    """Where the time of chunks of ten seconds goes for each preset, and what a bare convolution takes."""
    return {preset: _stages(path, preset) for preset in presets}


def _stages(path: str, preset: str) -> Facts:
    with _opened(path) as source:
        recipe = _mastered(source, preset)[1].recipe
        starts = range(0, max(1, _grid(source).total_grains - TEN_S_GRAINS), TEN_S_GRAINS)
        chunks = [(source, recipe, first, first + TEN_S_GRAINS) for first in starts]
        return {"stages": stage_times(chunks), "bound_s": bound_s(source, TEN_S_GRAINS), "chunks": len(chunks)}


def latencies(path: str, preset: str, count: str) -> Facts:
    """Milliseconds on the wall: for random chunks of an open track, and for the first one of a closed one."""
    with _opened(path) as source:
        known = _mastered(source, preset)
        recipe, grid = known[1].recipe, _grid(source)
        places = random.Random(2)
        grains = [places.randrange(max(1, grid.total_grains - TEN_S_GRAINS)) for _ in range(int(count))]
        ten = _each([partial(_packed, source, recipe, first, TEN_S_GRAINS) for first in grains])
        five = _each([partial(_packed, source, recipe, first, GRAINS_PER_CHUNK) for first in grains])
    analysed, _, tuning = known
    first = _each([partial(_first_chunk, path, analysed, preset, tuning)] * int(count))
    unknown = _each([partial(_unknown, path, preset)] * max(2, int(count) // 4))
    return {"ten_s": ten, "five_s": five, "known": first, "unknown": unknown}


TASKS: dict[str, Callable[..., Facts]] = {
    task.__name__: task for task in (analysis, loudness, peaks, rendering, file, delivery, stages, latencies)
}


def _mastered(source: AudioSource, preset: str) -> tuple[Analysis, Mastered, Tuning]:
    found = analyse(source)
    tuning = tune(source, found, preset, _TARGET)
    return found, master(found, preset, 1.0, _TARGET, tuning), tuning


def _packed(source: AudioSource, recipe: Recipe, first: int, grains: int) -> bytes:
    return pack_pcm(render(source, recipe, first, first + grains), Encoding.S16, None)


def _first_chunk(path: str, analysed: Analysis, preset: str, tuning: Tuning) -> None:
    """What a request for the first chunk of a track needs whose analysis is kept: solve, design, open, render."""
    chain_for.cache_clear()
    recipe = master(analysed, preset, 1.0, _TARGET, tuning).recipe
    with _pcm() as pcm, closing(TrackReader(_track_file(path), pcm)) as reader:
        reader.chunk(recipe, 0, Encoding.S16)


def _unknown(path: str, preset: str) -> None:
    """What a request for the first chunk needs when nothing but the scan has seen the track."""
    with _opened(path) as source:
        analysed, _, tuning = _mastered(source, preset)
    _first_chunk(path, analysed, preset, tuning)


def _track_file(path: str) -> TrackFile:
    seen, status = probe(path), Path(path).stat()
    return TrackFile(
        track_id=1,
        path=path,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        kind=seen.kind,
        format=seen.format,
        content_id=seen.content_id,
        total_frames=seen.total_frames,
    )


@contextmanager
def _pcm() -> Iterator[PcmCache]:
    with tempfile.TemporaryDirectory(prefix="auralis-bench-") as folder:
        yield PcmCache(folder, 1 << 32, PATIENCE_S)


@contextmanager
def _opened(path: str) -> Iterator[AudioSource]:
    with _pcm() as pcm, closing(open_source(path, probe(path).content_id, pcm)) as source:
        yield source


@contextmanager
def _workshop() -> Iterator[Workshop]:
    with _pcm() as pcm:
        yield Workshop(pcm, lambda doing, share: None)


def _metered(path: str, repeats: int, *, peaks: bool) -> Facts:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)

    def once() -> None:
        meters: list[LoudnessMeter | TruePeakMeter] = [LoudnessMeter(rate, samples.shape[1])]
        if peaks:
            meters.append(TruePeakMeter(rate, samples.shape[1]))
        for meter in meters:
            for start in range(0, len(samples), STEP):
                meter.add(samples[start : start + STEP])
            meter.result()

    return _timed(once, repeats) | {"audio_s": len(samples) / rate}


def _figures(finished: Finished) -> Facts:
    values, mastered = finished.analysis.profile.values, finished.mastered
    claims = {name: getattr(mastered, name) for name in ("target_lufs", "expected_lufs", "limited_by")}
    return {"before_lufs": values["integrated_lufs"], **claims, "outcome": msgspec.to_builtins(finished.outcome)}


def _grid(source: AudioSource) -> Grid:
    return Grid(source.format.sample_rate, source.total_frames)


def _audio_s(path: str) -> float:
    return float(soundfile.info(path).duration)


def _timed(once: Callable[[], None], repeats: int) -> Facts:
    taken_s = []
    for _ in range(repeats):
        began_s = time.process_time()
        once()
        taken_s.append(time.process_time() - began_s)
    return {"cpu_s": statistics.median(taken_s), "each_s": taken_s}


def _each(jobs: Sequence[Callable[[], object]]) -> Facts:
    """What each takes, in ms, by the clock on the wall and of the CPU; the first is done once before."""
    jobs[0]()
    taken: list[tuple[float, float]] = []
    for job in jobs:
        began_s = time.perf_counter(), time.process_time()
        job()
        taken.append((time.perf_counter() - began_s[0], time.process_time() - began_s[1]))
    wall_s, cpu_s = zip(*taken, strict=True)
    return {"ms": [1000 * value for value in wall_s], "cpu_ms": [1000 * value for value in cpu_s]}


def main(arguments: Sequence[str]) -> None:
    """Carry out one task, with memory dealt with as our commands do."""
    keep_freed_memory()
    print(json.dumps(TASKS[arguments[0]](*arguments[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
