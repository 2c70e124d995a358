"""A reset beside a scan: which of the two ends first, and what is told of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from auralis_trio.errors import Conflict, InvalidRequest
from auralis_trio.jobs.reset import Reset
from auralis_trio.jobs.scan import Scan
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.store import Library
from auralis_trio.offload import InlineOffload, Lane
from tests.clock import LIMIT_S
from tests.jobs.test_scan import LAST_EVENTS, Events, GatedDoor, InlineDoor, events, music, write_songs

__all__ = ["events", "music"]

T = TypeVar("T")

SONGS = 20


async def test_a_reset_cancels_the_scan_hears_its_end_and_then_forgets_everything(
    library: Library, music: Path, events: Events, nursery: trio.Nursery
) -> None:
    write_songs(music, SONGS)
    door = GatedDoor()
    scan = Scan(library, door, [str(music)], events)
    door.gate.set()
    await scan.run()
    assert list_tracks(library).total == SONGS
    write_songs(music, 2 * SONGS)
    door.gate = trio.Event()
    door.waiting = trio.Event()
    events.all.clear()
    await scan.start(nursery)
    await door.waiting.wait()
    forgotten = await Reset(library, InlineOffload(), scan, events).run("reset")
    assert forgotten.tracks == SONGS
    assert list_tracks(library).total == 0
    ends = [kind for kind in events.kinds if kind in LAST_EVENTS | {"library_updated"}]
    assert ends == ["scan_complete", "library_updated"]
    assert events.data("scan_complete")[0]["cancelled"] is True
    assert events.data("library_updated") == [
        {"reset": True, "tracks": forgotten.tracks, "albums": forgotten.albums, "artists": 7, "playlists": 0}
    ]
    door.gate.set()
    assert (await scan.run()).added == 2 * SONGS


class SlowDoor(InlineDoor):
    """What is written waits at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = trio.Event()

    async def run(self, lane: Lane, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
        await self.gate.wait()
        return await super().run(lane, fn, *args)


async def test_while_a_reset_runs_no_scan_begins_and_no_other_reset(
    library: Library, music: Path, events: Events, nursery: trio.Nursery
) -> None:
    write_songs(music, 3)
    scan = Scan(library, InlineOffload(), [str(music)], events)
    slow = SlowDoor()
    reset = Reset(library, slow, scan, events)
    nursery.start_soon(reset.run, "reset")
    await trio.testing.wait_all_tasks_blocked()
    for attempt in (scan.run, lambda: scan.start(nursery), lambda: reset.run("reset")):
        with pytest.raises(Conflict) as refused:
            await attempt()
        assert refused.value.code == "reset_running"
    with trio.move_on_after(0) as waiting:
        await scan.wait_idle()
    assert waiting.cancelled_caught, "whoever waits for its turn waits for the reset, too"
    slow.gate.set()
    with trio.fail_after(LIMIT_S):
        await scan.wait_idle()
    assert (await scan.run()).added == 3


async def test_a_reset_that_is_cancelled_leaves_the_scan_free(library: Library, music: Path, events: Events) -> None:
    write_songs(music, 3)
    scan = Scan(library, InlineOffload(), [str(music)], events)
    with trio.move_on_after(0):
        await Reset(library, SlowDoor(), scan, events).run("reset")
    assert (await scan.run()).added == 3


@pytest.mark.parametrize("confirm", [None, "", "yes", "Reset", "reset "])
async def test_without_its_word_a_reset_does_nothing(
    library: Library, music: Path, events: Events, confirm: str | None
) -> None:
    write_songs(music, 3)
    scan = Scan(library, InlineOffload(), [str(music)], events)
    await scan.run()
    with pytest.raises(InvalidRequest, match="auralis-trio backup create") as refused:
        await Reset(library, InlineOffload(), scan, events).run(confirm)
    assert refused.value.code == "confirmation_required"
    assert list_tracks(library).total == 3
