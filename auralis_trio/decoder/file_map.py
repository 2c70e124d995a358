"""What a file's own structure says: which kind it is, where the audio lies, and how much of it there should be."""

import msgspec

from auralis_trio.audio.format import AudioFormat

Extent = tuple[int, int]
"""A run of bytes in a file: offset, length."""


class Outline(msgspec.Struct, frozen=True):
    """What a decoder would tell of a file; `total_frames` is None where only decoding tells the length."""

    format: AudioFormat
    total_frames: int | None


class FileMap(msgspec.Struct, frozen=True):
    """The map of one file, drawn from its headers alone.

    `payload` is the audio without tags. `total_frames` is the declared length, None where the file declares none;
    `first_frame` is the encoder's delay, to be dropped from what the decoder gives (None: the decoder drops it).
    Both are counted at `clock_rate` where that is given. `missing_bytes` were declared and are not there.
    `agrees` is false where the parts of the file contradict each other, so that another library decodes it.
    What begins before the offset `sound_start` holds no sound. `last_landing` is the last frame that a seek may aim
    at, where the decoder errs behind it. `digest` is the file's own hash of its PCM. `comment` is a block of Vorbis
    comments. `setup` is what stands outside of the payload and says how that is to be decoded, or a digest of it.
    `outline` is there where the headers are so plainly regular that no decoder need be asked.
    """

    kind: str
    payload: tuple[Extent, ...]
    total_frames: int | None = None
    first_frame: int | None = None
    clock_rate: int | None = None
    bits: int | None = None
    missing_bytes: int = 0
    agrees: bool = True
    sound_start: int = 0
    last_landing: int | None = None
    digest: bytes = b""
    comment: Extent | None = None
    setup: bytes = b""
    outline: Outline | None = None
