"""The boxes that an MP4 file is made of (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator

from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt

_MAX_BOXES = 4096
_MAX_TABLE_BYTES = 1 << 25

Box = tuple[bytes, int, int]
"""A box: its name, the offset of its body, the offset behind it."""


def boxes_in(file: RegularFile, start: int, end: int) -> Iterator[Box]:
    """The boxes that lie from `start` to `end`; the last may claim more.

    Raises:
        SourceCorrupt: the file ends within the head of one, or one is smaller than its head.
    """
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        header = file.read_exactly(start, 8)
        size, body = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(file.read_exactly(body, 8), "big"), body + 8
        stop = end if size == 0 else start + size
        if stop < body:
            raise SourceCorrupt
        yield header[4:8], body, stop
        start = stop


def find_box(file: RegularFile, box: Box, *names: bytes) -> Box | None:
    """The first box at the path `names` below `box`."""
    for name in names:
        found = next((inner for inner in boxes_in(file, box[1], box[2]) if inner[0] == name), None)
        if found is None:
            return None
        box = found
    return box


def body_of(file: RegularFile, box: Box) -> bytes:
    """What is in a box.

    Raises:
        SourceCorrupt: the file ends before, or it is larger than any honest table.
    """
    if box[2] - box[1] > _MAX_TABLE_BYTES:
        raise SourceCorrupt
    return file.read_exactly(box[1], box[2] - box[1])
