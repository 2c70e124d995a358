"""What a large library costs to read while a scan writes to it: pages, searches and facets."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2

from auralis_trio.cli.serving import SWITCH_INTERVAL_S
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.facets import facets
from auralis_trio.library.folders import add_folder
from auralis_trio.library.queries import list_albums, list_artists, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import Library, open_library
from auralis_trio.library.totals import statistics
from scripts.benchmarks.collection import FOLDER, Collection
from scripts.benchmarks.table import Table, percentile

BATCH = 100
LIMIT_MS = 30.0

Ask = Callable[[Library], Any]


def _page(**values: Any) -> Ask:
    return lambda library: list_tracks(library, **values)


def _on(sort: str, offset: int) -> Ask:
    """Going on from a place far behind by its cursor; the page before it is found once a library."""
    cursors: dict[int, str | None] = {}

    def ask(library: Library) -> Any:
        if id(library) not in cursors:
            cursors[id(library)] = list_tracks(library, 50, offset, sort).next_cursor
        return list_tracks(library, 50, sort=sort, cursor=cursors[id(library)])

    return ask


QUESTIONS: dict[str, Ask] = {
    "page by title, the first": _page(),
    "page by artist, far behind, by offset": _page(sort="artist", offset=50_000),
    "page by artist, far behind, by cursor": _on("artist", 50_000),
    "page by year, far behind, by cursor": _on("-year", 80_000),
    "page by album, descending": _page(sort="-album", offset=10_000),
    "page of albums": list_albums,
    "page of artists": list_artists,
    "statistics": statistics,
    "facets": facets,
    "search: two letters": _page(search="lo"),
    "search: a common word": _page(search="the"),
    "search: two beginnings": _page(search="lo ni"),
    "search: a rare word": _page(search="goldenriver"),
    "search: a phrase": _page(search='"lo ve"'),
    "search: operators": _page(search="year:1990-1999 genre:jazz -the format:flac"),
    "search: sorted by title": _page(search="lo", sort="title"),
}


@dataclass(frozen=True)
class ReadingEffort:
    """How many tracks, and how often each question is asked."""

    tracks: int
    times: int


FULL = ReadingEffort(100_000, 200)
QUICK = ReadingEffort(20_000, 50)
TRIAL = ReadingEffort(500, 3)


def measure_reading(effort: ReadingEffort, database_url: str = "") -> Iterator[Table]:
    """Fill a library, and ask it beside nobody and beside a writer."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with TemporaryDirectory() as folder:
        library = open_library(Path(folder), database_url)
        add_folder(library, FOLDER, 1)
        collection = Collection(effort.tracks)
        began = time.perf_counter()
        for batch in _batches(collection.files()):
            apply_batch(library, batch, 1)
        rate = effort.tracks / (time.perf_counter() - began)
        if database_url:
            _tidy(database_url)
        yield _asked(library, effort, f"{effort.tracks} tracks ({rate:.0f} rows/s), nobody writes; p99 in ms")
        with _Writer(library, collection) as writer:
            yield _asked(library, effort, "the same while a scan writes all the time; p99 in ms")
        table = Table("what the scan wrote meanwhile", "")
        table.add("rows/s", [writer.rows / writer.took_s])
        yield table
        library.close()


def _tidy(database_url: str) -> None:
    """What PostgreSQL does of itself a minute after so much was written."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


def _asked(library: Library, effort: ReadingEffort, heading: str) -> Table:
    table = Table(heading, "limit")
    for name, ask in QUESTIONS.items():
        ask(library)
        took = [_timed(library, ask) for _ in range(effort.times)]
        table.add(f"{name} (median {median(took):.1f})", [percentile(took, 0.99)], [LIMIT_MS])
    return table


def _timed(library: Library, ask: Ask) -> float:
    began = time.perf_counter()
    ask(library)
    return (time.perf_counter() - began) * 1000


def _batches(files: Iterator[ProbedFile]) -> Iterator[list[ProbedFile]]:
    while batch := list(islice(files, BATCH)):
        yield batch


class _Writer:
    """A thread that renews all tracks again and again, as a scan does when tags have changed."""

    def __init__(self, library: Library, collection: Collection) -> None:
        self._library, self._collection = library, collection
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.rows, self.took_s = 0, 0.0

    def __enter__(self) -> "_Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        began = time.perf_counter()
        for revision in count(1):
            for batch in _batches(self._collection.files(revision)):
                if self._stop.is_set():
                    self.took_s = time.perf_counter() - began
                    self._library.db.disconnect()
                    return
                apply_batch(self._library, batch, revision)
                self.rows += len(batch)
