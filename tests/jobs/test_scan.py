"""The scan against real files and a real database; as a script, the process that the kill test kills."""

# mypy: disable-error-code="no-untyped-call"

import contextlib
import errno
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import soundfile
import trio
import trio.testing
from mutagen.flac import FLAC

from auralis_trio.errors import Busy, Conflict, InvalidRequest, TimedOut, WorkerDied
from auralis_trio.jobs import scan_report, scan_run
from auralis_trio.jobs.scan import Scan
from auralis_trio.jobs.scan_report import MAX_REPORTED, ScanChange, ScanOrder
from auralis_trio.jobs.scan_run import MAX_PROGRESS_EVENTS, READ_BATCH, READERS, WALK_BATCH
from auralis_trio.jobs.steps import MAX_PAUSE_S, STEP_DEADLINE_S
from auralis_trio.library.folders import list_folders
from auralis_trio.library.queries import get_track_file, list_albums, list_artists, list_tracks
from auralis_trio.library.records import TrackRecord
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload, Lane, LaneStatistics, Offload, open_offload

T = TypeVar("T")

KILLS = 20
SONGS = READ_BATCH * 3 // 2
LAST_EVENTS = {"scan_complete", "library_scan_error"}


def write_song(path: Path, frames: int = 400, **tags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((frames, 1), dtype=np.float32), 8000, format="FLAC")
    file = FLAC(str(path))
    file.update(tags)
    file.save()


def write_songs(folder: Path, number: int) -> None:
    for index in range(number):
        name = f"{index:03}"
        path, tags = folder / f"album {index // 10}" / f"{name}.flac", {"title": name, "album": "a"}
        write_song(path, 400 + index, artist=f"artist {index % 7}", **tags)


class Events:
    """What was announced."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, Any]]] = []
        self.on: dict[str, Callable[[], object]] = {}

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        self.all.append((kind, data))
        self.on.get(kind, bool)()

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.all]

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [data for told, data in self.all if told == kind]


class InlineDoor:
    """An offload that works inline; what differs is said below."""

    def __init__(self) -> None:
        self.inline = InlineOffload()

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        return await self.inline.run(lane, fn, *args)

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        return await self.inline.run_stoppable(lane, fn, *args)

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        return await self.inline.run_process(fn, *args)

    def statistics(self) -> dict[str, LaneStatistics]:
        return {}


class GatedDoor(InlineDoor):
    """Reading files waits at a gate; everything else goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = trio.Event()
        self.waiting = trio.Event()

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        self.waiting.set()
        await self.gate.wait()
        return await super().run_process(fn, *args)


class FaultyDoor(InlineDoor):
    """Its worker processes hang or die on some files; it notes how much is asked of one."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        [paths] = args
        self.batches.append(len(paths))
        if any(path.endswith("hangs.flac") for path in paths):
            raise TimedOut
        if any(path.endswith("crashes.flac") for path in paths):
            raise WorkerDied
        return await super().run_process(fn, *args)


class CountingDoor(InlineDoor):
    """Notes how many files each step of a walk gave back."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        result = await super().run_stoppable(lane, fn, *args)
        self.sizes.append(len(result) if isinstance(result, list) else 0)
        return result


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def scan(library: Library, music: Path, events: Events) -> Scan:
    return Scan(library, InlineOffload(), [str(music)], events)


def tracks(library: Library) -> dict[str, TrackRecord]:
    return {track.title: track for track in list_tracks(library, 500).items}


def state_of(library: Library) -> Any:
    """All that a scan leaves behind, without the numbers and times that depend on when it ran."""
    found = [(track, get_track_file(library, track.id)) for track in list_tracks(library, 500).items]
    return (
        sorted(
            (file.path, file.content_id, file.size, file.mtime_ns, t.title, t.artist, t.missing) for t, file in found
        ),
        sorted((album.title, album.artist, album.tracks) for album in list_albums(library, 500).items),
        sorted((artist.name, artist.albums, artist.tracks) for artist in list_artists(library, 500).items),
        [(folder.name, folder.tracks) for folder in list_folders(library)],
    )


