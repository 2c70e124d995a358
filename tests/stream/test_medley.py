"""Medleys: tracks without a gap between them, of which any frame can be had at any time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.block import Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import Conflict, SourceCorrupt
from auralis_trio.library.medleys import MedleyTrack
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import AS_RECORDED
from auralis_trio.mastering.join import Join
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.medley import Medley, arranged, common_rate, named, open_medley
from auralis_trio.stream.renderer import Renderer
from tests.fakes import CHUNK, RATE, STEREO, ToneSource, Tracks

NO_JOIN = Join(0)
FORMS = {1: AudioFormat(RATE, 1, 16), 2: STEREO, 6: AudioFormat(RATE, 6, 16)}


def track_of(file: TrackFile, **values: Any) -> MedleyTrack:
    fields: dict[str, Any] = {
        "title": f"Track {file.track_id}",
        "artist": None,
        "album_id": None,
        "disc_number": None,
        "track_number": None,
    }
    return MedleyTrack(file=file, **{**fields, **values})


def medley_of(
    tracks: Tracks, lengths: Sequence[int], join: Join = NO_JOIN, *, channels: Sequence[int] = (), **values: Any
) -> Medley:
    """Track 1 and so on, of these lengths; `values` are fields of all."""
    listed = []
    for number, length in enumerate(lengths, 1):
        form = FORMS[channels[number - 1] if channels else 2]
        file = tracks.add(number, lambda form=form, length=length: ToneSource(form, length))  # type: ignore[misc]
        listed.append((track_of(file, track_number=number, **values), AS_RECORDED))
    return arranged(listed, join, within_albums=False)


@pytest.fixture
def tracks() -> Tracks:
    return Tracks()


@pytest.fixture
def renderer(tracks: Tracks, tmp_path: Path) -> Renderer:
    pcm = PcmCache(str(tmp_path / "pcm"), 0, 1.0)
    return Renderer(InlineOffload(), ChunkCache(1 << 24), pcm, 5.0, tracks.make_reader)


async def floats(renderer: Renderer, medley: Medley, start: int = 0) -> Samples:
    """All frames from `start` on, chunk by chunk."""
    parts, at, width = [], start, 4 * medley.format.channels
    async with open_medley(renderer, medley) as opened:
        while at < medley.total_frames:
            first, chunk = await opened.chunk_at(at, Encoding.F32)
            assert first <= at < first + chunk.span.frames
            parts.append(chunk.data[(at - first) * width :])
            at = first + chunk.span.frames
    return np.frombuffer(b"".join(parts), "<f4").reshape(-1, medley.format.channels)


def by_hand(tracks: Tracks, lengths: Sequence[int], join: Join, channels: int = 2) -> Samples:
    """The same, by adding up everything where it lies."""
    total, sounds = 0, []
    for number, length in enumerate(lengths, 1):
        source = tracks.makers[number]()
        own = np.broadcast_to(source.tone(0, length), (length, channels)).astype(np.float32)
        if number > 1:
            total -= min(join.frames, lengths[number - 2] // 2, length // 2)
        sounds.append((total, own))
        total += length
    out = np.zeros((total, channels), np.float32)
    end = 0
    for start, own in sounds:
        both = max(0, end - start)
        if both:
            leaving, coming = Join(both, join.curve).gains(0, both)
            out[start:end] = out[start:end] * leaving + own[:both] * coming
        out[start + both : start + len(own)] = own[both:]
        end = start + len(own)
    return out


LENGTHS = st.lists(st.integers(0, 2 * CHUNK + 100), min_size=1, max_size=5)
CROSSFADES = st.one_of(st.just(0), st.integers(1, 2 * CHUNK))


@settings(max_examples=60)
@given(LENGTHS, CROSSFADES, st.sampled_from(["equal_power", "linear"]))
def test_the_parts_lie_one_behind_the_other_without_gap_or_loss(
    lengths: list[int], crossfade: int, curve: Any
) -> None:
    medley = medley_of(Tracks(), lengths, Join(crossfade, curve))
    ends = [part.start_frame + part.frames for part in medley.parts]
    assert [part.start_frame for part in medley.parts] == [0, *ends[:-1]]
    assert all(part.frames >= part.joint.head_frames >= 0 for part in medley.parts)
    assert medley.total_frames == sum(lengths) - sum(part.joint.head_frames for part in medley.parts)
    for part in medley.parts:
        if part.frames:
            assert medley.part_at(part.start_frame) is part
            assert medley.part_at(part.start_frame + part.frames - 1) is part


async def test_without_joins_it_is_the_tracks_one_behind_the_other(renderer: Renderer, tracks: Tracks) -> None:
    medley = medley_of(tracks, [CHUNK + 7, 0, 1, CHUNK, 2 * CHUNK + 3])
    got = await floats(renderer, medley)
    assert (got * 32_768).astype("<i2").tobytes() == b"".join(tracks.pcm(number) for number in range(1, 6))
    assert tracks.left_open() == 0


@pytest.mark.parametrize("curve", ["equal_power", "linear"])
@pytest.mark.parametrize("crossfade", [1, 4_000, CHUNK + 1, 10 * CHUNK])
async def test_with_joins_it_is_what_adding_them_up_gives(
    renderer: Renderer, tracks: Tracks, curve: Any, crossfade: int
) -> None:
    lengths, join = [CHUNK + 7, 2 * CHUNK, 0, 900, 3 * CHUNK + 3], Join(crossfade, curve)
    medley = medley_of(tracks, lengths, join)
    expected = by_hand(tracks, lengths, join)
    assert np.array_equal(await floats(renderer, medley), expected)
    for start in (0, 5, CHUNK - 1, CHUNK + 8, len(expected) - 1):
        assert np.array_equal(await floats(renderer, medley, start), expected[start:])
    assert tracks.left_open() == 0


async def test_mono_among_stereo_is_heard_in_both_channels(renderer: Renderer, tracks: Tracks) -> None:
    lengths, join = [CHUNK, CHUNK + 9, 500], Join(2_000)
    medley = medley_of(tracks, lengths, join, channels=[1, 2, 1])
    assert medley.format == AudioFormat(RATE, 2, None)
    assert np.array_equal(await floats(renderer, medley), by_hand(tracks, lengths, join))


async def test_mono_alone_stays_mono(renderer: Renderer, tracks: Tracks) -> None:
    medley = medley_of(tracks, [900, 800], channels=[1, 1])
    assert (await floats(renderer, medley)).shape == (1_700, 1)


@pytest.mark.parametrize("channels", [[6, 2], [1, 6, 6], [2, 6, 1]])
def test_other_numbers_of_channels_do_not_go_together(tracks: Tracks, channels: list[int]) -> None:
    with pytest.raises(Conflict) as caught:
        medley_of(tracks, [100] * len(channels), channels=channels)
    assert caught.value.code == "channels_differ"
    odd = [f"Track {number}" for number, count in enumerate(channels, 1) if count != 6]
    assert ", ".join(odd) in caught.value.message
    assert medley_of(tracks, [100, 100], channels=[6, 6]).format.channels == 6


def test_what_follows_on_an_album_is_not_joined_unless_that_is_wished(tracks: Tracks) -> None:
    files = [tracks.tone(number, 10_000) for number in (1, 2, 3, 4)]
    listed = [
        (track_of(files[0], album_id=1, track_number=1), AS_RECORDED),
        (track_of(files[1], album_id=1, track_number=2), AS_RECORDED),
        (track_of(files[2], album_id=1, track_number=4), AS_RECORDED),
        (track_of(files[3], album_id=2, track_number=5), AS_RECORDED),
    ]
    for within_albums, heads in ((False, [0, 0, 300, 300]), (True, [0, 300, 300, 300])):
        medley = arranged(listed, Join(300), within_albums=within_albums)
        assert [part.joint.head_frames for part in medley.parts] == heads


def test_the_revision_is_that_of_the_samples(tracks: Tracks) -> None:
    lengths = [9_000, 8_000]
    known = medley_of(tracks, lengths).revision
    assert medley_of(tracks, lengths, title="Other", album_id=5).revision == known
    assert medley_of(tracks, lengths, Join(10)).revision != known
    assert medley_of(tracks, lengths, Join(10, "linear")).revision != medley_of(tracks, lengths, Join(10)).revision
    assert medley_of(tracks, lengths, channels=[1, 2]).revision != known


def test_the_rate_is_that_of_most_frames_and_of_the_higher_where_both_have_as_many(tracks: Tracks) -> None:
    def file(rate: int, frames: int) -> TrackFile:
        return tracks.add(1, lambda: ToneSource(AudioFormat(rate, 2, 16), frames))

    assert common_rate([file(44_100, 10), file(96_000, 4), file(44_100, 3)]) == 44_100
    assert common_rate([file(44_100, 10), file(96_000, 14)]) == 96_000
    assert common_rate([file(44_100, 10), file(48_000, 10)]) == 48_000


def test_only_the_first_few_titles_are_named() -> None:
    assert named(["one", "two"]) == "one, two"
    assert named([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, ..."


async def test_only_the_track_that_is_heard_is_open(renderer: Renderer, tracks: Tracks) -> None:
    medley = medley_of(tracks, [2 * CHUNK, 2 * CHUNK, 2 * CHUNK], Join(100))
    most = 0
    async with open_medley(renderer, medley) as opened:
        for frame in (0, CHUNK, 2 * CHUNK, 5 * CHUNK, 3 * CHUNK):
            await opened.chunk_at(frame, Encoding.S16)
            most = max(most, tracks.left_open())
    assert most == 2
    assert tracks.left_open() == 0


async def test_a_damaged_track_is_an_error_there_and_nowhere_else(renderer: Renderer, tracks: Tracks) -> None:
    medley = medley_of(tracks, [CHUNK, CHUNK, CHUNK])
    tracks.add(2, lambda: ToneSource(STEREO, CHUNK, damaged_at=10))
    async with open_medley(renderer, medley) as opened:
        with pytest.raises(SourceCorrupt):
            await opened.chunk_at(CHUNK, Encoding.S16)
        for number in (3, 1):
            _, chunk = await opened.chunk_at((number - 1) * CHUNK, Encoding.S16)
            assert chunk.data == tracks.pcm(number)


async def test_whoever_is_cancelled_anywhere_leaves_nothing_open(renderer: Renderer, tracks: Tracks) -> None:
    medley = medley_of(tracks, [CHUNK, CHUNK, CHUNK], Join(500))
    for turns in range(12):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(floats, renderer, medley)
            for _ in range(turns):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert tracks.left_open() == 0
        renderer.cache = ChunkCache(1 << 24)
    assert len(tracks.opened) > 12
