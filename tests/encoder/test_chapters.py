"""Chapters, as libsndfile and ffprobe read them, and as a cue sheet."""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from soundfile import _ffi, _snd

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder import cue_sheet, wav_chapters, wav_header, wav_padding
from auralis_trio.encoder.chapters import Chapter
from auralis_trio.encoder.pcm import pack_pcm

RATE, FRAMES = 44_100, 9 * 44_100 + 1
CHAPTERS = [Chapter("First", 0, "Who"), Chapter("Łódź - ünd", 100_003), Chapter('A "third"\none', 300_000)]
GET_CUE_COUNT, GET_CUE = 0x10CD, 0x10CE  # libsndfile's commands; a cue point takes 280 bytes


def wav_file(path: Path, encoding: Encoding, channels: int) -> None:
    form, behind = AudioFormat(RATE, channels, 16), wav_chapters(CHAPTERS)
    body = pack_pcm(Block(np.zeros((FRAMES, channels), np.float32), 0), encoding, 16)
    header = wav_header(form, encoding, FRAMES, len(behind))
    path.write_bytes(header + body + wav_padding(form, encoding, FRAMES) + behind)


@pytest.mark.parametrize("encoding", [Encoding.S16, Encoding.S24, Encoding.F32])
@pytest.mark.parametrize("channels", [1, 2])
def test_libsndfile_finds_every_cue_point_and_its_name(tmp_path: Path, encoding: Encoding, channels: int) -> None:
    wav_file(tmp_path / "one.wav", encoding, channels)
    with soundfile.SoundFile(tmp_path / "one.wav") as file:
        assert file.frames == FRAMES
        count = _ffi.new("uint32_t*")
        assert _snd.sf_command(file._file, GET_CUE_COUNT, count, 4)
        cues = _ffi.new("char[]", 4 + 100 * 280)
        assert _snd.sf_command(file._file, GET_CUE, cues, len(cues))
    raw = bytes(_ffi.buffer(cues))[4:]
    found = []
    for number in range(count[0]):
        *_, start_frame = struct.unpack_from("<iIiiiI", raw, number * 280)
        found.append((raw[number * 280 + 24 : (number + 1) * 280].split(b"\0")[0].decode(), start_frame))
    assert found == [("First", 0), ("Łódź - ünd", 100_003), ('A "third" one', 300_000)]


def test_ffprobe_shows_them_as_chapters(tmp_path: Path) -> None:
    wav_file(tmp_path / "one.wav", Encoding.S24, 1)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", str(tmp_path / "one.wav")]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["chapters"]
    assert [(each["tags"]["title"], each["start"], each["end"]) for each in told] == [
        ("First", 0, 100_003),
        ("Łódź - ünd", 100_003, 300_000),
        ('A "third" one', 300_000, FRAMES),
    ]


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 2**32 - 1)), min_size=1, max_size=30))
def test_every_chunk_is_as_long_as_it_says_and_even(points: list[tuple[str, int]]) -> None:
    chapters = [Chapter(title, start) for title, start in sorted(points, key=lambda point: point[1])]
    data = wav_chapters(chapters)
    name, size = struct.unpack_from("<4sI", data)
    assert (name, size) == (b"cue ", 4 + 24 * len(chapters))
    listed, list_bytes = struct.unpack_from("<4sI", data, 8 + size)
    assert (listed, 8 + size + 8 + list_bytes) == (b"LIST", len(data))
    at, labels = 8 + size + 12, []
    while at < len(data):
        label, label_bytes, number = struct.unpack_from("<4sII", data, at)
        assert label == b"labl"
        assert data[at + 8 + label_bytes - 1] == 0
        labels.append(number)
        at += 8 + label_bytes + label_bytes % 2
    assert labels == list(range(1, len(chapters) + 1))


def test_what_does_not_fit_into_32_bits_is_left_out() -> None:
    assert wav_chapters([Chapter("one", 0), Chapter("two", 2**32)]) == b""
    assert wav_chapters([]) == b""


def test_a_header_counts_what_stands_behind_the_samples_on_both_sides_of_4_gib() -> None:
    form = AudioFormat(RATE, 2, 16)
    for frames in (10, 2**32 // 4):
        plain, longer = (wav_header(form, Encoding.S16, frames, behind) for behind in (0, 1000))
        at = 20 if plain.startswith(b"RF64") else 4
        kind = "<Q" if plain.startswith(b"RF64") else "<I"
        assert struct.unpack_from(kind, longer, at)[0] == struct.unpack_from(kind, plain, at)[0] + 1000
    just_fits = (2**32 - 1 - 36) // 4
    assert wav_header(form, Encoding.S16, just_fits).startswith(b"RIFF")
    assert wav_header(form, Encoding.S16, just_fits, 4).startswith(b"RF64")


def test_a_cue_sheet_names_the_file_and_each_track() -> None:
    chapters = [*CHAPTERS, Chapter("Late", RATE * 6000 + RATE // 2)]
    assert cue_sheet('An "album"', "audio.wav?encoding=s16", chapters, RATE).splitlines() == [
        "TITLE \"An 'album'\"",
        'FILE "audio.wav?encoding=s16" WAVE',
        "  TRACK 01 AUDIO",
        '    TITLE "First"',
        '    PERFORMER "Who"',
        "    INDEX 01 00:00:00",
        "  TRACK 02 AUDIO",
        '    TITLE "Łódź - ünd"',
        "    INDEX 01 00:02:20",
        "  TRACK 03 AUDIO",
        "    TITLE \"A 'third' one\"",
        "    INDEX 01 00:06:60",
        "  TRACK 04 AUDIO",
        '    TITLE "Late"',
        "    INDEX 01 100:00:37",
    ]
