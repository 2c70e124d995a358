"""From a wish to a recipe: worked out once, kept up to a bound, and never at the price of the asker's patience."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.analysis import Analysis, analyse
from auralis_trio.audio.block import Samples
from auralis_trio.errors import Busy, SourceCorrupt
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.tuning import Tuning
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.analyst import LONG_S, Analyst
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.mastery import UNMASTERED, Mastery, Workroom
from auralis_trio.wire.wishes import PresetName, Wish
from tests.fakes import RATE, STEREO, FixedCatalogue, ToneSource, Tracks

WARM = Wish(enhanced=True, preset="warm")


class FixedAnalyst(Analyst):
    """Analyses tones, in `delay_s` each; counts what it was asked for."""

    def __init__(self, tracks: Tracks) -> None:
        self.tracks = tracks
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.asked: list[str] = []

    async def known(self, file: TrackFile) -> Analysis | None:
        return None

    async def analysis(self, file: TrackFile, *, hurried: bool = True) -> Analysis:
        self.asked.append("analysis")
        await trio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return analyse(self.tracks.makers[file.track_id]())

    async def quick_look(self, file: TrackFile) -> Analysis:
        self.asked.append("quick look")
        await trio.lowlevel.checkpoint()
        return analyse(ToneSource(self.tracks.file(1).format, RATE))

    async def known_tuning(self, file: TrackFile, sound: str) -> Tuning | None:
        await trio.lowlevel.checkpoint()
        return Tuning() if sound in self.asked else None

    async def read_ahead(self, file: TrackFile, read: Any) -> None:
        self.asked.append("windows")
        await trio.lowlevel.checkpoint()

    def forget_excerpts(self, file: TrackFile) -> None:
        self.asked.append("no windows")

    async def tuning(self, file: TrackFile, sound: str, tune: Any) -> Tuning:
        self.asked.append(sound)
        await trio.lowlevel.checkpoint()
        return Tuning()


class Room:
    """A mastery over tones; its target can be moved."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.tracks = Tracks()
        self.file = self.tracks.tone(1, RATE)
        self.target = Target()
        self.analyst = FixedAnalyst(self.tracks)
        self.flights = Flights(nursery, 8)
        self.foresees = True
        catalogue = FixedCatalogue(self.tracks)
        room = Workroom(InlineOffload(), catalogue, self.analyst, self.flights, lambda: self.foresees)
        self.mastery = Mastery(room, lambda: self.target, 10.0, max_kept=3)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with trio.open_nursery() as nursery:
        yield Room(nursery)
        nursery.cancel_scope.cancel()


async def test_as_recorded_asks_for_nothing(room: Room) -> None:
    assert await room.mastery.resolve(room.file, Wish(preset="warm")) == UNMASTERED
    assert room.analyst.asked == []


async def test_a_wish_is_worked_out_once_for_each_target(room: Room) -> None:
    first = await room.mastery.resolve(room.file, WARM)
    assert await room.mastery.resolve(room.file, WARM) is first
    assert room.analyst.asked == ["analysis", "warm 0 -1"]
    room.target = Target(offset_lu=-2.0)
    assert (await room.mastery.resolve(room.file, WARM)).recipe != first.recipe
    assert room.analyst.asked[2:] == ["analysis", "warm -2 -1"]


async def test_the_last_so_many_are_kept(room: Room) -> None:
    wishes = [Wish(enhanced=True, intensity=intensity) for intensity in (0.25, 0.5, 0.75, 1.0)]
    for wish in wishes:
        await room.mastery.resolve(room.file, wish)
    asked = len(room.analyst.asked)
    for wish in wishes[1:]:
        await room.mastery.resolve(room.file, wish)
    assert len(room.analyst.asked) == asked
    await room.mastery.resolve(room.file, wishes[0])
    assert len(room.analyst.asked) > asked


async def test_who_asks_waits_until_the_deadline_and_the_work_goes_on(room: Room, autojump_clock: MockClock) -> None:
    room.analyst.delay_s = 25.0
    for _ in range(2):
        began_s = trio.current_time()
        with pytest.raises(Busy) as caught:
            await room.mastery.resolve(room.file, WARM)
        assert trio.current_time() - began_s == pytest.approx(10.0, abs=0.1)
        assert caught.value.code == "analysis_running"
        assert "Retry-After" in caught.value.headers
    assert (await room.mastery.resolve(room.file, WARM)).recipe.masters
    assert trio.current_time() - began_s < 20.0
    assert room.analyst.asked.count("analysis") == 1


async def test_a_track_that_cannot_be_analysed_has_no_recipe(room: Room) -> None:
    room.analyst.error = SourceCorrupt()
    for _ in range(2):
        with pytest.raises(SourceCorrupt):
            await room.mastery.resolve(room.file, WARM)
    room.analyst.error = None
    assert (await room.mastery.resolve(room.file, WARM)).recipe.masters


