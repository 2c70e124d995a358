"""Joined tracks as streams and requests take them: shared chunks where there is nothing of a neighbour in them."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceCorrupt
from auralis_trio.mastering import AS_RECORDED, Recipe
from auralis_trio.mastering.join import Join
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.joint import head_of, open_joint, shortened
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.joining import Joint
from tests.fakes import CHUNK, RATE, STEREO, ToneSource, Tracks

FIRST, SECOND, JOIN = 2 * CHUNK + 10, 3 * CHUNK + 700, 30_000
WARM = Recipe(preset="warm", intensity=1.0, gain_db=-6.0)


@pytest.fixture
def tracks() -> Tracks:
    made = Tracks()
    made.tone(1, FIRST)
    made.tone(2, SECOND)
    return made


@pytest.fixture
def renderer(tracks: Tracks, tmp_path: Path) -> Renderer:
    pcm = PcmCache(str(tmp_path / "pcm"), 0, 1.0)
    return Renderer(InlineOffload(), ChunkCache(1 << 24), pcm, 5.0, tracks.make_reader)


def joint_of(tracks: Tracks, tail_frames: int = 0, frames: int = JOIN) -> Joint:
    head = head_of((tracks.file(1), AS_RECORDED), (tracks.file(2), AS_RECORDED), Join(frames))
    assert head is not None
    return Joint(head, tail_frames)


async def pcm_of(track: OpenTrack) -> bytes:
    chunks = [await track.chunk(AS_RECORDED, index, Encoding.S16) for index in range(track.grid.total_chunks)]
    return b"".join(chunk.data for chunk, _ in chunks)


async def test_what_is_left_of_the_one_and_all_of_the_other_are_both_tracks_less_the_join(
    renderer: Renderer, tracks: Tracks
) -> None:
    async with (
        open_joint(renderer, tracks.file(1), Joint(tail_frames=JOIN)) as first,
        open_joint(renderer, tracks.file(2), joint_of(tracks)) as second,
    ):
        assert first.total_frames + second.total_frames == FIRST + SECOND - JOIN
        assert await pcm_of(first) == tracks.pcm(1)[: -JOIN * 4]
        assert (await pcm_of(second))[JOIN * 4 :] == tracks.pcm(2)[JOIN * 4 :]
        assert (await pcm_of(second))[: JOIN * 4] != tracks.pcm(2)[: JOIN * 4]
    assert tracks.left_open() == 0


async def test_chunks_without_a_part_of_a_neighbour_are_shared_with_the_track_itself(
    renderer: Renderer, tracks: Tracks
) -> None:
    async with renderer.open_track(tracks.file(2)) as track:
        await pcm_of(track)
    async with open_joint(renderer, tracks.file(2), joint_of(tracks, tail_frames=100)) as joined:
        cached = [(await joined.chunk(AS_RECORDED, index, Encoding.S16))[1] for index in range(4)]
        assert cached == [False, True, True, False]
        cached = [(await joined.chunk(AS_RECORDED, index, Encoding.S16))[1] for index in range(4)]
        assert cached == [True] * 4


async def test_a_mix_is_kept_wherever_the_track_ends_in_the_end(renderer: Renderer, tracks: Tracks) -> None:
    async with open_joint(renderer, tracks.file(2), joint_of(tracks)) as joined:
        await pcm_of(joined)
        for tail_frames, kept in [(100, True), (SECOND - CHUNK, True), (SECOND - CHUNK + 1, False)]:
            shorter = shortened(renderer, joined, tail_frames)
            assert (await shorter.chunk(AS_RECORDED, 0, Encoding.S16))[1] is kept


async def test_a_track_without_neighbours_is_the_track_itself(renderer: Renderer, tracks: Tracks) -> None:
    async with renderer.open_track(tracks.file(2)) as track:
        alone = track.revision(AS_RECORDED)
    for joint in (Joint(), Joint(channels=2)):
        async with open_joint(renderer, tracks.file(2), joint) as same:
            assert same.revision(AS_RECORDED) == alone


async def test_the_revision_names_the_neighbours(renderer: Renderer, tracks: Tracks) -> None:
    joints = [Joint(), joint_of(tracks), joint_of(tracks, 1), joint_of(tracks, frames=JOIN - 1)]
    found = set()
    for joint in joints:
        async with open_joint(renderer, tracks.file(2), joint) as track:
            found.add(track.revision(AS_RECORDED))
    assert len(found) == len(joints)


async def test_damage_in_the_leaving_track_is_an_error_of_the_join_and_of_nothing_else(
    renderer: Renderer, tracks: Tracks
) -> None:
    tracks.add(1, lambda: ToneSource(STEREO, FIRST, damaged_at=FIRST - 10))
    async with open_joint(renderer, tracks.file(2), joint_of(tracks)) as joined:
        with pytest.raises(SourceCorrupt) as caught:
            await joined.chunk(AS_RECORDED, 0, Encoding.S16)
        assert caught.value.frame == JOIN - 10
        whole = await joined.chunk(AS_RECORDED, 1, Encoding.S16)
        assert whole[0].data == tracks.pcm(2)[CHUNK * 4 : 2 * CHUNK * 4]
    assert tracks.left_open() == 0


async def test_spans_and_packets_are_cut_from_the_same_frames(renderer: Renderer, tracks: Tracks) -> None:
    async with open_joint(renderer, tracks.file(2), joint_of(tracks, 5_000)) as track:
        whole = await pcm_of(track)
        for index in range(track.grid.total_chunks):
            packets = await track.packets(AS_RECORDED, index, Encoding.S16)
            assert packets.data == whole[packets.span.start * 4 : packets.span.end * 4]
            span = msgspec.structs.replace(packets.span, frames=99)
            assert (await track.span(AS_RECORDED, span, Encoding.S16)).data == packets.data[: 99 * 4]


async def test_mono_among_stereo_has_two_channels(renderer: Renderer, tracks: Tracks) -> None:
    tracks.add(3, lambda: ToneSource(AudioFormat(RATE, 1, 16), SECOND))
    async with open_joint(renderer, tracks.file(3), Joint(channels=2)) as track:
        assert track.format == STEREO
        both = np.frombuffer(await pcm_of(track), "<i2").reshape(-1, 2)
    assert np.array_equal(both[:, 0], both[:, 1])
    assert both[:, 0].tobytes() == tracks.pcm(3)


def test_a_join_is_as_long_as_there_is_room_and_none_where_there_is_none(tracks: Tracks) -> None:
    first, second = (tracks.file(1), AS_RECORDED), (tracks.file(2), WARM)
    head = head_of(first, second, Join(10 * FIRST, "linear"))
    assert head is not None
    assert head.join == Join(FIRST // 2, "linear")
    assert (head.leaving, head.sound, head.recipe) == (*first, AS_RECORDED)
    assert head_of(first, second, Join(0)) is None
    assert head_of(first, (tracks.file(2).at_rate(48_000), WARM), Join(JOIN)) is None
    assert head_of(first, (msgspec.structs.replace(tracks.file(2), total_frames=None), WARM), Join(JOIN)) is None
    assert head_of((tracks.tone(4, 1), WARM), second, Join(JOIN)) is None
