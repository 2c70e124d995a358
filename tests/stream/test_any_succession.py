"""Crossfades in the queue, whatever is edited, sought or changed meanwhile: nothing that is heard misses a frame.

Only what cannot be read does, and nobody else is said to fail.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.stream.session_services import SessionServices
from tests.fakes import (
    STEREO,
    FakeLink,
    FixedMastery,
    Heard,
    ScratchedSource,
    ToneSource,
    Tracks,
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
WINDOW_S = 2.0
TICK_S = 0.05
FIRST_FRAMES = 16_000
"""The credit that each stream begins with: more than some tracks are long."""


@dataclass
class Part:
    """One stream: what was received of it, what of that has sounded, and how it ended."""

    start: dict[str, Any]
    received: int = 0
    sounded: int = 0
    reason: str | None = None
    cut: int | None = None

    @property
    def left(self) -> int:
        """Frames that can sound now."""
        return (self.received if self.cut is None else min(self.cut, self.received)) - self.sounded

    @property
    def over(self) -> bool:
        return self.left <= 0 and (self.reason is not None or self.cut is not None)


class Listener(FakeLink):
    """A client with credit that lets sound what it has, and notes which streams it heard one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.joined: dict[int, tuple[Part, Part]] = {}

    def _note(self, item: Heard) -> None:
        if isinstance(item, Packet):
            self.parts[-1].received += item.frames
        elif item[0] == "audio_stream_start":
            self._started(item[1])
        elif item[0] == "audio_stream_end":
            self.parts[-1].reason = item[1]["reason"]
        elif item[0] == "audio_stream_drop":
            after = item[1]["after_stream_id"]
            self.parts = [part for part in self.parts if after is not None and part.start["stream_id"] <= after]
        super()._note(item)

    def _started(self, start: dict[str, Any]) -> None:
        follows = start["follows_stream_id"]
        kept = [part for part in self.parts if follows is not None and part.start["stream_id"] <= follows]
        if kept and kept[-1].reason == "replaced":
            kept[-1].cut = start["start_frame"] - kept[-1].start["start_frame"]
        self.parts = [*kept, Part(start)]

    async def run(self) -> None:
        """Let things sound in real time, and say so."""
        while True:
            await trio.sleep(TICK_S)
            for number, part in enumerate(self.parts):
                frames = min(part.left, round(TICK_S * part.start["sample_rate"]))
                if frames > 0:
                    part.sounded += frames
                    if number and self.parts[number - 1].over:
                        self.joined[part.start["stream_id"]] = (self.parts[number - 1], part)
                    self._tell(part)
                if not part.over:
                    break

    def _tell(self, part: Part) -> None:
        ahead = round(WINDOW_S * part.start["sample_rate"])
        self.say("credit", stream_id=part.start["stream_id"], frames=part.sounded + ahead, played=part.sounded)


def check(one: Part, other: Part, gone: set[int]) -> None:
    """Of one stream everything was heard up to where the other began, where its file had not gone."""
    end_frame = one.start["start_frame"] + one.sounded
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


def command(kind: str, **data: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A message with these strategies for its fields."""
    return st.tuples(st.just(kind), st.fixed_dictionaries(data))


tracks_of = st.lists(st.sampled_from(list(TRACKS)), min_size=1, max_size=3)
entries = st.integers(1, 6)
edits = st.one_of(
    command("next"),
    command("pause"),
    command("resume"),
    command("seek", position_s=st.floats(0, 22)),
    command("enhancement", enabled=st.booleans(), preset=st.sampled_from(["warm", "live"])),
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
        link.say("play", credit=FIRST_FRAMES)
        for wait_s, (kind, data) in script:
            await trio.sleep(wait_s)
            if kind == "lose":
                gone |= sent_last(services, link, **data)
            else:
                link.say(kind, **data)
        link.say("queue", action="repeat", mode="off")
        link.say("resume")
        await trio.sleep(60)
        nursery.cancel_scope.cancel()


@settings(max_examples=40)
@example([5, 1], [(5.0, ("lose", {"following": False}))], 0.0, 1)
@example([5, 1], [(5.0, ("lose", {"following": True}))], 0.0, 1)
@given(tracks_of, scripts, st.floats(0, 1), st.sampled_from([1, 1 << 24]))
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
    assert tracks.left_open() == 0
