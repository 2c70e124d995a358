"""The commands that need no server: what files measure, and mastering them. Tables for people, JSON for programs."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from auralis_trio.analysis import DIMENSIONS, Analysis
from auralis_trio.audio.source import Check
from auralis_trio.cli.options import Options, line_of
from auralis_trio.encoder.file import check_file, replaced
from auralis_trio.errors import InvalidRequest, SourceError
from auralis_trio.mastering.resolve import Target
from auralis_trio.work.offline import Finished, Order, Workshop, master_file, master_folder, open_workshop
from auralis_trio.work.whole import LEVELS, receipt

UNITS = {row.name: row.unit for row in DIMENSIONS}
LIMITS = {
    "limiter": "the limiter would have to take away more than it may.",
    "ceiling": "its peaks already stand at the ceiling.",
}


def analyze(options: Options) -> int:
    """Measure files: loudness, peaks, spectrum, rhythm, harmony, stereo; 0 when every file was read."""
    described: list[dict[str, Any]] = []
    failed = False
    with _working() as shop:
        for path in options["files"]:
            try:
                analysis = shop.analyse(path)
            except SourceError as error:
                print(line_of(error), file=sys.stderr)
                failed = True
                continue
            if options["json"]:
                described.append(_described(path, analysis))
            else:
                Console().print(_table(path, analysis))
    if options["json"]:
        print(json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False))
    return 1 if failed else 0


def master(options: Options) -> int:
    """Master a file, or with --album a folder, into another one: the same samples as the server streams."""
    order = Order(
        preset=options["preset"] or "adaptive",
        intensity=options["intensity"],
        target=Target(options["offset_lu"], options["ceiling_dbtp"]),
        words=options["bits"],
        reference=options["reference"],
        sample_rate=options["sample_rate"],
    )
    path, into = options["path"], options["into"]
    _check(options, options["refuse"])
    done: list[dict[str, Any]] = []
    with _working() as shop:
        if options["album"]:
            finished = master_folder(shop, path, into, order)
        else:
            finished = iter([master_file(shop, path, into, order)])
        for each in finished:
            Console().print(_before_and_after(each))
            print(f"sha256 {each.outcome.sha256}")
            done.append({"file": each.path, **receipt(each.analysis.profile, each.mastered, each.outcome)})
    if options["receipt"]:
        with replaced(options["receipt"]) as file:
            file.write(json.dumps(done if options["album"] else done[0], indent=2, allow_nan=False).encode())
    return 0


def _check(options: Options, refuse: Callable[[str], object]) -> None:
    """Refuse what cannot be done before anything is read; `refuse` does not return."""
    path, into, album = options["path"], options["into"], options["album"]
    reference, told = options["reference"], options["receipt"]
    for other, given in (("--album", album), ("--preset", options["preset"])):
        if given and reference:
            refuse(f"{other} and --reference do not go together")
    if album and not os.path.isdir(path):
        refuse("with --album, IN is a folder")
    for written, name in ((into, "OUT"), (told, "--receipt")):
        for read, other in ((path, "IN"), (reference, "--reference")):
            if written and read and _is_same(written, read):
                refuse(f"{name} would overwrite {other}")
    if told and not told.lower().endswith(".json"):
        refuse("--receipt takes the name of a .json file")
    if not album:
        try:
            check_file(into, options["bits"])
        except InvalidRequest as error:
            refuse(str(error))


def _is_same(path: str, other: str) -> bool:
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)


@contextmanager
def _working() -> Iterator[Workshop]:
    """A workshop with a progress bar on a terminal, where Ctrl-C is noticed between pieces of work."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with (
        _interruptible() as check,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("opening", total=1.0)

        def tell(doing: str, share: float) -> None:
            bar.update(task, description=escape(doing), completed=share)

        with open_workshop(tell, check) as shop:
            yield shop


@contextmanager
def _interruptible() -> Iterator[Check]:
    """Ctrl-C and SIGTERM wait for the next check: inside a decoder's callback an exception would get lost."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt(asked[0])

    before = [(number, signal.signal(number, note)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield check
    finally:
        for number, action in before:
            signal.signal(number, action)


def _described(path: str, analysis: Analysis) -> dict[str, Any]:
    profile = analysis.profile
    return {
        "file": path,
        **{name: profile.values[name] for name in LEVELS},
        "sample_rate": profile.sample_rate,
        "channels": profile.channels,
        "total_frames": profile.total_frames,
        "source_sha256": profile.source_sha256,
        "profile": profile.values,
        "reasons": profile.reasons,
    }


def _before_and_after(finished: Finished) -> Table:
    before, after, mastered = finished.analysis.profile.values, finished.outcome, finished.mastered
    table = Table(title=escape(f"{finished.path} → {finished.into}"), title_justify="left", box=None)
    for heading in ("", "before", "after"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in LEVELS:
        table.add_row(name, *(_level(value, UNITS[name]) for value in (before[name], getattr(after, name))))
    if mastered.recipe.masters:
        table.add_row("target", "", _level(mastered.target_lufs, "LUFS"))
        table.add_row("gain", "", _level(mastered.recipe.gain_db, "dB"))
    if mastered.limited_by:
        table.caption = f"{mastered.shortfall_lu:.1f} LU short of the target: {LIMITS[mastered.limited_by]}"
    return table


def _level(value: float | None, unit: str) -> str:
    return "none" if value is None else f"{value:.2f} {unit}"


def _table(path: str, analysis: Analysis) -> Table:
    profile = analysis.profile
    table = Table(title=escape(path), title_justify="left", show_header=False)
    for row in DIMENSIONS:
        value = profile.values[row.name]
        unit = "" if row.unit == "1" else f" {row.unit}"
        shown = profile.reasons[row.name] if value is None else f"{value:.4g}{unit}"
        table.add_row(row.name, escape(shown))
    return table
