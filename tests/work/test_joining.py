"""Joined tracks: beside the join each is what it would be alone; in it both are mixed as numpy mixes them."""

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from auralis_trio.analysis import TruePeakMeter
from auralis_trio.audio.block import Samples
from auralis_trio.audio.dither import tpdf
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceCorrupt, SourceMissing
from auralis_trio.mastering import AS_RECORDED, Recipe, Sound
from auralis_trio.mastering.join import Curve, Join, mix_recipe
from auralis_trio.mastering.recipe import Schedule
from auralis_trio.work.joining import Head, JoinedReader, Joint, widened
from auralis_trio.work.rendering import Chunk
from tests.fakes import CHUNK, PACKET, RATE, STEREO, ToneReader, ToneSource, Tracks
from tests.sound_files import music

LEAVING, COMING, JOIN = CHUNK + 999, 3 * CHUNK + 700, 20_001
MONO = AudioFormat(RATE, 1, 16)
WARM = Recipe(preset="warm", intensity=1.0, gain_db=-6.0)


class MusicSource(ToneSource):
    """Two tracks of it do not correlate, and can be mastered."""

    def tone(self, start: int, frames: int) -> Samples:
        return music(self.total_frames, self.format.channels, RATE, seed=self.total_frames)[start : start + frames]


Joined = Callable[[Joint, ToneSource, ToneSource], tuple[JoinedReader, Grid]]


@pytest.fixture
def joined(tmp_path: Path) -> Joined:
    """A reader of one track that another leaves to, and the grid of what it gives."""
    pcm, tracks = PcmCache(str(tmp_path / "pcm"), 0, 1.0), Tracks()

    def join(joint: Joint, own: ToneSource, leaving: ToneSource) -> tuple[JoinedReader, Grid]:
        coming = ToneReader(tracks.add(1, lambda: own), pcm, lambda: own)
        before = ToneReader(tracks.add(2, lambda: leaving), pcm, lambda: leaving)
        grid = Grid(RATE, own.total_frames - joint.tail_frames)
        return JoinedReader(coming, before, joint, grid), grid

    return join


def head(curve: Curve = "equal_power", sound: Sound = AS_RECORDED, recipe: Recipe = AS_RECORDED) -> Head:
    tracks = Tracks()
    return Head(Join(JOIN, curve), tracks.tone(1, LEAVING), sound, recipe)


def floats(chunks: list[Chunk], channels: int = 2) -> Samples:
    return np.frombuffer(b"".join(chunk.data for chunk in chunks), "<f4").reshape(-1, channels)


def every_chunk(reader: JoinedReader, grid: Grid, sound: Sound, encoding: Encoding = Encoding.F32) -> list[Chunk]:
    return [reader.chunk(sound, index, encoding) for index in range(grid.total_chunks)]


def test_the_head_is_the_mix_and_the_rest_is_the_track_without_its_tail(joined: Joined) -> None:
    own, leaving = ToneSource(STEREO, COMING), ToneSource(STEREO, LEAVING)
    reader, grid = joined(Joint(head(), tail_frames=5_000), own, leaving)
    got = floats(every_chunk(reader, grid, AS_RECORDED))
    place = (np.arange(JOIN) + 0.5) / JOIN * np.pi / 2
    out, into = (curve(place).astype(np.float32)[:, None] for curve in (np.cos, np.sin))
    mix = leaving.tone(LEAVING - JOIN, JOIN) * out + own.tone(0, JOIN) * into
    assert len(got) == COMING - 5_000
    assert np.array_equal(got[:JOIN], mix)
    assert np.array_equal(got[JOIN:], own.tone(JOIN, COMING - JOIN - 5_000))


def test_integers_are_dithered_in_the_mix_alone_and_by_the_frames_of_the_coming_track(joined: Joined) -> None:
    own, leaving = ToneSource(STEREO, COMING), ToneSource(STEREO, LEAVING)
    reader, grid = joined(Joint(head()), own, leaving)
    mix = floats(every_chunk(reader, grid, AS_RECORDED))[:JOIN].astype(np.float64)
    words = np.frombuffer(b"".join(c.data for c in every_chunk(reader, grid, AS_RECORDED, Encoding.S16)), "<i2")
    expected = np.clip(np.rint(mix * 32_768 + tpdf(0, JOIN)), -32_768, 32_767)
    assert np.abs(words.reshape(-1, 2)[:JOIN] - expected).max() <= 1  # float32 rounds where float64 does not
    assert np.array_equal(words.reshape(-1, 2)[JOIN:] / 32_768, own.tone(JOIN, COMING - JOIN))


SOUNDS: list[Sound] = [AS_RECORDED, WARM, Recipe(trim_db=-3.0), Schedule(AS_RECORDED, 3, WARM)]


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("recipe", [AS_RECORDED, mix_recipe(*2 * [Recipe(preset="warm", ceiling_dbtp=-9.0)])])
def test_any_span_is_that_part_of_the_whole(joined: Joined, sound: Sound, recipe: Recipe) -> None:
    own, leaving = MusicSource(STEREO, COMING), MusicSource(STEREO, LEAVING)
    reader, grid = joined(Joint(head(sound=WARM, recipe=recipe), tail_frames=77), own, leaving)
    whole = floats(every_chunk(reader, grid, sound))
    rng = np.random.default_rng(4)
    for start in [0, JOIN - 1, JOIN, *rng.integers(0, 2 * JOIN, 12).tolist()]:
        span = Span(start, int(rng.integers(1, 9_000)))
        assert np.array_equal(floats([reader.span(sound, span, Encoding.F32)]), whole[span.start : span.end])


