"""Streams of Opus: one encoder each, whole packets alone, and every frame of the track in one of them."""

import base64
from pathlib import Path
from weakref import ref

import pytest
import trio
from trio.testing import MockClock

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.encoder.opus import PACKET_FRAMES, OpusEncoder
from auralis_trio.errors import SourceHung
from auralis_trio.mastering import AS_RECORDED
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.pipeline import Stream, open_stream
from auralis_trio.stream.plan import Plan
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.wire.packets import FIRST, LAST
from auralis_trio.wire.queue_orders import SetQueue
from tests import opus
from tests.fakes import FailingSource, ToneSource, Tracks, services_for, talk
from tests.stream.test_pipeline import ALL, Sink

RATE = 48_000
CHUNK = 221_184
TOTAL = 2 * CHUNK + 12_345
STEREO = AudioFormat(RATE, 2, 16)


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.add(1, lambda: ToneSource(STEREO, TOTAL))
    return made


@pytest.fixture
def renderer(tracks: Tracks, tmp_path: Path) -> Renderer:
    cache = ChunkCache(1 << 26)
    return Renderer(InlineOffload(), cache, PcmCache(str(tmp_path / "pcm"), 0, 1.0), 5.0, tracks.make_reader)


async def planned(track: OpenTrack, start: int) -> Plan:
    return await Plan(track, AS_RECORDED, start, Encoding.OPUS, 20.0).fed()


async def play(
    renderer: Renderer, tracks: Tracks, sink: Sink, *, track_id: int = 1, start: int = 0, credit: int | None = ALL
) -> Stream:
    """Run a stream to its end."""
    async with renderer.open_track(tracks.file(track_id)) as track:
        stream = Stream(1, await planned(track, start), Flow(RATE, credit, 3.0), Beat())
        async with open_stream(stream, sink):
            await trio.sleep_forever()
    return stream


def frames_decoded(sink: Sink) -> int:
    same = OpusEncoder(2)
    return len(opus.decoded((bytes(each.data) for each in sink.pieces), same.head, same.pre_skip_frames, ALL))


@pytest.mark.parametrize("start", [0, 1, 2_568, CHUNK - 1, CHUNK, CHUNK + 777, TOTAL - 1])
async def test_every_frame_from_the_start_on_is_brought_once(renderer: Renderer, tracks: Tracks, start: int) -> None:
    sink = Sink()
    stream = await play(renderer, tracks, sink, start=start)
    assert (stream.reason, stream.next_frame) == ("completed", TOTAL)
    assert sink.pieces[0].span.start == start
    assert all(one.span.end == next_.span.start for one, next_ in zip(sink.pieces, sink.pieces[1:], strict=False))
    assert sink.pieces[-1].span.end == TOTAL
    assert {each.span.frames for each in sink.pieces[1:-1]} <= {PACKET_FRAMES}
    assert frames_decoded(sink) >= TOTAL - start
    assert [each.sequence for each in sink.pieces] == list(range(len(sink.pieces)))
    flags = [each.flags for each in sink.pieces]
    assert flags[0] & FIRST
    assert flags[-1] & LAST
    assert not any(flags[1:-1])


async def test_at_the_end_of_the_track_there_is_nothing_to_bring(renderer: Renderer, tracks: Tracks) -> None:
    sink = Sink()
    stream = await play(renderer, tracks, sink, start=TOTAL)
    assert (stream.reason, sink.pieces) == ("completed", [])


async def test_streams_of_the_same_frames_are_the_same_bytes(renderer: Renderer, tracks: Tracks) -> None:
    first, second = Sink(), Sink()
    await play(renderer, tracks, first, start=1_000)
    await play(renderer, tracks, second, start=1_000)
    assert first.audio == second.audio


async def test_its_encoder_is_given_back_when_a_stream_ends_that_is_still_remembered(
    renderer: Renderer, tracks: Tracks, no_collector: None
) -> None:
    async with renderer.open_track(tracks.file(1)) as track:
        stream = Stream(1, await planned(track, 0), Flow(RATE, 20_000, 3.0), Beat())
        assert stream.plan.feed is not None
        feed = ref(stream.plan.feed)
        async with open_stream(stream, Sink()):
            await trio.testing.wait_all_tasks_blocked()
            assert feed() is not None
        assert feed() is None


