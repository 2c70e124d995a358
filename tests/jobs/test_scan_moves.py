"""Files and folders that go elsewhere, in whatever way: no track loses what was thought of it."""

# mypy: disable-error-code="no-untyped-call"

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from auralis_trio.jobs.scan import EVERYTHING, Scan
from auralis_trio.jobs.scan_report import ScanChange, ScanOrder, ScanProgress
from auralis_trio.library.folders import list_folders
from auralis_trio.library.personal import set_rating
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.store import Library
from auralis_trio.library.totals import statistics
from auralis_trio.offload import InlineOffload, Lane
from tests.jobs.test_scan import Events, InlineDoor, events, music, write_song

__all__ = ["events", "music"]

T = TypeVar("T")
Stars = dict[str, tuple[int, int | None, bool]]


async def scanned(library: Library, *roots: Path, order: ScanOrder = EVERYTHING) -> ScanProgress:
    progress = await Scan(library, InlineOffload(), [str(root) for root in roots], Events()).run(order)
    assert progress.state == "finished"
    return progress


def stars(library: Library) -> Stars:
    """By title, a track's id, its rating and whether it is missing."""
    return {track.title: (track.id, track.rating, track.missing) for track in list_tracks(library, 500).items}


def rate_all(library: Library) -> Stars:
    for track_id, _, _ in stars(library).values():
        set_rating(library, track_id, 5)
    return stars(library)


def write_three(folder: Path) -> None:
    for number in range(3):
        write_song(folder / f"{number}.flac", 500 + number, title=f"{number}")


