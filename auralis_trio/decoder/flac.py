"""Maps FLAC streams: their STREAMINFO, where their comments stand, and where their frames begin."""

from auralis_trio.audio.format import AudioFormat
from auralis_trio.decoder.file_map import Extent, FileMap, Outline
from auralis_trio.decoder.regular_file import RegularFile

_MAX_BLOCKS = 4096
_STREAM_INFO, _PADDING, _APPLICATION, _SEEK_TABLE, _COMMENT, _PICTURE = 0, 1, 2, 3, 4, 6
_STREAM_INFO_BYTES, _SEEK_POINT_BYTES = 34, 18
_MAX_COMMENT_BYTES = 1 << 20
_DECODED_BITS = (8, 16, 24)  # the word lengths that libsndfile knows


def map_flac(file: RegularFile, info: bytes, start: int, end: int) -> FileMap:
    """Map the stream that lies from `start` to `end` and whose STREAMINFO is `info`.

    libsndfile refuses a file whose comments are longer than the block that holds them, or shorter.

    Raises:
        SourceCorrupt: it ends within its metadata.
    """
    blocks, at = _metadata(file, start + 4)
    packed = int.from_bytes(info[10:18], "big")  # rate 20 bits, channels 3, word length 5, frames 36
    total = packed & 0xFFFFFFFFF or None
    comments = [extent for kind, extent in blocks if kind == _COMMENT]
    regular = start == 0 and at <= end and _is_regular(file, blocks)
    audio_format = AudioFormat(packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1)
    return FileMap(
        "flac",
        ((at, max(0, end - at)),),
        total,
        bits=audio_format.bits,
        agrees=all(extent[1] > _MAX_COMMENT_BYTES or _is_sound(file, _COMMENT, extent) for extent in comments),
        digest=info[18:34] if any(info[18:34]) else b"",
        comment=comments[0] if len(comments) == 1 else None,
        outline=Outline(audio_format, total) if regular and audio_format.bits in _DECODED_BITS else None,
    )


def _metadata(file: RegularFile, at: int) -> tuple[list[tuple[int, Extent]], int]:
    """The kinds and places of the metadata blocks from `at` on, and where they end."""
    blocks: list[tuple[int, Extent]] = []
    for _ in range(_MAX_BLOCKS):
        header = file.read_exactly(at, 4)
        length = int.from_bytes(header[1:], "big")
        blocks.append((header[0] & 0x7F, (at + 4, length)))
        at += 4 + length
        if header[0] & 0x80:
            break
    return blocks, at


def _is_regular(file: RegularFile, blocks: list[tuple[int, Extent]]) -> bool:
    """Whether there is nothing in the metadata that a decoder could stumble over."""
    kind, (_, length) = blocks[0]
    if kind != _STREAM_INFO or length != _STREAM_INFO_BYTES:
        return False
    return all(_is_sound(file, kind, extent) for kind, extent in blocks[1:])


def _is_sound(file: RegularFile, kind: int, extent: Extent) -> bool:
    """Whether what a block of metadata says of its own parts fits it."""
    at, length = extent
    if kind == _COMMENT:
        return length <= _MAX_COMMENT_BYTES and _is_comment(file.read_at(at, length))
    if kind == _PICTURE:
        return _is_picture(file, at, length)
    if kind == _SEEK_TABLE:
        return length % _SEEK_POINT_BYTES == 0
    return kind == _PADDING or (kind == _APPLICATION and length >= 4)


def _is_comment(block: bytes) -> bool:
    at = 4 + int.from_bytes(block[:4], "little")
    count, at = int.from_bytes(block[at : at + 4], "little"), at + 4
    while count and at < len(block):
        at += 4 + int.from_bytes(block[at : at + 4], "little")
        count -= 1
    return not count and at == len(block)


def _is_picture(file: RegularFile, at: int, length: int) -> bool:
    """A picture: its kind, media type, description, 16 bytes about it, and its data; each text behind its length."""
    begin = at
    at += 4
    for behind in (0, 16, 0):
        at += 4 + int.from_bytes(file.read_at(at, 4), "big") + behind
    return at == begin + length
