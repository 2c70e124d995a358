"""Sessions that play the queue: one entry behind the other, commanded from anywhere, true to what is heard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import Busy, SourceHung, SourceMissing
from auralis_trio.stream.hearing import MAX_ENTRIES_AHEAD
from auralis_trio.stream.onward import MAX_ENTRIES_PER_S, MAX_FAILURES
from auralis_trio.stream.outputs import MAX_STANDSTILL_S
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.queue_orders import (
    AddTracks,
    MoveEntry,
    QueueOrder,
    RemoveEntries,
    Repeat,
    RepeatMode,
    SetQueue,
)
from tests.fakes import (
    CHUNK,
    LIMITS,
    PACKET,
    RATE,
    STEREO,
    FailingSource,
    FakeLink,
    FixedCatalogue,
    FixedMastery,
    ToneSource,
    Tracks,
    services_for,
    talk,
)

ALL = 2**40
OTHER_RATE = 11_025
ONE, TWO, THREE = 1, 2, 3  # tracks of 60,001 frames at 8 kHz, of 30,000 at 11,025 Hz, and of 5,000 at 8 kHz
LENGTHS = {ONE: 60_001, TWO: 30_000, THREE: 5_000}


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(ONE, LENGTHS[ONE])
    made.add(TWO, lambda: ToneSource(AudioFormat(OTHER_RATE, 2, 16), LENGTHS[TWO]))
    made.tone(THREE, LENGTHS[THREE])
    return made


@pytest.fixture
def services(tracks: Tracks, tmp_path: Path) -> SessionServices:
    return services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))


def heard_of(services: SessionServices) -> list[tuple[int, float]]:
    assert isinstance(services.catalogue, FixedCatalogue)
    return services.catalogue.heard


def fill(services: SessionServices, *track_ids: int, **options: Any) -> list[int]:
    """Have these tracks in the queue; their entries."""
    return [entry.id for entry in services.player.order(SetQueue(track_ids=track_ids, **options))]


def edit(services: SessionServices, order: QueueOrder) -> list[int]:
    return [entry.id for entry in services.player.order(order)]  # type: ignore[arg-type]


@asynccontextmanager
async def keeping(services: SessionServices) -> AsyncIterator[None]:
    """With the keeper of listens."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(services.listens.run_keeper)
        yield
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def settled(link: FakeLink) -> None:
    """All that the client said has been taken note of."""
    link.say("ping")
    await link.hear("pong", len(link.told("pong")) + 1)


def shown(link: FakeLink) -> dict[str, Any]:
    """The player's state as the client was told last."""
    return (link.told("player_state") or [{}])[-1]


async def stopped(link: FakeLink) -> None:
    """The client was told that the queue has come to its end."""
    await link.wait_until(lambda: shown(link).get("state") == "stopped")


def played(link: FakeLink, stream_id: int, frames: int, credit: int = ALL) -> None:
    link.say("credit", stream_id=stream_id, frames=credit, played=frames)


# One behind the other


