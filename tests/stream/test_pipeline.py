"""One stream by itself: how far its decoder runs ahead, how it ends, and that nothing of it follows its end."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from auralis_trio.audio.block import Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat, Check, never_cancelled
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceNotReady
from auralis_trio.mastering import AS_RECORDED, Recipe
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.pipeline import CHANNEL_CHUNKS, NOT_READY_TRIES, Piece, Stream, open_stream
from auralis_trio.stream.plan import Plan
from auralis_trio.stream.renderer import Renderer
from auralis_trio.wire.packets import FIRST, LAST
from tests.fakes import CHUNK, PACKET, STEREO, FailingSource, ToneSource, Tracks

TOTAL = 6 * CHUNK + 100
ALL = 2**40


@dataclass
class Sink:
    """An outlet that keeps what it is given, and takes `room` packets before it makes the sender wait."""

    room: float = float("inf")
    pieces: list[Piece] = field(default_factory=list)

    async def send(self, piece: Piece) -> None:
        await trio.lowlevel.checkpoint()
        if len(self.pieces) >= self.room:
            await trio.sleep_forever()
        self.pieces.append(piece)

    @property
    def audio(self) -> bytes:
        return b"".join(bytes(piece.data) for piece in self.pieces)


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(1, TOTAL)
    return made


@pytest.fixture
def renderer(tracks: Tracks, tmp_path: Path) -> Renderer:
    return Renderer(InlineOffload(), ChunkCache(0), PcmCache(str(tmp_path / "pcm"), 0, 1.0), 5.0, tracks.make_reader)


async def play(
    renderer: Renderer,
    tracks: Tracks,
    sink: Sink,
    *,
    track_id: int = 1,
    start: int = 0,
    credit: int | None = ALL,
    sound: Recipe = AS_RECORDED,
) -> Stream:
    """Run a stream to its end."""
    async with renderer.open_track(tracks.file(track_id)) as track:
        plan = Plan(track, sound, start, Encoding.S16, 20.0)
        stream = Stream(1, plan, Flow(track.format.sample_rate, credit, 3.0), Beat())
        async with open_stream(stream, sink):
            await trio.sleep_forever()
    return stream


@pytest.mark.parametrize("start", [0, 3, CHUNK + 5 * PACKET + 3, 2 * CHUNK - 1, TOTAL - 50])
async def test_a_mastered_stream_begins_with_little_and_sounds_the_same(
    renderer: Renderer, tracks: Tracks, start: int
) -> None:
    mastered, sink = Recipe(preset="warm", intensity=1.0, gain_db=-3.0), Sink()
    await play(renderer, tracks, sink, start=start, sound=mastered)
    first_read = tracks.opened[0].reads[0][1]
    longest_read = max(frames for _, frames in tracks.opened[0].reads)
    assert start > 5 * CHUNK or first_read < longest_read / 2
    whole = Sink()
    await play(renderer, tracks, whole, sound=mastered)
    assert sink.audio == whole.audio[start * 4 :]
    assert [piece.sequence for piece in sink.pieces] == list(range(len(sink.pieces)))
    assert [piece.span.start for piece in sink.pieces[1:]] == [
        piece.span.start for piece in whole.pieces if piece.span.start > start
    ]


@pytest.mark.parametrize("damaged_at", [0, 2 * PACKET, CHUNK + PACKET])
async def test_a_mastered_stream_that_begins_where_a_track_is_damaged_gives_what_lies_before(
    renderer: Renderer, tracks: Tracks, damaged_at: int
) -> None:
    tracks.tone(2, TOTAL, damaged_at=damaged_at)
    sink = Sink()
    stream = await play(renderer, tracks, sink, track_id=2, sound=Recipe(preset="warm", intensity=1.0))
    assert stream.reason == "failed"
    assert stream.error is not None
    assert stream.error.code == "track_corrupt"
    assert stream.next_frame <= damaged_at


async def test_a_stream_that_ends_by_itself_ends_the_body(renderer: Renderer, tracks: Tracks) -> None:
    sink = Sink()
    stream = await play(renderer, tracks, sink)
    assert (stream.reason, stream.error, stream.next_frame) == ("completed", None, TOTAL)
    assert sink.audio == tracks.pcm(1)
    assert tracks.left_open() == 0


async def test_the_decoder_runs_ahead_by_what_the_channel_holds_and_no_further(
    renderer: Renderer, tracks: Tracks
) -> None:
    sink = Sink(room=1)
    async with renderer.open_track(tracks.file(1)) as track:
        stream = Stream(1, Plan(track, AS_RECORDED, 0, Encoding.S16, 20.0), Flow(8_000, ALL, 3.0), Beat())
        async with open_stream(stream, sink):
            await trio.testing.wait_all_tasks_blocked()
            # One in the sender's hand, those in the channel, one that waits to enter it.
            assert len(tracks.opened[0].reads) == 1 + CHANNEL_CHUNKS + 1
    assert tracks.left_open() == 0


@pytest.mark.parametrize("credit", [ALL, None], ids=["credit", "paced"])
async def test_others_have_a_turn_before_each_packet_however_eagerly_it_is_taken(
    renderer: Renderer, tracks: Tracks, credit: int | None, autojump_clock: MockClock
) -> None:
    turns = [0]
    seen: list[int] = []

    async def take_turns() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            turns[0] += 1

    class Eager:
        async def send(self, piece: Piece) -> None:
            seen.append(turns[0])

    async with trio.open_nursery() as nursery, renderer.open_track(tracks.file(1)) as track:
        nursery.start_soon(take_turns)
        stream = Stream(
            1, Plan(track, AS_RECORDED, 0, Encoding.S16, 20.0), Flow(8_000, credit, TOTAL / 8_000 + 1), Beat()
        )
        async with open_stream(stream, Eager()):
            await trio.sleep_forever()
        nursery.cancel_scope.cancel()
    assert len(seen) == -(-TOTAL // PACKET)
    # Each round of the scheduler runs both, in any order: two packets may follow each other, three never do.
    assert all(later > earlier for earlier, later in zip(seen, seen[2:], strict=False))


async def test_leaving_the_body_ends_the_stream_and_nothing_follows(renderer: Renderer, tracks: Tracks) -> None:
    sink = Sink()
    async with renderer.open_track(tracks.file(1)) as track:
        stream = Stream(1, Plan(track, AS_RECORDED, 0, Encoding.S16, 20.0), Flow(8_000, ALL, 3.0), Beat())
        async with open_stream(stream, sink):
            while len(sink.pieces) < 5:
                await trio.lowlevel.checkpoint()
        heard = len(sink.pieces)
        await trio.testing.wait_all_tasks_blocked()
        assert len(sink.pieces) == heard
    assert stream.reason is None
    assert stream.next_frame == stream.flow.sent == sum(piece.span.frames for piece in sink.pieces)


@settings(deadline=None, max_examples=40)
@given(
    rate=st.sampled_from([8_000, 11_025, 44_100]),
    total=st.integers(0, 3 * CHUNK),
    start=st.integers(0, 3 * CHUNK),
    grants=st.lists(st.integers(1, 30_000), max_size=12),
)
def test_whatever_the_start_and_the_grants_each_frame_comes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, rate: int, total: int, start: int, grants: list[int]
) -> None:
    tracks, sink = Tracks(), Sink()
    tracks.add(1, lambda: ToneSource(AudioFormat(rate, 2, 16), total))
    pcm = PcmCache(str(tmp_path_factory.mktemp("pcm")), 0, 1.0)
    start = min(start, total)

    async def run() -> None:
        renderer = Renderer(InlineOffload(), ChunkCache(0), pcm, 5.0, tracks.make_reader)
        async with renderer.open_track(tracks.file(1)) as track:
            stream = Stream(1, Plan(track, AS_RECORDED, start, Encoding.S16, 20.0), Flow(rate, 0, 3.0), Beat())
            async with open_stream(stream, sink):
                credit = 0
                for grant in [*grants, ALL]:
                    await trio.testing.wait_all_tasks_blocked()
                    assert stream.flow.sent == min(credit, total - start)
                    credit += grant
                    stream.flow.grant(credit, None)
                await trio.sleep_forever()
            assert stream.reason == "completed"
            step = track.grid.packet_frames
            assert all(piece.span.start // step == (piece.span.end - 1) // step for piece in sink.pieces)

    trio.run(run, clock=MockClock(autojump_threshold=0))
    assert sink.audio == tracks.pcm(1)[start * 4 :]
    assert [piece.sequence for piece in sink.pieces] == list(range(len(sink.pieces)))
    flags = [piece.flags for piece in sink.pieces]
    assert [flag & FIRST for flag in flags] == [FIRST if number == 0 else 0 for number in range(len(flags))]
    assert [flag & LAST for flag in flags] == [
        LAST if number == len(flags) - 1 else 0 for number in range(len(flags))
    ]


@pytest.mark.parametrize("tries", [1, NOT_READY_TRIES - 1])
async def test_a_place_that_is_still_being_decoded_is_asked_for_again(
    renderer: Renderer, tracks: Tracks, tries: int
) -> None:
    left = [tries]

    class Filling(ToneSource):
        def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
            left[0] -= 1
            if left[0] >= 0:
                raise SourceNotReady(retry_after_s=1)
            return super().read(start, frames, check)

    tracks.add(2, lambda: Filling(STEREO, CHUNK))
    sink = Sink()
    assert (await play(renderer, tracks, sink, track_id=2)).reason == "completed"
    assert sink.audio == tracks.pcm(2)


async def test_a_place_that_never_comes_is_given_up(renderer: Renderer, tracks: Tracks) -> None:
    tracks.add(2, lambda: FailingSource(STEREO, TOTAL, error=SourceNotReady(retry_after_s=1)))
    stream = await play(renderer, tracks, Sink(), track_id=2)
    assert stream.reason == "failed"
    assert isinstance(stream.error, SourceNotReady)


async def test_a_paced_stream_waits_for_whole_packets(
    renderer: Renderer, tracks: Tracks, autojump_clock: MockClock
) -> None:
    sink = Sink()
    await play(renderer, tracks, sink, start=100, credit=None)
    assert [piece.span.frames for piece in sink.pieces[:3]] == [PACKET - 100, PACKET, PACKET]
    assert sink.audio == tracks.pcm(1)[400:]


async def test_an_outlet_that_breaks_ends_the_stream_with_its_error(renderer: Renderer, tracks: Tracks) -> None:
    class Broken(Sink):
        async def send(self, piece: Piece) -> None:
            raise trio.BrokenResourceError

    with pytest.RaisesGroup(trio.BrokenResourceError):
        await play(renderer, tracks, Broken())
    assert tracks.left_open() == 0


async def test_what_is_sent_to_any_number_of_listeners_are_slices_of_one_chunk(
    tracks: Tracks, tmp_path: Path, autojump_clock: MockClock
) -> None:
    pcm = PcmCache(str(tmp_path / "pcm"), 0, 1.0)
    renderer = Renderer(InlineOffload(), ChunkCache(1 << 24), pcm, 5.0, tracks.make_reader)
    sinks = [Sink(), Sink(), Sink()]
    for sink in sinks:
        await play(renderer, tracks, sink)
    parts = [[piece.data for piece in sink.pieces] for sink in sinks]
    assert all(isinstance(part, memoryview) for some in parts for part in some)
    owners = [[id(part.obj) for part in some if isinstance(part, memoryview)] for some in parts]
    assert owners[0] == owners[1] == owners[2]
    assert len(set(owners[0])) == -(-TOTAL // CHUNK)