def test_where_both_tracks_are_held_below_a_ceiling_their_mix_is_too(joined: Joined) -> None:
    own, leaving = MusicSource(STEREO, COMING), MusicSource(STEREO, LEAVING)
    loud = Recipe(preset="warm", intensity=1.0, gain_db=10.0, ceiling_dbtp=-1.0)
    free, grid = joined(Joint(head(sound=loud)), own, leaving)
    held, _ = joined(Joint(head(sound=loud, recipe=mix_recipe(loud, loud))), own, leaving)
    assert np.abs(floats([free.chunk(loud, 0, Encoding.F32)])).max() > 10 ** (-1 / 20)
    limited = floats(every_chunk(held, grid, loud))
    meter = TruePeakMeter(RATE, 2)
    meter.add(limited)
    true_peak_dbtp = meter.result()[0]
    assert true_peak_dbtp is not None
    assert -2.0 < true_peak_dbtp <= -1.0
    assert np.array_equal(limited[JOIN:], floats(every_chunk(free, grid, loud))[JOIN:])


@pytest.mark.parametrize("tail_frames", [0, 1, PACKET, CHUNK + 5])
def test_packets_of_flac_hold_what_the_chunk_holds(joined: Joined, tail_frames: int) -> None:
    own, leaving = ToneSource(STEREO, COMING), ToneSource(STEREO, LEAVING)
    reader, grid = joined(Joint(head(), tail_frames), own, leaving)
    for index in {0, grid.total_chunks - 1}:
        packets = reader.packets(AS_RECORDED, index, Encoding.FLAC)
        assert packets.span == grid.chunk(index)
        cuts = list(pairwise(packets.cuts))
        assert len(cuts) == -(-packets.span.frames // PACKET)
        decoded = [soundfile.read(io.BytesIO(packets.data[cut:end]), dtype="float32")[0] for cut, end in cuts]
        expected = np.clip(floats([reader.chunk(AS_RECORDED, index, Encoding.F32)]), -1.0, 1.0)
        assert np.abs(np.concatenate(decoded) - expected).max() < 2**-22
        assert max(map(len, decoded)) == min(PACKET, packets.span.frames)


@pytest.mark.parametrize("forms", [(MONO, STEREO), (STEREO, MONO), (MONO, MONO)])
def test_mono_becomes_stereo_by_the_same_samples_in_both_channels(
    joined: Joined, forms: tuple[AudioFormat, AudioFormat]
) -> None:
    own, leaving = ToneSource(forms[0], COMING), ToneSource(forms[1], LEAVING)
    reader, grid = joined(Joint(head("linear"), channels=2), own, leaving)
    got = floats(every_chunk(reader, grid, AS_RECORDED))
    out, into = Join(JOIN, "linear").gains(0, JOIN)
    mix = np.broadcast_to(leaving.tone(LEAVING - JOIN, JOIN), (JOIN, 2)) * out + own.tone(0, JOIN) * into
    assert np.array_equal(got[:JOIN], mix)
    assert np.array_equal(got[JOIN:], np.broadcast_to(own.tone(JOIN, COMING - JOIN), (COMING - JOIN, 2)))


def test_other_numbers_of_channels_do_not_become_each_other() -> None:
    with pytest.raises(ValueError, match="6 channels cannot become 2"):
        widened(np.zeros((5, 6), np.float32), 2)


@pytest.mark.parametrize(("at", "frame"), [(LEAVING - JOIN + 17, 17), (3, 0)])
def test_damage_of_the_leaving_track_is_told_by_the_frames_of_the_coming_one(
    joined: Joined, at: int, frame: int
) -> None:
    own, leaving = ToneSource(STEREO, COMING), ToneSource(STEREO, LEAVING, damaged_at=at)
    reader, _ = joined(Joint(head()), own, leaving)
    with pytest.raises(SourceCorrupt) as caught:
        reader.chunk(AS_RECORDED, 0, Encoding.F32)
    assert (caught.value.frame, caught.value.track_id) == (frame, 1)
    assert len(reader.chunk(AS_RECORDED, 1, Encoding.F32).data) == CHUNK * 8


def test_damage_of_the_coming_track_is_its_own(joined: Joined) -> None:
    reader, _ = joined(Joint(head()), ToneSource(STEREO, COMING, damaged_at=9), ToneSource(STEREO, LEAVING))
    with pytest.raises(SourceCorrupt) as caught:
        reader.chunk(AS_RECORDED, 0, Encoding.F32)
    assert (caught.value.frame, caught.value.track_id) == (9, None)


def test_a_leaving_track_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    pcm, tracks = PcmCache(str(tmp_path / "pcm"), 0, 1.0), Tracks(gone={1})
    joint = Joint(head())
    own, leaving = (tracks.make_reader(tracks.tone(*each), pcm) for each in [(2, COMING), (1, LEAVING)])
    with pytest.raises(SourceMissing) as caught:
        JoinedReader(own, leaving, joint, Grid(RATE, COMING)).chunk(AS_RECORDED, 0, Encoding.F32)
    assert caught.value.track_id == 1


CHANGES: list[Callable[[Joint], Joint]] = [
    lambda joint: msgspec.structs.replace(joint, tail_frames=1),
    lambda joint: msgspec.structs.replace(joint, channels=2),
    lambda joint: msgspec.structs.replace(joint, head=head("linear")),
    lambda joint: msgspec.structs.replace(joint, head=head(sound=WARM)),
    lambda joint: msgspec.structs.replace(joint, head=head(recipe=WARM)),
    lambda joint: msgspec.structs.replace(joint, head=None),
]


def test_the_key_names_everything_that_decides_the_samples() -> None:
    joint = Joint(head())
    assert joint.key == Joint(head()).key
    assert len({joint.key, *(change(joint).key for change in CHANGES)}) == len(CHANGES) + 1
