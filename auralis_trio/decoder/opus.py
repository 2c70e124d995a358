"""What Opus packets say of their lengths (RFC 6716, section 3.1), and their headers of the sound (RFC 7845, 5.1)."""

from collections.abc import Sequence

from auralis_trio.audio.format import AudioFormat

_RATE = 48_000
_MAX_PACKET_FRAMES = 5760
_SILK_FRAMES = (480, 960, 1920, 2880)
_HYBRID_FRAMES = (480, 960)
_CELT_FRAMES = (120, 240, 480, 960)


def parse_head(head: bytes) -> AudioFormat | None:
    """The sound behind an identification header; None where it is not of the plain kind, of one or two channels."""
    is_plain = len(head) == 19 and head[8] & 0xF0 == 0 and head[8] and head[18] == 0 and head[9] in (1, 2)
    return AudioFormat(_RATE, head[9], None) if is_plain else None


def frames_of(packets: Sequence[bytes]) -> int | None:
    """How many frames, at 48 kHz, come out of packets; None where one of them is broken."""
    lengths = [_packet_frames(packet) for packet in packets]
    return sum(lengths) if all(lengths) else None


def _packet_frames(packet: bytes) -> int:
    """The length of one packet; 0 where it breaks the rules."""
    if not packet:
        return 0
    configuration, code = packet[0] >> 3, packet[0] & 3
    if configuration < 12:
        length = _SILK_FRAMES[configuration & 3]
    elif configuration < 16:
        length = _HYBRID_FRAMES[configuration & 1]
    else:
        length = _CELT_FRAMES[configuration & 3]
    several = packet[1] & 63 if code == 3 and len(packet) > 1 else 0
    frames = length * (1, 2, 2, several)[code]
    return frames if frames <= _MAX_PACKET_FRAMES else 0
