"""Packets as a client reads them."""

import struct
from dataclasses import dataclass

from auralis_trio.audio.encoding import Encoding

HEADER = struct.Struct("<BBHIQII")


@dataclass(frozen=True, slots=True)
class Packet:
    """`frames` frames of the track from `start_frame` on."""

    encoding: Encoding
    flags: int
    stream_id: int
    start_frame: int
    frames: int
    sequence: int
    payload: bytes


def parse_packet(message: bytes) -> Packet:
    """Read a binary message, which is a packet of version 1 with a payload."""
    version, number, flags, stream_id, start_frame, frames, sequence = HEADER.unpack_from(message)
    assert version == 1
    assert len(message) > HEADER.size
    [encoding] = [one for one in Encoding if one.number == number]
    return Packet(encoding, flags, stream_id, start_frame, frames, sequence, message[HEADER.size :])
