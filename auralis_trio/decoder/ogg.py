"""Maps Ogg files: the codec of the first stream, where its audio begins, how many frames the last page ends at.

Also reads single pages, with the checksum that each carries, so that a damaged one can be told from a good one.
"""

import zlib
from collections.abc import Iterator

import msgspec

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt, SourceUnsupported

OGG_KINDS = ("vorbis", "opus", "ogg_flac")
MAX_PAGE_BYTES = 27 + 255 + 255 * 255
_MAX_HEADER_PAGES = 4096
_LANDING_MARGIN = 4096  # more than half of the longest Vorbis window
_NO_POSITION = 0xFFFFFFFFFFFFFFFF
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(msgspec.Struct, frozen=True):
    """One page: `position` is its granule position, None where no packet ends on it."""

    offset: int
    length: int
    serial: int
    sequence: int
    position: int | None
    packets: int
    body: bytes
    sound: bool


def checksum(page: bytes) -> int:
    """Ogg's CRC-32, which is zlib's seen in a mirror, without its inversions."""
    plain = page[:22] + b"\0\0\0\0" + page[26:]
    mirrored = zlib.crc32(plain.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def read_page(file: RegularFile, offset: int) -> Page | None:
    """The page at `offset`; None where none begins there or it is cut off."""
    data = file.read_at(offset, MAX_PAGE_BYTES)
    if len(data) < 27 or data[:5] != b"OggS\0":
        return None
    segments = data[27 : 27 + data[26]]
    body = 27 + data[26]
    length = body + sum(segments)
    if len(segments) < data[26] or len(data) < length:
        return None
    position = int.from_bytes(data[6:14], "little")
    return Page(
        offset=offset,
        length=length,
        serial=int.from_bytes(data[14:18], "little"),
        sequence=int.from_bytes(data[18:22], "little"),
        position=None if position == _NO_POSITION else position,
        packets=sum(lacing < 255 for lacing in segments),
        body=data[body:length],
        sound=checksum(data[:length]) == int.from_bytes(data[22:26], "little"),
    )


def pages_from(file: RegularFile, offset: int) -> Iterator[Page]:
    """The pages from `offset` on, up to the first place where none begins."""
    while (page := read_page(file, offset)) is not None:
        yield page
        offset += page.length


def last_pages(file: RegularFile) -> list[Page]:
    """The last page on which a packet ends, and the one before it, if they are there."""
    start = max(0, file.size - 2 * MAX_PAGE_BYTES)
    tail = file.read_at(start, file.size - start)
    found: list[Page] = []
    at = len(tail)
    while len(found) < 2 and (at := tail.rfind(b"OggS", 0, at)) >= 0:
        page = read_page(file, start + at)
        if page and page.position is not None:
            found.append(page)
    return found


def map_ogg(file: RegularFile) -> FileMap:
    """Map an Ogg file by its first stream.

    Raises:
        SourceUnsupported: that is neither Vorbis, Opus nor FLAC.
        SourceCorrupt: the headers are broken, or no audio follows.
    """
    first = read_page(file, 0)
    if first is None:
        raise SourceCorrupt
    kind, headers = _identify(first.body)
    start = _audio_start(file, first.serial, headers)
    last = last_pages(file)
    if any(page.serial != first.serial for page in last):
        raise SourceUnsupported("This track's file holds several streams of audio, which is not played.")
    ends = [page.position for page in last if page.offset >= start and page.position]
    if not ends:
        raise SourceCorrupt
    payload = ((start, file.size - start),)
    if kind == "opus":
        delay = int.from_bytes(first.body[10:12], "little")
        return FileMap(kind, payload, max(0, ends[0] - delay), delay)
    if kind == "ogg_flac":
        packed = int.from_bytes(first.body[27:35], "big")  # rate 20 bits, channels 3, word length 5, frames 36
        total = packed & 0xFFFFFFFFF or ends[0]
        return FileMap(kind, payload, total, 0, bits=(packed >> 36 & 31) + 1)
    # The last page ends before its packets do, so libsndfile reckons its beginning too early: land before it.
    return FileMap(kind, payload, last_landing=max(0, ends[1] - _LANDING_MARGIN) if len(ends) > 1 else 0)


def _identify(packet: bytes) -> tuple[str, int]:
    """The kind of the stream that begins with `packet`, and how many packets are headers."""
    if packet.startswith(b"\x01vorbis"):
        return "vorbis", 3
    if packet.startswith(b"OpusHead"):
        return "opus", 2
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 47:
        return "ogg_flac", 1 + int.from_bytes(packet[7:9], "big")
    raise SourceUnsupported


def _audio_start(file: RegularFile, serial: int, headers: int) -> int:
    """The offset behind the page on which the last header packet ends: audio begins on a fresh page."""
    packets = 0
    for count, page in enumerate(pages_from(file, 0)):
        packets += page.packets if page.serial == serial else 0
        if packets >= headers:
            return page.offset + page.length
        if count >= _MAX_HEADER_PAGES:
            break
    raise SourceCorrupt
