# mypy: disable-error-code="no-untyped-call"

"""A track keeps its content id when its tags change, grow, move or go, and has another one when its audio does."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.aac
import numpy as np
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TIT2
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis
from numpy.typing import NDArray

from auralis_trio.audio.content import HEADER_DIGITS, PAYLOAD_DIGITS
from auralis_trio.audio.format import AudioFormat
from auralis_trio.audio.formats import FORMATS
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.identity import identify
from auralis_trio.decoder.opening import probe
from auralis_trio.decoder.regular_file import RegularFile
from tests.decoder.conftest import Sounds
from tests.sound_files import music, write

COVER = bytes(range(256)) * 800  # 200 KB: more than the room that any format leaves for tags
LONG = "a title that is much longer than the old one " * 2000


@pytest.fixture
def copy(sounds: Sounds, tmp_path: Path) -> Callable[[str], str]:
    def make(kind: str) -> str:
        row = next(row for row in FORMATS if row.name == kind)
        return str(shutil.copy(sounds.path(kind, 2, 48_000, 60_000), tmp_path / f"copy{row.suffixes[0]}"))

    return make


def _retag(path: str, kind: str, title: str) -> None:
    if kind in ("wav", "aiff", "mp3", "tta"):
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        file.tags.setall("TIT2", [TIT2(encoding=3, text=title)])
        file.tags.setall("APIC", [APIC(encoding=3, mime="image/png", type=3, data=COVER)])
    elif kind in ("m4a", "alac"):
        file = MP4(path)
        file["\xa9nam"], file["covr"] = title, [MP4Cover(COVER)]
    elif kind == "wma":
        file = mutagen.File(path)
        file["Title"] = title
    else:
        file = mutagen.File(path)
        file["title"] = title
    file.save()


@pytest.mark.parametrize("kind", [row.name for row in FORMATS if row.tag])
def test_new_tags_leave_the_identity_and_the_length(copy: Callable[[str], str], sounds: Sounds, kind: str) -> None:
    path = copy(kind)
    before, samples = probe(path), sounds.read(path)
    for title in ("short", LONG, "short again"):
        _retag(path, kind, title)
        assert probe(path) == before
    assert (sounds.read(path) == samples).all()


@pytest.mark.parametrize("kind", [row.name for row in FORMATS if not row.tag])
def test_what_the_table_calls_untaggable_the_tagger_cannot_tag(copy: Callable[[str], str], kind: str) -> None:
    path = copy(kind)
    try:
        file = mutagen.File(path)
    except mutagen.MutagenError:
        return
    assert file is None or isinstance(file, mutagen.aac.AAC)


def test_an_ape_tag_and_an_id3v1_tag_behind_an_mp3_are_no_audio(copy: Callable[[str], str]) -> None:
    path = copy("mp3")
    before = probe(path)
    ID3().save(path, v1=2)
    tag = APEv2()
    tag["Title"] = LONG
    tag.save(path)
    assert probe(path) == before


def test_an_id3_tag_before_a_flac_stream_is_no_audio(copy: Callable[[str], str], sounds: Sounds) -> None:
    path = copy("flac")
    before, samples = probe(path), sounds.read(path)
    tag = ID3()
    tag.add(TIT2(encoding=3, text=LONG))
    tag.save(path)
    assert Path(path).read_bytes()[:3] == b"ID3"
    assert probe(path) == before
    assert (sounds.read(path) == samples).all()


def test_a_flac_without_a_hash_of_its_own_is_known_by_its_payload(copy: Callable[[str], str]) -> None:
    path = copy("flac")
    data = bytearray(Path(path).read_bytes())
    data[26:42] = bytes(16)
    Path(path).write_bytes(data)
    before = probe(path)
    file = FLAC(path)
    picture = Picture()
    picture.data = COVER
    file.add_picture(picture)
    file.save()
    assert probe(path) == before


def test_deleting_the_tags_leaves_the_identity(copy: Callable[[str], str]) -> None:
    path = copy("vorbis")
    _retag(path, "vorbis", LONG)
    before = probe(path)
    OggVorbis(path).delete()
    assert probe(path).content_id == before.content_id


@pytest.mark.parametrize("kind", [row.name for row in FORMATS])
def test_other_audio_of_the_same_length_has_another_identity(sounds: Sounds, kind: str, tmp_path: Path) -> None:
    rate = 48_000
    paths = [str(tmp_path / name) for name in ("a", "b", "a again")]
    for path, seed in zip(paths, (1, 2, 1), strict=True):
        write(path, kind, music(30_000, 2, rate, seed), rate)
    first, second, again = (probe(path) for path in paths)
    assert first.content_id != second.content_id
    # Ogg and MP4 writers may number their streams or stamp their files, which is not audio.
    assert first.content_id == again.content_id
    assert len(first.content_id) == PAYLOAD_DIGITS + HEADER_DIGITS


RATE = 44_100
PLAIN = [row.name for row in FORMATS if row.plain]


def stem(*seconds: tuple[float, float], level: int = 0, frames: int = 20 * RATE) -> NDArray[np.int16]:
    """Stereo that is constant but for some stretches."""
    samples = np.full((frames, 2), level, np.int16)
    for start, end in seconds:
        first, last = int(start * RATE), int(end * RATE)
        noise = np.random.default_rng(first).integers(-8000, 8000, (last - first, 2), np.int16)
        samples[first:last] = noise
    return samples


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("level", [0, 7, -1])
def test_stems_that_are_silent_where_one_looks_first_are_told_apart(tmp_path: Path, kind: str, level: int) -> None:
    stretches = [((3.0, 6.0), (13.0, 16.0)), ((3.1, 6.0), (13.0, 16.0)), ((8.0, 8.4),), ((7.9, 8.3),), ()]
    paths = [str(tmp_path / f"{number}") for number in range(len(stretches) + 1)]
    for path, each in zip(paths, [*stretches, stretches[0]], strict=True):
        write(path, kind, (stem(*each, level=level) / 32_768).astype(np.float32), RATE)
    found = [probe(path) for path in paths]
    assert len({one.total_frames for one in found}) == 1
    assert len({one.content_id for one in found}) == len(stretches)
    assert found[0] == found[-1]


class CountedFile(RegularFile):
    """Counts what is read of it."""

    reads = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read_at(offset, length)


def reads_of(data: bytes, kind: str, tmp_path: Path) -> int:
    path = tmp_path / "file"
    path.write_bytes(data)
    with path.open("rb") as opened:
        file = CountedFile(opened.fileno(), os.fstat(opened.fileno()))
        identify(file, FileMap(kind, ((0, len(data)),)), Outline(AudioFormat(44_100, 2, 16), None))
    return file.reads


def test_few_windows_are_looked_at_and_a_bounded_number_where_all_is_silent(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).bytes(3_000_000)
    assert (reads_of(sound, "mp3", tmp_path), reads_of(sound, "wav", tmp_path)) == (3, 5)
    begins_late = bytes(10_000) + sound
    assert (reads_of(begins_late, "mp3", tmp_path), reads_of(begins_late, "wav", tmp_path)) == (4, 6)
    assert reads_of(sound[:16_384], "mp3", tmp_path) == reads_of(bytes(10), "wav", tmp_path) == 1
    for silence in (bytes(3_000_000), bytes(16_385), b"\x01\x00\xff\xff" * 500_000):
        assert reads_of(silence, "mp3", tmp_path) == reads_of(silence, "wav", tmp_path) == 65
