"""Maps Ogg files: the codec of the first stream, where its audio begins, how many frames the last page ends at.

Also reads single pages, with the checksum that each carries, so that a damaged one can be told from a good one.
"""

import zlib
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import takewhile

import msgspec

from auralis_trio.decoder import opus, vorbis
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt, SourceUnsupported

OGG_KINDS = ("vorbis", "opus", "ogg_flac")
MAX_PAGE_BYTES = 27 + 255 + 255 * 255
PAGE_BYTES = 1 << 13
"""What most pages are no longer than: a first try costs less."""

_MAX_HEADER_PAGES = 4096
_MAX_KEPT_BYTES = 1 << 20  # of pages with headers; more of them have a picture, and are not worth the memory
_LANDING_MARGIN = 4096  # more than half of the longest Vorbis window
_NO_POSITION = 0xFFFFFFFFFFFFFFFF
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(msgspec.Struct, frozen=True):
    """One page: `position` is its granule position, None where no packet ends on it; `continues` the packet of the
    page before, or is the `last` of its stream."""

    offset: int
    serial: int
    sequence: int
    position: int | None
    continues: bool
    last: bool
    segments: bytes
    data: bytes

    @property
    def body(self) -> bytes:
        """What is in it, without its head."""
        return self.data[27 + len(self.segments) :]

    @property
    def length(self) -> int:
        """How many bytes it takes."""
        return len(self.data)

    @property
    def packets(self) -> int:
        """How many packets end on it."""
        return sum(lacing < 255 for lacing in self.segments)

    @property
    def sound(self) -> bool:
        """Whether it is as it was written."""
        return checksum(self.data) == int.from_bytes(self.data[22:26], "little")

    def parts(self) -> tuple[list[bytes], bytes]:
        """The packets, or the ends of packets, that end on it; and the beginning of one that goes on."""
        ended: list[bytes] = []
        start = at = 27 + len(self.segments)
        for lacing in self.segments:
            at += lacing
            if lacing < 255:
                ended.append(self.data[start:at])
                start = at
        return ended, self.data[start:]


