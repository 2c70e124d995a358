"""A block as a FLAC stream of its own: 16 bits where the source has no more, 24 bits otherwise."""

import io

import soundfile

from auralis_trio.audio.block import Block
from auralis_trio.encoder.pcm import quantise

MAX_CHANNELS = 8
WORD_BITS = (16, 24)
"""The word lengths in which FLAC is made."""


def flac_bits(source_bits: int | None) -> int:
    """The word length that FLAC carries for a source: lossless for 16 and 24 bits."""
    return WORD_BITS[source_bits is None or source_bits > WORD_BITS[0]]


def encode_flac(block: Block, sample_rate: int, source_bits: int | None) -> bytes:
    """The block as a complete FLAC stream, decodable without any other."""
    bits = flac_bits(source_bits)
    # libsndfile takes the upper bits of 32-bit integers.
    words = quantise(block, bits, source_bits) << (32 - bits)
    stream = io.BytesIO()
    soundfile.write(stream, words, sample_rate, format="FLAC", subtype=f"PCM_{bits}")
    return stream.getvalue()
