"""The quick identity of a track's audio: the same after a change of tags, another one for other audio.

It takes a few small reads: the payload's length, the number of frames, and either the file's own hash of its PCM
(FLAC) or three windows of the payload.
"""

from hashlib import blake2b

from auralis_trio.decoder.file_map import Extent, FileMap
from auralis_trio.decoder.ogg import MAX_PAGE_BYTES, OGG_KINDS, PAGE_BYTES, read_page
from auralis_trio.decoder.regular_file import RegularFile

_WINDOW_BYTES = 4096


def identify(file: RegularFile, mapped: FileMap, total_frames: int | None) -> str:
    """The content's identity as 32 hexadecimal digits."""
    length = sum(extent[1] for extent in mapped.payload)
    digest = blake2b(digest_size=16)
    digest.update(f"{mapped.kind} {0 if mapped.digest else length} {total_frames}".encode())
    if mapped.digest:
        digest.update(mapped.digest)
        return digest.hexdigest()
    for start in (0, max(0, (length - _WINDOW_BYTES) // 2), max(0, length - _WINDOW_BYTES)):
        if mapped.kind in OGG_KINDS:
            digest.update(_ogg_window(file, mapped.payload[0], start))
        else:
            digest.update(_window(file, mapped.payload, start))
    return digest.hexdigest()


def _window(file: RegularFile, payload: tuple[Extent, ...], start: int) -> bytes:
    """Up to a window's bytes from `start`, counted in the payload alone."""
    parts, wanted = [], _WINDOW_BYTES
    for offset, length in payload:
        take = min(wanted, length - start)
        if take > 0:
            parts.append(file.read_at(offset + start, take))
            wanted -= take
        start = max(0, start - length)
    return b"".join(parts)


def _ogg_window(file: RegularFile, payload: Extent, start: int) -> bytes:
    """The beginning of the first page's body behind `start`.

    A page's header holds its number and checksum, which change when the comments before it grow by a page.
    """
    offset, length = payload
    for span in (PAGE_BYTES, 2 * MAX_PAGE_BYTES):  # mostly the first holds one, and the same one
        around = file.read_at(offset + start, min(span, length - start))
        at = around.find(b"OggS")
        while at >= 0:
            page = read_page(file, offset + start + at)
            if page:
                return page.body[:_WINDOW_BYTES]
            at = around.find(b"OggS", at + 1)
    return b""
