import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from auralis_trio.audio.source import never_cancelled
from auralis_trio.errors import OutputError, SourceError
from auralis_trio.jobs.scan import Scan
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.jobs.watch import RETRY_S, WATCHED, Watcher
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.store import Library
from auralis_trio.offload import InlineOffload, Lane
from auralis_trio.work import inotify
from auralis_trio.work.inotify import Event
from auralis_trio.work.watch import MAX_CHANGED, FolderWatch
from tests.jobs.test_scan import Events, GatedDoor, InlineDoor, write_song

T = TypeVar("T")
LIMIT_S = 100.0


class WatchingDoor(InlineDoor):
    """Waiting for changes gives what the test says; anything else works inline."""

    def __init__(self) -> None:
        super().__init__()
        self.tell, self.changes = trio.open_memory_channel[list[str] | SourceError](10)

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        if lane is not Lane.WATCH or fn.__name__ == "open":
            return await super().run_stoppable(lane, fn, *args)
        told: Any = await self.changes.receive()
        if isinstance(told, SourceError):
            raise told
        return told  # type: ignore[no-any-return]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    write_song(folder / "a" / "one.flac", 500)
    write_song(folder / "b" / "two.flac", 600)
    return folder


def titles(library: Library) -> list[str]:
    return [track.title for track in list_tracks(library).items]


async def test_a_folder_in_which_something_changed_is_scanned_and_no_other(
    library: Library, music: Path, nursery: trio.Nursery
) -> None:
    door = WatchingDoor()
    watcher = Watcher(Scan(library, door, [str(music)], Events()), door, [str(music)])
    nursery.start_soon(watcher.run_watch)
    door.tell.send_nowait([str(music / "a")])
    await trio.testing.wait_all_tasks_blocked()
    assert (titles(library), watcher.state.watching) == (["one"], True)
    nursery.cancel_scope.cancel()


async def test_a_change_during_a_scan_is_scanned_after_it(
    library: Library, music: Path, nursery: trio.Nursery
) -> None:
    door = GatedDoor()
    scan = Scan(library, door, [str(music)], Events())
    await scan.start(nursery, ScanOrder(["a"]))
    watcher = Watcher(scan, door, [str(music)])
    await door.waiting.wait()
    nursery.start_soon(watcher.scan, ScanOrder(["b"]))
    await trio.testing.wait_all_tasks_blocked()
    assert titles(library) == []
    door.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert titles(library) == ["one", "two"]


async def test_for_a_folder_that_has_gone_since_everything_is_scanned(library: Library, music: Path) -> None:
    scan = Scan(library, InlineOffload(), [str(music)], Events())
    await Watcher(scan, InlineOffload(), [str(music)]).scan(ScanOrder([str(music / "gone")]))
    assert titles(library) == ["one", "two"]


