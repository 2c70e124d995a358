"""The binary message that carries audio: a header of 24 bytes, little-endian, then the encoded frames.

    0 u8 version=1 | 1 u8 encoding | 2 u16 flags | 4 u32 stream_id | 8 u64 start_frame |
    16 u32 frames | 20 u32 sequence | 24 payload (never empty)

The payload begins at a multiple of eight, so a client can lay a typed array over it. `frames` counts at the stream's
own rate, and so does `start_frame`. Of the flags, 1 is set on the first packet of a stream and 2 on its last; 4 is
kept free for samples that are not final, which this server does not send.

    1 s16, 2 s24, 3 f32   interleaved, little-endian; s24 in three bytes
    4 flac          a FLAC stream of its own, to be decoded by itself
    5 opus          one Opus packet of 60 ms, always at 48 kHz, to be decoded behind those before it. Of what the
                    stream decodes to, `audio_stream_start.pre_skip_frames` are dropped first; then each packet brings
                    `frames`, the first one fewer than the rest, and the last one what is left. `opus_head` (base64)
                    is the identification header (RFC 7845 section 5.1), for decoders that ask for one.
"""

import struct

from auralis_trio.audio.encoding import Encoding

VERSION = 1
FIRST, LAST = 1, 2
HEADER_BYTES = 24
_HEADER = struct.Struct("<BBHIQII")


def pack_header(
    encoding: Encoding, flags: int, stream_id: int, start_frame: int, frames: int, sequence: int
) -> bytes:
    """The 24 bytes that stand before the payload."""
    return _HEADER.pack(VERSION, encoding.number, flags, stream_id, start_frame, frames, sequence)
