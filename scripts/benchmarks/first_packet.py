"""The time to the first packet, in every state that a track can be in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.benchmarks import ours
from scripts.benchmarks.latency import changes_ms, places_in, plays_ms, seeks_ms
from scripts.benchmarks.music import OPUS_RATE, RATE, write_long
from scripts.benchmarks.programs import Program, running
from scripts.benchmarks.scanning import make_files
from scripts.benchmarks.table import Columns, figures, percentile

PRESETS = ("adaptive", "warm", "punchy", "gentle", "bright", "live")


@dataclass(frozen=True)
class Library:
    """A running server that keeps nothing it renders and analyses nothing unasked; its tracks by their file names."""

    program: Program
    known: Mapping[str, int]
    new: Mapping[str, int]
    duration_s: float

    def frames(self, name: str) -> int:
        """How long a track is."""
        return round(self.duration_s * (OPUS_RATE / 4 if name.endswith(".opus") else RATE))


def open_library(stack: ExitStack, work: Path, cpus: set[int], efforts: tuple[float, int, int]) -> Library:
    """Make the music, long tracks and many small files to be scanned, and start the server."""
    duration_s, copies, files = efforts
    write_long(work / "long", copies, duration_s)
    make_files(work / "small", files)
    settings = {**ours.SETTINGS, "chunk_cache_bytes": 0, "prefetch_chunks": 0, "analyse_in_background": "false"}
    arguments = ("serve", work / "long", work / "small", "--port", "0", "--data-dir", work / "library")
    program = stack.enter_context(running(cpus, "auralis_trio", *arguments, **settings))
    ours.wait_scanned(program)
    return Library(program, ours.tracks(program, "known"), ours.tracks(program, "new"), duration_s)


def measure_first_packets(library: Library, cached: tuple[Program, int, int], count: int) -> Columns:
    """A row for each state; `cached` is a server that keeps a track of so many frames in memory, as recorded."""
    table = Columns("From the question to the first packet, ms", ["p50", "p99", "bound"])
    for name, waited_ms, bound in (
        *_new(library),
        *_known(library, count),
        *_seeks(library, count),
        ("as recorded, cached", _cached(*cached, count), "p50 15"),
    ):
        table.add(name, *(figures([percentile(waited_ms, share)]) for share in (0.5, 0.99)), bound)
    return table


Measured = tuple[str, Sequence[float], str]


def _new(library: Library) -> Iterator[Measured]:
    for kind in ("flac", "mp3"):
        ids = [track_id for name, track_id in sorted(library.new.items()) if name.endswith(kind)]
        questions = [{"track_id": track_id, "start_frame": 0, "enhanced": True} for track_id in ids]
        name = f"{kind.upper()} of {library.duration_s:.0f} s, never analysed: mastered"
        yield name, plays_ms(library.program.address, questions), "1000"


def _known(library: Library, count: int) -> Iterator[Measured]:
    address, scan = library.program.address, partial(ours.keep_scanning, library.program)
    for name in ("known.flac", "known.mp3"):
        track_id = library.known[name]
        wishes: dict[str, object] = {"track_id": track_id, "enhanced": True}
        plays_ms(address, [{**wishes, "start_frame": 0}])  # so that it is analysed
        places = places_in(library.frames(name), count + 1)
        questions = [{**wishes, "start_frame": place} for place in places[1:]]
        kind = name.rpartition(".")[2].upper()
        yield f"{kind}, analysed, not rendered: mastered", plays_ms(address, questions), ""
        yield f"{kind}, the same while a scan runs", plays_ms(address, questions, scan), "p50 60, p99 250"
        changed = changes_ms(address, track_id, places[1:], PRESETS)
        yield f"{kind}: another preset in mid-play", changed, "150"


def _seeks(library: Library, count: int) -> Iterator[Measured]:
    address = library.program.address
    for name, kind in (("known.flac", "FLAC, direct"), ("known.mp3", "MP3, direct"), ("known.opus", "Opus, filled")):
        places = (library.frames(name) - 1, *places_in(library.frames(name), count))
        questions = [{"track_id": library.known[name], "start_frame": at, "enhanced": False} for at in places]
        plays_ms(address, questions[:1])  # so that it is filled
        yield f"{kind}, as recorded, not rendered: a start", plays_ms(address, questions[1:]), ""
        yield f"{kind}, as recorded, not rendered: a seek", seeks_ms(address, questions), "as a start"


def _cached(program: Program, track_id: int, total_frames: int, count: int) -> Sequence[float]:
    places = places_in(total_frames, count)
    return plays_ms(program.address, [{"track_id": track_id, "start_frame": at, "enhanced": False} for at in places])
