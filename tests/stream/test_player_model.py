"""Any run of commands, edits and reports, with outputs that play what they are told: what holds after each step."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.errors import AuralisError
from auralis_trio.stream.admission import Admission, Seat
from auralis_trio.stream.keeping import News
from auralis_trio.stream.output import Place, Position
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.player import Player
from auralis_trio.wire.queue_orders import (
    AddTracks,
    Clear,
    Edit,
    MoveEntry,
    Redo,
    RemoveEntries,
    Repeat,
    SetQueue,
    Shuffle,
    Undo,
)
from tests.fakes import unnoted
from tests.stream.test_one_player import RATE, Told

NAMES = ["a", "b"]
SMALL = st.integers(0, 30)

Step = tuple[str, int, int]
COMMANDS = ["pause", "resume", "stop", "seek", "next", "previous", "jump"]
EDITS = ["set", "add", "remove", "move", "shuffle", "repeat", "clear", "undo", "redo"]
CLIENTS = ["begin", "take over", "leave", "finish", "hear", "go on", "pass over", "late"]
KINDS = st.sampled_from([*COMMANDS, *EDITS, *(3 * CLIENTS)])
STEPS = st.lists(
    st.tuples(KINDS, SMALL, SMALL),
    min_size=15,
    max_size=60,
)


@dataclass
class PlayingOutput:
    """An output that is at one entry, and knows which ones it has left behind; None: it does not play."""

    id: str
    entry_id: int | None = None
    paused: bool = False
    left: int | None = None
    heard: bool = False
    seat: Seat = field(default_factory=lambda: Admission(1, 1, lambda: 0.0).seat("a client"))

    def play_nowait(self, entry: Entry, start: int | float, *, paused: bool, back: bool = False) -> None:
        self.left, self.entry_id, self.paused, self.heard = self.entry_id, entry.id, paused, False

    def hold_nowait(self, paused: bool) -> None:
        self.paused = paused

    def stop_nowait(self) -> None:
        self.entry_id = None

    def heard_now(self) -> tuple[int, Place] | None:
        return (self.entry_id, Place(1, RATE)) if self.heard and self.entry_id is not None else None


class World:
    """A player and two clients that may play its queue."""

    def __init__(self) -> None:
        self.player = Player(Told(), unnoted)
        self.outputs = {name: PlayingOutput(name) for name in NAMES}

    def some_entry(self, number: int) -> int:
        entries = self.player.queue.entries
        return entries[number % len(entries)].id if entries else 99

    def edit(self, kind: str, one: int, other: int) -> Edit:
        tracks = (1 + one, 2 + one, 3 + one)
        length = max(1, len(self.player.queue.entries))
        edits: dict[str, Edit] = {
            "set": SetQueue(track_ids=tracks, start_index=other % 3),
            "add": AddTracks(track_ids=tracks, next=bool(other % 2)),
            "remove": RemoveEntries(entry_ids=tuple({self.some_entry(one), self.some_entry(other)})),
            "move": MoveEntry(entry_id=self.some_entry(one), to_index=other % length),
            "shuffle": Shuffle(enabled=bool(one % 2), seed=other),
            "repeat": Repeat(mode="one" if one % 3 == 0 else "all" if one % 3 == 1 else "off"),
            "clear": Clear(),
            "undo": Undo(),
            "redo": Redo(),
        }
        return edits[kind]

    def command(self, kind: str, number: int) -> None:
        player = self.player
        match kind:
            case "pause":
                player.pause()
            case "resume":
                player.resume()
            case "stop":
                player.stop()
            case "seek":
                player.seek(Position(float(number)))
            case "next":
                player.next()
            case "previous":
                player.previous()
            case "jump":
                player.jump(self.some_entry(number))

    def client(self, kind: str, output: PlayingOutput, number: int) -> None:
        """Something that a client or its listener's ears do."""
        player = self.player
        if kind in ("begin", "take over"):
            entry_id = None if number % 4 else self.some_entry(number)
            entry, _ = player.begin(output, entry_id, None, takeover=kind == "take over")
            output.play_nowait(entry, 0, paused=False)
        elif output.entry_id is None:
            return
        elif kind in ("leave", "finish"):
            output.entry_id = None
            player.ended(output, finished=kind == "finish")
        elif kind == "late" and output.left is not None and not output.heard:
            before = player.describe()
            player.sounding(output, output.left, Place(5, RATE))
            assert output.left == output.entry_id or player.describe() == before
        elif kind == "hear":
            output.heard = True
            player.sounding(output, output.entry_id, Place(number, RATE))
        elif kind == "go on" and (following := player.behind(output.entry_id)) is not None:
            player.sounding(output, output.entry_id, Place(9, RATE))
            output.entry_id, output.heard = following.id, True
            player.sounding(output, following.id, Place(0, RATE))
        elif kind == "pass over" and not output.heard and (following := player.behind(output.entry_id)) is not None:
            player.arrived(output, output.entry_id)
            output.entry_id, output.heard = following.id, True
            player.sounding(output, following.id, Place(0, RATE))

    def do(self, step: Step) -> None:
        """Take a step; whatever it changes, but for how far an entry is heard, is news for whoever writes it down."""
        before, self.player.news = self.kept(), News()
        try:
            self._do(*step)
        finally:
            assert self.player.news.told or self.kept() == before

    def kept(self) -> object:
        player = self.player
        return player.queue, player.history, player.revision, player.state

    def _do(self, kind: str, one: int, other: int) -> None:
        if kind in COMMANDS:
            self.command(kind, one)
        elif kind in EDITS:
            self.player.order(self.edit(kind, one, other))
        else:
            self.client(kind, self.outputs[NAMES[one % 2]], other)

    def check(self) -> None:
        player = self.player
        told = player.describe()
        playing = [name for name, output in self.outputs.items() if output.entry_id is not None]
        assert sorted(told["outputs"]) == playing
        assert (told["entry_id"] is None) == (not player.queue.entries)
        assert (told["state"] == "playing") <= bool(playing)
        assert (told["state"] == "stopped") <= (not playing)
        for name in playing:
            output = self.outputs[name]
            assert output.paused == (told["state"] == "paused")
            assert player.queue.has(output.entry_id or 0)
        if playing and (lead := self.outputs[told["outputs"][0]]).heard:
            assert lead.entry_id == told["entry_id"]


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
async def test_whatever_happens_the_player_knows_who_plays_what(steps: list[Step]) -> None:
    world = World()
    world.player.order(SetQueue(track_ids=(101, 102, 103)))
    for step in steps:
        try:
            world.do(step)
        except AuralisError:
            continue
        finally:
            world.check()
