"""Blocks: what they are made of, and that they stay as they are."""

import numpy as np
import pytest

from auralis_trio.audio.block import Block, sane


def test_a_block_knows_its_place() -> None:
    block = Block(np.zeros((5, 2), np.float32), 100)
    assert (block.frames, block.end_frame) == (5, 105)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((5, 2), np.float64),
        np.zeros((5, 2), np.int16),
        np.zeros(5, np.float32),
        np.zeros((1, 5, 2), np.float32),
    ],
    ids=["float64", "int16", "one axis", "three axes"],
)
def test_a_block_is_float32_frames_by_channels(samples: np.ndarray) -> None:
    with pytest.raises(TypeError):
        Block(samples, 0)


def test_a_block_is_never_modified_in_place() -> None:
    block = Block(np.zeros((5, 2), np.float32), 0)
    with pytest.raises(ValueError, match="read-only"):
        block.samples[0, 0] = 1.0


def test_what_is_no_sound_is_silence_and_nothing_is_louder_than_eight() -> None:
    odd = np.array([[np.nan, 0.5], [np.inf, -np.inf], [1e30, -9.0], [8.0, -8.0]], np.float32)
    assert sane(odd).tolist() == [[0.0, 0.5], [0.0, 0.0], [8.0, -8.0], [8.0, -8.0]]
    assert sane(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_sound_is_left_alone() -> None:
    samples = np.array([[1.5, -7.9]], np.float32)
    assert sane(samples) is samples