async def test_the_queue_is_delivered_entry_by_entry_without_a_frame_lost_or_added(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end", 3)
    starts, ends = link.told("audio_stream_start"), link.told("audio_stream_end")
    assert [start["entry_id"] for start in starts] == entries
    assert [start["track_id"] for start in starts] == [ONE, TWO, THREE]
    assert [start["follows_stream_id"] for start in starts] == [None, 1, 2]
    assert [start["start_frame"] for start in starts] == [0, 0, 0]
    assert [start["sample_rate"] for start in starts] == [RATE, OTHER_RATE, RATE]
    assert [(end["reason"], end["next_entry_id"]) for end in ends] == [
        ("completed", entries[1]),
        ("completed", entries[2]),
        ("completed", None),
    ]
    assert [link.audio(number) for number in (1, 2, 3)] == [tracks.pcm(track) for track in (ONE, TWO, THREE)]
    kinds = [kind for kind in link.kinds() if kind not in {"player_state", "queue_changed"}]
    assert kinds == [
        "hello",
        "audio_stream_start", "packets 1", "audio_stream_end",
        "audio_stream_start", "packets 2", "audio_stream_end",
        "audio_stream_start", "packets 3", "audio_stream_end",
        "closed",
    ]  # fmt: skip
    assert tracks.left_open() == 0


async def test_a_rate_that_was_asked_for_is_that_of_every_entry(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, THREE, THREE)
    async with talk(services) as link:
        link.say("play", credit=ALL, sample_rate=RATE, encoding="f32")
        await link.hear("audio_stream_end", 2)
    starts = link.told("audio_stream_start")
    assert [(start["sample_rate"], start["encoding"]) for start in starts] == [(RATE, "f32")] * 2
    assert link.audio(1) == link.audio(2)


@pytest.mark.parametrize("repeat", ["off", "one", "all"])
async def test_without_autoplay_no_entry_follows_of_itself(
    services: SessionServices, autojump_clock: MockClock, repeat: RepeatMode
) -> None:
    edit(services, Repeat(mode=repeat))
    entries = fill(services, THREE, ONE)
    async with talk(services) as link:
        link.say("play", credit=ALL, autoplay=False)
        end = await link.hear("audio_stream_end")
        played(link, 1, LENGTHS[THREE])
        await stopped(link)
    assert end["next_entry_id"] is None
    assert shown(link)["entry_id"] == entries[repeat != "one"]
    assert len(link.told("audio_stream_start")) == 1


async def test_a_paced_client_gets_one_burst_and_then_real_time_across_all_entries(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, TWO, ONE, THREE, THREE)
    lengths_s = [LENGTHS[TWO] / OTHER_RATE, LENGTHS[ONE] / RATE, LENGTHS[THREE] / RATE, LENGTHS[THREE] / RATE]
    rates = [OTHER_RATE, RATE, RATE, RATE]
    async with talk(services) as link:
        begun_s = trio.current_time()
        link.say("play")
        while len(link.told("audio_stream_end")) < 4:
            await trio.sleep(0.1)
            sent_s = sum(link.frames(number + 1) / rate for number, rate in enumerate(rates))
            elapsed_s = trio.current_time() - begun_s
            assert sent_s <= elapsed_s + LIMITS.pace_ahead_s + 0.001
            assert sent_s >= min(sum(lengths_s), elapsed_s + LIMITS.pace_ahead_s - 2 * PACKET / RATE - 0.05)
        assert trio.current_time() - begun_s == pytest.approx(sum(lengths_s) - LIMITS.pace_ahead_s, abs=0.5)


async def test_a_pause_holds_the_pace_of_the_tail_and_of_what_follows(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, TWO, ONE)
    async with talk(services) as link:
        begun_s = trio.current_time()
        link.say("play")
        await link.hear("audio_stream_start", 2)
        link.say("pause")
        await settled(link)
        sent = link.frames(2)
        await trio.sleep(500)
        assert link.frames(2) == sent
        link.say("resume")
        await link.hear("audio_stream_end", 2)
        whole_s = LENGTHS[TWO] / OTHER_RATE + LENGTHS[ONE] / RATE
        assert trio.current_time() - begun_s - 500 == pytest.approx(whole_s - LIMITS.pace_ahead_s, abs=0.5)


async def test_repeating_one_entry_begins_it_again_and_repeating_all_goes_around(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(services, THREE, ONE)
    edit(services, Repeat(mode="one"))
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end", 3)
        link.say("stop")
        await settled(link)
        edit(services, Repeat(mode="all"))
        before = len(link.told("audio_stream_start"))
        link.say("play", entry_id=entries[1], credit=ALL)
        await link.hear("audio_stream_start", before + 3)
    starts = link.told("audio_stream_start")
    assert {start["entry_id"] for start in starts[:3]} == {entries[0]}
    assert [start["entry_id"] for start in starts[before : before + 3]] == [entries[1], entries[0], entries[1]]


@pytest.mark.parametrize("credit", [ALL, None])
async def test_however_short_the_entries_only_a_few_are_sent_before_they_are_heard(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, credit: int | None
) -> None:
    frames = 1_600
    tracks.tone(9, frames)
    fill(services, 9)
    edit(services, Repeat(mode="all"))
    async with talk(services) as link:
        link.say("play", credit=credit)
        begun_s = trio.current_time()
        await trio.testing.wait_all_tasks_blocked()
        assert len(link.told("audio_stream_end")) == 1 + MAX_ENTRIES_AHEAD
        if credit is not None:
            for number in range(1, 20):
                played(link, number, frames)
                await link.hear("audio_stream_end", 1 + MAX_ENTRIES_AHEAD + number)
                await trio.testing.wait_all_tasks_blocked()
                assert len(link.told("audio_stream_start")) == 1 + MAX_ENTRIES_AHEAD + number
        else:
            await link.hear("audio_stream_end", 100)
            ahead = 1 + MAX_ENTRIES_AHEAD
            assert trio.current_time() - begun_s == pytest.approx((100 - ahead) * frames / RATE, abs=0.05)
        assert shown(link)["state"] == "playing"


@pytest.mark.parametrize("credit", [ALL, None])
@pytest.mark.parametrize("modes", [("one", 1), ("all", 2)], ids=["one", "all"])
async def test_entries_of_one_frame_begin_a_few_times_a_second_and_everybody_is_told_as_seldom(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, modes: tuple[Any, int], credit: int | None
) -> None:
    tracks.tone(9, 1)
    mode, entries = modes
    fill(services, *[9] * entries)
    edit(services, Repeat(mode=mode))
    async with keeping(services), talk(services) as other, talk(services) as link:
        link.say("play", credit=credit)
        heard = 0
        for _ in range(200):
            await trio.sleep(0.1)
            told = link.told("audio_stream_end")
            if credit is not None and len(told) > heard:
                heard = len(told)
                played(link, told[-1]["stream_id"], 1)
        begun = len(link.told("audio_stream_start"))
        assert 20 * MAX_ENTRIES_PER_S <= begun <= 21 * MAX_ENTRIES_PER_S + 1
        assert len(other.told("player_state")) <= begun + 10
        assert services.listens.statistics().dropped == 0
        assert shown(link)["state"] == "playing"


@pytest.mark.parametrize("credit", [0, ALL, None])
async def test_entries_without_a_frame_are_passed_over_and_end_in_a_stop_however_often_they_are_repeated(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, credit: int | None
) -> None:
    tracks.tone(9, 0)
    entries = fill(services, 9, 9, THREE)
    async with talk(services) as link:
        link.say("play", credit=credit)
        start = await link.hear("audio_stream_start", 3)
        assert (start["entry_id"], start["follows_stream_id"]) == (entries[2], 2)
        edit(services, RemoveEntries(entry_ids=(entries[2],)))
        edit(services, Repeat(mode="all"))
        link.say("play", credit=credit)
        await link.hear("audio_stream_end", 3 + MAX_FAILURES)
        await link.wait_until(lambda: shown(link)["outputs"] == [])
        await trio.sleep(100)
    assert len(link.told("audio_stream_start")) == 3 + MAX_FAILURES
    ends = [(end["reason"], end["frames_sent"]) for end in link.told("audio_stream_end")[3:]]
    assert ends == [("completed", 0)] * MAX_FAILURES
    assert link.told("audio_stream_end")[-1]["next_entry_id"] is None
    assert shown(link)["state"] == "paused"


async def test_while_the_queue_is_paused_it_does_not_go_on(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    frames = 1_600
    tracks.tone(9, frames)
    entries = fill(services, 9, 9)
    edit(services, Repeat(mode="all"))
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end", 1 + MAX_ENTRIES_AHEAD)
        link.say("pause")
        for number in range(1, 2 + MAX_ENTRIES_AHEAD):
            played(link, number, frames)
        await settled(link)
        await trio.sleep(1_000)
        assert len(link.told("audio_stream_start")) == 1 + MAX_ENTRIES_AHEAD
        (entry,) = edit(services, AddTracks(track_ids=(THREE,), next=True))
        await trio.sleep(1_000)
        assert len(link.told("audio_stream_start")) == 1 + MAX_ENTRIES_AHEAD
        assert (shown(link)["state"], shown(link)["entry_id"]) == ("paused", entries[0])
        link.say("resume")
        start = await link.hear("audio_stream_start", 2 + MAX_ENTRIES_AHEAD)
    assert (start["entry_id"], start["follows_stream_id"]) == (entry, 1 + MAX_ENTRIES_AHEAD)


@pytest.mark.parametrize("track_id", [8, 404], ids=["no frames", "not there"])
async def test_an_entry_that_gives_nothing_is_passed_over_once_the_queue_is_no_longer_paused(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, track_id: int
) -> None:
    tracks.tone(8, 0)
    entries = fill(services, THREE, track_id, ONE)
    async with talk(services) as link:
        link.say("play", credit=100)
        await link.hear("audio_stream_start")
        link.say("pause")
        link.say("next")
        await trio.sleep(1_000)
        begun = [start["entry_id"] for start in link.told("audio_stream_start")]
        assert begun == entries[: 2 if track_id == 8 else 1]
        assert (shown(link)["state"], shown(link)["entry_id"]) == ("paused", entries[1])
        assert len(shown(link)["outputs"]) == 1
        link.say("resume")
        await link.wait_until(lambda: shown(link)["entry_id"] == entries[2])
        await settled(link)
        assert link.told("audio_stream_start")[-1]["entry_id"] == entries[2]
        assert shown(link)["state"] == "playing"


# What is heard


async def test_a_client_that_says_only_of_the_last_stream_what_it_heard_is_sent_more(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    frames = 1_600
    tracks.tone(9, frames)
    entries = fill(services, 9)
    edit(services, Repeat(mode="one"))
    async with keeping(services):
        async with talk(services) as link:
            link.say("play", credit=ALL)
            for last in range(1 + MAX_ENTRIES_AHEAD, 40, 1 + MAX_ENTRIES_AHEAD):
                await link.hear("audio_stream_end", last)
                await trio.testing.wait_all_tasks_blocked()
                assert len(link.told("audio_stream_start")) == last
                played(link, last, frames)
                await settled(link)
                services.player.look()
                now = services.player.describe()
                assert (now["state"], now["entry_id"], now["frame"]) == ("playing", entries[0], frames)
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services) == [(9, frames / RATE)] * last


async def test_the_current_entry_is_the_one_that_is_heard_and_not_the_one_that_is_sent(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end", 2)
        played(link, 1, 50_000)
        await settled(link)
        services.player.look()
        assert services.player.describe()["entry_id"] == entries[0]
        assert services.player.describe()["frame"] == 50_000
        played(link, 1, LENGTHS[ONE])
        played(link, 2, 400)
        await settled(link)
        now = services.player.describe()
        assert (now["entry_id"], now["frame"], now["sample_rate"]) == (entries[1], 400, OTHER_RATE)
        played(link, 2, LENGTHS[TWO])
        await stopped(link)
        assert services.player.describe()["entry_id"] == entries[0]
        assert services.player.describe()["outputs"] == []


@pytest.mark.parametrize("first", [ONE, THREE], ids=["long", "short"])
async def test_of_a_paced_client_time_tells_what_is_heard_also_behind_the_last_packet(
    services: SessionServices, autojump_clock: MockClock, first: int
) -> None:
    entries = fill(services, first, THREE, THREE)
    async with talk(services) as link:
        begun_s = trio.current_time()
        link.say("play")
        for number, entry in enumerate(entries[1:], 1):
            await link.wait_until(lambda entry=entry: shown(link).get("entry_id") == entry)  # type: ignore[misc]
            due_s = (LENGTHS[first] + (number - 1) * LENGTHS[THREE]) / RATE
            assert trio.current_time() - begun_s == pytest.approx(due_s, abs=0.3)
        await stopped(link)
        assert trio.current_time() - begun_s == pytest.approx((LENGTHS[first] + 2 * LENGTHS[THREE]) / RATE, abs=0.1)


async def test_what_is_heard_is_counted_to_its_last_frame_once_for_each_entry(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE, THREE, THREE, TWO)
    async with keeping(services):
        async with talk(services) as link:
            link.say("play", credit=ALL)
            await link.hear("audio_stream_end", 4)
            played(link, 1, 10_000)
            played(link, 1, LENGTHS[ONE])
            played(link, 2, 100)
            played(link, 3, 4_000)  # the rest of the second one was heard then, whatever was told of it
            played(link, 4, 1_000)
            await settled(link)
        services.player.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services) == [
            (ONE, round(LENGTHS[ONE] / RATE, 6)),
            (THREE, LENGTHS[THREE] / RATE),
            (THREE, LENGTHS[THREE] / RATE),
            (TWO, round(1_000 / OTHER_RATE, 6)),
        ]


async def test_seeks_and_other_sounds_are_one_listen_and_what_was_skipped_is_none(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with keeping(services):
        async with talk(services) as link:
            link.say("play", credit=40_000)
            await link.wait_until(lambda: link.frames(1) == 40_000)
            played(link, 1, 8_000, 40_000)
            link.say("seek", start_frame=50_000)
            await link.hear("audio_stream_start", 2)
            await link.wait_until(lambda: link.frames(2) > 4_000)
            played(link, 2, 4_000, 40_000)
            link.say("enhancement", enabled=True, preset="warm")
            start = await link.hear("audio_stream_start", 3)
            turn = start["start_frame"] - 50_000
            await link.wait_until(lambda: link.frames(3) > 100)
            played(link, 2, turn + 500, 40_000)  # no more than up to the turn is heard of the old sound
            played(link, 3, 100, 40_000)
            await settled(link)
            assert heard_of(services) == []
            link.say("next")
            await link.hear("audio_stream_start", 5 if link.told("audio_stream_start")[3:] else 4)
        assert start["follows_stream_id"] == 2
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services) == [(ONE, (8_000 + turn + 100) / RATE)]


async def test_a_client_that_vanishes_leaves_its_listen_to_who_comes_back_and_ends_its_part_in_the_queue(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE)
    async with keeping(services), talk(services) as other:
        async with talk(services) as link:
            link.say("play")
            await trio.sleep(2.0)
        await other.wait_until(lambda: shown(other)["outputs"] == [])
        state = shown(other)
        assert (state["state"], state["entry_id"]) == ("paused", entries[0])
        assert state["position_s"] == pytest.approx(2.0, abs=0.1)
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services) == []
        assert services.player.followers == [_follower_of(services, other)]
        async with talk(services) as link:
            link.say("play")
            await trio.sleep(1.0)
        await other.wait_until(lambda: shown(other)["outputs"] == [])
        services.player.stop()
        await trio.testing.wait_all_tasks_blocked()
        ((track, heard_s),) = heard_of(services)
        assert track == ONE
        assert heard_s == pytest.approx(3.0, abs=0.1)


def _follower_of(services: SessionServices, link: FakeLink) -> Any:
    (listener,) = services.hub._sessions.values()
    return listener._conductor.replan  # type: ignore[attr-defined]


async def test_what_a_session_hears_of_a_track_of_its_own_counts_as_well_but_not_what_it_compares(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with keeping(services):
        async with talk(services) as link:
            link.say("play", track_id=ONE)
            await trio.sleep(5.0)
            link.say("play", track_id=ONE, start_frame=0)  # to begin again is a seek by another name
            await trio.sleep(1.0)
            link.say("play", track_id=ONE, counts=False)
            await trio.sleep(3.0)
            link.say("play", track_id=THREE, credit=ALL)
            await link.hear("audio_stream_end", 4)
            played(link, 4, LENGTHS[THREE])
            await settled(link)
            await trio.testing.wait_all_tasks_blocked()
            assert heard_of(services) == [(ONE, pytest.approx(6.0, abs=0.1)), (THREE, LENGTHS[THREE] / RATE)]
            link.say("play", track_id=THREE, credit=ALL)  # heard to its end before: this is another listen
            await link.hear("audio_stream_end", 5)
            played(link, 5, 800)
            await settled(link)
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services)[2:] == [(THREE, 0.1)]


async def test_a_client_that_gives_credit_and_says_nothing_hears_the_whole_queue_in_real_time(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    count = 2 * MAX_ENTRIES_AHEAD
    entries = fill(services, *(THREE for _ in range(count)))
    async with keeping(services):
        async with talk(services) as link:
            begun_s = trio.current_time()
            link.say("play", credit=ALL)
            await link.wait_until(lambda: shown(link).get("entry_id") == entries[-1])
            assert trio.current_time() - begun_s == pytest.approx((count - 1) * LENGTHS[THREE] / RATE, abs=0.1)
            await stopped(link)
            assert trio.current_time() - begun_s == pytest.approx(count * LENGTHS[THREE] / RATE, abs=0.1)
        assert len(link.told("audio_stream_start")) == count
        assert heard_of(services) == [(THREE, LENGTHS[THREE] / RATE)] * count


async def test_who_takes_over_from_a_client_that_says_nothing_goes_on_where_the_clock_has_it(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE)
    async with talk(services) as one, talk(services) as two:
        one.say("play", credit=ALL)
        await trio.sleep(4.0)
        two.say("play", takeover=True, credit=10)
        assert (await two.hear("audio_stream_start"))["start_frame"] == pytest.approx(4 * RATE, abs=RATE / 10)


async def test_what_several_outputs_hear_of_an_entry_is_one_play(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE, THREE)
    async with keeping(services), talk(services) as one, talk(services) as two, talk(services) as three:
        for link in (one, two):
            link.say("play", credit=ALL)
            played(link, 1, 0)
            await link.hear("audio_stream_end")
        for link, frames in ((one, 20_000), (two, 19_000)):
            played(link, 1, frames)
            await settled(link)
        three.say("play", takeover=True, credit=ALL)
        assert (await three.hear("audio_stream_start"))["start_frame"] == 20_000
        await three.hear("audio_stream_end")
        played(three, 1, 30_000)
        await settled(three)
        one.say("play", credit=ALL)
        assert (await one.hear("audio_stream_start", 3))["start_frame"] == 50_000
        await one.hear("audio_stream_end", 3)
        played(one, 3, 10_001)
        await settled(one)
        assert heard_of(services) == []
        played(three, 1, 40_001)
        await settled(three)
        services.player.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert heard_of(services) == [(ONE, round(LENGTHS[ONE] / RATE, 6))]


# Who commands


async def test_any_client_can_command_all_that_play(services: SessionServices, autojump_clock: MockClock) -> None:
    entries = fill(services, ONE, TWO, THREE)
    async with talk(services) as one, talk(services) as two, talk(services) as remote:
        for link in (one, two):
            link.say("play", credit=PACKET)
            await link.wait_until(lambda link=link: len(link.packets(1)) == 1)  # type: ignore[misc]
        remote.say("next")
        for link in (one, two):
            assert (await link.hear("audio_stream_start", 2))["entry_id"] == entries[1]
        remote.say("pause")
        await settled(remote)
        for link in (one, two):
            await link.wait_until(lambda link=link: shown(link)["state"] == "paused")  # type: ignore[misc]
        remote.say("seek", start_frame=10_000)
        for link in (one, two):
            assert (await link.hear("audio_stream_start", 3))["start_frame"] == 10_000
        await trio.sleep(10)
        assert one.packets(3) == two.packets(3) == []
        remote.say("resume")
        for link in (one, two):
            await link.wait_until(lambda link=link: link.packets(3) != [])  # type: ignore[misc]
        remote.say("previous")
        for link in (one, two):
            assert (await link.hear("audio_stream_start", 4))["entry_id"] == entries[0]
        services.player.jump(entries[2])
        for link in (one, two):
            assert (await link.hear("audio_stream_start", 5))["entry_id"] == entries[2]
        two.say("stop")
        for link in (one, two):
            end = await link.hear("audio_stream_end", 5)
            assert end["reason"] == "stopped"
            assert [each["follows_stream_id"] for each in link.told("audio_stream_start")] == [None] * 5
        assert services.player.describe()["outputs"] == []
    assert remote.told("audio_stream_start") == []


async def test_who_takes_over_goes_on_at_the_frame_that_was_heard_and_the_other_stops(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE)
    async with talk(services) as one, talk(services) as two:
        one.say("play", credit=ALL)
        await one.hear("audio_stream_end")
        played(one, 1, 23_456)
        await settled(one)
        two.say("play", takeover=True, credit=10)
        start = await two.hear("audio_stream_start")
        await settled(one)
        assert start["start_frame"] == 23_456
        assert services.player.describe()["frame"] == 23_456
        assert len(services.player.describe()["outputs"]) == 1
        two.say("pause")
        await settled(two)
        one.say("play", takeover=True, credit=10)
        end = await two.hear("audio_stream_end")
        back = await one.hear("audio_stream_start", 2)
    assert end["reason"] == "stopped"
    assert back["start_frame"] == 23_456


@pytest.mark.parametrize(("asked_hz", "frame"), [(OTHER_RATE, 20_000), (None, 10_000)])
async def test_a_frame_that_is_sought_is_one_of_the_rate_that_its_client_hears(
    services: SessionServices, autojump_clock: MockClock, asked_hz: int | None, frame: int
) -> None:
    fill(services, ONE)
    seconds = frame / (asked_hz or RATE)
    async with talk(services) as one, talk(services) as two:
        one.say("play", credit=ALL, start_frame=frame, **({"sample_rate": asked_hz} if asked_hz else {}))
        assert (await one.hear("audio_stream_start"))["start_frame"] == frame
        two.say("play", credit=ALL, sample_rate=16_000)
        await two.hear("audio_stream_start")
        one.say("seek", start_frame=frame + 1)
        assert (await one.hear("audio_stream_start", 2))["start_frame"] == frame + 1
        start = await two.hear("audio_stream_start", 2)
        assert start["start_frame"] / start["sample_rate"] == pytest.approx(seconds, abs=0.001)


async def test_who_sleeps_does_not_say_for_all_where_the_queue_is_heard(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, *(THREE for _ in range(30)))
    async with talk(services) as asleep, talk(services) as awake:
        asleep.say("play", credit=ALL)
        await asleep.hear("audio_stream_start")
        played(asleep, 1, 400)
        await settled(asleep)
        awake.say("play")
        await trio.sleep(MAX_STANDSTILL_S + 1)
        heard = awake.told("audio_stream_start")[0]["entry_id"]
        assert heard == entries[0]
        assert shown(awake)["entry_id"] == entries[9]
        awake.say("next")
        assert (await asleep.hear("audio_stream_start", 10))["entry_id"] == entries[10]


async def test_what_was_reported_before_a_seek_moves_nothing_back(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE)
    async with talk(services) as link:
        link.say("play", credit=30_000)
        await link.wait_until(lambda: link.frames(1) == 30_000)
        link.say("seek", start_frame=40_000)
        played(link, 1, 20_000, 30_000)
        await settled(link)
        services.player.look()
        assert services.player.describe()["position_s"] is None or services.player.position.at == 40_000
        assert services.player.position.at == 40_000


async def test_a_session_that_turns_to_a_track_of_its_own_plays_the_queue_no_more(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        link.say("play", credit=1_000)
        await link.wait_until(lambda: link.frames(1) == 1_000)
        link.say("play", track_id=THREE, credit=ALL)
        end = await link.hear("audio_stream_end", 2)
        link.say("seek", start_frame=4_000)
        await link.hear("audio_stream_start", 3)
    assert (end["reason"], end["next_entry_id"]) == ("completed", None)
    assert shown(link)["outputs"] == []
    assert [start["track_id"] for start in link.told("audio_stream_start")] == [ONE, THREE, THREE]


async def test_what_the_player_refuses_is_said_and_changes_nothing(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play")
        link.say("resume")
        link.say("next")
        link.say("queue", action="undo")
        link.say("queue", action="add", track_ids=[ONE, 99])
        await link.hear("error", 5)
        link.say("queue", action="add", track_ids=[THREE])
        link.say("play", entry_id=77)
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end")
    codes = [error["code"] for error in link.told("error")]
    assert codes == [
        "queue_empty", "no_output", "queue_empty", "nothing_to_undo", "track_not_found", "entry_not_found",
    ]  # fmt: skip
    assert link.told("audio_stream_start")[0]["track_id"] == THREE


# Plans that change


async def test_the_first_chunk_of_what_follows_is_rendered_while_the_present_entry_is_still_sent(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.tone(9, CHUNK + 10)
    fill(services, THREE, 9)
    async with talk(services) as link:
        link.say("play", credit=0)
        await link.hear("audio_stream_start")
        await trio.testing.wait_all_tasks_blocked()
        ahead = [source for source in tracks.opened if source.total_frames == CHUNK + 10]
        assert [len(source.reads) for source in ahead] == [1]
        assert ahead[0].closed == 1
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.wait_until(lambda: link.frames(2) == CHUNK + 10)
        opened = [source for source in tracks.opened if source.total_frames == CHUNK + 10]
        assert sum(start == 0 for source in opened for start, _ in source.reads) == 1


async def test_what_is_rendered_ahead_is_called_off_and_renewed_when_something_else_follows(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    mastery = services.mastery
    assert isinstance(mastery, FixedMastery)
    entries = fill(services, THREE, ONE)
    async with talk(services) as link:
        link.say("play", credit=0)
        await link.hear("audio_stream_start")
        await trio.testing.wait_all_tasks_blocked()
        mastery.delay_s = 1000.0
        edit(services, MoveEntry(entry_id=entries[1], to_index=0))
        edit(services, MoveEntry(entry_id=entries[0], to_index=0))
        await trio.testing.wait_all_tasks_blocked()
        asked = len(mastery.asked)
        edit(services, AddTracks(track_ids=(TWO,)))  # nothing else follows: what is under way goes on
        await trio.testing.wait_all_tasks_blocked()
        assert len(mastery.asked) == asked
        mastery.delay_s = 0.0
        edit(services, AddTracks(track_ids=(TWO,), next=True))
        await trio.testing.wait_all_tasks_blocked()
        assert len(mastery.asked) == asked + 1
        assert [source.format.sample_rate for source in tracks.opened][-1] == OTHER_RATE
        assert len([source for source in tracks.opened if source.total_frames == LENGTHS[ONE]]) == 1
    assert tracks.left_open() == 0


async def test_an_entry_that_is_sent_and_not_heard_yet_gives_way_to_what_was_put_before_it(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, THREE, ONE)
    async with talk(services) as link:
        link.say("play", credit=30_000)
        await link.wait_until(lambda: link.frames(2) == 30_000)
        played(link, 1, 2_000)
        await settled(link)
        (entry,) = edit(services, AddTracks(track_ids=(TWO,), next=True))
        start = await link.hear("audio_stream_start", 3)
        await link.hear("audio_stream_end", 3)
        played(link, 1, LENGTHS[THREE])
        played(link, 3, 10)
        await settled(link)
        assert services.player.describe()["entry_id"] == entry
    assert (start["entry_id"], start["follows_stream_id"]) == (entry, 1)
    ends = link.told("audio_stream_end")
    assert [end["reason"] for end in ends] == ["completed", "replaced", "completed"]
    assert link.audio(3) == tracks.pcm(TWO)


async def test_an_entry_that_is_taken_out_before_it_is_heard_is_replaced_by_what_follows_then(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, THREE, ONE, TWO)
    async with talk(services) as link:
        link.say("play", credit=30_000)
        await link.wait_until(lambda: link.frames(2) == 30_000)
        edit(services, RemoveEntries(entry_ids=(entries[1],)))
        start = await link.hear("audio_stream_start", 3)
        edit(services, RemoveEntries(entry_ids=(entries[2],)))
        end = await link.hear("audio_stream_end", 3)
        await settled(link)
        assert len(link.told("audio_stream_start")) == 3
        assert services.player.describe()["state"] == "playing"  # the first one still sounds
        (entry,) = edit(services, AddTracks(track_ids=(THREE,)))
        last = await link.hear("audio_stream_start", 4)
        await link.hear("audio_stream_end", 4)
        played(link, 1, LENGTHS[THREE])
        played(link, 4, LENGTHS[THREE])
        await stopped(link)
    assert (start["entry_id"], start["follows_stream_id"]) == (entries[2], 1)
    assert (last["entry_id"], last["follows_stream_id"]) == (entry, 1)
    assert (end["reason"], end["next_entry_id"]) == ("replaced", None)


async def test_what_is_put_behind_the_last_entry_while_that_sounds_is_played(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, THREE)
    async with talk(services) as link:
        link.say("play")
        await link.hear("audio_stream_end")
        edit(services, AddTracks(track_ids=(ONE,)))
        start = await link.hear("audio_stream_start", 2)
        await link.hear("audio_stream_end", 2)
    assert (start["track_id"], start["follows_stream_id"]) == (ONE, 1)
    assert link.audio(2) == tracks.pcm(ONE)


async def test_when_the_entry_that_is_heard_is_taken_out_the_next_one_is_heard_at_once(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO)
    async with talk(services) as link:
        link.say("play", credit=1_000)
        await link.wait_until(lambda: link.frames(1) == 1_000)
        edit(services, RemoveEntries(entry_ids=(entries[0],)))
        start = await link.hear("audio_stream_start", 2)
        edit(services, RemoveEntries(entry_ids=(entries[1],)))
        end = await link.hear("audio_stream_end", 2)
    assert (start["entry_id"], start["follows_stream_id"]) == (entries[1], None)
    assert end["reason"] == "stopped"


# Entries that cannot be played


async def test_behind_an_entry_that_cannot_begin_it_is_known_what_is_heard(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, 404, ONE, 405, THREE)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_start", 2)
        played(link, 2, 1_000)
        await settled(link)
        services.player.look()
        assert services.player.describe()["entry_id"] == entries[1]
        assert services.player.describe()["frame"] == 1_000
        link.say("play", entry_id=entries[2], credit=ALL)
        await link.hear("audio_stream_end", 3)
        played(link, 6, 10)
        await settled(link)
        services.player.look()
        assert services.player.describe()["entry_id"] == entries[3]
        assert services.player.describe()["frame"] == 10


async def test_behind_an_entry_that_cannot_be_played_the_queue_goes_on(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.add(8, lambda: FailingSource(STEREO, 100_000, error=SourceMissing()))
    tracks.tone(9, 100_000, damaged_at=70_000)
    entries = fill(services, THREE, 8, 9, ONE)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.wait_until(lambda: link.frames(4) == LENGTHS[ONE])
    ends = link.told("audio_stream_end")
    assert [(end["reason"], end["next_entry_id"], end["frames_sent"]) for end in ends[:3]] == [
        ("completed", entries[1], LENGTHS[THREE]),
        ("failed", entries[2], 0),
        ("failed", entries[3], 70_000),
    ]
    assert [error["entry_id"] for error in link.told("audio_stream_error")] == entries[1:3]
    assert [start["follows_stream_id"] for start in link.told("audio_stream_start")] == [None, 1, 2, 3]


@pytest.mark.parametrize("begins", [True, False], ids=["its stream gives nothing", "no stream begins"])
@pytest.mark.parametrize("paused", [True, False], ids=["paused", "playing"])
async def test_who_goes_back_is_led_back_past_what_cannot_be_played(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, begins: bool, paused: bool
) -> None:
    if begins:
        tracks.add(8, lambda: FailingSource(STEREO, 100_000, error=SourceMissing()))
    entries = fill(services, ONE, 8, 8, THREE, start_index=3)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end")
        if paused:
            link.say("pause")
        link.say("previous")
        if paused:
            await link.hear("audio_stream_error")
            link.say("resume")
        await link.wait_until(lambda: link.told("audio_stream_start")[-1]["entry_id"] == entries[0])
        played(link, link.told("audio_stream_start")[-1]["stream_id"], LENGTHS[ONE])
        # From there on it goes forwards again, past the same ones.
        await link.wait_until(lambda: link.told("audio_stream_start")[-1]["entry_id"] == entries[3])
        await settled(link)
    failed = [error["entry_id"] for error in link.told("audio_stream_error")]
    assert failed == [entries[2], entries[1], entries[1], entries[2]]


async def test_where_nothing_can_be_played_before_it_goes_forwards_again(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, 404, 405, THREE, start_index=2)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_end")
        link.say("previous")
        start = await link.hear("audio_stream_start", 2)
        await settled(link)
    assert start["entry_id"] == entries[2]
    failed = [error["entry_id"] for error in link.told("audio_stream_error")]
    assert failed == [entries[1], entries[0], entries[1]]


async def test_who_goes_back_in_a_queue_that_is_repeated_is_led_around_its_beginning(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    entries = fill(services, 404, THREE, ONE, start_index=1)
    edit(services, Repeat(mode="all"))
    async with talk(services) as link:
        link.say("play", credit=1_000)
        await link.hear("audio_stream_start")
        link.say("previous")
        start = await link.hear("audio_stream_start", 2)
    assert start["entry_id"] == entries[2]


async def test_entries_that_are_not_there_end_in_a_stop_however_often_they_are_repeated(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, 404, 405)
    edit(services, Repeat(mode="all"))
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.hear("audio_stream_error", MAX_FAILURES)
        await link.wait_until(lambda: shown(link)["outputs"] == [])
        await trio.sleep(100)
    assert len(link.told("audio_stream_error")) == MAX_FAILURES
    assert link.told("audio_stream_start") == []


@pytest.mark.parametrize("error", [SourceHung(), Busy(retry_after_s=1)])
async def test_what_may_be_better_in_a_moment_is_not_passed_over(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, error: Exception
) -> None:
    tracks.add(8, lambda: FailingSource(STEREO, 100_000, error=error))
    entries = fill(services, 8, ONE)
    async with talk(services) as link:
        link.say("play", credit=ALL)
        await link.wait_until(lambda: shown(link).get("outputs") == [])
    assert services.player.describe()["entry_id"] == entries[0]
    assert len(link.told("audio_stream_start")) == 1


async def test_a_stall_ends_the_part_of_one_output_and_not_that_of_another(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    fill(services, ONE)
    limited = replace(services, limits=replace(LIMITS, stall_timeout_s=1.0))
    async with talk(limited) as one, talk(limited) as two:
        two.say("play")
        await two.hear("audio_stream_start")
        one.say("play", credit=100)
        end = await one.hear("audio_stream_end")
        await two.wait_until(lambda: len(shown(two)["outputs"]) == 1)
        assert two.told("audio_stream_end") == []
    assert end["reason"] == "stalled"
