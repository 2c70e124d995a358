"""What Vorbis headers and packets say of lengths (Vorbis I specification, sections 4.2 and 4.3).

The sizes of blocks stand at the very end of the setup header, behind codebooks that only a decoder reads. From there
they are read backwards: a mode is mostly zeros, and how many there are stands in front of the first. A number that
fits a part of them is passed over. Should other bits look like modes too, then the lengths do not fit the file.
"""

from collections.abc import Sequence

import msgspec

from auralis_trio.audio.format import AudioFormat

_IDENTIFICATION_BYTES = 30
_MODE_BITS, _COUNT_BITS, _MAX_MODES = 41, 6, 64
_MAX_SETUP_BYTES = 1 << 16
_BLOCK_POWERS = range(6, 14)


class VorbisStream(msgspec.Struct, frozen=True):
    """What the headers of a stream say; `block_frames` are the sizes of blocks, by the number of a mode."""

    format: AudioFormat
    block_frames: tuple[int, ...]


def parse_stream(identification: bytes, setup: bytes) -> VorbisStream | None:
    """Read the headers of a stream; None where they are not plain enough to be sure."""
    if len(identification) != _IDENTIFICATION_BYTES or identification[7:11] != bytes(4) or not identification[29] & 1:
        return None
    channels, sample_rate = identification[11], int.from_bytes(identification[12:16], "little")
    powers = identification[28] & 15, identification[28] >> 4
    long_blocks = _long_blocks(setup)
    if not channels or not sample_rate or long_blocks is None:
        return None
    if powers[0] > powers[1] or any(power not in _BLOCK_POWERS for power in powers):
        return None
    return VorbisStream(
        AudioFormat(sample_rate, channels, None), tuple(1 << powers[is_long] for is_long in long_blocks)
    )


def frames_of(stream: VorbisStream, packets: Sequence[bytes]) -> int | None:
    """How many frames come out of the first packets of a stream; None where one of them is no audio."""
    mode_mask = (1 << (len(stream.block_frames) - 1).bit_length()) - 1
    total, before = 0, 0
    for packet in packets:
        mode = packet[0] >> 1 & mode_mask if packet and not packet[0] & 1 else len(stream.block_frames)
        if mode >= len(stream.block_frames):
            return None
        block = stream.block_frames[mode]
        total += (before + block) // 4 if before else 0
        before = block
    return total


def _long_blocks(setup: bytes) -> list[bool] | None:
    """Whether each mode has long blocks; None where the setup header does not end as it should."""
    if not setup.startswith(b"\x05vorbis") or len(setup) > _MAX_SETUP_BYTES:
        return None
    bits = int.from_bytes(setup[-_MODE_BITS * _MAX_MODES // 8 - 2 :], "little")
    end = bits.bit_length() - 1  # the last bit that is set says that the header is whole
    found: list[bool] | None = None
    modes: list[bool] = []
    for start in range(end - _MODE_BITS, _COUNT_BITS, -_MODE_BITS):
        mode = bits >> start & (1 << _MODE_BITS) - 1
        if mode >> 1 & 0xFFFFFFFF or mode >> 33 > 63 or len(modes) == _MAX_MODES:  # the two types are always 0
            break
        modes.insert(0, bool(mode & 1))
        if (bits >> (start - _COUNT_BITS) & 63) + 1 == len(modes):
            found = list(modes)
    return found
