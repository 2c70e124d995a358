"""Packets: what is packed is what a client reads, in the documented layout."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.encoding import Encoding
from auralis_trio.wire.packets import FIRST, HEADER_BYTES, LAST, pack_header
from tests.packets import Packet, parse_packet

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
def test_what_is_packed_is_read(packet: Packet) -> None:
    assert parse_packet(packed(packet)) == packet


def test_the_header_has_the_documented_layout() -> None:
    header = pack_header(Encoding.S24, FIRST | LAST, 0x01020304, 0x05060708090A0B0C, 0x0D0E0F10, 0x11121314)
    assert header == bytes.fromhex("01 02 0300 04030201 0c0b0a0908070605 100f0e0d 14131211")
    assert len(header) == HEADER_BYTES == 24


@pytest.mark.parametrize(("label", "number"), [("s16", 1), ("s24", 2), ("f32", 3), ("flac", 4), ("opus", 5)])
def test_each_encoding_has_its_documented_number(label: str, number: int) -> None:
    assert pack_header(Encoding.named(label), 0, 1, 0, 1, 0)[1] == number
