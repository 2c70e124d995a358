"""The pictures that belong to music: those inside the files, and those that lie beside them.

Blocking, and partly slow Python: called in worker processes only. Whatever is damaged is not there.
"""

import base64
import itertools
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mutagen._vorbis import VComment
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.flac import Picture
from mutagen.id3 import ID3, PictureType
from mutagen.mp4 import MP4Tags

from auralis_trio.library.beside import read_beside
from auralis_trio.library.tags import DAMAGED, open_tagged

MAX_PICTURE_BYTES = 16 * 1024 * 1024
MAX_PICTURES = 32
MAX_FOLDER_ENTRIES = 10_000

ALBUM_NAMES = ("cover", "folder", "front", "album", "albumart")
ARTIST_NAMES = ("artist",)
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")

_FRONT, _OTHER = int(PictureType.COVER_FRONT), int(PictureType.OTHER)

# What a kind of picture is worth as a cover; one that says nothing of itself comes right behind the front.
_RANKS = {_FRONT: 0, _OTHER: 1}

Typed = tuple[int, bytes]


def embedded_pictures(path: str) -> list[bytes]:
    """The pictures inside a file: the front covers first, then those that may well be one.

    Raises:
        OSError: the file cannot be opened.
    """
    found = [(kind, data) for kind, data in _pictures(open_tagged(path)) if 0 < len(data) <= MAX_PICTURE_BYTES]
    return [data for _, data in sorted(found, key=lambda picture: _RANKS.get(picture[0], 2))]


def _pictures(file: Any) -> list[Typed]:
    found: list[Typed] = []
    try:
        for read in _readers(file):
            found.extend(itertools.islice(read, MAX_PICTURES))
    except DAMAGED:
        pass  # those before the damage are there
    return found


def _readers(file: Any) -> Iterator[Iterable[Typed]]:
    yield ((int(picture.type), bytes(picture.data)) for picture in getattr(file, "pictures", ()))
    tags = getattr(file, "tags", None)
    for kind, read in _KINDS:
        if isinstance(tags, kind):
            yield read(tags)


def _in_id3(tags: Any) -> Iterator[Typed]:
    for frame in tags.getall("APIC"):
        yield int(frame.type), bytes(frame.data)


def _in_vorbis(tags: Any) -> Iterator[Typed]:
    """Opus and Vorbis carry FLAC's block in Base64; an old way has the bare picture."""
    for text in tags.get("metadata_block_picture", ()):
        picture = Picture(base64.b64decode(text))  # type: ignore[no-untyped-call]
        yield int(picture.type), bytes(picture.data)
    for text in tags.get("coverart", ()):
        yield _OTHER, base64.b64decode(text)


def _in_mp4(tags: Any) -> Iterator[Typed]:
    for data in tags.get("covr", ()):
        yield _FRONT, bytes(data)


def _in_asf(tags: Any) -> Iterator[Typed]:
    """A byte for the kind, the length in 32 bits, two texts in UTF-16 that end with a zero, and the picture."""
    for attribute in tags.get("WM/Picture", ()):
        value = bytes(attribute.value)
        kind, length = struct.unpack_from("<BI", value)
        start = 5
        for _ in range(2):
            while value[start : start + 2] not in {b"\0\0", b""}:
                start += 2
            start += 2
        yield kind, value[start : start + length]


def _in_ape(tags: Any) -> Iterator[Typed]:
    """A file name that ends with a zero, and the picture."""
    for name, kind in (("Cover Art (Front)", _FRONT), ("Cover Art (Back)", int(PictureType.COVER_BACK))):
        if name in tags:
            yield kind, bytes(tags[name].value).partition(b"\0")[2]


_KINDS: Sequence[tuple[type, Callable[[Any], Iterator[Typed]]]] = (
    (ID3, _in_id3),
    (VComment, _in_vorbis),
    (MP4Tags, _in_mp4),
    (ASFTags, _in_asf),
    (APEv2, _in_ape),
)


def picture_files(folder: str, names: Sequence[str]) -> Iterator[bytes]:
    """The pictures in `folder` that have one of these names, in the order of these, each read when asked for."""
    for path in picture_paths(folder, names):
        if data := _read(path):
            yield data


def picture_paths(folder: str, names: Sequence[str]) -> list[str]:
    """Where they lie. Links are not followed, and a folder is looked through only so far."""
    found: dict[tuple[int, int], str] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in itertools.islice(entries, MAX_FOLDER_ENTRIES):
                stem, suffix = os.path.splitext(entry.name.lower())
                if stem in names and suffix in SUFFIXES and entry.is_file(follow_symlinks=False):
                    found[names.index(stem), SUFFIXES.index(suffix)] = entry.path
    except OSError:
        return []
    return [path for _, path in sorted(found.items())]


def _read(path: str) -> bytes | None:
    try:
        if not 0 < os.lstat(path).st_size <= MAX_PICTURE_BYTES:
            return None
        return read_beside(path, MAX_PICTURE_BYTES)
    except OSError:
        return None
