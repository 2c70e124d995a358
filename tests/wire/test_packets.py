"""Packets: what is packed is parsed, and nothing but a packet is."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.encoding import Encoding
from auralis_trio.wire.packets import FIRST, HEADER_BYTES, LAST, Packet, PacketError, pack_header, parse_packet

IN_PACKETS = [encoding for encoding in Encoding if encoding.number]

packets = st.builds(
    Packet,
    encoding=st.sampled_from(IN_PACKETS),
    flags=st.integers(0, 2**16 - 1),
    stream_id=st.integers(0, 2**32 - 1),
    start_frame=st.integers(0, 2**64 - 1),
    frames=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    payload=st.binary(min_size=1, max_size=64),
)


def packed(packet: Packet) -> bytes:
    header = pack_header(
        packet.encoding, packet.flags, packet.stream_id, packet.start_frame, packet.frames, packet.sequence
    )
    return header + packet.payload


@settings(deadline=None)
@given(packets)
def test_what_is_packed_is_parsed(packet: Packet) -> None:
    assert parse_packet(packed(packet)) == packet


@settings(deadline=None)
@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: b"\x01\x01" + rest))
def test_any_bytes_are_a_packet_or_refused(message: bytes) -> None:
    try:
        packet = parse_packet(message)
    except PacketError:
        return
    assert packed(packet) == message


def test_the_header_has_the_documented_layout() -> None:
    header = pack_header(Encoding.S24, FIRST | LAST, 0x01020304, 0x05060708090A0B0C, 0x0D0E0F10, 0x11121314)
    assert header == bytes.fromhex("01 02 0300 04030201 0c0b0a0908070605 100f0e0d 14131211")
    assert len(header) == HEADER_BYTES == 24


@pytest.mark.parametrize(("label", "number"), [("s16", 1), ("s24", 2), ("f32", 3), ("flac", 4), ("opus", 5)])
def test_each_encoding_has_its_documented_number(label: str, number: int) -> None:
    assert pack_header(Encoding.named(label), 0, 1, 0, 1, 0)[1] == number


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        pack_header(Encoding.S16, 0, 1, 0, 1, 0),
        b"\x02" + pack_header(Encoding.S16, 0, 1, 0, 1, 0)[1:] + b"x",
        struct.pack("<BBHIQII", 1, 0, 0, 1, 0, 1, 0) + b"x",
        struct.pack("<BBHIQII", 1, 6, 0, 1, 0, 1, 0) + b"x",
        struct.pack("<BBHIQII", 1, 255, 0, 1, 0, 1, 0) + b"x",
    ],
    ids=["empty", "one byte", "no payload", "version 2", "wav has no number", "encoding 6", "encoding 255"],
)
def test_what_is_not_a_packet_is_refused(message: bytes) -> None:
    with pytest.raises(PacketError):
        parse_packet(message)
