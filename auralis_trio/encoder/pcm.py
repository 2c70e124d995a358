"""Float samples to integers: little-endian, interleaved, clipped, dithered only where bits are dropped."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auralis_trio.audio.block import Block
from auralis_trio.audio.dither import tpdf
from auralis_trio.audio.encoding import Encoding

PIECE_FRAMES = 16_384
"""So many frames are worked on at once that what lies between the steps stays in a core's cache."""


def quantise(block: Block, bits: int, source_bits: int | None) -> NDArray[np.int32]:
    """Round to signed integers of `bits`: ``clip(rint(x * 2**(bits - 1) + dither))``, shape (frames, channels).

    The dither is absent where the source has no more bits than are kept, so such a source passes exactly.
    """
    words = np.empty(block.samples.shape, np.int32)
    for start in range(0, block.frames, PIECE_FRAMES):
        piece = Block(block.samples[start : start + PIECE_FRAMES], block.start_frame + start)
        words[start : start + piece.frames] = _quantised(piece, bits, source_bits)
    return words


def pack_pcm(block: Block, encoding: Encoding, source_bits: int | None) -> bytes:
    """The block as `s16`, `s24` (packed in three bytes), `s32` or `f32`."""
    if encoding is Encoding.F32:
        return block.samples.astype("<f4", copy=False).tobytes()
    if encoding is Encoding.S16:
        return quantise(block, 16, source_bits).astype("<i2").tobytes()
    if encoding is Encoding.S24:
        return _low_bytes(quantise(block, 24, source_bits).astype("<i4"))
    if encoding is Encoding.S32:
        return quantise(block, 32, source_bits).astype("<i4").tobytes()
    raise TypeError(f"{encoding.label} is not plain PCM")


def _quantised(block: Block, bits: int, source_bits: int | None) -> NDArray[np.int32]:
    scale = 1 << (bits - 1)
    # More than 16 bits and dither do not fit into the mantissa of float32.
    scaled: NDArray[Any] = block.samples.astype(np.float32 if bits <= 16 else np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is clipped below
        scaled *= scale
    if source_bits is None or source_bits > bits:
        scaled += tpdf(block.start_frame, block.frames)
    # Files of floats may hold what is not a number; in integers that is silence.
    scaled[np.isnan(scaled)] = 0.0
    np.clip(np.rint(scaled, out=scaled), -scale, scale - 1, out=scaled)
    return scaled.astype(np.int32)


def _low_bytes(words: NDArray[Any]) -> bytes:
    return words.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
