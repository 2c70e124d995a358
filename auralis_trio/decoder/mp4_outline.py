"""Tells from the boxes of a plain MP4 file with AAC or ALAC what its decoder would tell.

Plain is a file of one sound track whose boxes are all known, fill each other exactly and have tables that fit
together; anything else is left to the decoder. So is AAC at the low rates at which its band is often doubled, since
only decoding tells whether it is.
"""

from collections import defaultdict
from collections.abc import Sequence

from auralis_trio.audio.format import AudioFormat
from auralis_trio.decoder.mp4_boxes import Box, body_of, boxes_in
from auralis_trio.decoder.regular_file import RegularFile

_TOP = {b"ftyp", b"free", b"skip", b"wide", b"mdat", b"moov"}
_INNER = {
    b"moov": {b"mvhd", b"trak", b"udta", b"free"},
    b"trak": {b"tkhd", b"edts", b"mdia", b"free"},
    b"edts": {b"elst"},
    b"mdia": {b"mdhd", b"hdlr", b"minf"},
    b"minf": {b"smhd", b"dinf", b"stbl", b"hdlr"},
    b"dinf": {b"dref"},
    b"stbl": {b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"sgpd", b"sbgp"},
}
_ONE_EACH = (b"moov", b"mvhd", b"trak", b"tkhd", b"mdhd", b"dref", b"stsd", b"stts", b"stsc", b"stsz", b"stco")
_REFERENCE = bytes.fromhex("0000000000000001 0000000c 75726c20 00000001")  # to the file itself
_ENTRY_BYTES = 36  # of a sound's description, with its own header
_MAX_TABLE_BYTES = 1 << 20
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000)
_AAC_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
_ALAC_BITS = (16, 20, 24, 32)


def sound_of(file: RegularFile, top: Sequence[Box]) -> AudioFormat | None:
    """The sound of a plain file with these boxes; None where a decoder has to be asked."""
    found: defaultdict[bytes, list[Box]] = defaultdict(list)
    if not _fits(file, (b"", 0, file.size), top, _TOP, found):
        return None
    if any(len(found[name]) != 1 for name in _ONE_EACH) or len(found[b"elst"]) > 1:
        return None
    places = {name: found[name][0] for name in (b"dref", b"stts", b"stsc", b"stsz", b"stco", b"stsd")}
    if any(stop - start > _MAX_TABLE_BYTES for _, start, stop in places.values()):
        return None
    tables = {name: body_of(file, box) for name, box in places.items()}
    if tables[b"dref"] != _REFERENCE or not _tables_fit(tables, file.size):
        return None
    clock = body_of(file, found[b"mdhd"][0])
    audio_format = _described(tables[b"stsd"])
    if (
        audio_format is None
        or len(clock) != 24
        or clock[0]
        or int.from_bytes(clock[12:16], "big") != audio_format.sample_rate
    ):
        return None
    return audio_format


def _fits(
    file: RegularFile, box: Box, inner: Sequence[Box], names: set[bytes], found: defaultdict[bytes, list[Box]]
) -> bool:
    """Whether all boxes in `box` are of these names and fill it, and so do all below; each is noted by its name."""
    if not inner or inner[-1][2] != box[2]:
        return False
    for one in inner:
        name, start, stop = one
        if name not in names:
            return False
        found[name].append(one)
        if name in _INNER and not _fits(file, one, list(boxes_in(file, start, stop)), _INNER[name], found):
            return False
    return True


def _tables_fit(tables: dict[bytes, bytes], size: int) -> bool:
    """Whether the tables of times, sizes and places are whole, and tell of the same number of packets."""
    times, chunks, sizes, places = (tables[name] for name in (b"stts", b"stsc", b"stsz", b"stco"))
    if any(table[:4] != bytes(4) for table in (times, chunks, sizes, places)):
        return False
    if len(times) != 8 + 8 * _number(times, 4) or len(chunks) != 8 + 12 * _number(chunks, 4):
        return False
    packets, number = _number(sizes, 8), _number(places, 4)
    if _number(sizes, 4) or len(sizes) != 12 + 4 * packets or len(places) != 8 + 4 * number:
        return False
    if not packets or sum(_number(times, at) for at in range(8, len(times), 8)) != packets:
        return False
    if max(sizes[12::4]) or max(places[8::4], default=0xFF) >= 0x80:  # sizes below 16 MiB, places below 2 GiB
        return False
    return packets == _packets_in(chunks, number) and max(_numbers(places)) < size