async def test_a_packet_waits_until_there_is_credit_for_all_of_it(renderer: Renderer, tracks: Tracks) -> None:
    sink = Sink()
    async with renderer.open_track(tracks.file(1)) as track:
        stream = Stream(1, await planned(track, 0), Flow(RATE, 2_567, 3.0), Beat())
        async with open_stream(stream, sink):
            for credit, due in [(2_567, 0), (2_568, 1), (2_568 + 2_879, 1), (2_568 + 2_880, 2), (20_000, 7)]:
                stream.flow.grant(credit, None)
                await trio.testing.wait_all_tasks_blocked()
                assert len(sink.pieces) == due
                assert stream.flow.sent <= credit


async def test_credit_that_is_never_enough_for_a_packet_is_a_stall(
    autojump_clock: MockClock, renderer: Renderer, tracks: Tracks
) -> None:
    sink = Sink()
    stream = await play(renderer, tracks, sink, credit=5_000)
    assert (stream.reason, len(sink.pieces), stream.flow.sent) == ("stalled", 1, 2_568)


async def test_a_paced_stream_takes_as_long_as_its_track(
    autojump_clock: MockClock, renderer: Renderer, tracks: Tracks
) -> None:
    began_s = trio.current_time()
    stream = await play(renderer, tracks, Sink(), credit=None)
    assert stream.reason == "completed"
    assert trio.current_time() - began_s == pytest.approx(TOTAL / RATE - 3.0, abs=0.1)


@pytest.mark.parametrize("damaged_at", [1, 2_567, CHUNK, CHUNK + 5_000])
async def test_all_frames_before_a_damaged_place_are_brought(
    renderer: Renderer, tracks: Tracks, damaged_at: int
) -> None:
    tracks.add(2, lambda: ToneSource(STEREO, TOTAL, damaged_at=damaged_at))
    sink = Sink()
    stream = await play(renderer, tracks, sink, track_id=2)
    assert stream.reason == "failed"
    assert (stream.next_frame, sink.pieces[-1].span.end) == (damaged_at, damaged_at)
    assert frames_decoded(sink) >= damaged_at


async def test_what_the_encoder_held_back_is_brought_when_the_source_fails(
    renderer: Renderer, tracks: Tracks
) -> None:
    tracks.add(2, lambda: FailingSource(STEREO, TOTAL, error=SourceHung(), good_reads=1))
    sink = Sink()
    stream = await play(renderer, tracks, sink, track_id=2)
    assert (stream.reason, stream.next_frame) == ("failed", CHUNK)
    assert isinstance(stream.error, SourceHung)


async def test_a_queue_goes_on_in_opus_without_a_frame_lost(
    autojump_clock: MockClock, tracks: Tracks, tmp_path: Path
) -> None:
    tracks.add(2, lambda: ToneSource(STEREO, 30_001))
    services = services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))
    services.player.order(SetQueue(track_ids=(1, 2)))
    async with talk(services) as link:
        link.say("play", encoding="opus", credit=ALL)
        await link.hear("audio_stream_end", 2)
    for start, total_frames in zip(link.told("audio_stream_start"), (TOTAL, 30_001), strict=True):
        packets = link.packets(start["stream_id"])
        head = base64.b64decode(start["opus_head"])
        assert (start["encoding"], start["start_frame"], start["total_frames"]) == ("opus", 0, total_frames)
        assert sum(packet.frames for packet in packets) == total_frames
        heard = opus.decoded((packet.payload for packet in packets), head, start["pre_skip_frames"], total_frames)
        assert len(heard) == total_frames


async def test_a_change_of_sound_in_opus_goes_on_at_a_frame_that_was_sent(
    autojump_clock: MockClock, tracks: Tracks, tmp_path: Path
) -> None:
    services = services_for(tracks, PcmCache(str(tmp_path / "pcm"), 0, 1.0))
    async with talk(services) as link:
        link.say("play", track_id=1, encoding="opus", credit=100_000)
        await link.wait_until(lambda: link.frames(1) > 97_120)  # no further packet fits into the credit
        link.say("enhancement", enabled=True, preset="warm")
        start = await link.hear("audio_stream_start", 2)
        link.say("credit", stream_id=2, frames=ALL)
        await link.hear("audio_stream_end", 2)
    assert start["preset"] == "warm"
    assert 0 < start["start_frame"] <= link.frames(1)
    assert start["start_frame"] + link.frames(2) == TOTAL
    assert link.packets(2)[0].payload != link.packets(1)[0].payload
