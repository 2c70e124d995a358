"""Crossfades in the queue: an entry ends early, the next begins with the mix, and no frame is ever lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.audio.block import Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid, grain_frames
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.mastering import AS_RECORDED, Schedule, Sound, render
from auralis_trio.mastering.join import Join
from auralis_trio.stream.plan import turned
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.stream.succession import SETTLE_S
from auralis_trio.wire.queue_orders import AddTracks, RemoveEntries, Repeat, SetQueue
from auralis_trio.wire.wishes import Wish
from tests.fakes import (
    RATE,
    STEREO,
    FakeLink,
    FixedCatalogue,
    FixedMastery,
    ScratchedSource,
    ToneSource,
    Tracks,
    recipe_for,
    services_for,
    talk,
)

ALL = 2**40
ONE, TWO, THREE, MONO, OTHER = 1, 2, 3, 4, 5
LENGTHS = {ONE: 130_001, TWO: 90_000, THREE: 60_000, MONO: 70_000, OTHER: 50_000}
JOIN = 16_000  # 2 s at 8 kHz
GRAIN = grain_frames(RATE)
WARM = recipe_for(Wish(enhanced=True, preset="warm"))


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    for track_id in (ONE, TWO, THREE):
        made.tone(track_id, LENGTHS[track_id])
    made.add(MONO, lambda: ToneSource(AudioFormat(RATE, 1, 16), LENGTHS[MONO]))
    made.add(OTHER, lambda: ToneSource(AudioFormat(11_025, 2, 16), LENGTHS[OTHER]))
    return made


@pytest.fixture
def services(tracks: Tracks, tmp_path: Path) -> SessionServices:
    made = services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))
    made.listening.change({"crossfade_s": JOIN / RATE})
    return made


@pytest.fixture
def uncached(tracks: Tracks, tmp_path: Path) -> SessionServices:
    """Nothing that was rendered is kept: a mix is made from its tracks when it is sent."""
    made = services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0), cache_bytes=1)
    made.listening.change({"crossfade_s": JOIN / RATE})
    return made


def fill(services: SessionServices, *track_ids: int) -> list[int]:
    """Have these tracks in the queue; their entries."""
    return [entry.id for entry in services.player.order(SetQueue(track_ids=track_ids))]


def whole(tracks: Tracks, track_id: int) -> Samples:
    source = tracks.makers[track_id]()
    return source.tone(0, source.total_frames)


def rendered(track_id: int, sound: Sound) -> Samples:
    source = ToneSource(STEREO, LENGTHS[track_id])
    return render(source, sound, 0, Grid(RATE, LENGTHS[track_id]).total_grains).samples


def mixed(leaving: Samples, coming: Samples, frames: int = JOIN) -> Samples:
    out, into = Join(frames).gains(0, frames)
    return (leaving[-frames:] * out + coming[:frames] * into).astype(np.float32)


def floats(link: FakeLink, stream_id: int, channels: int = 2) -> Samples:
    return np.frombuffer(link.audio(stream_id), "<f4").reshape(-1, channels)


async def play(link: FakeLink, **options: Any) -> None:
    link.say("play", **{"credit": ALL, "encoding": "f32", **options})
    await link.hear("audio_stream_start")


def starts(link: FakeLink) -> list[tuple[int, int, int]]:
    """Of each stream the track, the first frame and how much of its head is a mix."""
    told = link.told("audio_stream_start")
    return [(start["track_id"], start["start_frame"], start["join_frames"]) for start in told]


async def test_entries_go_over_into_each_other(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 3)
    one, two, three = (whole(tracks, track_id) for track_id in (ONE, TWO, THREE))
    assert np.array_equal(floats(link, 1), one[:-JOIN])
    assert np.array_equal(floats(link, 2), np.concatenate([mixed(one, two), two[JOIN:-JOIN]]))
    assert np.array_equal(floats(link, 3), np.concatenate([mixed(two, three), three[JOIN:]]))
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, JOIN), (THREE, 0, JOIN)]
    ends = link.told("audio_stream_end")
    assert [(end["reason"], end["next_entry_id"]) for end in ends] == [
        ("completed", entries[1]),
        ("completed", entries[2]),
        ("completed", None),
    ]
    assert [packet.flags & 2 for packet in link.packets(1)][-1]  # the last one is said to be
    assert tracks.left_open() == 0


async def test_a_mono_track_is_heard_on_both_sides_where_a_neighbour_is_stereo(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, MONO, MONO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 3)
    one, mono = whole(tracks, ONE), np.repeat(whole(tracks, MONO), 2, axis=1)
    assert [start["channels"] for start in link.told("audio_stream_start")] == [2, 2, 1]
    assert np.array_equal(floats(link, 2), np.concatenate([mixed(one, mono), mono[JOIN:-JOIN]]))
    alone = mono[:, :1]
    assert np.array_equal(floats(link, 3, 1), np.concatenate([mixed(alone, alone), alone[JOIN:]]))


@pytest.mark.parametrize("encoding", ["s16", "flac"])
async def test_every_encoding_has_every_frame(
    services: SessionServices, autojump_clock: MockClock, encoding: str
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link, encoding=encoding)
        await link.hear("audio_stream_end", 2)
    assert [link.frames(number) for number in (1, 2)] == [LENGTHS[ONE] - JOIN, LENGTHS[TWO]]


async def test_what_follows_on_an_album_is_not_joined(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    assert isinstance(services.catalogue, FixedCatalogue)
    services.catalogue.albums = {ONE: (7, 1), TWO: (7, 2), THREE: (7, 4)}
    fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 3)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, 0), (THREE, 0, JOIN)]
    assert np.array_equal(floats(link, 1), whole(tracks, ONE))


async def test_another_rate_is_not_joined_unless_all_are_asked_for_at_one(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, OTHER)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
    assert starts(link) == [(ONE, 0, 0), (OTHER, 0, 0)]
    assert np.array_equal(floats(link, 1), whole(tracks, ONE))


async def test_tracks_that_do_not_declare_their_lengths_are_joined_when_they_are_first_played(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.uncounted = {ONE, TWO}
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
    one, two = whole(tracks, ONE), whole(tracks, TWO)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, JOIN)]
    assert np.array_equal(floats(link, 2), np.concatenate([mixed(one, two), two[JOIN:]]))
    assert isinstance(services.catalogue, FixedCatalogue)
    assert (TWO, LENGTHS[TWO]) in services.catalogue.lengths
    assert tracks.left_open() == 0


async def test_repeating_one_entry_joins_it_with_itself(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, THREE)
    services.player.order(Repeat(mode="one"))
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 3)
    three = whole(tracks, THREE)
    for number in (2, 3):
        assert np.array_equal(floats(link, number), np.concatenate([mixed(three, three), three[JOIN:-JOIN]]))


async def test_a_track_is_joined_for_at_most_half_of_it(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    tracks.tone(9, 501)
    fill(services, ONE, 9, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 3)
    assert starts(link) == [(ONE, 0, 0), (9, 0, 250), (TWO, 0, 250)]
    assert [link.frames(number) for number in (1, 2, 3)] == [LENGTHS[ONE] - 250, 251, LENGTHS[TWO]]


async def test_a_seek_into_the_end_is_heard_to_the_end(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link, start_frame=LENGTHS[ONE] - JOIN + 5)
        await link.hear("audio_stream_end", 2)
    assert np.array_equal(floats(link, 1), whole(tracks, ONE)[-JOIN + 5 :])
    assert starts(link)[1] == (TWO, 0, 0)


# What does not come as it was settled


async def nearly_sent(services: SessionServices, link: FakeLink) -> None:
    """Track ONE is sent but for 1,000 frames, and it is settled where it ends."""
    await play(link, credit=LENGTHS[ONE] - JOIN - 1_000)
    await link.wait_until(lambda: link.frames(1) == LENGTHS[ONE] - JOIN - 1_000)
    await trio.testing.wait_all_tasks_blocked()


async def test_where_something_else_follows_in_the_end_the_frames_that_were_left_are_sent_alone(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        await nearly_sent(services, link)
        services.player.order(RemoveEntries(entry_ids=(entries[1],)))
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_start", 2)
        for number in (2, 3):
            link.say("credit", stream_id=number, frames=ALL)
            await link.hear("audio_stream_end", number)
    one = whole(tracks, ONE)
    assert starts(link) == [(ONE, 0, 0), (ONE, LENGTHS[ONE] - JOIN, 0), (THREE, 0, 0)]
    assert np.array_equal(np.concatenate([floats(link, 1), floats(link, 2)]), one)
    assert np.array_equal(floats(link, 3), whole(tracks, THREE))
    assert [start["follows_stream_id"] for start in link.told("audio_stream_start")] == [None, 1, 2]


async def test_where_nothing_follows_in_the_end_the_track_is_heard_to_its_last_frame(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(services, ONE, TWO)
    async with talk(services) as link:
        await nearly_sent(services, link)
        services.player.order(RemoveEntries(entry_ids=(entries[1],)))
        link.say("credit", stream_id=1, frames=ALL)
        await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    assert np.array_equal(np.concatenate([floats(link, 1), floats(link, 2)]), whole(tracks, ONE))
    assert link.told("audio_stream_end")[1]["next_entry_id"] is None


async def test_a_mix_that_is_sent_and_not_heard_yet_gives_way_to_what_follows_then(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
        link.say("credit", stream_id=1, frames=ALL, played=5_000)
        link.say("ping")
        await link.hear("pong")
        services.player.order(AddTracks(track_ids=(THREE,), next=True))
        await link.hear("audio_stream_end", 5)
    one, two, three = (whole(tracks, track_id) for track_id in (ONE, TWO, THREE))
    rest, joined = link.told("audio_stream_start")[2:4]
    assert starts(link)[2:] == [(ONE, LENGTHS[ONE] - JOIN, 0), (THREE, 0, 0), (TWO, 0, JOIN)]
    assert (rest["follows_stream_id"], joined["follows_stream_id"]) == (1, 3)
    assert np.array_equal(floats(link, 3), one[-JOIN:])
    assert np.array_equal(floats(link, 4), three[:-JOIN])
    assert np.array_equal(floats(link, 5), np.concatenate([mixed(three, two), two[JOIN:]]))


async def test_an_entry_that_cannot_begin_gives_its_join_back(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        await nearly_sent(services, link)
        del tracks.makers[TWO]
        link.say("credit", stream_id=1, frames=ALL)
        await link.wait_until(lambda: len(link.told("audio_stream_start")) == 2)
        link.say("credit", stream_id=3, frames=ALL)
        await link.wait_until(lambda: len(link.told("audio_stream_start")) == 3)
        link.say("credit", stream_id=5, frames=ALL)
        await link.hear("audio_stream_end", 3)
    assert [error["track_id"] for error in link.told("audio_stream_error")] == [TWO, TWO]
    assert starts(link) == [(ONE, 0, 0), (ONE, LENGTHS[ONE] - JOIN, 0), (THREE, 0, 0)]
    assert np.array_equal(np.concatenate([floats(link, 1), floats(link, 3)]), whole(tracks, ONE))


async def credited(link: FakeLink, *stream_ids: int) -> None:
    """These streams have begun, one behind the other, and may be sent whole."""
    for stream_id in stream_ids:
        await link.hear("audio_stream_start", stream_id)
        link.say("credit", stream_id=stream_id, frames=ALL)


async def hear_without(
    services: SessionServices, link: FakeLink, lose: Callable[[], object], stream_ids: tuple[int, ...]
) -> None:
    """Lose something when the join is settled and not sent yet; then hear these streams to their end."""
    await nearly_sent(services, link)
    lose()
    link.say("credit", stream_id=1, frames=ALL)
    await credited(link, *stream_ids)
    await link.hear("audio_stream_end", stream_ids[-1])


def failures(link: FakeLink) -> list[tuple[str, int, int, float | None]]:
    """Of each error its code, the track and the entry that it is of, and the place in that."""
    told = link.told("audio_stream_error")
    return [(error["code"], error["track_id"], error["entry_id"], error["recovery_position_s"]) for error in told]


async def test_where_the_file_of_the_track_that_leaves_has_gone_the_next_one_is_heard_alone(
    uncached: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(uncached, ONE, TWO, THREE)
    async with talk(uncached) as link:
        await hear_without(uncached, link, lambda: tracks.gone.add(ONE), (3, 4))
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, JOIN), (TWO, 0, 0), (THREE, 0, JOIN)]
    assert [start["follows_stream_id"] for start in link.told("audio_stream_start")] == [None, 1, 1, 3]
    assert failures(link) == [("track_missing", ONE, entries[0], (LENGTHS[ONE] - JOIN) / RATE)]
    ends = link.told("audio_stream_end")
    assert (ends[1]["reason"], ends[1]["frames_sent"], ends[1]["next_entry_id"]) == ("failed", 0, entries[1])
    assert np.array_equal(floats(link, 3), whole(tracks, TWO)[:-JOIN])


async def test_where_the_file_of_the_track_that_comes_has_gone_the_frames_that_were_left_are_sent_alone(
    uncached: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    entries = fill(uncached, ONE, TWO, THREE)
    async with talk(uncached) as link:
        await hear_without(uncached, link, lambda: tracks.gone.add(TWO), (3, 5))
    one = whole(tracks, ONE)
    rest = (ONE, LENGTHS[ONE] - JOIN, 0)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, JOIN), rest, (TWO, 0, 0), (THREE, 0, 0)]
    assert failures(link) == [("track_missing", TWO, entries[1], 0.0)] * 2
    assert np.array_equal(np.concatenate([floats(link, 1), floats(link, 3)]), one)
    assert np.array_equal(floats(link, 5), whole(tracks, THREE))


@pytest.mark.parametrize("track_id", [ONE, TWO])
async def test_a_mix_that_breaks_off_goes_on_with_the_other_track_alone(
    uncached: SessionServices, tracks: Tracks, autojump_clock: MockClock, track_id: int
) -> None:
    place = 5_000
    scratched_at = {ONE: LENGTHS[ONE] - JOIN + place, TWO: place}[track_id]

    def scratched() -> ScratchedSource:
        return ScratchedSource(STEREO, LENGTHS[track_id], scratched_at=scratched_at)

    entries = fill(uncached, ONE, TWO)
    async with talk(uncached) as link:
        await hear_without(uncached, link, lambda: tracks.add(track_id, scratched), (2, 3))
    one, two = whole(tracks, ONE), whole(tracks, TWO)
    assert failures(link)[0] == ("track_corrupt", track_id, entries[track_id - 1], scratched_at / RATE)
    assert np.array_equal(floats(link, 2), mixed(one, two)[:place])
    alone = {ONE: (TWO, place), TWO: (ONE, LENGTHS[ONE] - JOIN + place)}[track_id]
    assert starts(link)[2] == (*alone, 0)
    assert np.array_equal(floats(link, 3), {ONE: two[place:], TWO: one[-JOIN + place :]}[track_id])
    assert [start["follows_stream_id"] for start in link.told("audio_stream_start")][:3] == [None, 1, 2]


async def test_a_track_that_is_not_ready_in_time_is_not_joined(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    assert isinstance(services.mastery, FixedMastery)
    services.mastery.delay_s = SETTLE_S + 1
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, 0)]
    assert np.array_equal(floats(link, 1), whole(tracks, ONE))


@pytest.mark.parametrize("track_id", [ONE, TWO])
async def test_a_track_whose_part_of_the_mix_is_damaged_is_not_joined(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, track_id: int
) -> None:
    damaged_at = LENGTHS[ONE] - 1 if track_id == ONE else JOIN - 1
    tracks.add(track_id, lambda: ToneSource(STEREO, LENGTHS[track_id], damaged_at=damaged_at))
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, 0)]
    kept = {ONE: LENGTHS[ONE], TWO: LENGTHS[TWO], track_id: damaged_at}
    for number in (ONE, TWO):
        assert np.array_equal(floats(link, number), whole(tracks, number)[: kept[number]])


@pytest.mark.parametrize("credit", [ALL, None])
async def test_a_track_that_fails_before_its_end_is_mixed_with_nothing(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, credit: int | None
) -> None:
    scratched_at = 60_000
    tracks.add(ONE, lambda: ScratchedSource(STEREO, LENGTHS[ONE], scratched_at=scratched_at))
    entries = fill(services, ONE, TWO, THREE)
    async with talk(services) as link:
        await play(link, credit=credit)
        await link.hear("audio_stream_end", 3)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, 0), (THREE, 0, JOIN)]
    end = link.told("audio_stream_end")[0]
    assert (end["reason"], end["next_entry_id"], end["frames_sent"]) == ("failed", entries[1], scratched_at)
    assert np.array_equal(floats(link, 2), whole(tracks, TWO)[:-JOIN])
    assert tracks.left_open() == 0


async def test_another_sound_in_the_middle_of_a_join_goes_on_with_the_mix(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=1, frames=ALL, played=LENGTHS[ONE] - JOIN)
        link.say("credit", stream_id=2, frames=ALL, played=500)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_end", 3)
    track, start, join = starts(link)[2]
    assert (track, join) == (TWO, JOIN)
    assert 500 < start < JOIN
    recipe = recipe_for(Wish(enhanced=True, preset="warm"))
    async with services.renderer.open_track(tracks.file(TWO)) as alone:
        sound = turned(AS_RECORDED, start, recipe, alone.grid.grain)
        chunks = [(await alone.chunk(sound, index, Encoding.F32))[0] for index in range(alone.grid.total_chunks)]
    two = np.frombuffer(b"".join(chunk.data for chunk in chunks), "<f4").reshape(-1, 2)
    assert np.array_equal(floats(link, 3), np.concatenate([mixed(whole(tracks, ONE), two), two[JOIN:]])[start:])


async def test_another_sound_in_a_join_that_is_all_sent_goes_on_with_the_mix(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
        link.say("credit", stream_id=2, frames=ALL, played=4_000)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_end", 3)
    at, frame = 3, 3 * GRAIN
    assert starts(link)[-1] == (TWO, frame, JOIN)
    assert link.told("audio_stream_start")[-1]["follows_frames"] == frame
    coming = rendered(TWO, Schedule(AS_RECORDED, at, WARM))
    sound = np.concatenate([floats(link, 2)[:frame], floats(link, 3)])
    assert np.array_equal(sound, np.concatenate([mixed(whole(tracks, ONE), coming), coming[JOIN:]]))


@pytest.mark.parametrize("left_frames", [20_000, 4_337])
async def test_another_sound_before_a_join_that_is_all_sent_is_mixed_into_what_follows_without_waiting(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock, left_frames: int
) -> None:
    """There may be no more than half a second to go on with, so that nothing may have to be found out anew."""
    fill(services, ONE, TWO)
    end = LENGTHS[ONE] - JOIN
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
        link.say("credit", stream_id=1, frames=ALL, played=end - left_frames)
        link.say("enhancement", enabled=True, preset="warm")
        await link.hear("audio_stream_start", 3)
        began_s = trio.current_time()
        assert isinstance(services.mastery, FixedMastery)
        services.mastery.delay_s = 1.0
        await link.wait_until(lambda: "packets 3" in link.kinds())
        assert trio.current_time() == began_s
        await link.hear("audio_stream_end", 4)
    frame = link.told("audio_stream_start")[2]["start_frame"]
    leaving = rendered(ONE, Schedule(AS_RECORDED, frame // GRAIN, WARM))
    coming = rendered(TWO, WARM)
    assert starts(link)[2:] == [(ONE, frame, 0), (TWO, 0, JOIN)]
    assert np.array_equal(np.concatenate([floats(link, 1)[:frame], floats(link, 3)]), leaving[:-JOIN])
    assert np.array_equal(floats(link, 4), np.concatenate([mixed(leaving, coming), coming[JOIN:]]))


async def test_without_the_setting_nothing_is_joined(
    services: SessionServices, tracks: Tracks, autojump_clock: MockClock
) -> None:
    services.listening.change({"crossfade_s": 0.0})
    fill(services, ONE, TWO)
    async with talk(services) as link:
        await play(link)
        await link.hear("audio_stream_end", 2)
    assert starts(link) == [(ONE, 0, 0), (TWO, 0, 0)]
    assert np.array_equal(floats(link, 1), whole(tracks, ONE))