def _packets_in(chunks: bytes, number: int) -> int | None:
    """How many packets `number` chunks hold; None where the table breaks its own rules."""
    firsts = [_number(chunks, at) for at in range(8, len(chunks), 12)]
    each = [_number(chunks, at + 4) for at in range(8, len(chunks), 12)]
    kinds = {_number(chunks, at + 8) for at in range(8, len(chunks), 12)}
    ends = [*firsts[1:], number + 1]
    if firsts[:1] != [1] or kinds != {1} or any(first >= end for first, end in zip(firsts, ends, strict=True)):
        return None
    return sum((end - first) * packets for first, end, packets in zip(firsts, ends, each, strict=True))


def _described(descriptions: bytes) -> AudioFormat | None:
    """The sound in the one entry of a table of descriptions: of version 0, with nothing but the codec's own box."""
    entry = descriptions[8:]
    head, own = entry[:_ENTRY_BYTES], entry[_ENTRY_BYTES:]
    if descriptions[:8] != bytes.fromhex("0000000000000001") or len(own) < 12 or _number(entry, 0) != len(entry):
        return None
    if head[8:24] != bytes(6) + b"\0\1" + bytes(8) or _number(own, 0) != len(own) or own[8:12] != bytes(4):
        return None
    codec, rate = (head[4:8], own[4:8]), _number(head, 32)
    if codec == (b"mp4a", b"esds"):
        audio_format = _aac(own[12:])
    else:
        audio_format = _alac(own[12:]) if codec == (b"alac", b"alac") else None
    return audio_format if audio_format is not None and rate == audio_format.sample_rate << 16 else None


def _alac(cookie: bytes) -> AudioFormat | None:
    if len(cookie) != 24 or cookie[5] not in _ALAC_BITS or not 1 <= cookie[9] <= 8 or cookie[4]:
        return None
    return AudioFormat(_number(cookie, 20), cookie[9], cookie[5]) if 0 < _number(cookie, 0) <= 16_384 else None


def _aac(descriptor: bytes) -> AudioFormat | None:
    """The sound of AAC-LC (ISO/IEC 14496-1, section 7.2.6, and 14496-3, section 1.6)."""
    stream = _part(descriptor, 3)
    if stream is None or stream[2:3] != b"\0":
        return None
    configuration = _part(stream[3:], 4)
    if configuration is None or configuration[:1] != b"\x40" or len(configuration) < 13 or configuration[1] >> 2 != 5:
        return None
    special = _part(configuration[13:], 5)
    if special is None or special[2:] not in (b"", b"\x56\xe5\x00") or len(special) < 2:  # no doubling of the band
        return None
    bits = int.from_bytes(special[:2], "big")
    kind, rate, channels, others = bits >> 11, bits >> 7 & 15, bits >> 3 & 15, bits & 7
    if kind != 2 or rate >= len(_AAC_RATES) or not 1 <= channels < len(_AAC_CHANNELS) or others:
        return None
    return AudioFormat(_AAC_RATES[rate], _AAC_CHANNELS[channels], None)


def _part(data: bytes, tag: int) -> bytes | None:
    """The body of the descriptor with this tag that `data` begins with; None where there is none, or it is cut."""
    length, at = 0, 1
    for at in range(1, 5):  # seven bits in each byte, the last without the eighth
        byte = data[at] if at < len(data) else 0x80
        length = length << 7 | byte & 0x7F
        if byte < 0x80:
            break
    else:
        return None
    body = data[at + 1 : at + 1 + length]
    return body if data[:1] == bytes([tag]) and len(body) == length else None


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _numbers(table: bytes) -> Sequence[int]:
    return [_number(table, at) for at in range(8, len(table), 4)]
