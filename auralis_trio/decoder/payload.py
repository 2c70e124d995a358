"""The whole of a file's audio as it lies there, hashed: the proof that a change of tags has left it alone."""

from collections.abc import Iterator
from hashlib import sha256

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.ogg import OGG_KINDS, pages_from
from auralis_trio.decoder.regular_file import RegularFile, open_regular
from auralis_trio.decoder.sniff import map_file

_PIECE_BYTES = 1024 * 1024


def map_path(path: str) -> FileMap:
    """The map of the file at `path`.

    Raises:
        SourceError: it is missing, no regular file, no known audio, or broken.
    """
    with open_regular(path) as file:
        return map_file(file)


def digest_audio(path: str) -> str:
    """The SHA-256 of the audio in the file at `path`, as hexadecimal digits; its tags do not enter into it.

    In Ogg files the numbers and checksums of pages change with the tags before them, so only their bodies count.

    Raises:
        SourceError: as in `map_path`.
    """
    digest = sha256()
    with open_regular(path) as file:
        mapped = map_file(file)
        digest.update(f"{mapped.kind} {mapped.total_frames}".encode() + mapped.digest)
        for piece in _pieces(file, mapped):
            digest.update(piece)
    return digest.hexdigest()


def has_numbered_pages(mapped: FileMap) -> bool:
    """Whether the bytes around the audio change all through the file when tags grow."""
    return mapped.kind in OGG_KINDS


def _pieces(file: RegularFile, mapped: FileMap) -> Iterator[bytes]:
    for offset, length in mapped.payload:
        if has_numbered_pages(mapped):
            for page in pages_from(file, offset):
                yield page.position.to_bytes(8, "little") if page.position is not None else b""
                yield page.body
            continue
        end = offset + length
        while offset < end:
            piece = file.read_exactly(offset, min(_PIECE_BYTES, end - offset))
            yield piece
            offset += len(piece)
