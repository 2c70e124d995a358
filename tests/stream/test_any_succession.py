"""Crossfades in the queue, whatever is edited, sought or changed meanwhile: nothing that is heard misses a frame.

Only what cannot be read does, and nobody else is said to fail.

And each frame sounds as it is to: as the settings wanted it a moment before, by the schedule of all changes.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.audio.block import Samples
from auralis_trio.audio.grid import Grid, grain_frames
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.mastering import Recipe, Sound, render
from auralis_trio.mastering.join import Join
from auralis_trio.stream.hearing import TURN_AHEAD_S
from auralis_trio.stream.plan import turned
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.wishes import Wish
from tests.fakes import (
    STEREO,
    FakeLink,
    FixedMastery,
    Heard,
    ScratchedSource,
    ToneSource,
    Tracks,
    recipe_for,
    services_for,
    talk,
)
from tests.packets import Packet

TRACKS = {  # sample rate, channels, frames
    1: (8_000, 2, 20_000),
    2: (11_025, 2, 9_000),
    3: (8_000, 2, 700),
    4: (8_000, 1, 60_000),
    5: (8_000, 2, 170_000),
    6: (8_000, 2, 120_000),
    7: (8_000, 2, 1),
    8: (8_000, 2, 0),
}
SCRATCHED, SCRATCHED_AT = 6, 61_000
"""a track and the one frame of it that cannot be read"""

CROSSFADE_S = 1.5
WINDOW_S = 4.0
TICK_S = 0.05
FIRST_FRAMES = 16_000
"""The credit that each stream begins with: more than some tracks are long."""


@dataclass
class Part:
    """One stream: what was received of it, what of that has sounded, and how it ended; when it began to sound."""

    start: dict[str, Any]
    payloads: list[bytes] = field(default_factory=list)
    began_s: float = 0.0
    received: int = 0
    sounded: int = 0
    reason: str | None = None
    cut: int | None = None

    @property
    def left(self) -> int:
        """Frames that can sound now."""
        return (self.received if self.cut is None else min(self.cut, self.received)) - self.sounded

    @property
    def rate(self) -> int:
        return int(self.start["sample_rate"])

    @property
    def end_frame(self) -> int:
        """The frame of its track behind the last one that sounded."""
        return int(self.start["start_frame"]) + self.sounded

    @property
    def recipe(self) -> Recipe:
        return recipe_for(Wish(enhanced=self.start["enhanced"], preset=self.start["preset"] or "adaptive"))

    @property
    def samples(self) -> Samples:
        """What sounded of it."""
        received = np.frombuffer(b"".join(self.payloads), "<f4").reshape(-1, self.start["channels"])
        return received[: self.sounded]

    def replaced_by(self, start: dict[str, Any]) -> bool:
        """Whether another stream went on with this one's track where this one was cut."""
        goes_on = (start["entry_id"], start["start_frame"]) == (self.start["entry_id"], self.end_frame)
        return goes_on and (self.cut is not None or self.reason == "replaced")

    @property
    def over(self) -> bool:
        return self.left <= 0 and (self.reason is not None or self.cut is not None)


