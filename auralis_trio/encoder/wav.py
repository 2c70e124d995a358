"""The header of a WAV file whose length is known before its first sample; RF64 where 32 bits do not hold it.

RIFF WAVE with WAVE_FORMAT_EXTENSIBLE where the plain format is ambiguous (more than 16 bits or two channels), and
EBU Tech 3306 (RF64) above 4 GiB. A `fact` chunk is written for floating point, as the specification asks.
"""

import struct

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_SPEAKERS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x13F, 8: 0x63F}
_MAX_U32 = 0xFFFFFFFF


def wav_header(form: AudioFormat, encoding: Encoding, frames: int, behind_bytes: int = 0) -> bytes:
    """Everything before the first sample of a WAV with `frames` frames of `encoding` (s16, s24, s32 or f32).

    `behind_bytes` is how long the chunks behind the samples and their padding are.
    """
    data_bytes = frames * encoding.frame_bytes(form.channels)
    chunks = b"fmt " + _sized(_format(form, encoding))
    if encoding is Encoding.F32:
        chunks += b"fact" + _sized(struct.pack("<I", min(frames, _MAX_U32)))
    # A chunk of odd length is followed by a pad byte, which the outer length counts.
    riff_bytes = 4 + len(chunks) + 8 + data_bytes + data_bytes % 2 + behind_bytes
    if riff_bytes <= _MAX_U32:
        return struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE") + chunks + struct.pack("<4sI", b"data", data_bytes)
    sizes = b"ds64" + _sized(struct.pack("<QQQI", riff_bytes + 36, data_bytes, frames, 0))
    outer = struct.pack("<4sI4s", b"RF64", _MAX_U32, b"WAVE")
    return outer + sizes + chunks + struct.pack("<4sI", b"data", _MAX_U32)


def wav_padding(form: AudioFormat, encoding: Encoding, frames: int) -> bytes:
    """What follows the last sample: one zero byte where the samples take an odd number of bytes."""
    return b"\0" * (frames * encoding.frame_bytes(form.channels) % 2)


def _format(form: AudioFormat, encoding: Encoding) -> bytes:
    frame_bytes = encoding.frame_bytes(form.channels)
    bits = 8 * frame_bytes // form.channels
    tag = _FLOAT if encoding is Encoding.F32 else _PCM
    plain = form.channels <= 2 and (bits == 16 or tag == _FLOAT)
    common = struct.pack(
        "<HHIIHH",
        tag if plain else _EXTENSIBLE,
        form.channels,
        form.sample_rate,
        form.sample_rate * frame_bytes,
        frame_bytes,
        bits,
    )
    if plain:
        return common if tag == _PCM else common + struct.pack("<H", 0)
    return common + struct.pack("<HHIH", 22, bits, _SPEAKERS.get(form.channels, 0), tag) + _GUID_TAIL


def _sized(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body