def checksum(page: bytes) -> int:
    """Ogg's CRC-32, which is zlib's seen in a mirror, without its inversions."""
    plain = page[:22] + b"\0\0\0\0" + page[26:]
    mirrored = zlib.crc32(plain.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def read_page(file: RegularFile, offset: int) -> Page | None:
    """The page at `offset`; None where none begins there or it is cut off."""
    data = file.read_at(offset, PAGE_BYTES)
    if len(data) < 27 or data[:5] != b"OggS\0":
        return None
    segments = data[27 : 27 + data[26]]
    length = 27 + data[26] + sum(segments)
    if len(data) < length:
        data = file.read_at(offset, length)
    if len(segments) < data[26] or len(data) < length:
        return None
    position = int.from_bytes(data[6:14], "little")
    return Page(
        offset=offset,
        serial=int.from_bytes(data[14:18], "little"),
        sequence=int.from_bytes(data[18:22], "little"),
        position=None if position == _NO_POSITION else position,
        continues=bool(data[5] & 1),
        last=bool(data[5] & 4),
        segments=segments,
        data=data[:length],
    )


def pages_from(file: RegularFile, offset: int) -> Iterator[Page]:
    """The pages from `offset` on, up to the first place where none begins."""
    while (page := read_page(file, offset)) is not None:
        yield page
        offset += page.length


def last_pages(file: RegularFile) -> list[Page]:
    """The last page on which a packet ends, and the one before it, if they are there."""
    found: list[Page] = []
    for span in (2 * PAGE_BYTES, 2 * MAX_PAGE_BYTES):  # mostly the first holds both
        found.clear()
        start = max(0, file.size - span)
        tail = file.read_at(start, file.size - start)
        at = len(tail)
        while len(found) < 2 and (at := tail.rfind(b"OggS", 0, at)) >= 0:
            page = read_page(file, start + at)
            if page and page.position is not None:
                found.append(page)
        if len(found) == 2:
            break
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
    start, pages, setup = _header_pages(file, first.serial, headers)
    last = last_pages(file)
    if any(page.serial != first.serial for page in last):
        raise SourceUnsupported("This track's file holds several streams of audio, which is not played.")
    ends = [page.position for page in last if page.offset >= start and page.position]
    if not ends:
        raise SourceCorrupt
    payload = ((start, file.size - start),)
    if kind == "opus":
        delay = int.from_bytes(first.body[10:12], "little")
        total = max(0, ends[0] - delay)
        outline = _opus_outline(file, pages, last[0], total) if pages else None
        return FileMap(kind, payload, total, delay, setup=setup, outline=outline)
    if kind == "ogg_flac":
        packed = int.from_bytes(first.body[27:35], "big")  # rate 20 bits, channels 3, word length 5, frames 36
        total = packed & 0xFFFFFFFFF or ends[0]
        return FileMap(kind, payload, total, 0, bits=(packed >> 36 & 31) + 1)  # other headers are tags and pictures
    outline = _vorbis_outline(file, pages, last[0]) if pages else None
    if outline is not None and any(page.last and page.sound for page in last[1:]):
        # An encoder that was fed on behind the end marks each further page as the last one: libsndfile stops at the
        # first of them, and everybody else plays on.
        return FileMap(kind, payload, outline.total_frames, agrees=False, setup=setup, outline=outline)
    # The last page ends before its packets do, so libsndfile reckons its beginning too early: land before it.
    landing = max(0, ends[1] - _LANDING_MARGIN) if len(ends) > 1 else 0
    return FileMap(kind, payload, last_landing=landing, setup=setup, outline=outline)


def read_comment(file: RegularFile, start: int) -> bytes:
    """The Vorbis comments of a file whose audio begins at `start`; what follows them in their packet comes along."""
    headers = _packets(takewhile(lambda page: page.offset < start, pages_from(file, 0)))
    comment = headers[1] if len(headers) > 1 else b""
    return comment.removeprefix(b"\x03vorbis").removeprefix(b"OpusTags")


def _identify(packet: bytes) -> tuple[str, int]:
    """The kind of the stream that begins with `packet`, and how many packets are headers."""
    if packet.startswith(b"\x01vorbis"):
        return "vorbis", 3
    if packet.startswith(b"OpusHead"):
        return "opus", 2
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 47:
        return "ogg_flac", 1 + int.from_bytes(packet[7:9], "big")
    raise SourceUnsupported


def _header_pages(file: RegularFile, serial: int, headers: int) -> tuple[int, list[Page], bytes]:
    """Where the page ends on which the last header packet does, for audio begins on a fresh page; the pages until
    there, or none where they are too large to be kept; and a digest of all packets but the comments, the second."""
    packets = 0
    pages: list[Page] = []
    setup = blake2b(digest_size=16)
    for count, page in enumerate(pages_from(file, 0)):
        end = page.offset + page.length
        if end <= _MAX_KEPT_BYTES:
            pages.append(page)
        if page.serial == serial:
            ended, rest = page.parts()
            for number, part in enumerate([*ended, rest], packets):
                if number != 1:
                    setup.update(part)
            packets += len(ended)
        if packets >= headers:
            return end, pages if end <= _MAX_KEPT_BYTES else [], setup.digest()
        if count >= _MAX_HEADER_PAGES:
            break
    raise SourceCorrupt


def _vorbis_outline(file: RegularFile, pages: list[Page], last: Page) -> Outline | None:
    headers = _packets(pages)
    stream = vorbis.parse_stream(headers[0], headers[2]) if len(headers) == 3 else None
    if stream is None or not _is_plain(file, pages, last):
        return None
    first = _first_sound(file, pages)
    if first is None or not _begins_at_0(first, vorbis.frames_of(stream, first.parts()[0])):
        return None
    return Outline(stream.format, last.position)


def _opus_outline(file: RegularFile, pages: list[Page], last: Page, total_frames: int) -> Outline | None:
    headers = _packets(pages)
    audio_format = opus.parse_head(headers[0]) if len(headers) == 2 else None
    if audio_format is None or not _is_plain(file, pages, last):
        return None
    first = _first_sound(file, pages)
    if first is None or not _begins_at_0(first, opus.frames_of(first.parts()[0])):
        return None
    return Outline(audio_format, total_frames)


def _packets(pages: Iterable[Page]) -> list[bytes]:
    """The packets of the first stream that end on these pages."""
    packets: list[bytes] = []
    begun: list[bytes] = []
    serial = None
    for page in pages:
        serial = page.serial if serial is None else serial
        if page.serial != serial:
            continue
        ended, rest = page.parts()
        if ended:
            packets += [b"".join([*begun, ended[0]]), *ended[1:]]
            begun.clear()
        begun.append(rest)
    return packets


def _is_plain(file: RegularFile, pages: list[Page], last: Page) -> bool:
    """Whether the headers are whole and of one stream, which ends where the file does."""
    if last.offset + last.length != file.size or not last.last or not last.sound:
        return False
    return all(page.sound and page.serial == last.serial for page in pages)


def _first_sound(file: RegularFile, pages: list[Page]) -> Page | None:
    page = read_page(file, pages[-1].offset + pages[-1].length)
    is_plain = page and page.sound and page.serial == pages[0].serial and not page.continues and page.packets
    return page if is_plain else None


def _begins_at_0(first: Page, frames: int | None) -> bool:
    """Whether the first page with sound, of packets of so many frames, begins at frame 0; the end may be cut."""
    if not frames or not first.position:
        return False
    return first.position == frames or (first.last and first.position < frames)
