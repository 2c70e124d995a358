"""Whatever clients say in whatever order: streams begin and end by the rules, and what is heard is known.

The client here is one that plays: it takes what it is sent, sounds it in real time by a clock that the test moves,
and tells what has sounded, as the player page does. So what the server believes can be compared with what was heard.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.stream.listens import Listen
from auralis_trio.stream.onward import MAX_ENTRIES_PER_S
from auralis_trio.stream.playings import Playings
from auralis_trio.stream.session_services import SessionServices
from tests.fakes import LIMITS, FakeLink, FixedCatalogue, FixedMastery, Heard, ToneSource, Tracks, services_for, talk
from tests.packets import Packet

TICK_S = 0.05
LENGTHS = {
    1: (8_000, 20_000),
    2: (11_025, 9_000),
    3: (8_000, 700),
    4: (8_000, 60_000),
    5: (8_000, 90),
    6: (8_000, 1),
    7: (8_000, 0),
}
WINDOW_S = 2.0
SELDOM = 10
"""So many ticks pass before a client that tells little tells again."""

PACE_AHEAD_S = LIMITS.pace_ahead_s
SETTLED_S = 0.5


@dataclass
class Part:
    """One stream as the client has it."""

    start: dict[str, Any]
    granted: int | None
    received: int = 0
    sounded: int = 0
    told: int = 0
    reason: str | None = None
    cut: int | None = None

    @property
    def rate(self) -> int:
        return int(self.start["sample_rate"])

    @property
    def left(self) -> int:
        """Frames that can sound now."""
        return (self.received if self.cut is None else min(self.cut, self.received)) - self.sounded

    @property
    def over(self) -> bool:
        """Whether no more of it will ever sound."""
        return self.left <= 0 and (self.reason is not None or self.cut is not None)


@dataclass
class Sounding:
    """What has sounded and was told: seconds of each track."""

    seconds: Counter[int] = field(default_factory=Counter)
    drops: int = 0


class PlayingLink(FakeLink):
    """A client that plays, with `WINDOW_S` of credit ahead of what has sounded, or `paced`.

    With credit it says at each tick what has sounded of `each` stream, or seldom, and then only of the `latest`.
    """

    def __init__(self, manner: str) -> None:
        super().__init__()
        self.manner = manner
        self.credit = None if manner == "paced" else 4_000
        self.parts: list[Part] = []
        self.sounding = Sounding()
        self.went_on_s: list[float] = []
        self.went_on_paused = 0

    def _note(self, item: Heard) -> None:
        if isinstance(item, Packet):
            self._packet(item)
        elif item[0] == "audio_stream_start":
            self._started(item[1])
        elif item[0] == "audio_stream_end":
            self._ended(item[1])
        elif item[0] == "audio_stream_drop":
            self._dropped(item[1]["after_stream_id"])
        elif item[0] == "player_state" and item[1]["state"] != "paused":
            self.went_on_paused = 0
        super()._note(item)

    def _started(self, start: dict[str, Any]) -> None:
        assert all(part.reason for part in self.parts), "a start before the end of the stream before"
        follows = start["follows_stream_id"]
        kept = [part for part in self.parts if follows is not None and part.start["stream_id"] <= follows]
        self.sounding.drops += len(kept) < len(self.parts)
        assert follows is None or kept[-1].start["stream_id"] == follows
        if kept and self._takes_over(kept[-1], start):
            kept[-1].cut = start["follows_frames"]
            assert kept[-1].sounded <= kept[-1].cut, "a place that has sounded is sent again"
        elif kept:
            self._went_on()
        self.parts = [*kept, Part(start, self.credit)]

    def _takes_over(self, before: Part, start: dict[str, Any]) -> bool:
        """Whether a stream goes on within the track of the one before; else it is heard behind all of that."""
        whole = start["follows_frames"] == before.received and before.reason != "replaced"
        assert whole or start["start_frame"] == before.start["start_frame"] + start["follows_frames"]
        assert whole or start["entry_id"] == before.start["entry_id"]
        return not whole

    def _went_on(self) -> None:
        """The queue has gone on by itself: not too often, and while it is paused only where that came too late."""
        self.went_on_s.append(trio.current_time())
        burst = self.went_on_s[-2 * MAX_ENTRIES_PER_S - 1 :]
        assert len(burst) <= 2 * MAX_ENTRIES_PER_S or burst[-1] - burst[0] > 1 - 1e-6
        state = (self.told("player_state") or [{"state": None}])[-1]["state"]
        self.went_on_paused += state == "paused"
        assert self.went_on_paused <= 1

    def _ended(self, end: dict[str, Any]) -> None:
        part = self.parts[-1]
        assert end["stream_id"] == part.start["stream_id"]
        assert part.reason is None, "two ends"
        assert end["frames_sent"] == part.received
        part.reason = end["reason"]
        if part.reason == "completed":
            assert part.start["start_frame"] + part.received == part.start["total_frames"]
        if part.reason == "stopped":
            self.sounding.drops += 1
            self.parts = [Part(part.start, None, part.received, part.received, part.received, "stopped")]

    def _dropped(self, after: int | None) -> None:
        assert all(part.reason for part in self.parts)
        self.sounding.drops += 1
        kept = [part for part in self.parts if after is not None and part.start["stream_id"] <= after]
        self.parts = [*kept, *[replace(part, cut=0, told=part.sounded) for part in self.parts[len(kept) :]]]

    def _packet(self, packet: Packet) -> None:
        part = self.parts[-1]
        assert (packet.stream_id, part.reason) == (part.start["stream_id"], None)
        assert packet.start_frame == part.start["start_frame"] + part.received
        part.received += packet.frames
        if part.granted is None:
            # A tick more, since the clock of what sounds may be late by that.
            assert sum(each.left / each.rate for each in self.parts if each.left > 0) <= PACE_AHEAD_S + 2 * TICK_S
        else:
            assert part.received <= part.granted

    @property
    def heard_part(self) -> Part | None:
        return next((part for part in self.parts if not part.over), None)

    def paused_in(self, services: SessionServices) -> bool:
        """Whether its listener, or somebody else for all that play the queue, has paused it."""
        session = self.told("hello")[0]["session"]
        return any(each["session"] == session and each["heard"]["paused"] for each in services.hub.statistics())

    async def run(self, services: SessionServices) -> None:
        """Let what there is sound, and tell of it."""
        latest: Part | None = None
        ticks = 0
        while True:
            await trio.sleep(TICK_S)
            left_s, ticks = TICK_S, ticks + 1
            while not self.paused_in(services) and left_s > 1e-9 and (part := self.heard_part) and part.left > 0:
                frames = min(part.left, max(1, round(left_s * part.rate)))
                part.sounded += frames
                left_s -= frames / part.rate
                latest = part
                if self.manner != "latest":
                    self._tell(part)
            if self.manner == "latest" and latest in self.parts and ticks % SELDOM == 0:
                self._tell(latest)

    def _tell(self, part: Part) -> None:
        for each in self.parts[: self.parts.index(part) + 1]:
            self.sounding.seconds[each.start["track_id"]] += (each.sounded - each.told) / each.rate  # type: ignore[assignment]
            each.told = each.sounded
        if part.granted is None:
            return
        if part is self.parts[-1]:
            part.granted = max(part.granted, part.sounded + round(WINDOW_S * part.rate))
        self.say("credit", stream_id=part.start["stream_id"], frames=part.granted, played=part.sounded)


def command(kind: str, **data: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A message with these strategies for its fields."""
    return st.tuples(st.just(kind), st.fixed_dictionaries(data))


