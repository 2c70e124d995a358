"""Chapters: as cue points behind the samples of a WAV file, and as a cue sheet beside it.

Cue points are those of the multimedia data standards (Microsoft and IBM, 1991): a `cue ` chunk with the first frame
of each, and a `labl` chunk for each name, in UTF-8. A cue sheet counts 75 to the second, which is as near as it gets.
"""

import struct
from collections.abc import Sequence

import msgspec

CUE_PER_S = 75
_MAX_U32 = 0xFFFFFFFF


class Chapter(msgspec.Struct, frozen=True):
    """A name for the frames from `start_frame` on."""

    title: str
    start_frame: int
    performer: str | None = None


def wav_chapters(chapters: Sequence[Chapter]) -> bytes:
    """The chunks that follow the samples of a WAV file; none where a frame's number does not fit into 32 bits."""
    if not chapters or chapters[-1].start_frame > _MAX_U32:
        return b""
    points, labels = [], []
    for number, chapter in enumerate(chapters, 1):
        start = chapter.start_frame
        points.append(struct.pack("<II4sIII", number, start, b"data", 0, 0, start))
        labels.append(
            _chunk(b"labl", struct.pack("<I", number) + _one_line(chapter.title).encode("utf-8", "replace") + b"\0")
        )
    cue = _chunk(b"cue ", struct.pack("<I", len(points)) + b"".join(points))
    return cue + _chunk(b"LIST", b"adtl" + b"".join(labels))


def cue_sheet(title: str, address: str, chapters: Sequence[Chapter], sample_rate: int) -> str:
    """The cue sheet of one file at `address`: a track a chapter, from the 75th of a second that it begins in."""
    lines = [f"TITLE {_quoted(title)}", f"FILE {_quoted(address)} WAVE"]
    for number, chapter in enumerate(chapters, 1):
        lines += [f"  TRACK {number:02d} AUDIO", f"    TITLE {_quoted(chapter.title)}"]
        if chapter.performer is not None:
            lines.append(f"    PERFORMER {_quoted(chapter.performer)}")
        lines.append(f"    INDEX 01 {_index(chapter.start_frame * CUE_PER_S // sample_rate)}")
    return "\n".join(lines) + "\n"


def _index(place: int) -> str:
    """Minutes, seconds and 75ths; there may be more than 99 minutes."""
    minutes, rest = divmod(place, 60 * CUE_PER_S)
    return f"{minutes:02d}:{rest // CUE_PER_S:02d}:{rest % CUE_PER_S:02d}"


def _quoted(text: str) -> str:
    """Cue sheets know no way to write a quotation mark."""
    return '"' + _one_line(text).replace('"', "'") + '"'


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of odd length is followed by a pad byte."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
