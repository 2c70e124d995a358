"""One block in any encoding: the bytes are those of the encoder that the name stands for."""

import io

import numpy as np
import pytest
import soundfile

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder import encode, wav_header
from auralis_trio.encoder.flac import encode_flac
from auralis_trio.encoder.pcm import pack_pcm

FORM = AudioFormat(48_000, 2, 16)
BLOCK = Block(np.random.default_rng(6).uniform(-1, 1, (1001, 2)).astype(np.float32), 12_288)


@pytest.mark.parametrize("encoding", [Encoding.S16, Encoding.S24, Encoding.F32])
def test_plain_pcm_has_no_header(encoding: Encoding) -> None:
    assert encode(BLOCK, FORM, encoding) == pack_pcm(BLOCK, encoding, 16)


def test_wav_is_floats_behind_a_header() -> None:
    data = encode(BLOCK, FORM, Encoding.WAV)
    assert data == wav_header(FORM, Encoding.F32, 1001) + BLOCK.samples.astype("<f4").tobytes()
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate == 48_000
    assert np.array_equal(samples, BLOCK.samples)


def test_flac_is_a_stream_of_its_own() -> None:
    assert encode(BLOCK, FORM, Encoding.FLAC) == encode_flac(BLOCK, 48_000, 16)


def test_opus_is_not_made_of_single_blocks() -> None:
    with pytest.raises(TypeError):
        encode(BLOCK, FORM, Encoding.OPUS)
