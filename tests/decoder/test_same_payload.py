"""Files whose payloads are the same bytes, and which sound different for what their headers say of these."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralis_trio.audio.content import PAYLOAD_DIGITS, names_of
from auralis_trio.audio.formats import FORMATS
from auralis_trio.decoder.file_map import Outline
from auralis_trio.decoder.identity import identify
from auralis_trio.decoder.ogg import checksum, pages_from
from auralis_trio.decoder.opening import ask_decoder, probe
from auralis_trio.decoder.regular_file import open_regular
from auralis_trio.decoder.sniff import map_file
from tests.decoder.conftest import Sounds
from tests.sound_files import music, write

RATE, FRAMES = 44_100, 60_000
AT_ONE_RATE = ("opus",)
TOLD_BY_PAYLOAD = ("mp3", "aac", "vorbis", "m4a", "wma", "wavpack", "tta", "ogg_flac")
"""Kinds whose payload itself is another one at another rate."""

Change = Callable[[bytes], bytes]


def replaced(old: bytes, new: bytes) -> Change:
    """The first of these bytes replaced by those."""

    def change(data: bytes) -> bytes:
        at = data.index(old)
        return data[:at] + new + data[at + len(old) :]

    return change


def in_header(number: int, at: int, value: bytes) -> Change:
    """The bytes at a place in the page with that header of an Ogg file replaced, and its checksum put right."""

    def change(data: bytes) -> bytes:
        start = 0
        for _ in range(number):
            start = data.index(b"OggS", start + 1)
        end = data.index(b"OggS", start + 1)
        body = start + 27 + data[start + 26] + at
        page = data[start:body] + value + data[body + len(value) : end]
        return data[:start] + page[:22] + checksum(page).to_bytes(4, "little") + page[26:] + data[end:]

    return change


def behind_the_audio(data: bytes) -> bytes:
    """An AIFF whose format stands behind its audio, as it may."""
    at = data.index(b"COMM")
    end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return data[:at] + data[end:] + data[at:end]


LITTLE_44, LITTLE_48 = (rate.to_bytes(4, "little") for rate in (44_100, 48_000))
BIG_44, BIG_48 = (rate.to_bytes(4, "big") for rate in (44_100, 48_000))

# A kind, how its samples are written, what is done to both files, and what is done to the other one alone.
CHANGES: dict[str, tuple[str, str, Change | None, Change]] = {
    "rate of WAV": ("wav", "PCM_16", None, replaced(LITTLE_44, LITTLE_48)),
    "rate of AIFF behind the audio": ("aiff", "PCM_16", behind_the_audio, replaced(b"\x0e\xac\x44", b"\x0e\xbb\x80")),
    "rate of ALAC": ("alac", "", None, lambda data: data.replace(BIG_44, BIG_48).replace(b"\xac\x44", b"\xbb\x80")),
    "law of WAV": ("wav", "ULAW", None, replaced(b"fmt \x12\0\0\0\x07", b"fmt \x12\0\0\0\x06")),
    "law of W64": ("w64", "ULAW", None, replaced(b"\x28" + bytes(7) + b"\x07", b"\x28" + bytes(7) + b"\x06")),
    "law of AU": ("au", "ULAW", None, replaced(b"\x01" + BIG_44, b"\x1b" + BIG_44)),
    "law of CAF": ("caf", "ULAW", None, replaced(b"ulaw", b"alaw")),
    "law of AIFF": ("aiff", "ULAW", None, replaced(b"ulaw", b"alaw")),
    "floating point": ("caf", "PCM_32", None, replaced(b"lpcm\0\0\0\0", b"lpcm\0\0\0\x01")),
    "order of bytes": ("caf", "PCM_16", None, replaced(b"lpcm\0\0\0\0", b"lpcm\0\0\0\x02")),
    "gain of Opus": ("opus", "", None, in_header(0, 16, b"\0\x03")),
    "start of an edit": (
        *("m4a", "", replaced(b"\0\0\x05\x50\0\0\x04\0", b"\0\0\x05\0\0\0\x04\0")),
        replaced(b"\0\0\x05\0\0\0\x04\0", b"\0\0\x05\0\0\0\x04\x40"),
    ),
    "parameters of WMA": ("wma", "", None, replaced(b"\0\0\x01\0\0\0\0\0\x01\x5a", b"\0\0\x07\0\0\0\0\0\x01\x5a")),
}


def write_sound(path: Path, kind: str, subtype: str, seed: int = 0) -> bytes:
    samples = music(FRAMES, 2, RATE, seed)
    if subtype:
        soundfile.write(path, samples, RATE, format=kind.upper(), subtype=subtype)
    else:
        write(str(path), kind, samples, RATE if kind != "opus" else 48_000)
    return path.read_bytes()


@pytest.mark.parametrize("change", CHANGES)
def test_a_payload_that_is_decoded_by_other_rules_is_another_content(
    tmp_path: Path, sounds: Sounds, change: str
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    kind, subtype, both, alone = CHANGES[change]
    data = write_sound(one, kind, subtype)
    one.write_bytes(both(data) if both else data)
    other.write_bytes(alone(one.read_bytes()))
    first, second = probe(str(one)), probe(str(other))
    assert first.content_id[:PAYLOAD_DIGITS] == second.content_id[:PAYLOAD_DIGITS]
    assert first.content_id != second.content_id
    if first.format == second.format and kind != "wma":  # which cannot be decoded by those
        assert not np.array_equal(sounds.read(str(one)), sounds.read(str(other)))


@pytest.mark.parametrize("kind", [row.name for row in FORMATS if row.name not in AT_ONE_RATE])
def test_the_same_samples_at_another_rate_are_another_content(tmp_path: Path, kind: str) -> None:
    found = []
    for rate in (44_100, 48_000):
        path = tmp_path / f"{rate}"
        write(str(path), kind, music(FRAMES, 2, RATE), rate)
        found.append(probe(str(path)))
    first, second = found
    assert (first.content_id[:PAYLOAD_DIGITS] == second.content_id[:PAYLOAD_DIGITS]) == (kind not in TOLD_BY_PAYLOAD)
    assert first.content_id != second.content_id


def test_the_books_that_vorbis_is_decoded_by_belong_to_it(tmp_path: Path, sounds: Sounds) -> None:
    """They end on the page of the comments; these do not belong to it."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(Path(sounds.path("vorbis")).read_bytes())
    with open_regular(str(one)) as file:
        outline = ask_decoder(file, map_file(file))
        pages = list(pages_from(file, 0))
    other.write_bytes(in_header(1, len(pages[1].body) - 2, b"\x7f")(one.read_bytes()))
    assert identity_of(one, outline) != identity_of(other, outline)
    assert len(names_of(identity_of(one, outline))) == 2


def identity_of(path: Path, outline: Outline) -> str:
    with open_regular(str(path)) as file:
        return identify(file, map_file(file), outline)


def test_what_another_library_decodes_is_another_content(tmp_path: Path, sounds: Sounds) -> None:
    """Junk before the first frame of an MP3 has it decoded by another library, whose samples are others."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(Path(sounds.path("mp3", frames=FRAMES)).read_bytes())
    other.write_bytes(bytes(5_000) + one.read_bytes())
    first, second = probe(str(one)), probe(str(other))
    assert first.content_id[:PAYLOAD_DIGITS] == second.content_id[:PAYLOAD_DIGITS]
    assert first.content_id != second.content_id
    assert not np.array_equal(sounds.read(str(one)), sounds.read(str(other)))
