"""WAV: what an independent reader makes of it, and the arithmetic of its header on both sides of 4 GiB.

The small parser in here follows the Microsoft multimedia data standards and EBU Tech 3306, not our writer.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder.pcm import pack_pcm
from auralis_trio.encoder.wav import wav_header, wav_padding

PLAIN = [Encoding.S16, Encoding.S24, Encoding.F32]
U32 = 0xFFFFFFFF


@dataclass
class Parsed:
    """What a reader learns from the head of a WAV file."""

    form: bytes
    outer_bytes: int
    data_bytes: int
    data_offset: int
    fmt: bytes
    fact_frames: int | None
    ds64_frames: int | None

    @property
    def tag(self) -> int:
        return int(struct.unpack_from("<H", self.fmt)[0])


def parse(head: bytes) -> Parsed:
    """Walk the chunks up to `data`; sizes of 0xFFFFFFFF in RF64 stand in ds64."""
    form, outer, wave = struct.unpack_from("<4sI4s", head)
    assert wave == b"WAVE"
    found: dict[bytes, bytes] = {}
    at, wide = 12, None
    while True:
        name, size = struct.unpack_from("<4sI", head, at)
        at += 8
        if name == b"data":
            break
        found[name] = head[at : at + size]
        if name == b"ds64":
            assert at == 20, "ds64 comes first"
            wide = struct.unpack_from("<QQQI", head, at)
        at += size + size % 2
    if form == b"RF64":
        assert wide is not None
        assert outer == size == U32
        assert wide[3] == 0, "no table"
        outer, size = wide[0], wide[1]
    fact = struct.unpack("<I", found[b"fact"])[0] if b"fact" in found else None
    return Parsed(form, outer, size, at, found[b"fmt "], fact, wide[2] if wide else None)


def form_of(channels: int, rate: int = 44_100) -> AudioFormat:
    return AudioFormat(rate, channels, None)


def wav_file(form: AudioFormat, encoding: Encoding, samples: Samples) -> bytes:
    body = pack_pcm(Block(samples, 0), encoding, 16)
    return wav_header(form, encoding, len(samples)) + body + wav_padding(form, encoding, len(samples))


@pytest.mark.parametrize("frames", [1, 2, 1001])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize(
    ("encoding", "subtype"), [(Encoding.S16, "PCM_16"), (Encoding.S24, "PCM_24"), (Encoding.F32, "FLOAT")]
)
def test_libsndfile_reads_back_every_sample(encoding: Encoding, subtype: str, channels: int, frames: int) -> None:
    words = np.random.default_rng(frames).integers(-32_768, 32_768, (frames, channels))
    samples = (words / 32_768).astype(np.float32)
    with soundfile.SoundFile(io.BytesIO(wav_file(form_of(channels), encoding, samples))) as read:
        assert (read.samplerate, read.channels, read.frames, read.subtype) == (44_100, channels, frames, subtype)
        assert np.array_equal(read.read(dtype="float32", always_2d=True), samples)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 96_000, 192_000])
def test_the_rate_is_kept(rate: int) -> None:
    data = wav_file(form_of(2, rate), Encoding.S24, np.zeros((5, 2), np.float32))
    assert soundfile.info(io.BytesIO(data)).samplerate == rate


@settings(deadline=None)
@given(st.sampled_from(PLAIN), st.integers(1, 8), st.integers(0, 2**40), st.sampled_from([8_000, 44_100, 192_000]))
def test_sizes_are_exact_for_any_length(encoding: Encoding, channels: int, frames: int, rate: int) -> None:
    form = form_of(channels, rate)
    header, padding = wav_header(form, encoding, frames), wav_padding(form, encoding, frames)
    parsed = parse(header)
    assert parsed.data_bytes == frames * encoding.frame_bytes(channels)
    assert parsed.data_offset == len(header)
    # The outer size counts all that follows it, the pad byte too, which keeps the whole even.
    assert parsed.outer_bytes == len(header) + parsed.data_bytes + len(padding) - 8
    assert parsed.outer_bytes % 2 == 0
    assert (parsed.form == b"RF64") == (parsed.outer_bytes - 36 * (parsed.form == b"RF64") > U32)
    assert parsed.ds64_frames == (frames if parsed.form == b"RF64" else None)


@settings(deadline=None)
@given(st.sampled_from(PLAIN), st.integers(1, 32), st.sampled_from([8_000, 44_100, 192_000]))
def test_the_format_chunk_agrees_with_itself(encoding: Encoding, channels: int, rate: int) -> None:
    fmt = parse(wav_header(form_of(channels, rate), encoding, 10)).fmt
    _, got_channels, got_rate, byte_rate, frame_bytes, bits = struct.unpack_from("<HHIIHH", fmt)
    assert (got_channels, got_rate) == (channels, rate)
    assert frame_bytes == encoding.frame_bytes(channels) == channels * bits // 8
    assert byte_rate == rate * frame_bytes
    assert len(fmt) == 16 or struct.unpack_from("<H", fmt, 16)[0] == len(fmt) - 18


@pytest.mark.parametrize(
    ("encoding", "channels", "tag"),
    [
        (Encoding.S16, 1, 1),
        (Encoding.S16, 2, 1),
        (Encoding.F32, 1, 3),
        (Encoding.F32, 2, 3),
        (Encoding.S24, 1, 0xFFFE),
        (Encoding.S24, 2, 0xFFFE),
        (Encoding.S16, 3, 0xFFFE),
        (Encoding.F32, 6, 0xFFFE),
    ],
)
def test_the_plain_format_is_used_only_where_it_is_clear(encoding: Encoding, channels: int, tag: int) -> None:
    assert parse(wav_header(form_of(channels), encoding, 10)).tag == tag


@pytest.mark.parametrize("encoding", PLAIN)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6, 7, 8, 9, 18])
def test_an_extensible_header_names_one_speaker_a_channel_or_none(encoding: Encoding, channels: int) -> None:
    fmt = parse(wav_header(form_of(channels), encoding, 10)).fmt
    if len(fmt) < 40:
        return
    valid_bits, mask, sub_tag = struct.unpack_from("<HIH", fmt, 18)
    assert valid_bits == struct.unpack_from("<H", fmt, 14)[0]
    assert mask.bit_count() == (channels if channels <= 8 else 0)
    assert sub_tag == (3 if encoding is Encoding.F32 else 1)
    # KSDATAFORMAT_SUBTYPE_*: {0000000x-0000-0010-8000-00AA00389B71}
    assert fmt[26:] == bytes.fromhex("0000 0000 1000 8000 00AA00389B71")


@pytest.mark.parametrize(("channels", "mask"), [(3, 0x7), (6, 0x3F), (8, 0x63F)])
def test_the_usual_speakers_stand_in_their_places(channels: int, mask: int) -> None:
    fmt = parse(wav_header(form_of(channels), Encoding.S16, 10)).fmt
    assert struct.unpack_from("<I", fmt, 20)[0] == mask


@pytest.mark.parametrize(("frames", "fact"), [(0, 0), (1234, 1234), (U32, U32), (U32 + 1, U32)])
def test_floats_have_a_fact_chunk(frames: int, fact: int) -> None:
    assert parse(wav_header(form_of(1), Encoding.F32, frames)).fact_frames == fact


@pytest.mark.parametrize("encoding", [Encoding.S16, Encoding.S24])
def test_integers_have_none(encoding: Encoding) -> None:
    assert parse(wav_header(form_of(2), encoding, 99)).fact_frames is None


@pytest.mark.parametrize("encoding", PLAIN)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_32_bits_are_used_up_to_the_last_frame_that_they_hold(encoding: Encoding, channels: int) -> None:
    form = form_of(channels)
    room = U32 - (len(wav_header(form, encoding, 0)) - 8)
    most = room // encoding.frame_bytes(channels)
    if (most * encoding.frame_bytes(channels)) % 2 and most * encoding.frame_bytes(channels) == room:
        most -= 1
    assert parse(wav_header(form, encoding, most)).form == b"RIFF"
    over = parse(wav_header(form, encoding, most + 1))
    assert (over.form, over.ds64_frames) == (b"RF64", most + 1)


def test_libsndfile_takes_the_large_header(tmp_path: object) -> None:
    frames = 2**31
    header = wav_header(form_of(2), Encoding.S16, frames)
    # The samples themselves are a hole: the reader believes the file's size.
    file = SparseFile(header, len(header) + 4 * frames)
    with soundfile.SoundFile(file) as read:
        assert (read.format, read.frames) == ("RF64", frames)


@pytest.mark.parametrize(
    ("encoding", "channels", "frames", "padding"),
    [(Encoding.S24, 1, 1, b"\0"), (Encoding.S24, 1, 2, b""), (Encoding.S24, 3, 7, b"\0"), (Encoding.S16, 1, 1, b"")],
)
def test_an_odd_length_is_padded(encoding: Encoding, channels: int, frames: int, padding: bytes) -> None:
    assert wav_padding(form_of(channels), encoding, frames) == padding


class SparseFile(io.RawIOBase):
    """A header, then zeros as far as `size`."""

    def __init__(self, header: bytes, size: int) -> None:
        super().__init__()
        self._header, self._size, self._at = header, size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        count = max(0, min(len(into), self._size - self._at))
        part = self._header[self._at : self._at + count]
        into[:count] = part + bytes(count - len(part))
        self._at += count
        return count