def listing(folder: Path) -> list[Any]:
    """Everything in a folder with all that a write would change."""
    return sorted(
        (str(path), status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        for path in [folder, *folder.rglob("*")]
        for status in [path.lstat()]
    )


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many files are read together, where a test needs many batches."""
    monkeypatch.setattr(scan_run, "READ_BATCH", 16)
    return 16


async def test_a_first_scan_finds_every_track_with_its_tags(library: Library, music: Path, scan: Scan) -> None:
    write_song(music / "a" / "one.flac", title="One", artist="Nina", album="Live")
    write_song(music / "two.flac", frames=800)
    progress = await scan.run()
    assert (progress.state, progress.total, progress.done, progress.added) == ("finished", 2, 2, 2)
    found = tracks(library)
    assert (found["One"].artist, found["One"].album, found["One"].total_frames) == ("Nina", "Live", 400)
    assert (found["two"].artist, found["two"].sample_rate, found["two"].duration_s) == (None, 8000, 0.1)


@pytest.mark.parametrize("year", [1600, 1960, 2300, 9999])
async def test_a_file_or_its_lyrics_from_a_time_that_no_database_keeps_is_a_track_as_any_other(
    library: Library, music: Path, scan: Scan, year: int
) -> None:
    time_ns = (year - 1970) * 31_556_952 * 10**9
    for name in ("one", "two", "three"):
        write_song(music / f"{name}.flac", title=name)
    (music / "one.lrc").write_text("la")
    os.utime(music / "two.flac", ns=(time_ns, time_ns))
    os.utime(music / "one.lrc", ns=(time_ns, time_ns))
    assert (await scan.run()).added == 3
    assert set(tracks(library)) == {"one", "two", "three"}
    assert (await scan.run()).unchanged == 3


async def test_a_scan_tells_of_its_start_its_progress_what_changed_and_its_end_in_this_order(
    music: Path, scan: Scan, events: Events, batch: int
) -> None:
    write_songs(music, batch * 2 + 1)
    await scan.run()
    assert events.kinds == ["library_scan_started", *["scan_progress"] * 4, "library_updated", "scan_complete"]
    assert events.data("library_scan_started") == [{"folders": ["music"]}]
    assert events.data("library_updated") == [
        {"added": batch * 2 + 1, "updated": 0, "moved": 0, "back": 0, "missing": 0}
    ]
    assert events.data("scan_complete")[0]["cancelled"] is False


async def test_the_total_is_fixed_before_the_first_progress_and_done_rises_to_it(
    music: Path, scan: Scan, events: Events, batch: int
) -> None:
    write_songs(music, batch + 5)
    await scan.run()
    write_song(music / "album 0" / "000.flac", frames=500)
    write_song(music / "new.flac", frames=600)
    events.all.clear()
    await scan.run()
    told = events.data("scan_progress")
    assert [progress["total"] for progress in told] == [batch + 6] * 2
    assert [progress["done"] for progress in told] == [batch + 4, batch + 6]
    last = told[-1]
    assert (last["added"], last["updated"], last["unchanged"], last["failed"]) == (1, 1, batch + 4, 0)


async def test_however_many_files_there_are_progress_is_told_only_so_often(
    music: Path, scan: Scan, events: Events, batch: int
) -> None:
    number = MAX_PROGRESS_EVENTS * batch * 5 // 4
    for index in range(number):
        (music / f"{index}.wav").write_bytes(b"")
    await scan.run()
    told = [progress["done"] for progress in events.data("scan_progress")]
    assert (told[0], told[-1]) == (0, number)
    assert len(told) <= 1 + MAX_PROGRESS_EVENTS


async def test_progress_names_the_folder_that_is_read_from_its_root_on(
    music: Path, scan: Scan, events: Events
) -> None:
    write_song(music / "Nina" / "Live" / "one.flac")
    await scan.run()
    assert [progress["folder"] for progress in events.data("scan_progress")] == [".", "Nina/Live"]
    assert scan.progress.folder is None


async def test_scanning_again_reads_nothing_and_changes_nothing(
    library: Library, music: Path, scan: Scan, events: Events
) -> None:
    write_songs(music, 3)
    await scan.run()
    before = tracks(library)
    events.all.clear()
    faulty = FaultyDoor()
    progress = await Scan(library, faulty, [str(music)], events).run()
    assert (progress.unchanged, progress.added, progress.updated, progress.missing) == (3, 0, 0, 0)
    assert faulty.batches == []
    assert tracks(library) == before
    assert "library_updated" not in events.kinds


async def test_a_changed_file_keeps_its_track(library: Library, music: Path, scan: Scan) -> None:
    write_song(music / "one.flac", title="before")
    await scan.run()
    before = tracks(library)["before"]
    write_song(music / "one.flac", frames=800, title="after")
    assert (await scan.run()).updated == 1
    [after] = tracks(library).values()
    assert (after.id, after.title, after.total_frames) == (before.id, "after", 800)


async def test_a_file_that_is_gone_is_marked_and_there_again_when_it_comes_back(
    library: Library, music: Path, scan: Scan
) -> None:
    write_songs(music, 2)
    await scan.run()
    before = tracks(library)
    (music / "album 0" / "000.flac").rename(music.parent / "away.flac")
    assert (await scan.run()).missing == 1
    assert {title: track.missing for title, track in tracks(library).items()} == {"000": True, "001": False}
    (music.parent / "away.flac").rename(music / "album 0" / "000.flac")
    progress = await scan.run()
    assert (progress.back, progress.unchanged, progress.done) == (1, 1, 2)
    assert tracks(library) == before


@pytest.mark.parametrize("empty_mount_point", [False, True], ids=["gone", "empty"])
async def test_a_root_that_is_not_mounted_marks_nothing_and_is_told(
    library: Library, tmp_path: Path, events: Events, empty_mount_point: bool
) -> None:
    write_songs(tmp_path / "disk", 2)
    write_song(tmp_path / "here" / "x.flac")
    scan = Scan(library, InlineOffload(), [str(tmp_path / "disk"), str(tmp_path / "here")], events)
    await scan.run()
    before = tracks(library)
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    if empty_mount_point:
        (tmp_path / "disk").mkdir()
    progress = await scan.run()
    assert (progress.state, progress.unavailable, progress.missing, progress.unchanged) == (
        "finished",
        ("disk",),
        0,
        1,
    )
    assert events.data("scan_complete")[-1]["unavailable"] == ("disk",)
    assert tracks(library) == before


async def test_a_folder_within_a_root_that_is_gone_is_marked(library: Library, music: Path, scan: Scan) -> None:
    write_songs(music, 12)
    await scan.run()
    shutil.rmtree(music / "album 1")
    progress = await scan.run()
    assert (progress.missing, progress.unavailable) == (2, ())


async def test_files_that_cannot_be_read_are_counted_and_the_others_kept(
    library: Library, music: Path, scan: Scan
) -> None:
    write_song(music / "good.flac")
    (music / "text.mp3").write_text("this is no music")
    (music / "empty.wav").write_bytes(b"")
    progress = await scan.run()
    assert (progress.state, progress.failed, progress.added, progress.done) == ("finished", 2, 1, 3)
    assert list(tracks(library)) == ["good"]


async def test_a_file_that_became_unreadable_keeps_its_track(library: Library, music: Path, scan: Scan) -> None:
    write_song(music / "one.flac")
    await scan.run()
    before = tracks(library)
    (music / "one.flac").write_bytes(b"broken")
    assert (await scan.run()).failed == 1
    assert tracks(library) == before


async def test_of_a_batch_that_hangs_or_kills_its_process_only_the_file_to_blame_fails(
    library: Library, music: Path, events: Events
) -> None:
    write_songs(music, 20)
    write_song(music / "hangs.flac")
    write_song(music / "crashes.flac")
    progress = await Scan(library, FaultyDoor(), [str(music)], events).run()
    assert (progress.added, progress.failed, progress.state) == (20, 2, "finished")


async def test_only_the_files_that_their_headers_do_not_tell_enough_of_are_left_to_their_decoders(
    library: Library, music: Path, events: Events
) -> None:
    for index, suffix in enumerate((".flac", ".wav", ".flac", ".wav", ".flac")):
        soundfile.write(music / f"{index}{suffix}", np.zeros((400 + index, 1), dtype=np.float32), 8000)
    (music / "5.flac").write_bytes(b"broken")
    faulty = FaultyDoor()
    progress = await Scan(library, faulty, [str(music)], events).run()
    assert (progress.added, progress.failed, faulty.batches) == (5, 1, [6, 2])
    assert {track.title: track.total_frames for track in tracks(library).values()} == {
        str(index): 400 + index for index in range(5)
    }


async def test_no_step_holds_more_files_than_its_bound(library: Library, music: Path, events: Events) -> None:
    for index in range(WALK_BATCH + 1):
        (music / f"{index}.wav").write_bytes(b"")
    counting = CountingDoor()
    progress = await Scan(library, counting, [str(music)], events).run()
    assert progress.failed == WALK_BATCH + 1
    assert max(counting.sizes) == WALK_BATCH
    faulty = FaultyDoor()
    await Scan(library, faulty, [str(music)], events).run()
    assert max(faulty.batches) == READ_BATCH


async def test_the_library_answers_and_a_second_scan_is_refused_while_one_runs(
    library: Library, music: Path, events: Events, nursery: trio.Nursery
) -> None:
    write_songs(music, 3)
    offload = GatedDoor()
    scan = Scan(library, offload, [str(music)], events)
    await scan.start(nursery)
    assert (scan.running, scan.progress.state) == (True, "walking")
    await offload.waiting.wait()
    assert (scan.running, scan.progress.state, scan.progress.total) == (True, "reading", 3)
    assert list_tracks(library).total == 0
    with pytest.raises(Conflict) as refused:
        await scan.start(nursery)
    assert refused.value.code == "scan_running"
    with pytest.raises(Conflict):
        await scan.run()
    offload.gate.set()
    await trio.testing.wait_all_tasks_blocked()
    assert (scan.running, scan.progress.state, list_tracks(library).total) == (False, "finished", 3)
    assert events.kinds.count("library_scan_started") == 1


@pytest.mark.parametrize("directory", ["/etc", "..", "gone"])
async def test_a_refused_directory_starts_nothing_and_leaves_the_scan_free(
    music: Path, scan: Scan, events: Events, nursery: trio.Nursery, directory: str
) -> None:
    write_song(music / "one.flac")
    with pytest.raises(InvalidRequest):
        await scan.start(nursery, ScanOrder([directory]))
    assert (events.all, scan.running, scan.progress.state) == ([], False, "idle")
    assert (await scan.run()).added == 1


async def test_one_folder_of_a_root_can_be_scanned_alone(library: Library, music: Path, scan: Scan) -> None:
    write_songs(music, 12)
    assert (await scan.run(ScanOrder(["album 1"]))).added == 2
    shutil.rmtree(music / "album 0")
    assert (await scan.run(ScanOrder([str(music / "album 1")]))).unchanged == 2
    assert {track.missing for track in tracks(library).values()} == {False}


async def test_a_cancelled_scan_keeps_what_it_read_and_the_next_one_does_the_rest(
    library: Library, music: Path, scan: Scan, events: Events, batch: int
) -> None:
    write_songs(music, batch * (READERS + 2))
    seen = 0

    def cancel_at_the_second() -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            assert scan.cancel_nowait()

    events.on["scan_progress"] = cancel_at_the_second
    progress = await scan.run()
    assert (progress.state, progress.added) == ("cancelled", batch)
    assert list_tracks(library).total == batch
    assert events.data("scan_complete")[-1]["cancelled"] is True
    assert not scan.cancel_nowait()
    events.on.clear()
    progress = await scan.run()
    assert (progress.state, progress.unchanged, progress.added) == (
        "finished",
        batch,
        batch * (READERS + 1),
    )


@pytest.mark.parametrize("moment", ["library_scan_started", "scan_progress", "library_updated"])
@pytest.mark.parametrize("way", ["cancel_nowait", "nursery"])
async def test_however_and_whenever_a_scan_is_stopped_it_has_exactly_one_last_event(
    music: Path, scan: Scan, events: Events, moment: str, way: str
) -> None:
    write_songs(music, 3)
    async with trio.open_nursery() as nursery:
        ways: dict[str, Callable[[], object]] = {
            "cancel_nowait": scan.cancel_nowait,
            "nursery": nursery.cancel_scope.cancel,
        }
        events.on[moment] = ways[way]
        await scan.start(nursery)
    assert [kind for kind in events.kinds if kind in LAST_EVENTS] == ["scan_complete"]
    assert events.kinds[-1] == "scan_complete"
    assert not scan.running


async def test_a_scan_that_fails_says_so_once_by_a_code_and_its_nursery_lives_on(
    library: Library, music: Path, scan: Scan, events: Events, nursery: trio.Nursery
) -> None:
    write_songs(music, 3)
    with library.writing():
        library.db.execute("DROP TABLE pending_file")
    progress = await scan.run()
    assert (progress.state, progress.code) == ("failed", "internal_error")
    assert [kind for kind in events.kinds if kind in LAST_EVENTS] == ["library_scan_error"]
    assert str(music) not in str(events.all)
    await scan.start(nursery)
    await trio.testing.wait_all_tasks_blocked()
    assert scan.progress.state == "failed"


class TakenDoor(InlineDoor):
    """The database is held by another program for the first tries of every step, or for good."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals
        self.refused: list[Callable[..., Any]] = []

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        if lane in {Lane.READ, Lane.WRITE} and self.refused.count(fn) < self.refusals:
            self.refused.append(fn)
            raise Busy
        return await super().run(lane, fn, *args)

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        if lane is Lane.READ and self.refused.count(fn) < self.refusals:
            self.refused.append(fn)
            raise Busy
        return await super().run_stoppable(lane, fn, *args)


async def test_a_scan_waits_for_a_database_that_another_program_holds(
    library: Library, music: Path, events: Events, autojump_clock: trio.testing.MockClock
) -> None:
    write_songs(music, 3)
    door = TakenDoor(refusals=4)
    progress = await Scan(library, door, [str(music)], events).run()
    assert (progress.state, progress.added, progress.code) == ("finished", 3, None)
    assert len(door.refused) == 4 * len(set(door.refused)) > 20


async def test_a_scan_gives_up_on_a_database_that_stays_held_and_says_so_in_one_line(
    library: Library,
    music: Path,
    events: Events,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_songs(music, 3)
    began_s = trio.current_time()
    progress = await Scan(library, TakenDoor(refusals=1000), [str(music)], events).run()
    assert (progress.state, progress.code, progress.message) == ("failed", "busy", Busy.text)
    assert STEP_DEADLINE_S - MAX_PAUSE_S <= trio.current_time() - began_s <= STEP_DEADLINE_S
    assert [(record.message, record.exc_info) for record in caplog.records] == [("the scan failed: busy", None)]


async def test_a_scan_leaves_the_music_folder_untouched(music: Path, scan: Scan) -> None:
    write_songs(music, 12)
    (music / "broken.mp3").write_bytes(b"\xff\xfb" * 100)
    before = listing(music)
    await scan.run()
    assert listing(music) == before
    await scan.run()
    assert listing(music) == before


async def test_nothing_that_is_told_holds_a_path(music: Path, scan: Scan, events: Events) -> None:
    write_songs(music, 2)
    (music / "text.mp3").write_text("this is no music")
    await scan.run()
    assert str(music.parent) not in str(events.all)


async def test_a_file_that_was_moved_and_retagged_is_recognised_within_one_scan(
    library: Library, tmp_path: Path, events: Events
) -> None:
    roots = [tmp_path / "a", tmp_path / "b"]
    write_song(roots[0] / "one.flac", frames=500, title="before")
    write_song(roots[0] / "two.flac", frames=600)
    write_song(roots[1] / "three.flac", frames=700)
    scan = Scan(library, InlineOffload(), list(map(str, roots)), events)
    await scan.run()
    before = tracks(library)["before"]
    (roots[0] / "one.flac").rename(roots[1] / "uno.flac")
    file = FLAC(str(roots[1] / "uno.flac"))
    file["title"] = "after"
    file.save()
    progress = await scan.run()
    assert (progress.moved, progress.added, progress.missing, progress.done) == (1, 0, 0, 3)
    after = tracks(library)
    assert (after["after"].id, after["after"].missing, len(after)) == (before.id, False, 3)
    assert scan.report.changes == [ScanChange("moved", "b/uno.flac", "same_audio_elsewhere")]
    told = {name: events.data("library_updated")[-1][name] for name in ("added", "updated", "moved", "missing")}
    assert told == {"added": 0, "updated": 0, "moved": 1, "missing": 0}


async def test_a_scan_that_is_not_recursive_looks_at_one_folder_alone(
    library: Library, music: Path, scan: Scan
) -> None:
    write_song(music / "one.flac")
    write_song(music / "below" / "two.flac", frames=500)
    order = ScanOrder([str(music)], recursive=False)
    assert (await scan.run(order)).total == 1
    await scan.run()
    shutil.rmtree(music / "below")
    (music / "one.flac").unlink()
    assert (await scan.run(order)).missing == 1
    assert {title: track.missing for title, track in tracks(library).items()} == {"one": True, "two": False}


async def test_a_scan_can_read_every_file_anew(music: Path, scan: Scan) -> None:
    write_songs(music, 3)
    await scan.run()
    progress = await scan.run(ScanOrder(skip_existing=False))
    assert (progress.updated, progress.unchanged) == (3, 0)


async def test_the_report_says_what_changed_and_why(music: Path, scan: Scan) -> None:
    for number, name in enumerate(("changed", "gone", "back")):
        write_song(music / "a" / f"{name}.flac", frames=500 + number)
    await scan.run()
    assert {change.change for change in scan.report.changes} == {"added"}
    (music / "a" / "back.flac").rename(music / "away")
    await scan.run()
    (music / "away").rename(music / "a" / "back.flac")
    write_song(music / "a" / "changed.flac", frames=600)
    (music / "a" / "gone.flac").unlink()
    (music / "broken.mp3").write_bytes(b"text")
    await scan.run()
    assert sorted(scan.report.changes, key=lambda change: change.file) == [
        ScanChange("back", "music/a/back.flac", "file_is_back"),
        ScanChange("updated", "music/a/changed.flac", "file_changed"),
        ScanChange("missing", "music/a/gone.flac", "file_gone"),
        ScanChange("failed", "music/broken.mp3", "track_unsupported"),
    ]
    await scan.run()
    assert [change.change for change in scan.report.changes] == ["failed"]


async def test_what_may_not_be_looked_at_is_counted_named_and_told_in_the_log(
    music: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    locked, ruled = music / "locked", music / "ruled"
    for number, folder in enumerate((locked, ruled, music / "open")):
        write_song(folder / "one.flac", frames=500 + number)
    await scan.run()
    (ruled / ".auralisignore").symlink_to(".auralisignore")
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if path == str(locked):
            raise PermissionError(errno.EACCES, "denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    progress = await scan.run()
    assert (progress.refused, progress.missing, progress.unchanged, progress.unavailable) == (2, 0, 1, ())
    assert sorted(scan.report.changes, key=lambda change: change.file) == [
        ScanChange("refused", "music/locked", "not_readable"),
        ScanChange("refused", "music/ruled/.auralisignore", "not_readable"),
    ]
    assert {message.rsplit("/", 1)[-1] for message in caplog.messages} == {"locked'", ".auralisignore'"}


@pytest.mark.parametrize("reread", [False, True])
async def test_what_is_back_is_told_as_back(music: Path, scan: Scan, events: Events, reread: bool) -> None:
    write_song(music / "one.flac")
    write_song(music / "two.flac", frames=500)
    await scan.run()
    (music / "one.flac").rename(music / "away")
    await scan.run()
    (music / "away").rename(music / "one.flac")
    progress = await scan.run(ScanOrder(skip_existing=not reread))
    assert (progress.back, progress.updated, progress.unchanged) == ((1, 1, 0) if reread else (1, 0, 1))
    assert ScanChange("back", "music/one.flac", "file_is_back") in scan.report.changes
    assert events.data("library_updated")[-1]["back"] == 1


async def test_moves_beyond_the_bound_of_the_report_are_told_once_as_well(
    music: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_report, "MAX_REPORTED", 10)
    write_songs(music, 15)
    await scan.run()
    moved = music / "moved"
    moved.mkdir()
    for folder in ("album 0", "album 1"):
        (music / folder).rename(moved / folder)
    progress = await scan.run()
    assert (progress.moved, progress.missing) == (15, 0)
    assert (len(scan.report.changes) + scan.report.left_off, {c.change for c in scan.report.changes}) == (
        15, {"moved"},
    )  # fmt: skip


async def test_the_report_has_a_bound(music: Path, scan: Scan) -> None:
    for index in range(MAX_REPORTED + 2):
        (music / f"{index}.wav").write_bytes(b"")
    await scan.run()
    assert (len(scan.report.changes), scan.report.left_off) == (MAX_REPORTED, 2)


async def test_what_is_left_out_from_now_on_is_marked_and_the_root_not_taken_for_unmounted(
    music: Path, scan: Scan
) -> None:
    write_songs(music, 2)
    await scan.run()
    (music / ".nomedia").touch()
    progress = await scan.run()
    assert (progress.missing, progress.unavailable) == (2, ())


async def test_names_that_are_no_text_are_scanned(library: Library, music: Path, scan: Scan) -> None:
    folder = os.fsdecode(os.fsencode(music) + b"/\xe9t\xe9")
    write_song(music / "one.flac")
    os.mkdir(folder)
    os.rename(music / "one.flac", f"{folder}/{os.fsdecode(b'na')}\udcefve.flac")
    assert (await scan.run()).added == 1
    [track] = tracks(library).values()
    assert track.title == "na\ufffdve"
    assert (await scan.run()).unchanged == 1


class ThreadsOnly(InlineDoor):
    """A real door that reads files in threads, so that a process is soon there to be killed."""

    def __init__(self, door: Offload) -> None:
        super().__init__()
        self.door = door

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        return await self.door.run(lane, fn, *args)

    async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        return await self.door.run(Lane.AUDIO, fn, *args)


async def scan_with_processes(
    data: Path, music: Path, announce: Callable[[str, dict[str, Any]], None], skip_existing: bool = True
) -> Any:
    """One scan as a server does it: database threads, worker processes."""
    async with open_offload() as offload:
        door: Offload = offload if skip_existing else ThreadsOnly(offload)
        library = await door.run(Lane.WRITE, open_library, data)
        await Scan(library, door, [str(music)], announce).run(ScanOrder(skip_existing=skip_existing))
        state = await door.run(Lane.READ, state_of, library)
        await door.run(Lane.WRITE, library.close)
        return state


def test_a_scan_that_is_killed_at_any_point_is_completed_by_the_next_one(tmp_path: Path, music: Path) -> None:
    write_songs(music, SONGS)
    (music / "broken.mp3").write_bytes(b"no music")
    dice = random.Random(4)
    undisturbed = trio.run(scan_with_processes, tmp_path / "undisturbed", music, Events())
    # A file that is gone and one that has moved, so that there is something to mark and to recognise.
    shutil.copytree(tmp_path / "undisturbed", tmp_path / "killed")
    (music / "album 0" / "000.flac").rename(music / "album 1" / "moved.flac")
    (music / "album 0" / "001.flac").unlink()
    for path in music.glob("album 2/*.flac"):
        write_song(path, frames=int(path.stem), title="changed")
    moments = [(dice.choice((1, 1, 2, 3, 4, 5)), dice.random() * 0.05) for _ in range(KILLS)]
    for lines, then_s in moments:
        kill_scan(tmp_path / "killed", music, lines, then_s)
    events = Events()
    killed = trio.run(scan_with_processes, tmp_path / "killed", music, events)
    trio.run(scan_with_processes, tmp_path / "undisturbed", music, Events())
    again = trio.run(scan_with_processes, tmp_path / "undisturbed", music, Events())
    assert events.kinds[-1] == "scan_complete"
    assert killed == again != undisturbed
    assert len(killed[0]) == SONGS


def kill_scan(data: Path, music: Path, lines: int, then_s: float) -> None:
    """Start a scan of everything as a process; kill it so long after it has told so much."""
    command = [sys.executable, __file__, str(data), str(music)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(then_s)
        process.kill()


if __name__ == "__main__":
    data_dir, folder = map(Path, sys.argv[1:])
    trio.run(scan_with_processes, data_dir, folder, lambda kind, data: print(kind, flush=True), False)