class Listener(FakeLink):
    """A client with credit that lets sound what it has, and notes which streams it heard one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.joined: dict[int, tuple[Part, Part]] = {}
        self.sounded: list[Part] = []
        self.sounded_s = 0.0
        self.wanted: list[tuple[float, Recipe]] = [(0.0, recipe_for(Wish()))]

    def _note(self, item: Heard) -> None:
        if isinstance(item, Packet):
            self.parts[-1].received += item.frames
            self.parts[-1].payloads.append(item.payload)
        elif item[0] == "audio_stream_start":
            self._started(item[1])
        elif item[0] == "audio_stream_end":
            self.parts[-1].reason = item[1]["reason"]
            if item[1]["reason"] == "stopped":
                self.parts = []
        elif item[0] == "audio_stream_drop":
            after = item[1]["after_stream_id"]
            self.parts = [part for part in self.parts if after is not None and part.start["stream_id"] <= after]
        super()._note(item)

    def _started(self, start: dict[str, Any]) -> None:
        follows = start["follows_stream_id"]
        kept = [part for part in self.parts if follows is not None and part.start["stream_id"] <= follows]
        if kept and start["follows_frames"] < kept[-1].received:
            kept[-1].cut = start["follows_frames"]
        self.parts = [*kept, Part(start)]

    async def run(self) -> None:
        """Let things sound in real time, and say so."""
        while True:
            await trio.sleep(TICK_S)
            for number, part in enumerate(self.parts):
                frames = min(part.left, round(TICK_S * part.start["sample_rate"]))
                if frames > 0:
                    if not part.sounded:
                        part.began_s = self.sounded_s
                        self.sounded.append(part)
                    part.sounded += frames
                    self.sounded_s += frames / part.rate
                    before = [each for each in self.parts[:number] if each.cut != 0]
                    if before and before[-1].over:
                        self.joined[part.start["stream_id"]] = (before[-1], part)
                    self._tell(part)
                if not part.over:
                    break

    def _tell(self, part: Part) -> None:
        ahead = round(WINDOW_S * part.start["sample_rate"])
        self.say("credit", stream_id=part.start["stream_id"], frames=part.sounded + ahead, played=part.sounded)


def check(one: Part, other: Part, gone: set[int]) -> None:
    """Of one stream everything was heard up to where the other began, where its file had not gone."""
    end_frame = one.end_frame
    before, after = one.start, other.start
    if before["track_id"] == after["track_id"] and after["start_frame"] > 0:
        assert after["start_frame"] == end_frame
    elif before["track_id"] in gone:
        assert (after["start_frame"], end_frame <= TRACKS[before["track_id"]][2]) == (0, True)
    elif one.reason == "completed":
        assert after["start_frame"] == 0
        assert end_frame == TRACKS[before["track_id"]][2] - after["join_frames"]
    elif one.reason == "failed":
        # A mastered frame is made of those around it: of the last ones before the scratch some are missing as well.
        assert before["track_id"] == SCRATCHED
        assert end_frame <= SCRATCHED_AT
        assert (after["start_frame"], after["join_frames"]) == (0, 0)


def check_sounds(listener: Listener) -> None:
    """All that has sounded is, sample by sample, what the schedules of the sounds of its tracks make of them."""
    sounds: dict[int, Sound] = {}
    joined: tuple[Part, Sound] | None = None
    for number, part in enumerate(listener.sounded):
        before = listener.sounded[number - 1] if number else None
        start, grain = part.start, grain_frames(part.rate)
        follows = before is not None and start["follows_stream_id"] is not None
        if before is not None and follows and before.replaced_by(start):
            sounds[number] = turned(sounds[number - 1], start["start_frame"], part.recipe, grain)
            joined = joined if start["join_frames"] else None
        else:
            sounds[number] = part.recipe
            joined = (before, sounds[number - 1]) if before is not None and start["join_frames"] else None
        assert np.array_equal(part.samples, expected(part, sounds[number], joined))


def expected(part: Part, sound: Sound, joined: tuple[Part, Sound] | None) -> Samples:
    """What is to be heard where a stream was, whose head is `joined` to what came before."""
    coming = rendered(part.start["track_id"], sound, part.start["channels"])
    frames = part.start["join_frames"]
    if joined is not None:
        leaving = rendered(joined[0].start["track_id"], joined[1], part.start["channels"])
        coming = np.concatenate([Join(frames).mix(leaving[-frames:], coming[:frames], 0), coming[frames:]])
    return coming[part.start["start_frame"] : part.end_frame]


def rendered(track_id: int, sound: Sound, channels: int) -> Samples:
    """A whole track, without its scratch if it has one."""
    rate, own_channels, frames = TRACKS[track_id]
    source = ToneSource(AudioFormat(rate, own_channels, 16), frames)
    samples = render(source, sound, 0, Grid(rate, frames).total_grains).samples
    return samples if samples.shape[1] == channels else np.repeat(samples, 2, axis=1)


def check_in_time(listener: Listener) -> None:
    """What sounds was wanted a moment before, which is no longer than a change needs to be heard."""
    for part in listener.sounded:
        slack_s = TURN_AHEAD_S + grain_frames(part.rate) / part.rate + 3 * TICK_S
        end_s = part.began_s + part.sounded / part.rate
        overdue = [number for number, (at_s, _) in enumerate(listener.wanted) if at_s <= end_s - slack_s]
        if overdue and part.reason != "failed":
            lately = [recipe for _, recipe in listener.wanted[overdue[-1] :]]
            assert part.recipe in lately


def command(kind: str, **data: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A message with these strategies for its fields."""
    return st.tuples(st.just(kind), st.fixed_dictionaries(data))


