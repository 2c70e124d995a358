"""What every test may use, and one rule for all: the event loop's thread opens no file and no database."""

import gc
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
import trio
from hypothesis import settings

from tests.postgres import Postgres, running_postgres
from tests.quiet import QUIET, QuietClient

PACKAGE = str(Path(__file__).parent.parent / "auralis_trio") + os.sep
WATCHED = {"open", "sqlite3.connect"}

_violations: list[str] = []

# How long an example takes says more about the machine than about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_source(args: tuple[object, ...]) -> bool:
    """Python itself opens modules, also in the middle of a test."""
    return bool(args) and isinstance(args[0], str) and args[0].endswith((".py", ".pyc", ".so"))


def _watch(event: str, args: tuple[object, ...]) -> None:
    if event not in WATCHED or not trio.lowlevel.in_trio_run() or _is_source(args):
        return
    frames = list(_frames(sys._getframe(1)))
    ours = [frame for frame in frames if frame.f_code.co_filename.startswith(PACKAGE)]
    inline = any(type(frame.f_locals.get("self")).__name__ == "InlineOffload" for frame in ours)
    if ours and not inline:
        place = ours[0].f_code
        _violations.append(
            f"{event}{args[:1]} in {place.co_filename}:{ours[0].f_lineno} on {threading.current_thread().name}"
        )


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    _violations.clear()
    yield
    assert not _violations, "the event loop's thread opened files:\n" + "\n".join(_violations)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only what nobody refers to is freed; what refers to itself stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for as long as the tests run; it is started when the first of them needs it."""
    with running_postgres() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quiet client's test comes last: it has waited long enough by then."""
    items.sort(key=lambda item: item.path.name == "test_quiet_client.py")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the quiet client connect now, if its test is going to run."""
    if (
        session.items
        and session.items[-1].path.name == "test_quiet_client.py"
        and not session.config.option.collectonly
    ):
        client = session.config.stash[QUIET] = QuietClient()
        session.config.add_cleanup(client.leave)
