"""The time to the first packet, in every state that a track can be in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scripts.benchmarks import ours
from scripts.benchmarks.latency import changes_ms, places_in, plays_ms, seeks_ms
from scripts.benchmarks.music import OPUS_RATE, RATE, write_long, write_opus
from scripts.benchmarks.programs import Program, running
from scripts.benchmarks.scanning import make_files
from scripts.benchmarks.table import Columns, figures, percentile

PRESETS = ("adaptive", "warm", "punchy", "gentle", "bright", "live")
LISTENED_S = 2.0
"""for which a listener has heard a track before trying another sound"""
OPUS_S = 60.0
OPUS = "known.opus"
Measured = tuple[str, Sequence[float], str]


@dataclass(frozen=True)
class Stock:
    """What the server has: tracks of so many seconds, of FLAC and of MP3 so many that were analysed before it started
    and so many that never were, and small files that it scans again and again.
    """

    duration_s: float
    known: int
    new: int
    files: int


@dataclass(frozen=True)
class Library:
    """A running server that keeps nothing it renders and analyses nothing unasked; its tracks by their file names."""

    program: Program
    tracks: Mapping[str, int]
    stock: Stock

    def frames(self, name: str) -> int:
        """How long a track is."""
        return round(OPUS_S * OPUS_RATE) if name == OPUS else round(self.stock.duration_s * RATE)

    def named(self, start: str, kind: str) -> list[str]:
        """The tracks of a name and a kind."""
        return sorted(name for name in self.tracks if name.startswith(start) and name.endswith(kind))


def open_library(stack: ExitStack, work: Path, cpus: set[int], stock: Stock) -> Library:
    """Make the music; let one server analyse what is to be known, then start another, which has heard nothing yet."""
    known, new, small = (work / name for name in ("known", "new", "small"))
    write_long(known, 5, stock.known, stock.duration_s)
    write_opus(known / OPUS, OPUS_S)
    data = ("--port", "0", "--data-dir", work / "library")
    with running(cpus, "auralis_trio", "serve", known, *data, **ours.SETTINGS) as program:
        ours.wait_scanned(program)
        ours.wait_analysed(program)
    write_long(new, 6, stock.new, stock.duration_s)
    make_files(small, stock.files)
    settings = {**ours.SETTINGS, "chunk_cache_bytes": 0, "prefetch_chunks": 0, "analyse_in_background": "false"}
    program = stack.enter_context(running(cpus, "auralis_trio", "serve", known, new, small, *data, **settings))
    ours.wait_scanned(program)
    return Library(program, {**ours.tracks(program, "known"), **ours.tracks(program, "new")}, stock)


def measure_first_packets(library: Library, cached: tuple[Program, int, int], count: int) -> Columns:
    """A row for each state; `cached` is a server that keeps a track of so many frames in memory, as recorded."""
    table = Columns("From the question to the first packet, ms", ["p50", "p99", "bound"])
    for name, waited_ms, bound in (
        *_mastered(library, "flac", count),
        *_mastered(library, "mp3", count),
        *_as_recorded(library, count),
        ("as recorded, cached", _cached(*cached, count), "p50 15"),
    ):
        table.add(name, *(figures([percentile(waited_ms, share)]) for share in (0.5, 0.99)), bound)
    return table


def _mastered(library: Library, kind: str, count: int) -> Iterator[Measured]:
    address, scan = library.program.address, partial(ours.keep_scanning, library.program)
    known = library.named("known", kind)
    changed = max(1, len(known) // 4)
    at_once, later = known[-changed:], known[-2 * changed : -changed] or known
    places = places_in(library.frames(known[0]), count + len(known))

    def asked(names: Sequence[str], at: Sequence[int]) -> list[dict[str, object]]:
        return [
            {"track_id": library.tracks[name], "start_frame": place} for name, place in zip(names, at, strict=False)
        ]

    def mastered(names: Sequence[str], at: Sequence[int]) -> list[dict[str, object]]:
        return [{**question, "enhanced": True, "preset": PRESETS[0]} for question in asked(names, at)]

    new, first = library.named("new", kind), known[: -2 * changed] or known
    kind = kind.upper()
    waited_ms = plays_ms(address, mastered(first, places), scan)
    yield f"{kind}, mastered: analysed, not heard yet; a scan runs", waited_ms, "p50 60, p99 250"
    again = [first[number % len(first)] for number in range(count)]
    waited_ms = plays_ms(address, mastered(again, places[len(known) :]))
    yield f"{kind}, mastered: heard before, not rendered", waited_ms, ""
    for name, names, listened_s, bound in (
        (f"the first, after {LISTENED_S:g} s of a track", later, LISTENED_S, "150"),
        ("the first, as soon as a track is heard", at_once, 0.0, ""),
        ("heard before, not rendered", at_once, 0.0, "150"),
    ):
        waited_ms = changes_ms(address, asked(names, places), PRESETS, listened_s)
        yield f"{kind}, mastered: another preset, {name}", waited_ms, bound
    waited_ms = plays_ms(address, mastered(new, [0] * library.stock.new))
    yield f"{kind} of {library.stock.duration_s:.0f} s, mastered: never analysed", waited_ms, "1000"


def _as_recorded(library: Library, count: int) -> Iterator[Measured]:
    address = library.program.address
    for name, kind in (("known-0.flac", "FLAC, direct"), ("known-0.mp3", "MP3, direct"), (OPUS, "Opus, filled")):
        places = (library.frames(name) - 1, *places_in(library.frames(name), count))
        questions = [{"track_id": library.tracks[name], "start_frame": at, "enhanced": False} for at in places]
        plays_ms(address, questions[:1])  # so that it is filled
        yield f"{kind}, as recorded, not rendered: a start", plays_ms(address, questions[1:]), ""
        yield f"{kind}, as recorded, not rendered: a seek", seeks_ms(address, questions), "as a start"


def _cached(program: Program, track_id: int, total_frames: int, count: int) -> Sequence[float]:
    places = places_in(total_frames, count)
    return plays_ms(program.address, [{"track_id": track_id, "start_frame": at, "enhanced": False} for at in places])
