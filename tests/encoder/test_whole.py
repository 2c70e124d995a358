"""Whole tracks encoded as they come: Ogg Opus exact to the frame, FLAC exact to the sample."""

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.source import AudioFormat
from auralis_trio.demo import synthesise
from auralis_trio.encoder.pcm import quantise
from auralis_trio.encoder.whole import FlacStream, OggOpus, WholeEncoder


def noise(frames: int, channels: int) -> Samples:
    return np.random.default_rng(3).uniform(-1.1, 1.1, (frames, channels)).astype(np.float32)


def pieces(encoder: WholeEncoder, samples: Samples, step: int = 30_000) -> Iterator[bytes]:
    for start in range(0, len(samples), step):
        yield encoder.write(Block(samples[start : start + step].copy(), start))
    yield encoder.finish()


def by_ffmpeg(data: bytes) -> NDArray[Any]:
    """All frames as FFmpeg's decoders give them."""
    blocks = []
    with av.open(io.BytesIO(data), "r") as container:
        sample_format = container.streams.audio[0].codec_context.format.name.rstrip("p")
        to_packed = AudioResampler(format=sample_format)  # PyAV cannot take apart more than seven planes
        for frame in container.decode(audio=0):
            blocks += [each.to_ndarray().reshape(-1, each.layout.nb_channels) for each in to_packed.resample(frame)]
    return np.concatenate(blocks)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("frames", [1, 2_567, 2_568, 2_569, 100_001])
def test_ogg_opus_decodes_to_exactly_the_frames_that_went_in(frames: int, channels: int) -> None:
    form = AudioFormat(48_000, channels, None)
    data = b"".join(pieces(OggOpus(form, 128), 0.1 * noise(frames, channels)))
    assert by_ffmpeg(data).shape == (frames, channels)
    by_libopus, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    assert (by_libopus.shape, rate) == ((frames, channels), 48_000)


TO_WAV = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 5, 3, 4],
    7: [0, 2, 1, 6, 5, 3, 4],
    8: [0, 2, 1, 7, 5, 6, 3, 4],
}
"""Where the channels of WAV stand in the order of Vorbis, which Opus has (RFC 7845 section 5.1.1.2)."""


@pytest.mark.parametrize("channels", range(1, 9))
def test_ogg_opus_keeps_the_order_of_up_to_eight_channels(channels: int) -> None:
    pitches_hz = 60 + 20 * np.arange(channels)  # the fourth of six is for low sounds alone
    samples = 0.3 * np.sin(2 * np.pi * np.arange(48_000)[:, np.newaxis] / 48_000 * pitches_hz)
    data = b"".join(pieces(OggOpus(AudioFormat(48_000, channels, None), 256), samples.astype(np.float32)))
    by_libopus, _ = soundfile.read(io.BytesIO(data), always_2d=True)
    if channels in TO_WAV:
        by_libopus = by_libopus[:, TO_WAV[channels]]
    for result in (by_libopus, by_ffmpeg(data)):
        likeness = np.corrcoef(samples.T, result.T)[:channels, channels:]
        assert likeness.diagonal().min() > 0.99


def test_ogg_opus_is_the_same_whatever_blocks_it_is_made_of() -> None:
    samples, form = 0.1 * noise(100_001, 2), AudioFormat(48_000, 2, None)
    whole = b"".join(pieces(OggOpus(form, 96), samples, 100_001))
    assert b"".join(pieces(OggOpus(form, 96), samples, 777)) == whole


def test_ogg_opus_comes_as_it_is_made() -> None:
    sizes = [
        len(piece) for piece in pieces(OggOpus(AudioFormat(48_000, 2, None), 128), 0.1 * noise(480_000, 2), 96_000)
    ]
    assert len(sizes) == 6
    assert min(sizes[1:5]) > 16_000
    assert max(sizes) < 64_000


def test_opus_is_made_at_its_own_rate_alone() -> None:
    with pytest.raises(ValueError, match="not 44100"):
        OggOpus(AudioFormat(44_100, 2, 16), 128)


def flac_words(data: bytes, bits: int) -> NDArray[np.int32]:
    with soundfile.SoundFile(io.BytesIO(data)) as read:
        assert (read.format, read.subtype) == ("FLAC", f"PCM_{bits}")
        return np.asarray(read.read(dtype="int32", always_2d=True) >> (32 - bits), np.int32)


@pytest.mark.parametrize("frames", [1, 15, 4_608, 4_609, 100_001])
@pytest.mark.parametrize(("source_bits", "bits"), [(8, 16), (16, 16), (24, 24), (32, 24), (None, 24)])
def test_flac_decodes_to_the_quantised_samples(source_bits: int | None, bits: int, frames: int) -> None:
    samples = noise(frames, 2)
    data = b"".join(pieces(FlacStream(AudioFormat(44_100, 2, source_bits), frames), samples))
    expected = quantise(Block(samples, 0), bits, source_bits)
    assert np.array_equal(flac_words(data, bits), expected)
    assert np.array_equal(by_ffmpeg(data), expected << (32 - bits if bits == 24 else 0))


@pytest.mark.parametrize("channels", range(1, 9))
def test_flac_keeps_the_order_of_up_to_eight_channels(channels: int) -> None:
    samples = np.tile(np.linspace(-0.9, 0.9, channels, dtype=np.float32), (9_000, 1))
    data = b"".join(pieces(FlacStream(AudioFormat(48_000, channels, 16), 9_000), samples))
    assert np.array_equal(flac_words(data, 16), quantise(Block(samples, 0), 16, 16))


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 88_200, 96_000, 176_400, 192_000, 37_801])
def test_flac_says_its_rate_and_its_length_before_the_first_frame(rate: int) -> None:
    head = next(pieces(FlacStream(AudioFormat(rate, 2, 16), 50_000), noise(50_000, 2)))
    assert soundfile.info(io.BytesIO(head)).samplerate == rate
    assert soundfile.info(io.BytesIO(head)).frames == 50_000
    assert head[26:42] == bytes(16)  # no checksum of all frames is known yet


def test_flac_comes_as_it_is_made_and_no_larger_than_its_samples() -> None:
    samples = synthesise(4.0, 44_100, 2, seed=1).astype(np.float32)
    sizes = [len(piece) for piece in pieces(FlacStream(AudioFormat(44_100, 2, 16), len(samples)), samples, 44_100)]
    assert len(sizes) == 5
    assert min(sizes[:4]) > 10_000
    assert sum(sizes) < 4 * len(samples)


def opus_of_music() -> OggOpus:
    return OggOpus(AudioFormat(48_000, 2, None), 128)


def flac_of_music() -> FlacStream:
    return FlacStream(AudioFormat(48_000, 2, 16), 90_000)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("begin", [opus_of_music, flac_of_music])
@pytest.mark.parametrize("taken", [0, 1, 3, 4], ids=["never begun", "left at once", "left late", "finished"])
def test_an_encoder_has_no_threads_once_nobody_uses_it(begin: Callable[[], WholeEncoder], taken: int) -> None:
    threads = len(os.listdir("/proc/self/task"))
    for _ in range(20):
        encoded = pieces(begin(), noise(90_000, 2))
        for _ in range(taken):
            next(encoded)
        del encoded
        assert len(os.listdir("/proc/self/task")) <= threads
