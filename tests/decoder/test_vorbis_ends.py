"""A Vorbis stream whose encoder was fed on behind its end: each further page says that it is the last one."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile

from auralis_trio.decoder import vorbis
from auralis_trio.decoder.ogg import checksum, pages_from
from auralis_trio.decoder.opening import ask_decoder, open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.decoder.regular_file import open_regular
from auralis_trio.decoder.sniff import map_file
from auralis_trio.errors import SourceCorrupt
from tests.decoder.conftest import Sounds

LONG = 1024
"""what a long block adds behind another long one"""
CUT = 300
"""so much of a stream's last block does not count"""
SILENT = b"\x0e"
"""a long block between long ones, nothing of which is used"""
FIRST, LAST = 2, 4


class Odd(NamedTuple):
    """The file, the same packets with one end alone, how many frames the first end is at, and the pages behind it."""

    path: Path
    plain: Path
    frames: int
    further: list[bytes]


def page_of(packets: Sequence[bytes], sequence: int, position: int, flags: int = 0) -> bytes:
    """A page of whole packets (RFC 3533 section 6)."""
    lacing = b"".join(bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets)
    numbers = position.to_bytes(8, "little") + bytes(4) + sequence.to_bytes(4, "little")
    data = b"OggS\0" + bytes([flags]) + numbers + bytes(4) + bytes([len(lacing)]) + lacing + b"".join(packets)
    return data[:22] + checksum(data).to_bytes(4, "little") + data[26:]


def packets_of(path: str) -> list[bytes]:
    with open_regular(path) as file:
        pages = list(pages_from(file, 0))
    body = b"".join(page.body for page in pages)
    lacing = [length for page in pages for length in page.segments]
    ends = np.cumsum(lacing)[[length < 255 for length in lacing]]
    return [body[start:end] for start, end in pairwise([0, *ends])]


@pytest.fixture
def odd(sounds: Sounds, tmp_path: Path) -> Odd:
    packets = packets_of(sounds.path("vorbis", 2, 44_100, 100_000))
    stream = vorbis.parse_stream(packets[0], packets[2])
    assert stream is not None
    long = [count for count, packet in enumerate(packets) if packet[0] & 15 == SILENT[0]]
    loud, packets = packets[long[-1]], packets[: long[-1] + 1]  # so that its last block is a long one
    counts = [vorbis.frames_of(stream, packets[3:end]) or 0 for end in range(4, len(packets) + 1)]
    pages = [page_of([packet], count, 0, FIRST * (not count)) for count, packet in enumerate(packets[:3])]
    pages.append(page_of(packets[3:5], 3, counts[1]))
    pages += [page_of(packets[at : at + 1], at - 1, counts[at - 3]) for at in range(5, len(packets) - 1)]
    return _odd_and_plain(tmp_path, pages, [packets[-1], loud, loud, SILENT, SILENT], counts[-1])


def _odd_and_plain(folder: Path, pages: list[bytes], packets: list[bytes], whole: int) -> Odd:
    """`whole` frames there would be with the first of the packets. The second brings nothing."""
    frames = whole - CUT
    odd_ones = [
        page_of([packet], len(pages) + count, position, LAST)
        for count, (packet, position) in enumerate(
            zip(packets, [frames, frames, frames + LONG, frames + 2 * LONG, frames + 3 * LONG - CUT], strict=True)
        )
    ]
    plain_ones = [
        page_of([packet], len(pages) + count, whole + count * LONG, LAST * (count == len(packets) - 1))
        for count, packet in enumerate(packets)
    ]
    path, plain = folder / "odd.ogg", folder / "plain.ogg"
    path.write_bytes(b"".join(pages + odd_ones))
    plain.write_bytes(b"".join(pages + plain_ones))
    return Odd(path, plain, frames, odd_ones[1:])


def test_it_has_what_every_page_counts_and_not_what_an_end_cuts_off(sounds: Sounds, odd: Odd) -> None:
    assert probe(str(odd.path)).total_frames == odd.frames + 3 * LONG - CUT
    by_libvorbis, _ = soundfile.read(odd.plain, dtype="float32")
    expected = np.concatenate((by_libvorbis[: odd.frames], by_libvorbis[odd.frames + CUT + LONG : -CUT]))
    samples = sounds.read(str(odd.path))
    assert samples.shape == expected.shape
    assert np.abs(samples - expected).max() < 1e-6
    assert np.abs(samples[odd.frames : odd.frames + LONG]).max() > 0.1


def test_its_decoder_tells_the_same_of_it_as_its_headers(odd: Odd) -> None:
    with open_regular(str(odd.path)) as file:
        mapped = map_file(file)
        assert ask_decoder(file, mapped) == mapped.outline


def test_it_is_read_in_any_order_as_in_sequence(sounds: Sounds, odd: Odd) -> None:
    whole, source = sounds.read(str(odd.path)), sounds.open(str(odd.path))
    for start in (odd.frames - 500, 77, odd.frames + LONG, 0, source.total_frames - 1000):
        assert np.array_equal(source.read(start, 1000), whole[start : start + 1000])
    source.close()


def a_page_is_missing(data: bytearray, odd: Odd) -> None:
    del data[-sum(map(len, odd.further[1:])) : -sum(map(len, odd.further[2:]))]


def a_bit_is_flipped(data: bytearray, odd: Odd) -> None:
    data[-sum(map(len, odd.further[2:])) - 30] ^= 0x10


@pytest.mark.parametrize("damage", [a_page_is_missing, a_bit_is_flipped])
def test_damage_behind_the_first_end_is_damage(
    odd: Odd, damage: Callable[[bytearray, Odd], None], new_cache: Callable[..., PcmCache]
) -> None:
    data = bytearray(odd.path.read_bytes())
    damage(data, odd)
    odd.path.write_bytes(data)
    source = open_source(str(odd.path), "damaged", new_cache())
    assert len(source.read(0, odd.frames)) == odd.frames
    with pytest.raises(SourceCorrupt):
        source.read(odd.frames, source.total_frames - odd.frames)
    source.close()
