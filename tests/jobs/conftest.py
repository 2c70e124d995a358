"""The library that long work is tried on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auralis_trio.library.store import Library, open_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path / "data")
    yield opened
    opened.close()
