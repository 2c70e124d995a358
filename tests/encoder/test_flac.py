"""FLAC: exactly the quantised samples, in streams that stand alone."""

import io

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from auralis_trio.audio.block import Block
from auralis_trio.encoder.flac import MAX_CHANNELS, encode_flac
from auralis_trio.encoder.pcm import quantise


def decoded(data: bytes, bits: int) -> NDArray[np.int32]:
    """The words of a FLAC stream, which libsndfile gives in the upper bits."""
    with soundfile.SoundFile(io.BytesIO(data)) as read:
        assert (read.format, read.subtype) == ("FLAC", f"PCM_{bits}")
        return np.asarray(read.read(dtype="int32", always_2d=True) >> (32 - bits), np.int32)


@pytest.mark.parametrize("frames", [1, 15, 16, 4096, 8192, 8193])
@pytest.mark.parametrize(("source_bits", "bits"), [(8, 16), (16, 16), (24, 24), (32, 24), (None, 24)])
def test_it_decodes_to_the_quantised_samples(source_bits: int | None, bits: int, frames: int) -> None:
    block = Block(np.random.default_rng(5).uniform(-1.1, 1.1, (frames, 2)).astype(np.float32), 50_000)
    words = decoded(encode_flac(block, 44_100, source_bits), bits)
    assert np.array_equal(words, quantise(block, bits, source_bits))


@pytest.mark.parametrize("channels", range(1, MAX_CHANNELS + 1))
def test_up_to_eight_channels_keep_their_order(channels: int) -> None:
    samples = np.tile(np.linspace(-0.9, 0.9, channels, dtype=np.float32), (3000, 1))
    block = Block(samples, 0)
    assert np.array_equal(decoded(encode_flac(block, 48_000, 16), 16), quantise(block, 16, 16))


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 88_200, 96_000, 176_400, 192_000, 37_801])
def test_the_rate_is_kept(rate: int) -> None:
    data = encode_flac(Block(np.zeros((500, 2), np.float32), 0), rate, 16)
    assert soundfile.info(io.BytesIO(data)).samplerate == rate
