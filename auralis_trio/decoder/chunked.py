"""Maps the containers made of chunks (WAV, RF64, W64, AIFF, CAF) and AU, whose one chunk has no name."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt

_MAX_CHUNKS = 4096
_MAX_SETUP_BYTES = 1 << 13

# What writers that cannot go back (to a pipe) leave as the length: the audio then goes to the end.
_LEFT_OPEN = {
    "wav": (range(0x7FFFF000, 0x80000000), range(0xFFFFFF00, 0x100000000)),
    "rf64": (range(0xFFFFFFFF, 0x100000000),),
    "au": (range(0xFFFFFFFF, 0x100000000),),
    "caf": (range(0xFFFFFFFFFFFFFFFF, 0x10000000000000000),),
}


class _Grammar(msgspec.Struct, frozen=True):
    """How a container writes its chunks; `lead` are the bytes of the sound chunk that stand before the audio, and
    `setup` the names of the chunks that say how it is to be decoded."""

    start: int
    name_bytes: int
    size_bytes: int
    byte_order: Literal["little", "big"]
    align: int
    sound: bytes
    setup: tuple[bytes, ...]
    lead: int = 0
    size_counts_header: bool = False


_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_W64_FORMAT = bytes.fromhex("666d7420f3acd3118cd100c04f8edb8a")

_GRAMMARS = {
    "wav": _Grammar(12, 4, 4, "little", 2, b"data", (b"fmt ",)),
    "rf64": _Grammar(12, 4, 4, "little", 2, b"data", (b"fmt ",)),
    "w64": _Grammar(40, 16, 8, "little", 8, _W64_DATA, (_W64_FORMAT,), size_counts_header=True),
    "aiff": _Grammar(12, 4, 4, "big", 2, b"SSND", (b"COMM",), lead=8),
    "caf": _Grammar(8, 4, 8, "big", 1, b"data", (b"desc", b"kuki"), lead=4),
}


def _chunks(file: RegularFile, grammar: _Grammar) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, offset of the body, declared length of the body)."""
    header_bytes = grammar.name_bytes + grammar.size_bytes
    offset = grammar.start
    for _ in range(_MAX_CHUNKS):
        header = file.read_at(offset, header_bytes)
        if len(header) < header_bytes:
            return
        name = header[: grammar.name_bytes]
        size = int.from_bytes(header[grammar.name_bytes :], grammar.byte_order)
        if grammar.size_counts_header:
            size = max(0, size - header_bytes)
        yield name, offset + header_bytes, size
        offset += header_bytes + size
        offset += -offset % grammar.align if grammar.align > 1 else 0


def map_chunked(file: RegularFile, kind: str) -> FileMap:
    """Map a file made of chunks; what says how they are to be decoded may follow the audio.

    Raises:
        SourceCorrupt: it has no sound chunk.
    """
    grammar = _GRAMMARS[kind]
    size_64: int | None = None
    sound: tuple[int, int | None] | None = None
    setup = b""
    for name, body, size in _chunks(file, grammar):
        if name in grammar.setup and len(setup) < _MAX_SETUP_BYTES:
            setup += file.read_at(body, min(size, _MAX_SETUP_BYTES))
        elif kind == "rf64" and name == b"ds64" and sound is None:
            size_64 = int.from_bytes(file.read_exactly(body + 8, 8), "little")
        elif name == grammar.sound and sound is None:
            setup += file.read_at(body, grammar.lead)
            left_open = _is_left_open(kind, size)
            sound = (body, size_64 if left_open else size)
            if left_open:
                break
    if sound is None:
        raise SourceCorrupt
    offset, declared = sound
    length = None if declared is None else declared - grammar.lead
    return _sound(file, FileMap(kind, (), setup=setup), offset + grammar.lead, length)


def map_au(file: RegularFile) -> FileMap:
    """Map an AU file."""
    header = file.read_exactly(0, 24)
    size = int.from_bytes(header[8:12], "big")
    blank = FileMap("au", (), setup=header[12:])  # encoding, rate, channels
    return _sound(file, blank, int.from_bytes(header[4:8], "big"), None if _is_left_open("au", size) else size)


def _is_left_open(kind: str, size: int) -> bool:
    return any(size in sizes for sizes in _LEFT_OPEN.get(kind, ()))


def _sound(file: RegularFile, blank: FileMap, offset: int, declared: int | None) -> FileMap:
    there = max(0, file.size - offset)
    if declared == 0 and there and blank.kind in ("wav", "rf64", "au"):
        raise SourceCorrupt("This track's file was never finished by what wrote it. Replace it from a good copy.")
    length = there if declared is None else max(0, declared)
    extent = (offset, min(length, there))
    return msgspec.structs.replace(blank, payload=(extent,), missing_bytes=max(0, length - there))
