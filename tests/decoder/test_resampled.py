"""Renditions: a track at another rate is resampled once, as a whole, and any part of it is a part of that whole."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.block import Samples
from auralis_trio.audio.formats import FORMATS
from auralis_trio.audio.source import AudioFormat, AudioSource
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.decoder.resampled import ResampledDecoder
from auralis_trio.errors import SourceCorrupt, SourceHung
from tests.decoder.conftest import Sounds
from tests.sound_files import can_hold, music, write

RATES = (8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000)
PAIRS = [(44_100, 48_000), (48_000, 44_100), (44_100, 96_000), (192_000, 8_000), (8_000, 192_000), (11_025, 48_000)]


class Played:
    """A decoder of samples in memory, in blocks of any size; damaged or hanging where it is told to be."""

    def __init__(self, samples: Samples, rate: int, largest: int = 1 << 15, breaks_at: int | None = None) -> None:
        self.format = AudioFormat(rate, samples.shape[1], 16)
        self.total_frames: int | None = len(samples)
        self.closed = 0
        self.hangs = False
        self._samples, self._largest, self._breaks_at = samples, largest, breaks_at
        self._position = 0

    def read(self, frames: int) -> Samples:
        if self.hangs:
            raise SourceHung(frame=self._position)
        end = min(len(self._samples), self._position + min(frames, self._largest))
        if self._breaks_at is not None:
            if self._position == self._breaks_at:
                raise SourceCorrupt(frame=self._position)
            end = min(end, self._breaks_at)
        block = self._samples[self._position : end]
        self._position = end
        return block

    def close(self) -> None:
        self.closed += 1


def drained(decoder: ResampledDecoder, step: int = 1 << 15) -> Samples:
    """All that a decoder gives."""
    blocks = []
    while len(block := decoder.read(step)):
        assert len(block) <= step
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.empty((0, decoder.format.channels), np.float32)


def in_one_go(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """The whole by the library itself, with silence behind it, cut to the frames that begin before its end."""
    silence = np.zeros((math.ceil(from_hz / to_hz), samples.shape[1]), np.float32)
    whole: Samples = soxr.resample(np.concatenate((samples, silence)), from_hz, to_hz, quality="VHQ")
    return whole[: math.ceil(len(samples) * to_hz / from_hz)]


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
@settings(max_examples=6, deadline=None)
@given(frames=st.integers(0, 30_000), largest=st.integers(1, 9_000), step=st.integers(100, 70_000))
def test_the_sizes_of_blocks_change_nothing(from_hz: int, to_hz: int, frames: int, largest: int, step: int) -> None:
    samples = music(frames, 2, from_hz)
    decoder = ResampledDecoder(Played(samples, from_hz, max(largest, frames // 200)), to_hz)
    assert decoder.total_frames == math.ceil(frames * to_hz / from_hz)
    result = drained(decoder, step)
    assert result.dtype == np.float32
    assert len(result) == decoder.total_frames
    if frames:
        assert np.array_equal(result, in_one_go(samples, from_hz, to_hz))


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_the_frames_are_those_of_resampling_the_whole_in_one_go(from_hz: int, to_hz: int) -> None:
    samples = music(2 * from_hz + 123, 2, from_hz)
    result = drained(ResampledDecoder(Played(samples, from_hz), to_hz))
    plain = soxr.resample(samples, from_hz, to_hz, quality="VHQ")
    assert 0 <= len(result) - len(plain) <= 1
    assert np.array_equal(result[: len(plain)], plain)


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_a_tone_stays_the_same_tone_without_delay_or_loss(from_hz: int, to_hz: int) -> None:
    def tone(rate: int) -> Samples:
        time_s = np.arange(rate) / rate
        return (0.5 * np.sin(2 * np.pi * 997 * time_s + 1)).astype(np.float32)[:, np.newaxis]

    result = drained(ResampledDecoder(Played(tone(from_hz), from_hz), to_hz))
    middle = slice(to_hz // 4, 3 * to_hz // 4)
    error = result[middle] - tone(to_hz)[middle]
    assert 20 * math.log10(float(np.sqrt(np.mean(error**2)))) < -130


def test_what_lies_above_half_of_the_new_rate_is_gone() -> None:
    time_s = np.arange(96_000) / 96_000
    samples = np.sin(2 * np.pi * 25_000 * time_s).astype(np.float32)[:, np.newaxis]
    result = drained(ResampledDecoder(Played(samples, 96_000), 44_100))
    assert 20 * math.log10(float(np.abs(result[11_025:33_075]).max())) < -140


def test_what_is_no_number_stays_where_it_was() -> None:
    samples = music(40_000, 1)
    samples[20_000] = np.nan
    samples[20_001] = np.inf
    result = drained(ResampledDecoder(Played(samples, 44_100), 48_000))
    assert np.isfinite(result).all()


def test_all_that_lies_before_a_break_is_heard_and_the_break_is_told_at_the_new_rate() -> None:
    samples = music(40_000, 2)
    decoder = ResampledDecoder(Played(samples, 44_100, breaks_at=30_001), 48_000)
    due = 30_001 * 48_000 // 44_100
    read = 0
    while read < due:
        read += len(decoder.read(1_000))
    assert read == due
    with pytest.raises(SourceCorrupt) as caught:
        decoder.read(1)
    assert caught.value.frame == due
    with pytest.raises(SourceCorrupt) as again:
        decoder.read(1)
    assert again.value.frame == caught.value.frame


def test_a_disk_that_answers_again_is_read_on() -> None:
    samples = music(10_000, 2)
    played = Played(samples, 44_100, 4_000)
    decoder = ResampledDecoder(played, 48_000)
    first = decoder.read(2_000)
    played.hangs = True
    with pytest.raises(SourceHung):
        drained(decoder)
    played.hangs = False
    rest = drained(decoder)
    whole = in_one_go(samples, 44_100, 48_000)
    assert np.array_equal(rest, whole[len(whole) - len(rest) :])
    assert np.array_equal(first, whole[: len(first)])


def test_closing_closes_what_lies_under_it() -> None:
    played = Played(music(10, 1), 44_100)
    ResampledDecoder(played, 48_000).close()
    assert played.closed == 1


def rendition(path: str, cache: PcmCache, rate: int) -> AudioSource:
    return open_source(path, f"{probe(path).content_id}@{rate}", cache, resample_hz=rate)


MATRIX = [
    pytest.param(row.name, from_hz, to_hz, id=f"{row.name}-{from_hz}-{to_hz}")
    for row in FORMATS
    for from_hz, to_hz in ((44_100, 48_000), (48_000, 44_100))
    if can_hold(row.name, 2, from_hz)
]


@pytest.mark.parametrize(("kind", "from_hz", "to_hz"), MATRIX)
@settings(max_examples=3, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9_000)), min_size=1, max_size=6))
def test_every_format_can_be_read_at_another_rate_in_any_order(
    sounds: Sounds, kind: str, from_hz: int, to_hz: int, places: list[tuple[float, int]]
) -> None:
    path = sounds.path(kind, 2, from_hz)
    whole = in_one_go(sounds.read(path), from_hz, to_hz)
    source = rendition(path, sounds.cache, to_hz)
    try:
        assert source.format == AudioFormat(to_hz, 2, None)
        assert source.total_frames == len(whole)
        for place, frames in places:
            start = int(place * len(whole))
            frames = min(frames, len(whole) - start)
            assert np.array_equal(source.read(start, frames), whole[start : start + frames])
        assert np.array_equal(source.read(0, len(whole)), whole)
    finally:
        source.close()


@pytest.mark.parametrize("to_hz", RATES)
def test_every_rate_can_be_asked_for(sounds: Sounds, to_hz: int) -> None:
    path = sounds.path("flac", 1, 32_000, bits=24)
    source = rendition(path, sounds.cache, to_hz)
    whole = in_one_go(sounds.read(path), 32_000, to_hz)
    assert np.array_equal(source.read(0, source.total_frames), whole)
    source.close()


def test_a_track_and_its_renditions_are_kept_apart_and_each_is_made_once(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    cache, path = new_cache(), sounds.path("m4a")
    lengths = []
    for _ in range(2):
        for rate in (48_000, 96_000):
            source = rendition(path, cache, rate)
            lengths.append(len(source.read(0, source.total_frames)))
            source.close()
        source = open_source(path, probe(path).content_id, cache)
        lengths.append(len(source.read(0, source.total_frames)))
        source.close()
    assert lengths[:3] == lengths[3:] == [math.ceil(lengths[2] * rate / 44_100) for rate in (48_000, 96_000, 44_100)]
    assert cache.statistics().fills == 3


def test_a_rendition_that_finds_no_room_is_resampled_as_it_is_read(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    path = sounds.path("wav", frames=100_000)
    whole = in_one_go(sounds.read(path), 44_100, 48_000)
    source = rendition(path, new_cache(max_bytes=1_000), 48_000)
    for start in (0, 50_000, 20_000):
        assert np.array_equal(source.read(start, 5_000), whole[start : start + 5_000])
    source.close()


def test_a_rendition_survives_a_restart(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    path = sounds.path("flac")
    source = rendition(path, new_cache(), 48_000)
    whole = source.read(0, source.total_frames)
    source.close()
    anew = new_cache()
    source = rendition(path, anew, 48_000)
    assert np.array_equal(source.read(0, source.total_frames), whole)
    source.close()
    assert anew.statistics().fills == 0


def test_a_damaged_file_has_the_frames_before_its_break_at_every_rate(sounds: Sounds, tmp_path: object) -> None:
    path = f"{tmp_path}/cut.wav"
    write(path, "wav", music(60_000), 44_100)
    with open(path, "r+b") as file:
        file.truncate(44 + 40_000 * 4)
    source = rendition(path, sounds.cache, 48_000)
    due = 40_000 * 48_000 // 44_100
    assert source.total_frames == math.ceil(60_000 * 48_000 / 44_100)
    assert source.read(0, due).shape == (due, 2)
    with pytest.raises(SourceCorrupt) as caught:
        source.read(due - 10, 11)
    assert caught.value.frame == due
    source.close()
