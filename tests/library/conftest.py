"""What the tests of the library share: an open library, and files as a scan would tell of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.folders import add_folder
from auralis_trio.library.records import ProbedFile, Tags
from auralis_trio.library.store import Library, open_library
from tests.postgres import Postgres

STEREO = AudioFormat(sample_rate=44_100, channels=2, bits=16)

Probed = Callable[..., ProbedFile]
Fill = Callable[[Sequence[ProbedFile]], None]


@pytest.fixture(scope="session")
def postgresql_library(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library in PostgreSQL; opened once, since `library` empties it."""
    opened = open_library(tmp_path_factory.mktemp("data"), postgres.new_database())
    yield opened
    opened.close()


def _emptied(library: Library) -> Library:
    with library.writing():
        library.db.execute("DELETE FROM track")  # the totals of all tracks are one row, which stays
        tables = library.db.select("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = ", ".join(sorted(name for name in tables if name not in ("schema_version", "totals")))
        library.db.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    return library


@pytest.fixture(params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    """An empty library that knows one folder, in each of the two databases."""
    if request.param == "postgresql":
        opened = _emptied(request.getfixturevalue("postgresql_library"))
    else:
        opened = open_library(tmp_path / "data")
    add_folder(opened, "/music", 1)
    yield opened
    opened.close()


def probed_file(name: str, **values: Any) -> ProbedFile:
    """What a scan learns of `/music/<name>`; further names are tags or fields of the record."""
    fields = {key: values.pop(key) for key in list(values) if key in ProbedFile.__struct_fields__}
    base: dict[str, Any] = {
        "path": f"/music/{name}",
        "size": 1000,
        "mtime_ns": 2000,
        "kind": "wav",
        "format": STEREO,
        "total_frames": 44_100,
        "content_id": f"content of {name}",
        "tags": Tags(**{"title": name, **values}),
    }
    return ProbedFile(**{**base, **fields})


@pytest.fixture
def probed() -> Probed:
    """See `probed_file`."""
    return probed_file


@pytest.fixture
def fill(library: Library) -> Fill:
    def apply(files: Sequence[ProbedFile]) -> None:
        for first in range(0, len(files), 500):
            apply_batch(library, files[first : first + 500], 5000)

    return apply
