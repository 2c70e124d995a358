"""PCM: exact where nothing is dropped, bounded and unbiased where something is, the same however it is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.encoder.pcm import pack_pcm, quantise

PLAIN = [Encoding.S16, Encoding.S24, Encoding.S32, Encoding.F32]
SOURCE_BITS = [8, 16, 24, 32, None]


def noise(frames: int, channels: int = 2, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (frames, channels)).astype(np.float32)


def unpacked(data: bytes, encoding: Encoding, channels: int) -> NDArray[np.int64]:
    """Integers read from packed PCM by plain arithmetic: little-endian, interleaved."""
    size = encoding.sample_bytes
    assert size is not None
    words = [int.from_bytes(data[at : at + size], "little", signed=True) for at in range(0, len(data), size)]
    return np.array(words, np.int64).reshape(-1, channels)


@pytest.mark.parametrize(("encoding", "bits"), [(Encoding.S16, 16), (Encoding.S24, 24)])
def test_a_source_of_as_many_bits_passes_exactly(encoding: Encoding, bits: int) -> None:
    top = 1 << (bits - 1)
    edges = np.array([-top, -top + 1, -1, 0, 1, top - 2, top - 1])
    words = np.concatenate([edges, np.random.default_rng(2).integers(-top, top, 2000)]).astype(np.int64)
    block = Block((words / top).astype(np.float32).reshape(-1, 1), 77)
    assert np.array_equal(unpacked(pack_pcm(block, encoding, bits), encoding, 1)[:, 0], words)


def test_every_word_of_16_bits_passes_exactly_at_either_size() -> None:
    words = np.arange(-32_768, 32_768)
    block = Block((words / 32_768).astype(np.float32).reshape(-1, 2), 0)
    assert np.array_equal(quantise(block, 16, 16).ravel(), words)
    assert np.array_equal(quantise(block, 24, 16).ravel(), words * 256)


@pytest.mark.parametrize("source_bits", SOURCE_BITS)
@pytest.mark.parametrize("bits", [16, 24])
def test_what_is_too_loud_is_clipped_at_both_ends(bits: int, source_bits: int | None) -> None:
    top = 1 << (bits - 1)
    loud = np.array([[1.5, -1.5], [2.0, -2.0], [1e6, -1e6], [3e38, -3e38]], np.float32)
    assert quantise(Block(loud, 0), bits, source_bits).tolist() == [[top - 1, -top]] * 4


@pytest.mark.parametrize("source_bits", SOURCE_BITS)
@pytest.mark.parametrize("bits", [16, 24])
def test_what_is_not_a_number_is_silence_and_infinity_is_full_scale(bits: int, source_bits: int | None) -> None:
    top = 1 << (bits - 1)
    odd = np.array([[np.nan, np.inf, -np.inf]], np.float32)
    assert quantise(Block(odd, 0), bits, source_bits).tolist() == [[0, top - 1, -top]]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 24]), st.sampled_from(SOURCE_BITS))
def test_any_bits_whatever_become_integers_in_range(pattern: int, bits: int, source_bits: int | None) -> None:
    samples = np.array([[pattern]], np.uint32).view(np.float32)
    word = int(quantise(Block(samples, 0), bits, source_bits)[0, 0])
    assert -(1 << (bits - 1)) <= word < 1 << (bits - 1)


def test_floats_pass_bit_for_bit() -> None:
    patterns = np.random.default_rng(3).integers(0, 2**32, (500, 2), np.uint32)
    assert pack_pcm(Block(patterns.view(np.float32), 0), Encoding.F32, None) == patterns.astype("<u4").tobytes()


@settings(deadline=None)
@given(
    st.sampled_from(PLAIN),
    st.sampled_from(SOURCE_BITS),
    st.integers(0, 2**40),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_any_split_gives_the_same_bytes(
    encoding: Encoding, source_bits: int | None, start: int, lengths: list[int]
) -> None:
    samples, parts, at = noise(sum(lengths)), [], 0
    for length in lengths:
        parts.append(pack_pcm(Block(samples[at : at + length], start + at), encoding, source_bits))
        at += length
    assert b"".join(parts) == pack_pcm(Block(samples, start), encoding, source_bits)


@pytest.mark.parametrize(("bits", "source_bits"), [(16, None), (16, 24), (24, None), (24, 32)])
def test_dropping_bits_costs_less_than_a_step_and_a_half_and_no_offset(bits: int, source_bits: int | None) -> None:
    samples = np.random.default_rng(4).uniform(-0.9, 0.9, (200_000, 1)).astype(np.float32)
    error = quantise(Block(samples, 0), bits, source_bits) - samples.astype(np.float64) * (1 << (bits - 1))
    assert np.abs(error).max() <= 1.5
    # A quarter of a step squared: 1/12 for rounding and 1/6 for the dither; of 200,000 the mean strays by 0.001.
    assert abs(error.mean()) < 0.01
    assert abs(error.var() - 0.25) < 0.01


def test_dither_keeps_what_is_smaller_than_a_step() -> None:
    samples = np.full((200_000, 1), 0.3 / 32_768, np.float32)
    assert abs(quantise(Block(samples, 0), 16, None).mean() - 0.3) < 0.01
    assert not quantise(Block(samples, 0), 16, 16).any()


def test_the_same_in_all_channels_stays_the_same() -> None:
    mono = noise(5000, 1)
    words = quantise(Block(np.repeat(mono, 3, axis=1), 9), 16, None)
    assert np.array_equal(words, np.repeat(quantise(Block(mono, 9), 16, None), 3, axis=1))


def test_frames_are_interleaved_and_little_endian() -> None:
    block = Block(np.array([[1, -2], [256, 32_767]], np.float32) / np.float32(32_768), 0)
    assert pack_pcm(block, Encoding.S16, 16) == bytes.fromhex("0100 feff 0001 ff7f")
    assert pack_pcm(block, Encoding.S24, 16) == bytes.fromhex("000100 00feff 000001 00ff7f")
    assert pack_pcm(Block(np.array([[1.0, -2.0]], np.float32), 0), Encoding.F32, None) == bytes.fromhex(
        "0000803f 000000c0"
    )


@pytest.mark.parametrize("encoding", PLAIN)
def test_packed_bytes_are_as_many_as_the_frame_size_says(encoding: Encoding) -> None:
    for frames, channels in ((0, 2), (1, 1), (7, 3), (100, 8)):
        assert len(pack_pcm(Block(noise(frames, channels), 0), encoding, None)) == frames * encoding.frame_bytes(
            channels
        )


@pytest.mark.parametrize("encoding", [Encoding.FLAC, Encoding.OPUS, Encoding.WAV])
def test_other_encodings_are_not_plain_pcm(encoding: Encoding) -> None:
    with pytest.raises(TypeError):
        pack_pcm(Block(noise(4), 0), encoding, 16)


def test_the_block_itself_is_left_alone() -> None:
    samples = noise(100)
    before = samples.copy()
    for encoding in PLAIN:
        pack_pcm(Block(samples, 0), encoding, None)
    assert np.array_equal(samples, before)
