"""The tags that files may have beside those of their kind: INFO in WAV, texts in AIFF, APEv2 behind MP3 and TTA.

What stands in both is taken from the tags of the kind. These here are read only, and changed by no edit.
"""

import io
import struct
from collections.abc import Iterator

from mutagen._vorbis import VComment
from mutagen.apev2 import APEv2

MAX_CHUNKS = 1_000
MAX_TEXT_BYTES = 65_536

END_BYTES = 32 + 128
"""So far before the end of a file the foot of an APE tag begins: behind it there may be an ID3v1 tag."""

_APE_FOOT = b"APETAGEX"
_MAY_HAVE_APE = (None, "mp3", "tta")

KINDS = frozenset({*_MAY_HAVE_APE, "wav", "rf64", "aiff"})
"""The kinds of file that may have such tags, and None for one that is not known."""

# As the field has them: the names of Vorbis comments for those of Microsoft's and of Apple's.
_INFO = {
    b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"ICRD": "date", b"IGNR": "genre", b"ITRK": "tracknumber",
    b"IPRT": "tracknumber", b"ICMT": "comment", b"ICOP": "copyright", b"IMUS": "composer", b"IPUB": "publisher",
}  # fmt: skip
_AIFF = {b"NAME": "title", b"AUTH": "artist", b"ANNO": "comment", b"(c) ": "copyright"}


def read_second_tags(file: io.BufferedReader, kind: str | None) -> VComment | APEv2 | None:
    """Those of an open file, as one of mutagen's kinds of tag; None where there are none.

    Raises what mutagen does on damage.
    """
    file.seek(0)
    head = file.read(12)
    if head[8:] == b"WAVE":
        return _comments(_info_texts(file))
    if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
        return _comments((_AIFF[name], _read(file, size)) for name, size in _chunks(file, 12, ">") if name in _AIFF)
    if kind not in _MAY_HAVE_APE:
        return None
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END_BYTES))
    return APEv2(file) if has_ape(file.read(END_BYTES)) else None  # type: ignore[no-untyped-call]


def has_ape(end: bytes) -> bool:
    """Whether a file that ends in these bytes may have an APE tag there."""
    return _APE_FOOT in end[-END_BYTES:]


def _info_texts(file: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
    for name, size in _chunks(file, 12, "<"):
        if name == b"LIST" and size >= 4 and _read(file, 4) == b"INFO":
            start = file.tell()
            for info, length in _chunks(file, start, "<", start + size - 4):
                if info in _INFO:
                    yield _INFO[info], _read(file, length)


def _chunks(file: io.BufferedReader, at: int, order: str, end: int | None = None) -> Iterator[tuple[bytes, int]]:
    """The name and size of each chunk up to `end`, the file being at what it holds."""
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8 or (end is not None and at + 8 > end):
            return
        name, size = struct.unpack(f"{order}4sI", header)
        yield name, size
        at += 8 + size + size % 2


def _read(file: io.BufferedReader, size: int) -> bytes:
    return file.read(min(size, MAX_TEXT_BYTES))


def _comments(texts: Iterator[tuple[str, bytes]]) -> VComment:
    comments = VComment()  # type: ignore[no-untyped-call]
    for name, data in texts:
        if text := _decoded(data.partition(b"\0")[0]).strip():
            comments.append((name, text))
    return comments


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
