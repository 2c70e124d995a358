"""Maps MPEG audio: MP3 with its Xing, Info and LAME headers, and AAC in ADTS frames."""

import msgspec

from auralis_trio.audio.format import AudioFormat
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.decoder.tags import has_plain_head

_SEARCH_BYTES = 1 << 16  # junk that may stand before the first frame
_RATES = (44_100, 48_000, 32_000)
_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_FRAMES_ALIKE = 4
_LONG_BYTES = 1 << 16
_DECODER_DELAY = 529  # of every Layer III decoder, which the LAME header leaves out


class _Frame(msgspec.Struct, frozen=True):
    """What the four bytes before an MP3 frame say."""

    version_1: bool
    mono: bool
    sample_rate: int
    bytes: int

    @property
    def shape(self) -> tuple[bool, bool, int]:
        """What all frames of a stream have in common."""
        return self.version_1, self.mono, self.sample_rate

    @property
    def samples(self) -> int:
        return 1152 if self.version_1 else 576

    @property
    def header_offset(self) -> int:
        """Where a Xing header stands in the frame: behind the side information."""
        if self.version_1:
            return 4 + (17 if self.mono else 32)
        return 4 + (9 if self.mono else 17)


def parse_frame(head: bytes) -> _Frame | None:
    """Read an MP3 frame's header of four bytes; None where there is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync, Layer III
        return None
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return None
    version_1 = version == 3
    sample_rate = _RATES[rate] >> (0 if version_1 else 1 if version == 2 else 2)
    kbps = (_BITRATES_1 if version_1 else _BITRATES_2)[bitrate]
    length = (144_000 if version_1 else 72_000) * kbps // sample_rate + (head[2] >> 1 & 1)
    return _Frame(version_1, head[3] >> 6 == 3, sample_rate, length)


def _adts_bytes(head: bytes) -> int:
    """The length of the ADTS frame that begins with `head`; 0 where none does."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def map_mpeg(file: RegularFile, start: int, end: int) -> FileMap | None:
    """Map an MP3 or ADTS file whose audio lies from `start` to `end`; None where it is neither.

    Two frames in a row make it one (or one frame that ends with the audio): a single sync word stands in many files.
    """
    window = file.read_at(start, min(_SEARCH_BYTES, end - start))
    at = window.find(b"\xff")
    while at >= 0:
        here, left = window[at : at + 6], end - start - at
        frame = parse_frame(here)
        if frame and _follows(frame.bytes, left, parse_frame(file.read_at(start + at + frame.bytes, 4)) is not None):
            mapped = _map_mp3(file, frame, (start + at, end), clean_start=at == 0)
            return msgspec.structs.replace(mapped, outline=_outline(file, mapped, frame)) if at == 0 else mapped
        length = _adts_bytes(here)
        if length and _follows(length, left, _adts_bytes(file.read_at(start + at + length, 6)) > 0):
            return FileMap("aac", ((start + at, left),))
        at = window.find(b"\xff", at + 1)
    return None


def _follows(length: int, left: int, next_is_frame: bool) -> bool:
    return length == left or (length < left and next_is_frame)


def _map_mp3(file: RegularFile, frame: _Frame, span: tuple[int, int], clean_start: bool) -> FileMap:
    start, end = span
    payload = ((start, end - start),)
    head = file.read_at(start + frame.header_offset, 160)
    if head[:4] not in (b"Xing", b"Info") or len(head) < 160 or not head[7] & 1:
        return FileMap("mp3", payload, first_frame=0, agrees=False)
    frames = int.from_bytes(head[8:12], "big")
    flags, at = head[7], 12
    declared_bytes = int.from_bytes(head[at : at + 4], "big") if flags & 2 else end - start
    at += (4 if flags & 2 else 0) + (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    delay, padding = _lame_gaps(head[at:])
    return FileMap(
        "mp3",
        payload,
        total_frames=max(0, frames * frame.samples - delay - padding),
        first_frame=delay + _DECODER_DELAY if delay or padding else 0,
        agrees=clean_start and declared_bytes == end - start,
        sound_start=start + frame.bytes,
    )


def _outline(file: RegularFile, mapped: FileMap, frame: _Frame) -> Outline | None:
    """What a decoder would tell, where the first frames that it sees are all of one kind.

    Without a header that says how long it is, a short file is left to the decoder, which would look at all of it.
    """
    offset, length = mapped.payload[0]
    is_whole = mapped.agrees or (mapped.total_frames is None and length >= _LONG_BYTES)
    if not is_whole or not has_plain_head(file, offset):
        return None
    for _ in range(_FRAMES_ALIKE):
        offset += frame.bytes
        following = parse_frame(file.read_at(offset, 4))
        if following is None or following.shape != frame.shape:
            return None
        frame = following
    return Outline(AudioFormat(frame.sample_rate, 1 if frame.mono else 2, None), mapped.total_frames)


def _lame_gaps(extension: bytes) -> tuple[int, int]:
    """The encoder's delay and padding in samples; zeros where it does not say."""
    if len(extension) < 24 or not extension[:4].isalnum():
        return 0, 0
    gaps = int.from_bytes(extension[21:24], "big")
    return gaps >> 12, max(gaps & 0xFFF, _DECODER_DELAY) if gaps else 0
