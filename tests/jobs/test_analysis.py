"""The analysis of the library in the background: in order, behind listeners and scans, and to an end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from auralis_trio.errors import AuralisError, Busy, SourceCorrupt, SourceMissing
from auralis_trio.jobs.analysis import MAX_PROGRESS_EVENTS, Background, LibraryAnalysis
from auralis_trio.jobs.supervision import FIRST_DELAY_S, MAX_DELAY_S, Supervisor
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.folders import add_folder
from auralis_trio.library.mastering_store import keep_failure, keep_profile
from auralis_trio.library.records import ProbedFile, Tags, TrackFile
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.catalogue import Catalogue
from tests.fakes import STEREO
from tests.library.test_mastering_store import PROFILE


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path / "data")
    add_folder(opened, "/music", 1)
    yield opened
    opened.close()


def fill(library: Library, count: int) -> None:
    files = [
        ProbedFile(
            path=f"/music/{number}.wav",
            size=1,
            mtime_ns=1,
            kind="wav",
            format=STEREO,
            total_frames=1,
            content_id=f"content-{number}",
            tags=Tags(title=f"{number}"),
        )
        for number in range(1, count + 1)
    ]
    for first in range(0, count, 100):
        apply_batch(library, files[first : first + 100], 1)


class Yard:
    """A library analysis whose tracks take no time; `errors` are those of some contents."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.prepared: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.errors: dict[str, AuralisError] = {}
        self.wanted = True
        self.turn = trio.Event()
        self.turn.set()
        catalogue = Catalogue(InlineOffload(), library, 10.0)
        background = Background(
            self.prepare, self.wait_turn, lambda: self.wanted, lambda kind, data: self.told.append(data)
        )
        self.analysis = LibraryAnalysis(catalogue, background)

    async def prepare(self, file: TrackFile) -> None:
        await trio.lowlevel.checkpoint()
        self.prepared.append(file.content_id)
        error = self.errors.get(file.content_id)
        if isinstance(error, SourceCorrupt):
            keep_failure(self.library, file.content_id, error.code, 1)
        if error is not None:
            raise error
        keep_profile(self.library, file.content_id, PROFILE, 1)

    async def wait_turn(self) -> None:
        await self.turn.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.analysis.run)
            await wait_all_tasks_blocked()
            yield
            nursery.cancel_scope.cancel()


async def test_every_track_that_is_not_known_is_analysed_once(library: Library) -> None:
    fill(library, 5)
    keep_profile(library, "content-2", PROFILE, 1)
    yard = Yard(library)
    async with yard.running():
        yard.analysis.wake()
        await wait_all_tasks_blocked()
    assert yard.prepared == ["content-1", "content-3", "content-4", "content-5"]
    progress = yard.analysis.progress
    assert (progress.state, progress.done, progress.total, progress.failed) == ("idle", 4, 4, 0)
    assert (yard.told[0]["state"], yard.told[0]["done"]) == ("running", 0)
    assert (yard.told[-1]["state"], yard.told[-1]["done"]) == ("idle", 4)


async def test_what_comes_later_is_done_when_it_is_woken(library: Library) -> None:
    yard = Yard(library)
    async with yard.running():
        assert yard.told == []
        fill(library, 2)
        await wait_all_tasks_blocked()
        assert yard.prepared == []
        yard.analysis.wake()
        await wait_all_tasks_blocked()
        assert yard.prepared == ["content-1", "content-2"]


async def test_what_is_damaged_is_not_tried_again_and_what_is_away_is_in_the_next_round(library: Library) -> None:
    fill(library, 3)
    yard = Yard(library)
    yard.errors = {"content-1": SourceCorrupt(), "content-2": SourceMissing()}
    async with yard.running():
        assert yard.prepared == ["content-1", "content-2", "content-3"]
        assert (yard.analysis.progress.done, yard.analysis.progress.failed) == (3, 2)
        yard.analysis.wake()
        await wait_all_tasks_blocked()
    assert yard.prepared[3:] == ["content-2"]


async def test_listeners_go_first(library: Library) -> None:
    fill(library, 2)
    yard = Yard(library)
    yard.turn = trio.Event()
    async with yard.running():
        assert yard.prepared == []
        assert yard.analysis.progress.state == "running"
        yard.turn.set()
        await wait_all_tasks_blocked()
        assert len(yard.prepared) == 2


async def test_it_stops_when_it_is_not_wanted_and_goes_on_when_it_is(library: Library) -> None:
    fill(library, 3)
    yard = Yard(library)
    yard.wanted = False
    async with yard.running():
        assert (yard.analysis.progress.state, yard.prepared) == ("off", [])
        yard.wanted, yard.turn = True, trio.Event()
        yard.analysis.wake()
        await wait_all_tasks_blocked()
        yard.wanted = False
        yard.turn.set()
        await wait_all_tasks_blocked()
        assert (yard.analysis.progress.state, yard.prepared) == ("stopped", ["content-1"])
        yard.wanted = True
        yard.analysis.wake()
        await wait_all_tasks_blocked()
    assert yard.prepared == ["content-1", "content-2", "content-3"]


async def test_events_are_few_however_many_tracks_there_are(library: Library) -> None:
    fill(library, 250)
    yard = Yard(library)
    async with yard.running():
        pass
    assert yard.analysis.progress.done == 250
    assert MAX_PROGRESS_EVENTS // 2 < len(yard.told) <= MAX_PROGRESS_EVENTS
    assert [told["done"] for told in yard.told] == sorted(told["done"] for told in yard.told)


# Services that crash


async def test_a_service_that_crashes_is_begun_again_later_each_time(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[float] = []

    async def crash() -> None:
        begun.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    supervisor = Supervisor()
    with trio.move_on_after(400):
        await supervisor.run("crashing", crash)
    waits = [round(later - earlier) for earlier, later in pairwise(begun)]
    assert waits[:7] == [FIRST_DELAY_S, 2, 4, 8, 16, 32, MAX_DELAY_S]
    assert set(waits[7:]) == {MAX_DELAY_S}
    assert supervisor.states == {"crashing": "restarting"}
    assert len(caplog.records) == len(begun)


async def test_a_service_that_ran_for_long_is_begun_again_soon(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[float] = []

    async def crash_now_and_then() -> None:
        begun.append(trio.current_time())
        await trio.sleep(0 if len(begun) < 4 else 1000)
        raise ZeroDivisionError

    supervisor = Supervisor()
    with trio.move_on_after(1500):
        await supervisor.run("crashing", crash_now_and_then)
    assert begun[-1] - begun[-2] == 1000 + FIRST_DELAY_S
    assert supervisor.states == {"crashing": "running"}


async def test_a_service_that_fails_for_a_known_reason_says_it_in_one_line(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[float] = []

    async def fail() -> None:
        begun.append(trio.current_time())
        raise [Busy(), ExceptionGroup("", [SourceMissing()]), ExceptionGroup("", [Busy(), ValueError()])][
            len(begun) - 1
        ]

    with trio.move_on_after(6):
        await Supervisor().run("failing", fail)
    assert [(record.message, bool(record.exc_info)) for record in caplog.records] == [
        ("the service failing failed: busy", False),
        ("the service failing failed: track_missing", False),
        ("the service failing failed", True),
    ]


async def test_a_service_that_ends_has_ended() -> None:
    supervisor = Supervisor()
    await supervisor.run("short", trio.lowlevel.checkpoint)
    assert supervisor.states == {"short": "ended"}
