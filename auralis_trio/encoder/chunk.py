"""One block in any encoding: the single place where an encoding's name becomes bytes."""

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder.flac import encode_flac
from auralis_trio.encoder.pcm import pack_pcm
from auralis_trio.encoder.wav import wav_header, wav_padding


def encode(block: Block, form: AudioFormat, encoding: Encoding) -> bytes:
    """The block as `wav` (float, header included), `flac`, `f32`, `s24` or `s16`.

    Raises:
        TypeError: the encoding needs more than one block (Opus keeps state from block to block).
    """
    if encoding is Encoding.WAV:
        return b"".join(
            (
                wav_header(form, Encoding.F32, block.frames),
                pack_pcm(block, Encoding.F32, form.bits),
                wav_padding(form, Encoding.F32, block.frames),
            )
        )
    if encoding is Encoding.FLAC:
        return encode_flac(block, form.sample_rate, form.bits)
    return pack_pcm(block, encoding, form.bits)