tracks_of = st.lists(st.sampled_from(list(LENGTHS)), min_size=1, max_size=3)
places = st.integers(0, 6)
commands = st.one_of(
    command("play"),
    command("play", entry_id=places.filter(bool)),
    command("play", takeover=st.just(True)),
    command("play", track_id=st.sampled_from(list(LENGTHS))),
    command("next"),
    command("previous"),
    command("pause"),
    command("resume"),
    command("stop"),
    command("seek", position_s=st.floats(0, 3)),
    command("enhancement", enabled=st.booleans(), preset=st.sampled_from(["warm", "live"])),
    command("queue", action=st.just("add"), track_ids=tracks_of, next=st.booleans()),
    command("queue", action=st.just("set"), track_ids=tracks_of),
    command("queue", action=st.just("remove"), entry_ids=st.lists(places.filter(bool), min_size=1, max_size=1)),
    command("queue", action=st.just("move"), entry_id=places.filter(bool), to_index=places),
    command("queue", action=st.just("repeat"), mode=st.sampled_from(["off", "one", "all"])),
    command("queue", action=st.just("shuffle"), enabled=st.booleans(), seed=st.just(3)),
    command("queue", action=st.just("undo")),
)
scripts = st.builds(
    lambda track_ids, rest: [(0.0, 0, ("queue", {"action": "set", "track_ids": track_ids})), *rest],
    tracks_of,
    st.lists(st.tuples(st.floats(0, 2), st.integers(0, 2), commands), max_size=14),
)


def made_tracks() -> Tracks:
    tracks = Tracks()
    for track_id, (rate, frames) in LENGTHS.items():
        tracks.add(track_id, lambda rate=rate, frames=frames: ToneSource(AudioFormat(rate, 2, 16), frames))  # type: ignore[misc]
    return tracks