async def test_a_watch_that_breaks_is_told_and_begun_anew_behind_a_scan_of_everything(
    library: Library, music: Path, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    door = WatchingDoor()
    watcher = Watcher(Scan(library, door, [str(music)], Events()), door, [str(music)])
    nursery.start_soon(watcher.run_watch)
    door.tell.send_nowait(SourceError("away"))
    await trio.testing.wait_all_tasks_blocked()
    assert (watcher.state.watching, watcher.state.code) == (False, "track_unreadable")
    await trio.sleep(RETRY_S + 1)
    assert (watcher.state.watching, titles(library)) == (True, ["one", "two"])
    nursery.cancel_scope.cancel()


async def test_after_a_break_changes_are_waited_for_before_everything_is_scanned(
    library: Library, music: Path, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    door = WatchingDoor()
    opened: list[bool] = []
    events = Events()
    watcher = Watcher(Scan(library, door, [str(music)], events), door, [str(music)])
    events.on["library_scan_started"] = lambda: opened.append(watcher.state.watching)
    nursery.start_soon(watcher.run_watch)
    for told in (SourceError("away"), [str(music / "a")]):
        door.tell.send_nowait(told)
        await trio.sleep(RETRY_S + 1)
    assert opened == [True, True]
    nursery.cancel_scope.cancel()


async def test_while_changes_cannot_be_told_everything_is_scanned_now_and_then(
    library: Library, music: Path, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    events, door = Events(), InlineDoor()
    watcher = Watcher(Scan(library, door, [str(music)], events), door, [str(music), str(music / "gone")])
    nursery.start_soon(watcher.run_watch)
    await trio.sleep(2 * RETRY_S + 1)
    assert (events.kinds.count("scan_complete"), watcher.state.watching) == (2, False)
    nursery.cancel_scope.cancel()


class FullDoor(WatchingDoor):
    """Nothing can be written as long as the disk is `full`."""

    full = True

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        if lane is Lane.WRITE and self.full:
            raise OutputError("full")
        return await super().run(lane, fn, *args)


async def test_what_was_told_is_scanned_again_where_the_scan_has_failed(
    library: Library, music: Path, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    door, events = FullDoor(), Events()
    watcher = Watcher(Scan(library, door, [str(music)], events), door, [str(music)])
    nursery.start_soon(watcher.run_watch)
    door.tell.send_nowait([str(music / "a")])
    await trio.sleep(2 * RETRY_S + 1)
    assert (events.kinds.count("library_scan_error"), titles(library)) == (3, [])
    door.full = False
    await trio.sleep(RETRY_S)
    assert titles(library) == ["one"]
    nursery.cancel_scope.cancel()


async def test_everything_is_scanned_each_time_that_the_interval_has_passed(
    library: Library, music: Path, autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    events = Events()
    watcher = Watcher(Scan(library, InlineOffload(), [str(music)], events), InlineOffload(), [str(music)])
    nursery.start_soon(watcher.run_interval, 100.0)
    await trio.sleep(350)
    assert events.kinds.count("scan_complete") == 3
    nursery.cancel_scope.cancel()


def wait_within(watch: FolderWatch) -> list[str]:
    """What has changed, which must show within the limit."""
    ends_s = time.monotonic() + LIMIT_S

    def check() -> None:
        assert time.monotonic() < ends_s

    return watch.wait(check=check)


@pytest.mark.parametrize("change", ["new", "gone", "renamed_folder", "new_folder", "rules", "lyrics"])
def test_the_system_tells_where_something_has_changed(tmp_path: Path, music: Path, change: str) -> None:
    watch = FolderWatch([str(music)], WATCHED)
    changes: dict[str, tuple[Callable[[], object], set[str]]] = {
        "new": (lambda: shutil.copy(music / "a" / "one.flac", music / "b" / "new.flac"), {"b"}),
        "gone": ((music / "a" / "one.flac").unlink, {"a"}),
        "renamed_folder": (lambda: (music / "a").rename(music / "c"), {".", "c"}),
        "new_folder": (lambda: write_song(music / "d" / "e" / "new.flac"), {"d", "d/e"}),
        "rules": ((music / "b" / ".nomedia").touch, {"b"}),
        "lyrics": (lambda: (music / "a" / "one.LRC").write_text("la"), {"a"}),
    }
    act, expected = changes[change]
    watch.open(check=never_cancelled)
    act, expected = changes[change]
    act()
    told = wait_within(watch)
    watch.close()
    seen = {str(Path(folder).relative_to(music)) for folder in told}
    assert seen
    assert seen <= expected


ODD = os.fsdecode(b"l\xe9")


def test_names_that_are_no_text_are_told_as_any_other_and_stop_nothing(library: Library, music: Path) -> None:
    (music / ODD).mkdir()
    watch = FolderWatch([str(music)], WATCHED)
    watch.open(check=never_cancelled)
    one = music / "a" / "one.flac"
    for place in (music / ODD, music / "b", music / ODD):
        os.listdir(music / ODD)  # as a scan does
        shutil.copy(one, place / f"{time.monotonic_ns()}{ODD}.flac")
        assert wait_within(watch) == [str(place)]
    shutil.copytree(music / ODD, music / "b" / ODD)
    assert wait_within(watch) == [str(music / "b" / ODD)]
    watch.close()


def test_what_is_in_a_folder_that_was_moved_is_told_by_its_new_name(music: Path) -> None:
    (music / "a" / "deep").mkdir()
    watch = FolderWatch([str(music)], WATCHED)
    watch.open(check=never_cancelled)
    (music / "a").rename(music / "b" / "a")
    assert str(music / "b" / "a") in wait_within(watch)
    shutil.copy(music / "b" / "two.flac", music / "b" / "a" / "deep" / "new.flac")
    assert wait_within(watch) == [str(music / "b" / "a" / "deep")]
    watch.close()


def test_more_changes_than_the_system_remembers_are_told_as_all_folders_and_watched_on(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = FolderWatch([str(music)], WATCHED)
    watch.open(check=never_cancelled)
    (music / "late").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(inotify, "_parsed", lambda _: [(-1, inotify._OVERFLOW, "")])  # instead of the new folder
        assert watch._events is not None
        assert watch._events.read(LIMIT_S, check=never_cancelled) == [Event(str(music), True)]
    write_song(music / "late" / "new.flac")
    assert wait_within(watch) == [str(music / "late")]
    watch.close()


def test_a_watch_gives_its_descriptor_back_and_a_folder_that_goes_ends_it(music: Path) -> None:
    before = os.listdir("/proc/self/fd")
    watch = FolderWatch([str(music)], WATCHED)
    watch.open(check=never_cancelled)
    shutil.rmtree(music)
    with pytest.raises(SourceError):
        wait_within(watch)
    watch.close()
    watch.close()
    with pytest.raises(SourceError):
        wait_within(watch)
    assert os.listdir("/proc/self/fd") == before


def test_hidden_files_and_files_of_other_kinds_are_no_change(music: Path) -> None:
    watch = FolderWatch([str(music)], WATCHED)
    names = (".hidden.flac", "notes.txt", "x.flac")
    wanted = {name: watch._is_wanted(Event(str(music / "a" / name), False)) for name in names}
    assert wanted == {".hidden.flac": False, "notes.txt": False, "x.flac": True}


@pytest.mark.parametrize(("number", "expected"), [(MAX_CHANGED, MAX_CHANGED), (MAX_CHANGED + 1, 1)])
def test_beyond_the_bound_all_folders_stand_for_those_that_changed(music: Path, number: int, expected: int) -> None:
    for index in range(number):
        (music / str(index)).mkdir()
    watch = FolderWatch([str(music)], WATCHED)
    watch.open(check=never_cancelled)
    paths = [str(music / str(index) / "x.flac") for index in range(number)]
    assert len(watch._folders_of(paths)) == expected


def test_a_folder_that_is_away_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        FolderWatch([str(tmp_path / "gone")], WATCHED).open(check=never_cancelled)
