"""The sound of the demo pieces and of the signals for tests: exact and repeatable."""

import numpy as np
import pytest

from auralis_trio.demo import PIECES, Piece, render_piece, synthesise
from auralis_trio.demo.effects import convolve, echo, push


@pytest.mark.parametrize("piece", [PIECES[1], PIECES[8]], ids=["stereo", "mono"])
def test_a_piece_sounds_the_same_each_time(piece: Piece) -> None:
    once, rate = render_piece(piece)
    again, _ = render_piece(piece)
    assert once.dtype == np.float32
    assert once.shape == (piece.frames, piece.channels)
    assert rate == piece.sample_rate
    np.testing.assert_array_equal(once, again)


def test_a_check_that_raises_stops_a_rendering() -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        render_piece(PIECES[0], check)


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_signal_has_exactly_the_frames_and_channels_that_were_asked_for(sample_rate: int, channels: int) -> None:
    samples = synthesise(1.2345, sample_rate, channels)
    assert samples.shape == (round(1.2345 * sample_rate), channels)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert 0.1 < np.abs(samples).max() <= 0.9


@pytest.mark.parametrize("frames", [0, 1, 2, 8_379, 8_380, 221_185])
def test_a_signal_can_be_asked_for_by_its_frames(frames: int) -> None:
    assert len(synthesise(frames / 44_100, 44_100, 2)) == frames


def test_every_channel_of_a_signal_is_its_own_and_sounds_to_the_end() -> None:
    samples = synthesise(2.0, 48_000, 8)
    assert np.unique(samples.round(4), axis=1).shape[1] == 8
    assert (np.abs(samples[-480:]).max(axis=0) > 0.005).all()


def test_a_signal_is_repeatable_and_its_seed_makes_another() -> None:
    np.testing.assert_array_equal(synthesise(1.0, 8_000, 2, 3), synthesise(1.0, 8_000, 2, 3))
    np.testing.assert_array_equal(synthesise(1.0, 8_000, 2, 3), synthesise(2.0, 8_000, 2, 3)[:8_000])
    assert np.abs(synthesise(1.0, 8_000, 2, 3) - synthesise(1.0, 8_000, 2, 4)).max() > 0.1


def test_a_convolution_in_blocks_is_the_convolution() -> None:
    rng = np.random.default_rng(0)
    signal = rng.standard_normal(9_000).astype(np.float32)
    responses = rng.standard_normal((2, 700)).astype(np.float32)
    expected = [np.convolve(signal, response)[:9_000] for response in responses]
    np.testing.assert_allclose(convolve(signal, responses), expected, atol=2e-3)


def test_an_echo_wanders_and_dies() -> None:
    click = np.zeros(1_000, np.float32)
    click[0] = 1
    sides = echo(click, 150)
    assert np.flatnonzero(sides[0]).tolist() == [150, 300, 450, 600, 750]
    assert sides[1, 150] > sides[0, 150]
    assert sides[0, 300] > sides[1, 300]
    assert np.abs(sides[:, 750]).max() < 0.1


def test_a_kick_pushes_the_mix_down_and_lets_it_up_again() -> None:
    gain = push(48_000, [4_800], 0.5, 48_000)
    assert gain[:4_800].min() == 1
    assert gain[4_800:9_600].min() == pytest.approx(0.5, abs=0.03)
    assert gain[-1] == 1
