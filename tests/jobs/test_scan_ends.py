"""A folder that goes in the middle of a scan: nothing of it is marked as missing, and the scan says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from auralis_trio.jobs import scan_run
from auralis_trio.jobs.scan import Scan
from auralis_trio.library.store import Library
from auralis_trio.library.totals import statistics
from auralis_trio.library.walk import Walk
from auralis_trio.offload import InlineOffload, Lane
from tests.jobs.test_scan import Events, InlineDoor, events, music, write_songs

__all__ = ["events", "music"]

T = TypeVar("T")

SONGS = 40


class PulledDoor(InlineDoor):
    """Somebody takes the disk away after so many steps of the walk."""

    def __init__(self, steps: int, pull: Callable[[], object]) -> None:
        super().__init__()
        self.steps, self.pull = steps, pull

    async def run_stoppable(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        done = await super().run_stoppable(lane, fn, *args)
        if isinstance(getattr(fn, "__self__", None), Walk):
            self.steps -= 1
            if self.steps == 0:
                self.pull()
        return done


def unmounted(music: Path) -> None:
    """An empty mount point is left behind."""
    music.rename(music.with_name("away"))
    music.mkdir()


def mounted(music: Path) -> None:
    if music.exists():
        music.rmdir()
    music.with_name("away").rename(music)


@pytest.mark.parametrize("steps", range(1, 7))
@pytest.mark.parametrize("empty", [False, True], ids=["gone", "empty"])
async def test_a_folder_that_goes_while_it_is_looked_through_keeps_its_tracks(
    library: Library, music: Path, events: Events, monkeypatch: pytest.MonkeyPatch, steps: int, empty: bool
) -> None:
    write_songs(music, SONGS)
    await Scan(library, InlineOffload(), [str(music)], events).run()
    monkeypatch.setattr(scan_run, "WALK_BATCH", 7)
    away = music.with_name("away")
    door = PulledDoor(steps, (lambda: unmounted(music)) if empty else (lambda: music.rename(away)))
    progress = await Scan(library, door, [str(music)], events).run()
    assert (progress.state, progress.missing, progress.unavailable) == ("finished", 0, ("music",))
    assert (statistics(library).tracks, statistics(library).missing) == (SONGS, 0)
    mounted(music)
    progress = await Scan(library, InlineOffload(), [str(music)], events).run()
    assert (progress.unchanged, progress.unavailable) == (SONGS, ())


async def test_a_folder_that_never_held_any_music_is_none_that_has_gone(
    library: Library, music: Path, events: Events
) -> None:
    assert (await Scan(library, InlineOffload(), [str(music)], events).run()).unavailable == ()
