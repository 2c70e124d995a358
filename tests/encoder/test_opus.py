"""Opus: exact to the frame in what it leaves out and what it brings, whatever blocks it is made of."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.encoding import OPUS_RATE
from auralis_trio.demo import synthesise
from auralis_trio.encoder.opus import MAX_KBPS_PER_CHANNEL, PACKET_FRAMES, OpusEncoder, OpusPacket
from tests import opus


def packets_of(encoder: OpusEncoder, samples: Samples, step: int = 30_000) -> list[OpusPacket]:
    packets = []
    for start in range(0, len(samples), step):
        packets += encoder.encode(Block(samples[start : start + step].copy(), start))
    return packets + encoder.finish()


def decoded(packets: list[OpusPacket], encoder: OpusEncoder) -> Samples:
    """What a client makes of the packets."""
    frames = sum(packet.frames for packet in packets)
    return opus.decoded((packet.data for packet in packets), encoder.head, encoder.pre_skip_frames, frames)


def snr_db(samples: Samples, result: Samples) -> float:
    noise = float(np.sum((result - samples) ** 2))
    return 10 * math.log10(float(np.sum(samples**2)) / noise)


@pytest.fixture(scope="module")
def music() -> Samples:
    return synthesise(5.0, OPUS_RATE, 2, seed=1).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(frames=st.integers(0, 4 * PACKET_FRAMES), step=st.integers(100, 9_000))
def test_the_packets_bring_exactly_the_frames_that_went_in(frames: int, step: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, (frames, 2)).astype(np.float32)
    encoder = OpusEncoder(2)
    packets = packets_of(encoder, samples, step)
    assert sum(packet.frames for packet in packets) == frames
    assert all(packet.frames > 0 for packet in packets)
    assert len(packets) == (math.ceil((frames + encoder.pre_skip_frames) / PACKET_FRAMES) if frames else 0)
    for number, packet in enumerate(packets[:-1]):
        assert packet.frames == PACKET_FRAMES - (encoder.pre_skip_frames if number == 0 else 0)
    assert packets == packets_of(OpusEncoder(2), samples, max(1, frames))


def test_what_is_decoded_lies_where_it_lay(music: Samples) -> None:
    encoder = OpusEncoder(2)
    result = decoded(packets_of(encoder, music), encoder)
    assert result.shape == music.shape
    matches = {
        shift: snr_db(music[100:-100], result[100 + shift : len(result) - 100 + shift]) for shift in range(-3, 4)
    }
    assert max(matches, key=lambda shift: matches[shift]) == 0
    assert matches[0] > 20


@pytest.mark.parametrize("place", [100_000, 100_001, 150_011])
def test_two_streams_that_meet_are_heard_without_a_seam(music: Samples, place: int) -> None:
    parts = []
    for part in (music[:place], music[place:]):
        encoder = OpusEncoder(2)
        parts.append(decoded(packets_of(encoder, part), encoder))
    joined, around = np.concatenate(parts), slice(place - 480, place + 480)
    assert joined.shape == music.shape
    assert snr_db(music[around], joined[around]) > snr_db(music, joined) - 6


@pytest.mark.parametrize("channels", range(1, 9))
def test_up_to_eight_channels_keep_their_order(channels: int) -> None:
    time_s = np.arange(OPUS_RATE) / OPUS_RATE
    pitches_hz = 60 + 20 * np.arange(channels)  # the fourth of six is for low sounds alone
    samples = (0.3 * np.sin(2 * np.pi * time_s[:, np.newaxis] * pitches_hz)).astype(np.float32)
    encoder = OpusEncoder(channels, 256)
    result = decoded(packets_of(encoder, samples), encoder)
    likeness = np.corrcoef(samples.T, result.T)[:channels, channels:]
    assert np.array_equal(np.argmax(likeness, axis=1), np.arange(channels))
    assert likeness.diagonal().min() > 0.9


@pytest.mark.parametrize("bitrate_kbps", [32, 64, 128, 192, 256, 320])
def test_the_bit_rate_is_about_what_was_asked_for(music: Samples, bitrate_kbps: int) -> None:
    size = sum(len(packet.data) for packet in packets_of(OpusEncoder(2, bitrate_kbps), music))
    assert 8 * size / (len(music) / OPUS_RATE) / 1000 == pytest.approx(bitrate_kbps, rel=0.25)


def test_more_bits_than_a_channel_can_use_are_the_most_that_it_can(music: Samples) -> None:
    most = packets_of(OpusEncoder(1, MAX_KBPS_PER_CHANNEL), music[:, :1])
    assert packets_of(OpusEncoder(1, 320), music[:, :1]) == most


def test_what_is_no_number_or_far_too_loud_does_not_spoil_what_follows(music: Samples) -> None:
    wild = music.copy()
    wild[50_000:50_010] = [[np.nan, np.inf]] * 10
    encoder = OpusEncoder(2)
    result = decoded(packets_of(encoder, wild), encoder)
    assert np.isfinite(result).all()
    assert snr_db(music[100_000:], result[100_000:]) > 15


def test_the_head_says_what_a_decoder_must_know() -> None:
    encoder = OpusEncoder(2)
    assert encoder.head[:8] == b"OpusHead"
    assert encoder.head[9] == 2
    assert encoder.pre_skip_frames == int.from_bytes(encoder.head[10:12], "little") > 0
    assert int.from_bytes(encoder.head[12:16], "little") == OPUS_RATE
