"""The little of a file that its tags can be read from as well as from the whole."""

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.ogg import read_comment
from auralis_trio.decoder.regular_file import RegularFile

_END_BYTES = 128 + 32  # ID3v1, and before it the foot of an APE tag


def tag_excerpt(file: RegularFile, mapped: FileMap, limit_bytes: int) -> bytes | None:
    """Of FLAC and Ogg files the block of Vorbis comments alone; of MP3 what stands before the audio, and the end.

    None where there is no such part, or it is larger than the limit.
    """
    start = mapped.payload[0][0]
    if mapped.kind == "flac" and mapped.comment is not None and mapped.comment[1] <= limit_bytes:
        return file.read_at(*mapped.comment)
    if mapped.kind in ("vorbis", "opus") and start <= limit_bytes:
        return read_comment(file, start)
    if mapped.kind == "mp3" and start <= limit_bytes:
        return file.read_at(0, start) + file.read_at(max(start, file.size - _END_BYTES), _END_BYTES)
    return None