async def test_a_long_track_begins_on_a_quick_look_while_the_analysis_goes_on(
    room: Room, autojump_clock: MockClock
) -> None:
    long = room.tracks.tone(2, round(LONG_S * RATE) + 1)
    room.analyst.delay_s = 100.0
    quick = await room.mastery.resolve_soon(long, WARM)
    assert quick.recipe.masters
    await trio.testing.wait_all_tasks_blocked()
    assert sorted(room.analyst.asked) == ["analysis", "quick look"]
    assert len(room.flights) == 2
    with pytest.raises(Busy):
        await room.mastery.resolve_soon(room.file, WARM)


class QuietSource(ToneSource):
    """The same, 30 dB quieter."""

    def tone(self, start: int, frames: int) -> Samples:
        return super().tone(start, frames) * np.float32(10 ** (-30 / 20))


async def test_the_louder_of_both_is_turned_down_and_never_one_of_them_up(room: Room) -> None:
    quiet = room.tracks.add(3, lambda: QuietSource(STEREO, RATE))
    room.target = Target(offset_lu=-10.0)
    for file, original_is_louder in ((room.file, True), (quiet, False)):
        wish = Wish(preset="gentle", match_loudness=True)
        original = (await room.mastery.resolve(file, wish)).recipe
        mastered = (await room.mastery.resolve(file, msgspec.structs.replace(wish, enhanced=True))).recipe
        assert (original.masters, mastered.masters) == (False, True)
        assert (original.trim_db < 0.0, mastered.trim_db < 0.0) == (original_is_louder, not original_is_louder)
        assert max(original.trim_db, mastered.trim_db) == 0.0


ALL_SOUNDS = {f"{preset} 0 -1" for preset in get_args(PresetName)}


async def test_of_a_track_that_is_heard_every_preset_is_found_out_once(room: Room) -> None:
    await room.mastery.resolve(room.file, WARM)
    await room.mastery.foresee(room.file, WARM)
    asked = list(room.analyst.asked)
    assert set(asked) >= ALL_SOUNDS
    assert (asked.count("windows"), asked.count("warm 0 -1"), asked[-1]) == (len(ALL_SOUNDS) - 1, 1, "no windows")
    await room.mastery.foresee(room.file, msgspec.structs.replace(WARM, preset="live"))
    assert room.analyst.asked == asked
    room.target = Target(offset_lu=-2.0)
    await room.mastery.foresee(room.file, WARM)
    assert "live -2 -1" in room.analyst.asked


async def test_the_last_tracks_that_were_foreseen_are_remembered(room: Room) -> None:
    files = [room.tracks.tone(10 + number, RATE) for number in range(room.mastery.max_kept + 1)]
    for file in files:
        await room.mastery.foresee(file, WARM)
    asked = len(room.analyst.asked)
    for file in files[1:]:
        await room.mastery.foresee(file, WARM)
    assert len(room.analyst.asked) == asked
    await room.mastery.foresee(files[0], WARM)
    assert len(room.analyst.asked) > asked


async def test_only_one_track_is_foreseen_at_a_time_and_each_has_its_turn(
    room: Room, autojump_clock: MockClock
) -> None:
    room.analyst.delay_s = 1.0
    other = room.tracks.tone(2, RATE)
    with trio.move_on_after(0.5):
        async with trio.open_nursery() as nursery:
            for file in (room.file, other, other):
                nursery.start_soon(room.mastery.foresee, file, WARM)
    assert room.analyst.asked == ["analysis"]
    for file in (room.file, other):
        await room.mastery.foresee(file, WARM)
    assert room.analyst.asked.count("no windows") == 2


async def test_nothing_is_foreseen_where_it_is_not_wanted_or_takes_long(room: Room) -> None:
    long = room.tracks.tone(2, round(LONG_S * RATE) + 1)
    await room.mastery.foresee(long, WARM)
    await room.mastery.foresee(room.file, Wish(enhanced=True, reference=1))
    room.foresees = False
    for wish in (Wish(), Wish(enhanced=True, album=True)):
        await room.mastery.foresee(room.file, wish)
    assert room.analyst.asked == []
    await room.mastery.foresee(room.file, WARM)
    assert set(room.analyst.asked) >= ALL_SOUNDS


async def test_what_cannot_be_foreseen_is_left_to_who_asks(room: Room) -> None:
    room.analyst.error = SourceCorrupt()
    await room.mastery.foresee(room.file, WARM)
    room.analyst.error = None
    await room.mastery.foresee(room.file, WARM)
    assert set(room.analyst.asked) >= ALL_SOUNDS
