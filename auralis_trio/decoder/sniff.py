"""Tells by its first bytes what a file is, and maps it. A name says nothing here."""

from auralis_trio.decoder.chunked import map_au, map_chunked
from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.flac import map_flac
from auralis_trio.decoder.mp4 import map_mp4
from auralis_trio.decoder.mpeg import map_mpeg
from auralis_trio.decoder.ogg import map_ogg
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.decoder.tags import audio_extent
from auralis_trio.errors import SourceCorrupt, SourceUnsupported

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_STREAM = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_MAX_ASF_OBJECTS = 256
_MAX_SETUP_BYTES = 1 << 13


def map_file(file: RegularFile) -> FileMap:
    """Find out what `file` is and where its audio lies.

    Raises:
        SourceUnsupported: it is not audio of a known kind.
        SourceCorrupt: its headers are broken.
    """
    head = file.read_at(0, 16)
    kind = _chunked_kind(head)
    if kind:
        return map_chunked(file, kind)
    if head.startswith(b".snd"):
        return map_au(file)
    if head.startswith(b"OggS"):
        return map_ogg(file)
    if head[4:8] == b"ftyp":
        return map_mp4(file)
    if head.startswith(_ASF):
        return _map_asf(file)
    return _map_tagged(file)


def _chunked_kind(head: bytes) -> str | None:
    if head.startswith((b"RIFF", b"RF64", b"BW64")) and head[8:12] == b"WAVE":
        return "wav" if head.startswith(b"RIFF") else "rf64"
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head.startswith(b"caff"):
        return "caf"
    return "w64" if head.startswith(_W64) else None


def _map_tagged(file: RegularFile) -> FileMap:
    """Map one of the kinds that may carry ID3 or APE tags around their audio."""
    start, end = audio_extent(file)
    head = file.read_at(start, 42)
    extent = (start, end - start)
    if head.startswith(b"fLaC") and len(head) == 42:
        return map_flac(file, head[8:42], start, end)
    if head.startswith(b"wvpk") and len(head) >= 32:
        return _map_wavpack(head, extent)
    if head.startswith(b"TTA1") and len(head) >= 22:
        return FileMap("tta", (extent,), int.from_bytes(head[14:18], "little"), 0, bits=head[8])
    mapped = map_mpeg(file, start, end)
    if mapped is None:
        raise SourceUnsupported
    return mapped


def _map_wavpack(head: bytes, extent: tuple[int, int]) -> FileMap:
    flags = int.from_bytes(head[24:28], "little")
    frames = int.from_bytes(head[12:16], "little")
    total = None if frames == 0xFFFFFFFF else (head[11] << 32) + frames - head[11]
    has_word_length = not flags & (1 << 3 | 1 << 7)  # neither hybrid (lossy) nor floating point
    bits = ((flags & 3) + 1) * 8 - (flags >> 13 & 31)
    return FileMap("wavpack", (extent,), total, 0, bits=bits if has_word_length else None)


def _map_asf(file: RegularFile) -> FileMap:
    offset = 0
    for _ in range(_MAX_ASF_OBJECTS):
        header = file.read_exactly(offset, 24)
        size = int.from_bytes(header[16:], "little")
        if header.startswith(_ASF_DATA):
            body = offset + 50
            length = size - 50 if size > 50 else file.size - body
            extent = (body, max(0, min(length, file.size - body)))
            return FileMap("wma", (extent,), setup=_asf_setup(file, offset))
        if size < 24:
            break
        offset += size
    raise SourceCorrupt


def _asf_setup(file: RegularFile, end: int) -> bytes:
    """What the header, itself an object made of others, says of its streams."""
    offset, setup = 30, b""
    for _ in range(_MAX_ASF_OBJECTS):
        header = file.read_at(offset, 24)
        size = int.from_bytes(header[16:], "little")
        if size < 24 or offset >= end or len(setup) > _MAX_SETUP_BYTES:
            break
        if header.startswith(_ASF_STREAM):
            setup += file.read_at(offset + 24, min(size - 24, _MAX_SETUP_BYTES))
        offset += size
    return setup
