"""Mastering without a server: files in, files out, by the functions that streams are made of.

open > analyse > tune > master > render, chunk by chunk > write, measuring what goes out
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from auralis_trio.analysis import Analysis, analyse
from auralis_trio.audio.block import Samples
from auralis_trio.audio.formats import format_of
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.encoder.file import Cut, Words, open_file
from auralis_trio.errors import InvalidRequest, OutputError, SourceError
from auralis_trio.mastering.album import master_album
from auralis_trio.mastering.reference import match, tune_to_reference
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.solve import Mastered
from auralis_trio.mastering.tuning import master, tune
from auralis_trio.work.rendering import form_behind
from auralis_trio.work.whole import Outcome, OutcomeMeter, rendered

SCRATCH_BYTES = 64 * 1024**3
"""The most disk for decoded files that cannot be sought exactly; a longer one is decoded anew where needed."""

MAX_ALBUM_TRACKS = 500
_PATIENCE_S = 24 * 3600.0

Tell = Callable[[str, float], None]
"""Hears what is being done, and which part of it is: 0 to 1."""


@dataclass(frozen=True)
class Workshop:
    """Where files are worked on: decoded audio in a folder of its own, progress told, and a way to stop."""

    pcm: PcmCache
    tell: Tell
    check: Check = never_cancelled

    @contextmanager
    def source(self, path: str | Path, doing: str, sample_rate: int | None = None) -> Iterator[AudioSource]:
        """The frames of a file, resampled if `sample_rate` is another one than its own.

        How far it is read is told as the progress of `doing`.

        Raises:
            SourceError: it cannot be played; a note says which file it is.
        """
        try:
            found = probe(str(path))
            resample_hz = None if sample_rate == found.format.sample_rate else sample_rate
            opened = open_source(str(path), found.content_id, self.pcm, self.check, resample_hz)
            with closing(opened) as source:
                yield _Watched(source, doing, self.tell)
        except SourceError as error:
            error.add_note(str(path))
            raise

    def analyse(self, path: str | Path, sample_rate: int | None = None) -> Analysis:
        """Measure a file, as it is or at another rate.

        Raises:
            SourceError: it cannot be played.
        """
        with self.source(path, f"analysing {Path(path).name}", sample_rate) as source:
            return analyse(source, self.check)


@contextmanager
def open_workshop(tell: Tell, check: Check = never_cancelled) -> Iterator[Workshop]:
    """A workshop that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="auralis-trio-", ignore_cleanup_errors=True) as folder:
        yield Workshop(PcmCache(folder, SCRATCH_BYTES, _PATIENCE_S), tell, check)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, and how the result is written down. A `reference` stands in for the preset.

    With a `sample_rate` everything is done at that one.
    """

    preset: str
    intensity: float
    target: Target
    words: Words
    reference: str | None = None
    sample_rate: int | None = None


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """One mastered file: what it was, what was done to it, what it is."""

    path: str
    into: str
    analysis: Analysis
    mastered: Mastered
    outcome: Outcome


def master_file(shop: Workshop, path: str, into: str, order: Order) -> Finished:
    """Master one file into another.

    Raises:
        SourceError: it, or the reference, cannot be played.
        InvalidRequest: there is no such preset, or the reference has no loudness.
        OutputError: the result cannot be written.
    """
    reference = None if order.reference is None else shop.analyse(order.reference)
    analysis = shop.analyse(path, order.sample_rate)
    with shop.source(path, "tuning", order.sample_rate) as source:
        mastered = _mastered(source, analysis, reference, order, shop.check)
    return _write(shop, path, into, order, (analysis, mastered))


def master_folder(shop: Workshop, folder: str, into: str, order: Order) -> Iterator[Finished]:
    """Master all audio files of a folder as one album, by one recipe, into another folder.

    Raises:
        SourceError: one of them cannot be played; then none is written.
        InvalidRequest: there are none or too many, or two would get one name.
        OutputError: a result cannot be written.
    """
    names = album_names(folder, order.words)
    paths = [os.path.join(folder, name) for name in names]
    analyses = [shop.analyse(path, order.sample_rate) for path in paths]
    tunings = []
    for path, analysis in zip(paths, analyses, strict=True):
        with shop.source(path, "tuning", order.sample_rate) as source:
            tunings.append(tune(source, analysis, order.preset, order.target, shop.check))
    _make(into)
    mastered = master_album(analyses, order.preset, order.intensity, order.target, tunings)
    for path, name, analysis in zip(paths, names.values(), analyses, strict=True):
        yield _write(shop, path, os.path.join(into, name), order, (analysis, mastered))


def album_names(folder: str, words: Words) -> dict[str, str]:
    """The audio files of a folder in their order, each with the name that its mastered version gets.

    Raises:
        InvalidRequest: there are none or too many, or two would get one name.
    """
    suffix = ".flac" if words in ("16", "24") else ".wav"
    found = sorted(entry.name for entry in os.scandir(folder) if entry.is_file() and format_of(entry.name))
    names = {name: Path(name).with_suffix(suffix).name for name in found}
    if not 0 < len(names) <= MAX_ALBUM_TRACKS:
        raise InvalidRequest(f"An album has 1 to {MAX_ALBUM_TRACKS} audio files; this folder has {len(names)}.")
    if len(set(names.values())) < len(names):
        raise InvalidRequest("Two files of this folder differ by their suffix only, and would get one name.")
    return names


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError from error


def _mastered(
    source: AudioSource, analysis: Analysis, reference: Analysis | None, order: Order, check: Check
) -> Mastered:
    if reference is None:
        tuning = tune(source, analysis, order.preset, order.target, check)
        return master(analysis, order.preset, order.intensity, order.target, tuning)
    tuning = tune_to_reference(source, analysis, reference, order.target, check)
    return match(analysis, reference, order.intensity, order.target, tuning)


def _write(shop: Workshop, path: str, into: str, order: Order, done: tuple[Analysis, Mastered]) -> Finished:
    """Render a file into another one, and measure it on the way."""
    analysis, mastered = done
    with shop.source(path, f"mastering {Path(path).name}", order.sample_rate) as source:
        meter = OutcomeMeter(source.format)
        with open_file(
            into, Cut(form_behind(mastered.recipe, source.format), source.total_frames, order.words)
        ) as put:
            for block in rendered(source, mastered.recipe, shop.check):
                meter.add(block)
                put(block)
            shop.check()
    return Finished(path=path, into=into, analysis=analysis, mastered=mastered, outcome=meter.result())


@dataclass(frozen=True)
class _Watched:
    """A source that tells how far it has been read."""

    source: AudioSource
    doing: str
    tell: Tell

    @property
    def format(self) -> AudioFormat:
        return self.source.format

    @property
    def total_frames(self) -> int:
        return self.source.total_frames

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        samples = self.source.read(start, frames, check)
        self.tell(self.doing, (start + frames) / max(1, self.total_frames))
        return samples

    def close(self) -> None:
        self.source.close()
