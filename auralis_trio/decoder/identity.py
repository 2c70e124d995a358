"""The quick identity of a track's audio: the same after a change of tags, another one for other audio.

It takes a few small reads: the payload's length, the number of frames, and either the file's own hash of its PCM
(FLAC) or some windows of the payload, from its beginning, its middle and its end. The same payload is another sound
where the headers say something else of it, such as another sample rate, or where another library decodes it: so all
that decides how it is decoded belongs to it too. A window of silence tells nothing:
so others are looked at between those, halving the way again and again, until there are enough that do. Of a file that
holds plain samples there are more, as one recording and another made of it differ only in places there. Such windows
are also the mark by which an open file is known again (`mark`).
"""

from collections.abc import Iterator
from hashlib import blake2b

from auralis_trio.audio.content import HEADER_DIGITS, PAYLOAD_DIGITS
from auralis_trio.audio.formats import format_named
from auralis_trio.decoder.file_map import Extent, FileMap, Outline
from auralis_trio.decoder.ogg import MAX_PAGE_BYTES, OGG_KINDS, PAGE_BYTES, read_page
from auralis_trio.decoder.regular_file import RegularFile

_WINDOW_BYTES = 4096
_TELLING_WINDOWS, _TELLING_WINDOWS_OF_PLAIN = 3, 5
_PARTS = 64
_PLACES = (0, 32, 64, *(place for step in (32, 16, 8, 4, 2) for place in range(step // 2, _PARTS, step)))
"""Where windows lie, in parts of the payload; at most all of them are read."""
_REPEATED_BYTES = 16
_WHOLE_BYTES = 4 * _WINDOW_BYTES
"""A payload up to this long is one window, as its parts would lie over each other."""


def identify(file: RegularFile, mapped: FileMap, outline: Outline) -> str:
    """The content's identity as hexadecimal digits: `PAYLOAD_DIGITS`, and `HEADER_DIGITS` behind them."""
    return _identify_payload(file, mapped, outline.total_frames) + _identify_headers(mapped, outline)


def _identify_headers(mapped: FileMap, outline: Outline) -> str:
    """The digits of all outside of the payload that decides which samples it is decoded to, and what they mean."""
    sound = outline.format
    told = [sound.sample_rate, sound.channels, sound.bits, mapped.first_frame, mapped.clock_rate]
    if mapped.kind != "flac":  # of which every library makes the same samples
        told.append(mapped.agrees)
    digest = blake2b(" ".join(map(str, told)).encode(), digest_size=HEADER_DIGITS // 2)
    digest.update(b"\0" + mapped.setup)
    return digest.hexdigest()


def _identify_payload(file: RegularFile, mapped: FileMap, total_frames: int | None) -> str:
    length = sum(extent[1] for extent in mapped.payload)
    digest = blake2b(digest_size=PAYLOAD_DIGITS // 2)
    digest.update(f"{mapped.kind} {0 if mapped.digest else length} {total_frames}".encode())
    if mapped.digest:
        digest.update(mapped.digest)
        return digest.hexdigest()
    if length <= _WHOLE_BYTES and mapped.kind not in OGG_KINDS:
        digest.update(_window(file, mapped.payload, 0, length))
        return digest.hexdigest()
    for window in _telling_windows(file, mapped, length):
        digest.update(window)
    return digest.hexdigest()


def mark(mapped: FileMap, file: RegularFile) -> bytes:
    """What tells whether an open file still holds the bytes that were mapped, whatever its headers say of itself."""
    digest = blake2b(digest_size=16)
    for window in _telling_windows(file, mapped, sum(extent[1] for extent in mapped.payload)):
        digest.update(window)
    return digest.digest()


def _telling_windows(file: RegularFile, mapped: FileMap, length: int) -> Iterator[bytes]:
    """Windows of a payload of `length` bytes, until enough of them are telling."""
    missing = _TELLING_WINDOWS_OF_PLAIN if format_named(mapped.kind).plain else _TELLING_WINDOWS
    way = max(0, length - _WINDOW_BYTES)
    for place in _PLACES:
        start = way * place // _PARTS
        if mapped.kind in OGG_KINDS:
            window = _ogg_window(file, mapped.payload[0], start)
        else:
            window = _window(file, mapped.payload, start, _WINDOW_BYTES)
        yield window
        missing -= _is_telling(window)
        if not missing:
            return


def _is_telling(window: bytes) -> bool:
    """Whether a window holds something: what it ends with stands nowhere else in it, unlike in silence."""
    return window.find(window[-_REPEATED_BYTES:]) == len(window) - _REPEATED_BYTES


def _window(file: RegularFile, payload: tuple[Extent, ...], start: int, wanted: int) -> bytes:
    """Up to so many bytes from `start`, counted in the payload alone."""
    parts = []
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
