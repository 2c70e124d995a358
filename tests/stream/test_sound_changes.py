"""A change of sound in mid-play: the stream is begun anew where it is not heard yet, without gap and jump."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.audio.block import Samples
from auralis_trio.audio.grid import Grid, grain_frames
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceCorrupt, SourceHung
from auralis_trio.mastering import AS_RECORDED, Recipe, Schedule, Sound, render
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.hearing import TURN_AHEAD_S
from auralis_trio.stream.plan import turned
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.queue_orders import SetQueue
from auralis_trio.wire.wishes import Wish
from tests.fakes import (
    CHUNK,
    RATE,
    STEREO,
    FailingSource,
    FakeLink,
    FixedMastery,
    ToneSource,
    Tracks,
    recipe_for,
    services_for,
    talk,
)

GRAIN = grain_frames(RATE)
LONG = 8 * CHUNK + 123
REST = CHUNK + 77
ALL = 2**40
WARM = recipe_for(Wish(enhanced=True, preset="warm"))
LIVE = recipe_for(Wish(enhanced=True, preset="live"))


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(1, LONG)
    made.tone(2, 3_000)
    return made


@pytest.fixture
def services(tracks: Tracks, tmp_path: Path) -> SessionServices:
    return services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))


def mastery_of(services: SessionServices) -> FixedMastery:
    assert isinstance(services.mastery, FixedMastery)
    return services.mastery


def rendered(sound: Sound, total_frames: int = LONG) -> Samples:
    source = ToneSource(STEREO, total_frames)
    return render(source, sound, 0, Grid(RATE, total_frames).total_grains).samples


def heard(link: FakeLink, stream_id: int) -> Samples:
    return np.frombuffer(link.audio(stream_id), "<f4").reshape(-1, 2)


async def play(link: FakeLink, frames: int, **options: Any) -> None:
    """Play track 1 until so many frames have come."""
    link.say("play", track_id=1, encoding="f32", credit=frames, **options)
    await link.wait_until(lambda: link.frames(1) == frames)


def played(link: FakeLink, stream_id: int, frames: int) -> None:
    """Say how much was heard, without more credit."""
    link.say("credit", stream_id=stream_id, frames=link.frames(stream_id), played=frames)


@pytest.mark.parametrize("explicit", [False, True])
async def test_old_up_to_a_frame_and_new_from_there_on_are_one_sound(
    services: SessionServices, autojump_clock: MockClock, explicit: bool
) -> None:
    options = {"enhanced": False, "preset": "warm", "intensity": 1.0, "match_loudness": False} if explicit else {}
    async with talk(services) as link:
        await play(link, CHUNK, **options)
        played(link, 1, 10_000)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    first_end, second_end = link.told("audio_stream_end")
    start = link.told("audio_stream_start")[1]
    frame = start["start_frame"]
    assert frame == 5 * GRAIN
    assert frame >= 10_000 + TURN_AHEAD_S * RATE
    assert (first_end["reason"], second_end["reason"]) == ("replaced", "completed")
    assert (start["enhanced"], start["preset"], start["track_id"]) == (True, "warm", 1)
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 2)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, 5, WARM)))
    assert np.array_equal(sound[:frame], rendered(AS_RECORDED)[:frame])
    assert np.array_equal(sound[frame + GRAIN :], rendered(WARM)[frame + GRAIN :])
    assert link.kinds()[:3] == ["hello", "audio_stream_start", "packets 1"]
    assert [packet.sequence for packet in link.packets(2)] == list(range(len(link.packets(2))))


async def test_what_may_be_wanted_is_foreseen_while_a_stream_is_heard_and_gives_way_to_what_is_wanted(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    mastery = mastery_of(services)
    async with talk(services) as link:
        link.say("play", track_id=1, encoding="f32", credit=0)
        await link.hear("audio_stream_start", 1)
        await trio.testing.wait_all_tasks_blocked()
        assert mastery.foreseen == []
        link.say("credit", stream_id=1, frames=CHUNK)
        await link.wait_until(lambda: link.frames(1) == CHUNK)
        await trio.testing.wait_all_tasks_blocked()
        assert (mastery.foreseen, mastery.foreseeing) == ([1], 1)
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=CHUNK)
        await link.wait_until(lambda: link.frames(2) == CHUNK)
        await trio.testing.wait_all_tasks_blocked()
        assert (start["preset"], mastery.foreseen, mastery.foreseeing) == ("warm", [1, 1], 1)
        link.say("stop")
        await link.hear("audio_stream_end", 2)
        assert mastery.foreseeing == 0


async def test_the_settings_are_told_to_all_and_those_who_follow_them_change_too(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link, talk(services) as follower, talk(services) as other:
        await play(follower, CHUNK)
        await play(other, CHUNK, enhanced=False, preset="warm", intensity=1, match_loudness=False)
        link.say("enhancement", enabled=True, preset="live", intensity=0.5)
        told = [await each.hear("enhancement_settings_changed") for each in (link, follower, other)]
        start = await follower.hear("audio_stream_start", 2)
        other.say("ping")
        await other.hear("pong")
        assert len(other.told("audio_stream_start")) == 1
    assert [(each["enabled"], each["preset"], each["intensity"]) for each in told] == [(True, "live", 0.5)] * 3
    assert (start["preset"], start["intensity"]) == ("live", 0.5)


async def test_what_was_not_sent_far_enough_goes_on_with_the_next_frame(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    """The turn is then at the next grain, and what is sent before it is still the old sound."""
    async with talk(services) as link:
        await play(link, 4_000)
        played(link, 1, 3_900)
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    assert start["start_frame"] == 4_000
    sound = np.concatenate([heard(link, 1), heard(link, 2)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, 2, WARM)))


async def test_a_paused_stream_is_begun_anew_and_stays_paused(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        played(link, 1, 20_000)
        link.say("pause")
        for preset in ("warm", "bright", "live"):
            link.say("enhancement", enabled=True, preset=preset)
            await link.wait_until(lambda preset=preset: link.told("audio_stream_start")[-1]["preset"] == preset)  # type: ignore[misc]
        newest = link.told("audio_stream_start")[-1]
        link.say("credit", stream_id=newest["stream_id"], frames=ALL)
        link.say("ping")
        await link.hear("pong")
        assert len(link.packets()) == len(link.packets(1))
        link.say("resume")
        await link.wait_until(lambda: link.told("audio_stream_end")[-1]["reason"] == "completed")
    frame = newest["start_frame"]
    assert frame <= CHUNK
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, newest["stream_id"])])
    # Nothing of the presets in between was ever sent, so nothing of them is heard.
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, -(-frame // GRAIN), LIVE)))


async def test_without_a_word_of_what_was_heard_real_time_says_it(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, encoding="f32")
        await link.wait_until(lambda: link.frames(1) >= CHUNK)
        sent_s = link.frames(1) / RATE
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 2)
        await link.hear("audio_stream_end", 2)
    heard_s = sent_s - 3.0  # paced so far ahead
    assert heard_s + TURN_AHEAD_S - 0.3 <= start["start_frame"] / RATE <= heard_s + TURN_AHEAD_S + GRAIN / RATE + 0.3
    frame = start["start_frame"]
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 2)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, -(-frame // GRAIN), WARM)))


async def test_the_old_sound_goes_on_with_its_credit_until_the_new_one_is_ready(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    mastery = mastery_of(services)
    async with talk(services) as link:
        await play(link, GRAIN)
        mastery.delay_s = 5.0
        link.say("enhancement", enabled=True, preset="warm")
        link.say("credit", stream_id=1, frames=CHUNK, played=GRAIN)
        await link.wait_until(lambda: link.frames(1) == CHUNK)
        assert len(link.told("audio_stream_start")) == 1
        link.say("credit", stream_id=1, frames=CHUNK, played=30_000)
        start = await link.hear("audio_stream_start", 2)
    assert start["start_frame"] == -(-34_000 // GRAIN) * GRAIN
    assert link.closed == (1001, "")


async def test_of_changes_that_come_while_one_is_made_ready_the_last_counts(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    mastery_of(services).delay_s = 1.0
    async with talk(services) as link:
        await play(link, CHUNK)
        for preset in ("gentle", "bright", "live", "warm"):
            link.say("enhancement", enabled=True, preset=preset)
        start = await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    assert start["preset"] == "warm"
    assert len(link.told("audio_stream_start")) == 2


async def test_a_change_back_before_it_is_heard_changes_nothing(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        link.say("pause")
        link.say("enhancement", enabled=True)
        await link.hear("audio_stream_start", 2)
        link.say("enhancement", enabled=False)
        start = await link.hear("audio_stream_start", 3)
        link.say("resume")
        link.say("credit", stream_id=3, frames=ALL)
        await link.wait_until(lambda: link.told("audio_stream_end")[-1]["reason"] == "completed")
    frame = start["start_frame"]
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 3)])
    assert np.array_equal(sound, rendered(AS_RECORDED))
    assert start["enhanced"] is False


async def test_a_change_that_changes_nothing_begins_nothing_anew(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        link.say("enhancement", enabled=False, preset="bright")
        await link.hear("enhancement_settings_changed")
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_end")
    assert len(link.told("audio_stream_start")) == 1
    assert link.told("audio_stream_end")[0]["reason"] == "completed"


async def test_all_that_was_sent_while_a_sound_was_made_ready_is_begun_anew_where_it_is_not_heard(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    mastery = mastery_of(services)
    async with talk(services) as link:
        await play(link, CHUNK)
        mastery.delay_s = 5.0
        played(link, 1, 40_000)
        link.say("enhancement", enabled=True, preset="warm")
        link.say("credit", stream_id=1, frames=ALL)
        start = await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    frame = start["start_frame"]
    assert [end["reason"] for end in link.told("audio_stream_end")] == ["completed", "completed"]
    assert (start["follows_stream_id"], start["follows_frames"]) == (1, frame)
    assert link.frames(1) == LONG
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 2)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, frame // GRAIN, WARM)))


async def test_a_sound_that_cannot_be_had_is_an_error_and_the_old_one_goes_on(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        mastery_of(services).error = SourceCorrupt()
        link.say("enhancement", enabled=True)
        error = await link.hear("error")
        link.say("credit", stream_id=1, frames=ALL)
        end = await link.hear("audio_stream_end")
        link.say("play", track_id=1)
        refused = await link.hear("audio_stream_error")
    assert error["code"] == refused["code"] == "track_corrupt"
    assert (end["reason"], end["frames_sent"]) == ("completed", LONG)
    assert np.array_equal(heard(link, 1), rendered(AS_RECORDED))
    assert len(link.told("audio_stream_start")) == 1
    assert tracks.left_open() == 0


async def test_a_play_that_comes_while_a_sound_is_made_ready_is_played(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        mastery_of(services).delay_s = 2.0
        link.say("enhancement", enabled=True)
        link.say("play", track_id=2, credit=ALL)
        await link.hear("audio_stream_end", 2)
        link.say("stop")
        link.say("enhancement", enabled=False)
        link.say("ping")
        await link.hear("pong")
    assert [start["track_id"] for start in link.told("audio_stream_start")] == [1, 2]
    assert [end["reason"] for end in link.told("audio_stream_end")] == ["replaced", "completed"]
    assert tracks.left_open() == 0


async def test_a_stop_while_a_sound_is_made_ready_ends_the_stream(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        mastery_of(services).delay_s = 2.0
        link.say("enhancement", enabled=True)
        link.say("stop")
        end = await link.hear("audio_stream_end")
    assert end["reason"] == "stopped"
    assert len(link.told("audio_stream_start")) == 1


async def test_a_source_that_fails_while_a_sound_is_made_ready_fails_the_stream(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.add(1, lambda: FailingSource(STEREO, LONG, error=SourceHung(), good_reads=1))
    async with talk(services) as link:
        await play(link, 4_000)
        mastery_of(services).delay_s = 2.0
        link.say("enhancement", enabled=True)
        link.say("credit", stream_id=1, frames=ALL)
        end = await link.hear("audio_stream_end")
        link.say("ping")
        await link.hear("pong")
    assert end["reason"] == "failed"
    assert len(link.told("audio_stream_start")) == 1


async def test_a_seek_after_a_change_has_the_new_sound_from_its_first_frame(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, CHUNK)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_start", 2)
        link.say("seek", start_frame=7 * GRAIN + 5)
        start = await link.hear("audio_stream_start", 3)
        link.say("credit", stream_id=3, frames=ALL)
        await link.wait_until(lambda: link.told("audio_stream_end")[-1]["reason"] == "completed")
    assert start["recipe"] == WARM.key
    assert np.array_equal(heard(link, 3), rendered(WARM)[7 * GRAIN + 5 :])


async def test_s16_is_dithered_once_it_is_mastered(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        link.say("play", track_id=1, credit=ALL)
        await link.hear("audio_stream_end")
        link.say("play", track_id=1, credit=ALL, enhanced=True, preset="adaptive")
        await link.hear("audio_stream_end", 2)
    assert link.audio(1) == tracks.pcm(1)
    exact = rendered(recipe_for(Wish(enhanced=True))) * 32_768
    error = np.frombuffer(link.audio(2), "<i2").reshape(-1, 2) - exact
    assert 0.5 < np.abs(error).max() <= 1.5
    assert np.sqrt(np.mean(error**2)) == pytest.approx(0.5, abs=0.05)  # rounding and TPDF: (1/12 + 1/6)^(1/2)


async def test_the_older_words_for_mastered_sound_work(services: SessionServices, autojump_clock: MockClock) -> None:
    async with talk(services) as link:
        link.say("play_enhanced", track_id=2, preset="warm", intensity=0.5)
        await link.hear("audio_stream_end")
    start = link.told("audio_stream_start")[0]
    assert (start["enhanced"], start["preset"], start["intensity"]) == (True, "warm", 0.5)
    assert link.told("audio_chunk")[0]["samples"]


def test_a_change_is_due_at_the_next_grain_and_never_nests_what_is_over() -> None:
    sound: Sound = AS_RECORDED
    for number in range(50):
        recipe = Recipe(preset="warm", intensity=1.0, gain_db=float(-number))
        sound = turned(sound, 1_000 * number, recipe, 3_072)
        depth, inner = 0, sound
        while isinstance(inner, Schedule):
            depth, inner = depth + 1, inner.before
        assert depth <= 2
    assert isinstance(sound, Schedule)
    assert sound.at == 16


def test_a_turn_back_leaves_no_change_behind() -> None:
    once = turned(AS_RECORDED, 5_000, WARM, 3_072)
    assert once == Schedule(AS_RECORDED, 2, WARM)
    assert turned(once, 5_000, LIVE, 3_072) == Schedule(AS_RECORDED, 2, LIVE)
    assert turned(once, 5_000, AS_RECORDED, 3_072) == AS_RECORDED


def test_what_is_heard_is_what_the_client_says_or_else_real_time_without_pauses() -> None:
    flow = Flow(RATE, 10 * RATE, 3.0)
    assert flow.heard(5.0) == 0
    flow.room(10.0)
    flow.sent = 24_000
    assert flow.heard(11.0) == RATE
    flow.hold(True, 11.5)
    assert flow.heard(20.0) == 12_000
    flow.hold(False, 21.5)
    assert flow.heard(22.0) == 16_000
    assert flow.heard(99.0) == 24_000
    flow.grant(0, 5)
    assert flow.heard(99.0) == 5


# What was sent to its end and is not heard yet


async def test_the_rest_of_a_track_that_is_all_sent_is_sent_anew(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, LONG)
        await link.hear("audio_stream_end")
        played(link, 1, LONG - 10_000)
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 2)
        await link.hear("audio_stream_end", 2)
    frame = start["start_frame"]
    assert frame == -(-(LONG - 10_000 + int(TURN_AHEAD_S * RATE)) // GRAIN) * GRAIN
    assert (start["follows_stream_id"], start["follows_frames"], start["preset"]) == (1, frame, "warm")
    assert [end["reason"] for end in link.told("audio_stream_end")] == ["completed", "completed"]
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 2)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, frame // GRAIN, WARM)))


@pytest.mark.parametrize("left_frames", [0, 1, 3_000])
async def test_where_too_little_is_left_of_the_last_track_nothing_is_sent_anew(
    services: SessionServices, autojump_clock: MockClock, left_frames: int
) -> None:
    async with talk(services) as link:
        await play(link, LONG)
        await link.hear("audio_stream_end")
        played(link, 1, LONG - left_frames)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("enhancement_settings_changed")
        await trio.sleep(5)
    assert len(link.told("audio_stream_start")) == 1


async def test_a_paused_tail_is_sent_anew_and_stays_paused(
    services: SessionServices, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play(link, LONG)
        await link.hear("audio_stream_end")
        played(link, 1, LONG - 20_000)
        link.say("pause")
        for preset in ("live", "warm"):
            link.say("enhancement", enabled=True, preset=preset)
            await link.wait_until(lambda preset=preset: link.told("audio_stream_start")[-1]["preset"] == preset)  # type: ignore[misc]
        await trio.sleep(5)
        newest = link.told("audio_stream_start")[-1]
        assert len(link.packets()) == len(link.packets(1))
        link.say("resume")
        await link.wait_until(lambda: link.told("audio_stream_end")[-1]["reason"] == "completed")
        await link.wait_until(lambda: link.frames(newest["stream_id"]) == LONG - newest["start_frame"])
    sound = np.concatenate([heard(link, 1)[: newest["start_frame"]], heard(link, newest["stream_id"])])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, newest["start_frame"] // GRAIN, WARM)))


async def play_two(services: SessionServices, tracks: Tracks, link: FakeLink, **options: Any) -> None:
    """Play the queue of two tracks, the first of which is sent as a whole."""
    tracks.tone(3, REST)
    services.player.order(SetQueue(track_ids=(1, 3)))
    link.say("play", encoding="f32", **options)
    await link.hear("audio_stream_start", 2)


@pytest.mark.parametrize("delay_s", [0.0, 1.0])
async def test_the_tail_that_is_heard_changes_first_and_what_was_sent_behind_it_is_sent_again(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, delay_s: float
) -> None:
    async with talk(services) as link:
        await play_two(services, tracks, link, credit=ALL)
        await link.hear("audio_stream_end", 2)
        played(link, 1, LONG - 30_000)
        mastery_of(services).delay_s = delay_s
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_start", 3)
        # What the next one needs is known before the first one changes, since little may be left of that.
        assert [wish.enhanced for wish in mastery_of(services).asked][-2:] == [True, True]
        await link.hear("audio_stream_end", 4)
    starts = link.told("audio_stream_start")
    assert [(start["track_id"], start["follows_stream_id"]) for start in starts] == [
        (1, None),
        (3, 1),
        (1, 1),
        (3, 3),
    ]
    frame = starts[2]["start_frame"]
    assert starts[2]["follows_frames"] == frame == -(-(LONG - 30_000 + int(TURN_AHEAD_S * RATE)) // GRAIN) * GRAIN
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 3)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, frame // GRAIN, WARM)))
    assert np.array_equal(heard(link, 4), rendered(WARM, REST))


@pytest.mark.parametrize(("left_frames", "frame"), [(4_000, 0), (3_999, GRAIN), (100, 2 * GRAIN), (0, 2 * GRAIN)])
async def test_where_half_a_second_is_not_left_of_a_track_the_change_comes_with_the_next_one(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, left_frames: int, frame: int
) -> None:
    async with talk(services) as link:
        await play_two(services, tracks, link, credit=ALL)
        await link.hear("audio_stream_end", 2)
        played(link, 1, LONG - left_frames)
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 3)
        await link.hear("audio_stream_end", 3)
    assert (start["track_id"], start["follows_stream_id"]) == (3, 2)
    assert start["start_frame"] == start["follows_frames"] == frame
    sound = np.concatenate([heard(link, 2)[:frame], heard(link, 3)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, frame // GRAIN, WARM) if frame else WARM, REST))


async def test_of_a_paced_client_the_tail_that_is_heard_by_the_clock_changes_first(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play_two(services, tracks, link)
        left_s = services.limits.pace_ahead_s - link.frames(2) / RATE
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 3)
        await trio.sleep(30)
    ends = [(end["stream_id"], end["reason"]) for end in link.told("audio_stream_end")]
    assert ends == [(1, "completed"), (2, "replaced"), (3, "completed"), (4, "completed")]
    frame = start["start_frame"]
    heard_s = LONG / RATE - left_s
    assert heard_s + TURN_AHEAD_S - 0.3 <= frame / RATE <= heard_s + TURN_AHEAD_S + GRAIN / RATE + 0.3
    sound = np.concatenate([heard(link, 1)[:frame], heard(link, 3)])
    assert np.array_equal(sound, rendered(Schedule(AS_RECORDED, frame // GRAIN, WARM)))
    assert np.array_equal(heard(link, 4), rendered(WARM, REST))


async def test_a_client_that_never_says_what_it_hears_is_taken_to_hear_one_after_the_other(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    async with talk(services) as link:
        await play_two(services, tracks, link, credit=ALL)
        await link.hear("audio_stream_end", 2)
        await trio.sleep(LONG / RATE + 1.0)
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 3)
        await link.hear("audio_stream_end", 3)
    frame = start["start_frame"]
    assert (start["track_id"], start["follows_stream_id"], frame) == (3, 2, 4 * GRAIN)