async def act_out(services: SessionServices, links: list[PlayingLink], script: list[Any]) -> None:
    """Two clients that play and one that only commands say what stands in the script."""
    remote = FakeLink()
    async with trio.open_nursery() as nursery, talk(services, remote):
        nursery.start_soon(services.listens.run_keeper)
        async with talk(services, links[0]), talk(services, links[1]):
            for link in links:
                nursery.start_soon(link.run, services)
            for wait_s, who, (kind, data) in script:
                await trio.sleep(wait_s)
                if wait_s > SETTLED_S:
                    check_agreement(services, links)
                link = [*links, remote][who]
                if kind == "play" and isinstance(link, PlayingLink):
                    data = {**data, "credit": link.credit}
                if kind != "play" or link is not remote:
                    link.say(kind, **data)
            for each in [*links, remote]:
                each.say("ping")
                with trio.fail_after(5):
                    await each.hear("pong")
            await trio.sleep(30)
            assert [link.closed for link in links] == [None, None], "a session has failed: the log says where"
            check_agreement(services, links)
            for link in links:
                link.say("stop")
            await trio.sleep(1)
            assert all(part.reason for link in links for part in link.parts), "a stream that nobody hears goes on"
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert services.player.followers == []
    assert services.player.describe()["outputs"] == []


def check_agreement(services: SessionServices, links: list[PlayingLink]) -> None:
    """The player believes that the entry is heard which its leading output hears, where it hears it."""
    services.player.look()
    state = services.player.describe()
    leading = [link for link in links if link.told("hello")[0]["session"] in state["outputs"][:1]]
    part = leading[0].heard_part if leading else None
    # Where one entry goes over into the next, the two clocks may be a tick apart.
    settled = part is not None and 2 * TICK_S * part.rate < part.sounded < part.received - 2 * TICK_S * part.rate
    if part is not None and settled and part.sounded - part.told < 2 * TICK_S * part.rate:
        assert state["entry_id"] == part.start["entry_id"]
        heard_s = (part.start["start_frame"] + part.sounded) / part.rate
        assert state["position_s"] == pytest.approx(heard_s, abs=3 * TICK_S)


class Shares(Playings):
    """Playings that remember what each session's listens were."""

    def __init__(self, note_nowait: Callable[[Listen], None]) -> None:
        super().__init__(note_nowait)
        self.seconds: Counter[int] = Counter()

    def go_on(self, before: Listen | None, listen: Listen | None) -> None:
        """See `Playings.go_on`."""
        if before is not None:
            self.seconds[before.track_id] += before.heard_s  # type: ignore[assignment]
        super().go_on(before, listen)


def repeating(*track_ids: int) -> list[Any]:
    """A script in which these tracks are played over and over."""
    orders: list[dict[str, Any]] = [{"action": "set", "track_ids": track_ids}, {"action": "repeat", "mode": "all"}]
    return [*((0.0, 0, ("queue", order)) for order in orders), (0.0, 0, ("play", {}))]


@settings(deadline=None, max_examples=100)
@example(repeating(3), ["latest", "paced"], 0.0)
@example(repeating(7), ["each", "paced"], 0.0)
@example([*repeating(6, 7), (1.0, 0, ("pause", {}))], ["each", "paced"], 0.0)
@example(repeating(4, 7, 1), ["paced", "paced"], 0.0)
@given(scripts, st.lists(st.sampled_from(["paced", "each", "latest"]), min_size=2, max_size=2), st.floats(0, 1))
def test_at_any_interleaving_streams_keep_the_rules_and_what_was_heard_is_counted(
    tmp_path_factory: pytest.TempPathFactory, script: list[Any], manners: list[str], delay_s: float
) -> None:
    tracks = made_tracks()
    pcm = PcmCache(str(tmp_path_factory.mktemp("pcm")), 0, 1.0)
    kept: list[Any] = []

    async def run() -> None:
        services = services_for(tracks, pcm)
        assert isinstance(services.mastery, FixedMastery)
        services.mastery.delay_s = delay_s / 10
        services.player.playings = Shares(services.listens.note_nowait)
        links = [PlayingLink(each) for each in manners]
        await act_out(services, links, script)
        kept.extend([services, links])

    trio.run(run, clock=MockClock(autojump_threshold=0))
    services, links = kept
    assert isinstance(services.catalogue, FixedCatalogue)
    counted: Counter[int] = Counter()
    for track_id, heard_s in services.catalogue.heard:
        counted[track_id] += heard_s  # type: ignore[assignment]
    sounded: Counter[int] = sum((link.sounding.seconds for link in links), Counter())
    slack_s = 3 * TICK_S * (2 + sum(link.sounding.drops for link in links))
    assert isinstance(services.player.playings, Shares)
    for track_id in LENGTHS:
        assert services.player.playings.seconds[track_id] == pytest.approx(sounded[track_id], abs=slack_s)
        assert counted[track_id] <= sounded[track_id] + slack_s
    assert tracks.left_open() == 0