tracks_of = st.lists(st.sampled_from(list(TRACKS)), min_size=1, max_size=3)
entries = st.integers(1, 6)
enhancements = command("enhancement", enabled=st.booleans(), preset=st.sampled_from(["warm", "live"]))
edits = st.one_of(
    command("next"),
    command("pause"),
    command("resume"),
    command("seek", position_s=st.floats(0, 22)),
    enhancements,
    enhancements,
    command("queue", action=st.just("add"), track_ids=tracks_of, next=st.booleans()),
    command("queue", action=st.just("remove"), entry_ids=st.lists(entries, min_size=1, max_size=1)),
    command("queue", action=st.just("move"), entry_id=entries, to_index=st.integers(0, 5)),
    command("queue", action=st.just("repeat"), mode=st.sampled_from(["off", "one", "all"])),
    command("lose", following=st.booleans()),
)
scripts = st.lists(st.tuples(st.one_of(st.floats(0, 2), st.floats(0, 12)), edits), max_size=8)


def sent_last(services: SessionServices, link: Listener, *, following: bool) -> set[int]:
    """The track that is sent, or the one that is going to follow it, if there is one."""
    starts = [part.start for part in link.parts[-1:]]
    if not following:
        return {start["track_id"] for start in starts}
    behind = [services.player.behind(start["entry_id"]) for start in starts]
    return {entry.track_id for entry in behind if entry is not None}


async def act_out(
    services: SessionServices, link: Listener, queue: list[int], script: list[Any], gone: set[int]
) -> None:
    async with trio.open_nursery() as nursery, talk(services, link):
        nursery.start_soon(link.run)
        link.say("queue", action="set", track_ids=queue)
        link.say("play", credit=FIRST_FRAMES, encoding="f32")
        for wait_s, (kind, data) in script:
            await trio.sleep(wait_s)
            if kind == "lose":
                gone |= sent_last(services, link, **data)
                continue
            if kind == "enhancement":
                link.wanted.append(
                    (link.sounded_s, recipe_for(Wish(enhanced=data["enabled"], preset=data["preset"])))
                )
            link.say(kind, **data)
        link.say("queue", action="repeat", mode="off")
        link.say("resume")
        await trio.sleep(60)
        nursery.cancel_scope.cancel()


@settings(max_examples=40)
@example([5, 1], [(5.0, ("lose", {"following": False}))], 0.0, 1)
@example([5, 1], [(5.0, ("lose", {"following": True}))], 0.0, 1)
@example([1, 1, 5], [(1.0, ("enhancement", {"enabled": True, "preset": "warm"}))], 0.0, 1 << 24)
@example([5, 6], [(19.0, ("enhancement", {"enabled": True, "preset": "warm"}))], 0.0, 1 << 24)
@given(tracks_of, scripts, st.just(0.0) | st.floats(0, 1), st.sampled_from([1, 1 << 24]))
def test_what_is_heard_one_behind_the_other_misses_no_frame(
    tmp_path_factory: pytest.TempPathFactory, queue: list[int], script: list[Any], delay_s: float, cache_bytes: int
) -> None:
    tracks, link = Tracks(), Listener()
    for track_id, (rate, channels, frames) in TRACKS.items():
        form = AudioFormat(rate, channels, 16)
        tracks.add(track_id, lambda form=form, frames=frames: ToneSource(form, frames))  # type: ignore[misc]
    tracks.add(SCRATCHED, lambda: ScratchedSource(STEREO, TRACKS[SCRATCHED][2], scratched_at=SCRATCHED_AT))
    pcm = PcmCache(str(tmp_path_factory.mktemp("pcm")), 0, 1.0)

    async def run() -> None:
        services = services_for(tracks, pcm, cache_bytes=cache_bytes)
        services.listening.change({"crossfade_s": CROSSFADE_S})
        assert isinstance(services.mastery, FixedMastery)
        services.mastery.delay_s = delay_s
        await act_out(services, link, queue, script, tracks.gone)

    trio.run(run, clock=MockClock(autojump_threshold=0))
    for one, other in link.joined.values():
        check(one, other, tracks.gone)
    assert {error["track_id"] for error in link.told("audio_stream_error")} <= {SCRATCHED, *tracks.gone}
    if not tracks.gone:
        check_sounds(link)
        if not delay_s:
            check_in_time(link)
    assert tracks.left_open() == 0
