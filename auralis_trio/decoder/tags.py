"""Finds the tags that stand before and behind the audio: ID3v2, ID3v1, APEv2 and Lyrics3."""

from auralis_trio.decoder.regular_file import RegularFile

_MAX_TAGS = 16  # no honest file has more; a hostile one must not keep us busy


def audio_extent(file: RegularFile) -> tuple[int, int]:
    """The first byte of the audio and the first one behind it."""
    start = _skip_id3v2(file)
    return start, max(start, _skip_trailing(file, start))


def _skip_id3v2(file: RegularFile, at_most: int = _MAX_TAGS) -> int:
    start = 0
    for _ in range(at_most):
        header = file.read_at(start, 10)
        if len(header) < 10 or header[:3] != b"ID3":
            break
        size = (header[6] & 127) << 21 | (header[7] & 127) << 14 | (header[8] & 127) << 7 | header[9] & 127
        start += 10 + size + (10 if header[5] & 0x10 else 0)
    return min(start, file.size)


def has_plain_head(file: RegularFile, start: int) -> bool:
    """Whether nothing stands before the audio at `start`, or one ID3v2 tag by the rules."""
    header = file.read_at(0, 10)
    if start == 0 or not header.startswith(b"ID3"):
        return start == 0
    return header[3] in (2, 3, 4) and header[4] < 0xFF and max(header[6:]) < 0x80 and _skip_id3v2(file, 1) == start


def _skip_trailing(file: RegularFile, start: int) -> int:
    end = file.size
    for _ in range(_MAX_TAGS):
        size = _trailing_tag_bytes(file.read_at(max(start, end - 128), min(128, end - start)))
        if not size or end - size < start:
            break
        end -= size
    return end


def _trailing_tag_bytes(tail: bytes) -> int:
    """The length of the tag that `tail`, the last 128 bytes before the end, belongs to."""
    if len(tail) == 128 and tail.startswith(b"TAG"):
        return 128
    footer = tail[-32:]
    if len(footer) == 32 and footer.startswith(b"APETAGEX"):
        has_header = footer[23] & 0x80
        return int.from_bytes(footer[12:16], "little") + (32 if has_header else 0)
    if tail.endswith(b"LYRICS200") and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    return 0