async def test_a_renamed_root_keeps_its_tracks(library: Library, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_three(old)
    await scanned(library, old)
    before = rate_all(library)
    old.rename(new)
    progress = await scanned(library, new)
    assert (progress.moved, progress.added, progress.missing) == (3, 0, 0)
    assert stars(library) == before
    await scanned(library, new)
    assert [folder.name for folder in list_folders(library)] == ["new"]


async def test_what_lies_in_no_named_folder_is_missing_until_it_is_named_again(
    library: Library, tmp_path: Path
) -> None:
    write_three(tmp_path / "all" / "sub")
    write_song(tmp_path / "all" / "above.flac", title="above")
    await scanned(library, tmp_path / "all")
    before = rate_all(library)
    progress = await scanned(library, tmp_path / "all" / "sub")
    assert (progress.missing, progress.unchanged) == (1, 3)
    track_id, rating, _ = before["above"]
    assert stars(library) == before | {"above": (track_id, rating, True)}
    assert {folder.name: folder.tracks for folder in list_folders(library)} == {"all": 1, "sub": 3}
    assert (await scanned(library, tmp_path / "all")).back == 1
    assert stars(library) == before
    assert [(folder.name, folder.tracks) for folder in list_folders(library)] == [("all", 4)]


async def test_nothing_is_marked_for_its_name_while_a_named_folder_is_not_there(
    library: Library, tmp_path: Path
) -> None:
    """The name may be a link that lies on a disk."""
    disk, link = tmp_path / "disk", tmp_path / "mounted"
    write_three(disk / "real")
    link.mkdir()
    (link / "music").symlink_to(disk / "real")
    await scanned(library, link / "music")
    before = rate_all(library)
    link.rename(tmp_path / "unmounted")
    progress = await scanned(library, link / "music")
    assert (progress.missing, progress.unavailable) == (0, ("music",))
    assert stars(library) == before


async def test_all_music_can_move_from_one_root_to_another(library: Library, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_three(one)
    write_song(other / "here.flac", 700)
    await scanned(library, one, other)
    before = rate_all(library)
    for file in one.iterdir():
        file.rename(other / file.name)
    progress = await scanned(library, one, other)
    assert (progress.moved, progress.added, progress.unavailable) == (3, 0, ())
    assert stars(library) == before


async def test_a_slow_move_out_of_a_whole_root_is_recognised_when_its_files_have_gone(
    library: Library, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write_three(one)
    other.mkdir()
    await scanned(library, one, other)
    before = rate_all(library)
    shutil.copytree(one, other, dirs_exist_ok=True)
    assert (await scanned(library, one, other)).added == 3
    for file in one.iterdir():
        file.unlink()
    progress = await scanned(library, one, other, order=ScanOrder([str(one)]))
    assert (progress.moved, progress.missing, progress.done, progress.total) == (3, 0, 0, 0)
    assert stars(library) == before


async def test_a_root_that_was_emptied_is_told_from_a_disk_that_is_away(library: Library, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    write_three(disk)
    await scanned(library, disk)
    disk.rename(tmp_path / "away")
    disk.mkdir()
    for order in (ScanOrder(), ScanOrder([str(disk)], recursive=False)):
        progress = await scanned(library, disk, order=order)
        assert (progress.missing, progress.unavailable) == (0, ("disk",))
    disk.rmdir()
    (tmp_path / "away").rename(disk)
    assert (await scanned(library, disk)).unchanged == 3
    for file in disk.iterdir():
        file.unlink()
    progress = await scanned(library, disk)
    assert (progress.missing, progress.unavailable) == (3, ())


async def test_new_files_are_taken_for_those_of_a_disk_that_is_away_but_copies_are_left_alone(
    library: Library, tmp_path: Path
) -> None:
    disk, here = tmp_path / "disk", tmp_path / "here"
    write_three(disk)
    here.mkdir()
    shutil.copy(disk / "0.flac", here / "copy.flac")
    await scanned(library, disk, here)
    rated = [track for track in list_tracks(library, 500).items if track.title != "0"]
    for track in rated:
        set_rating(library, track.id, 5)
    tracks = statistics(library).tracks
    disk.rename(tmp_path / "away")
    assert (await scanned(library, disk, here)).moved == 0
    shutil.copy(tmp_path / "away" / "1.flac", here / "restored.flac")
    progress = await scanned(library, disk, here, order=ScanOrder([str(here)]))
    assert (progress.moved, progress.added) == (1, 0)
    assert {track.id for track in rated} == {track.id for track in list_tracks(library).items if track.rating == 5}
    (tmp_path / "away").rename(disk)
    progress = await scanned(library, disk, here)
    assert (progress.unchanged, progress.added, progress.missing) == (4, 1, 0)
    assert statistics(library).tracks == tracks + 1
    shutil.copy(disk / "2.flac", here / "another.flac")
    assert (await scanned(library, disk, here)).added == 1, "the disk is there again"


async def test_a_track_whose_place_is_taken_goes_on_in_its_copy_and_one_without_a_copy_is_told_as_missing(
    library: Library, music: Path
) -> None:
    scan = Scan(library, InlineOffload(), [str(music)], Events())
    for at, name in enumerate(("a", "b", "moving a", "moving b")):
        write_song(music / f"{name}.flac", 500 + at, title=name)
    await scan.run()
    before = rate_all(library)
    shutil.copy(music / "a.flac", music / "copy.flac")
    await scan.run()
    for name in ("a", "b"):
        (music / f"moving {name}.flac").rename(music / f"{name}.flac")
    progress = await scan.run()
    assert (progress.moved, progress.missing, progress.added) == (3, 1, 0)
    assert stars(library) == before | {"b": (before["b"][0], 5, True)}
    assert [change for change in scan.report.changes if change.change == "missing"] == [
        ScanChange("missing", "music/b.flac", "file_replaced")
    ]


class Stopped(Exception):
    """What ends the scan."""


class EndingDoor(InlineDoor):
    """Ends the scan at one of its steps."""

    def __init__(self, step: str, end: Callable[[], object]) -> None:
        super().__init__()
        self.step, self.end = step, end

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        if fn.__name__ == self.step:
            self.end()
        return await super().run(lane, fn, *args)


@pytest.mark.parametrize("step", ["copies_page", "take_over", "apply_batch"])
@pytest.mark.parametrize("way", ["cancel", "failure"])
async def test_wherever_a_scan_ends_early_the_next_one_lets_copies_take_over(
    library: Library, music: Path, step: str, way: str
) -> None:
    write_three(music / "a")
    write_song(music / "other.flac", 700)
    await scanned(library, music)
    before = rate_all(library)
    shutil.copytree(music / "a", music / "b")
    await scanned(library, music)
    shutil.rmtree(music / "a")

    def end() -> None:
        if way == "failure":
            raise Stopped
        scan.cancel_nowait()

    scan = Scan(library, EndingDoor(step, end), [str(music)], Events())
    assert (await scan.run()).state == ("failed" if way == "failure" else "cancelled")
    await scanned(library, music)
    assert stars(library) == before
