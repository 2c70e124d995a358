# mypy: disable-error-code="no-untyped-call"

import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import APIC, ID3, TIT2, TYER

from auralis_trio.audio.formats import FORMATS
from auralis_trio.library.records import FailedFile, ProbedFile, Tags
from auralis_trio.library.tags import read_tags
from auralis_trio.work import look
from auralis_trio.work.look import look_at_files
from auralis_trio.work.probe import probe_files
from tests.library.test_tags import EXPECTED, SUFFIXES, make_tagged
from tests.sound_files import music, write

KINDS = [row.name for row in FORMATS]
RATE = 48_000  # which every kind can hold


def sound_file(folder: Path, kind: str) -> Path:
    suffix = next(row.suffixes[0] for row in FORMATS if row.name == kind)
    path = folder / f"{kind}{suffix}"
    write(str(path), kind, music(4800, channels=2, sample_rate=RATE), RATE)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_every_kind_is_told_with_its_size_time_format_and_tags(tmp_path: Path, kind: str) -> None:
    path = sound_file(tmp_path, kind)
    os.utime(path, ns=(1, 1_234_567_890_123_456_789))
    [probed] = probe_files([str(path)])
    assert isinstance(probed, ProbedFile)
    assert (probed.path, probed.size, probed.mtime_ns) == (str(path), path.stat().st_size, 1_234_567_890_123_456_789)
    assert (probed.kind, probed.format.sample_rate, probed.format.channels) == (kind, RATE, 2)
    assert (probed.tags.title, probed.total_frames in (None, 4800)) == (kind, True)
    assert probed.content_id


@pytest.mark.parametrize("kind", KINDS)
def test_damage_to_a_file_of_any_kind_fails_at_most_that_file(tmp_path: Path, kind: str) -> None:
    whole = sound_file(tmp_path, kind)
    data, dice, paths = whole.read_bytes(), random.Random(kind), []
    for index in range(20):
        damaged = bytearray(data[: dice.choice([len(data), dice.randrange(1, len(data))])])
        for _ in range(dice.randrange(20)):
            damaged[dice.randrange(min(len(damaged), 512))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF])
        path = tmp_path / f"{index}{whole.suffix}"
        path.write_bytes(damaged)
        paths.append(str(path))
    result = probe_files([*paths, str(whole)])
    assert [file.path for file in result] == [*paths, str(whole)]
    assert isinstance(result[-1], ProbedFile)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_field_is_read_from_every_kind_of_tag_as_it_is_from_the_whole_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    make_tagged(path)
    [probed] = probe_files([str(path)])
    assert isinstance(probed, ProbedFile)
    assert probed.tags == read_tags(str(path)) == EXPECTED


@pytest.mark.parametrize("tag", [None, "ID3v1", "ID3v2.3 and ID3v1", "APEv2"])
def test_the_tags_of_an_mp3_are_those_of_the_whole_file_wherever_they_stand(tmp_path: Path, tag: str | None) -> None:
    path = sound_file(tmp_path, "mp3")
    frames = ID3()
    frames.add(TIT2(3, ["a title of more than the thirty characters of old"]))
    frames.add(TYER(3, ["1999"]))
    if tag == "ID3v1":
        frames.save(path, v1=2)
        ID3(path).delete(delete_v1=False)
    elif tag == "ID3v2.3 and ID3v1":
        frames.save(path, v1=2, v2_version=3)
    elif tag == "APEv2":
        other = APEv2()
        other["Title"] = "TAG"
        other.save(path)
    [probed] = probe_files([str(path)])
    assert isinstance(probed, ProbedFile)
    assert probed.tags == read_tags(str(path), kind="mp3")
    assert (probed.tags.year == 1999) is (tag in ("ID3v1", "ID3v2.3 and ID3v1"))


def test_tags_of_the_oldest_kind_of_id3_are_read_as_those_of_the_newest(tmp_path: Path) -> None:
    path = sound_file(tmp_path, "mp3")
    texts = {"TT2": "A title", "TP1": "Nina", "TYE": "1999", "TRK": "3/12"}
    frames = [
        name.encode() + (1 + len(text)).to_bytes(3, "big") + b"\0" + text.encode() for name, text in texts.items()
    ]
    tag = b"".join(frames)
    path.write_bytes(b"ID3\2\0\0" + bytes([0, 0, len(tag) >> 7, len(tag) & 127]) + tag + path.read_bytes())
    [probed] = probe_files([str(path)])
    assert isinstance(probed, ProbedFile)
    assert probed.tags == Tags(title="A title", artist="Nina", year=1999, date="1999", track_number=3, track_total=12)


def test_many_files_are_told_in_their_order_whatever_becomes_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "KEPT_BYTES", 1 << 16)
    whole, paths = sound_file(tmp_path, "mp3"), []
    frames = ID3()
    frames.add(APIC(3, "image/png", 3, "", bytes(10_000)))
    frames.add(TIT2(3, ["behind a picture"]))
    frames.save(whole)
    for index in range(30):
        path = tmp_path / f"{index}.mp3"
        if index % 3:
            path.write_bytes(whole.read_bytes()[: None if index % 3 == 1 else 4])
        paths.append(str(path))
    told = look_at_files(paths)
    assert [file.path for file in told if file] == paths
    assert [file.tags.title if isinstance(file, ProbedFile) else None for file in told] == [
        "behind a picture" if index % 3 == 1 else None for index in range(30)
    ]


def test_no_more_of_the_tags_of_several_files_is_kept_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = sound_file(tmp_path, "mp3"), [0]

    def keep(*args: Any) -> bytes:
        kept.append(kept[-1] + 1000)
        return bytes(1000)

    def read(*args: Any) -> Tags:
        kept.append(kept[-1] - 1000)
        return Tags(title="")

    monkeypatch.setattr(look, "tag_excerpt", keep)
    monkeypatch.setattr(look, "read_tags", read)
    monkeypatch.setattr(look, "KEPT_BYTES", 5000)
    assert len(look_at_files([str(path)] * 20)) == 20
    assert (max(kept), kept[-1], len(kept)) == (6000, 0, 41)


def test_files_that_cannot_be_read_are_told_by_the_code_of_the_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "text.mp3").write_text("this is no music" * 100)
    (tmp_path / "empty.flac").write_bytes(b"")
    names = ["gone.mp3", "folder.wav", "pipe.wav", "text.mp3", "empty.flac", "nul\0.wav"]
    result = probe_files([str(tmp_path / name) for name in names])
    assert [file.code for file in result if isinstance(file, FailedFile)] == [
        "track_missing",
        "track_unsupported",
        "track_unsupported",
        "track_unsupported",
        "track_corrupt",
        "track_missing",
    ]


def test_a_look_at_the_headers_tells_what_probing_tells_or_that_a_decoder_has_to_be_asked(tmp_path: Path) -> None:
    paths = [str(sound_file(tmp_path, kind)) for kind in KINDS]
    told, probed = look_at_files(paths), probe_files(paths)
    assert [file for file in told if file] == [
        whole for file, whole in zip(told, probed, strict=True) if file is not None
    ]
    plain = {file.kind for file in told if isinstance(file, ProbedFile)}
    assert plain == {"flac", "mp3", "vorbis", "opus", "m4a", "alac"}


def test_what_looks_at_headers_loads_no_decoder() -> None:
    script = "import sys, auralis_trio.work.look; print(*{'numpy', 'av', 'soundfile', 'pony'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == []


def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xe9t\xe9.wav"
    os.rename(sound_file(tmp_path, "wav"), path)
    [probed] = probe_files([os.fsdecode(path)])
    assert isinstance(probed, ProbedFile)


def test_what_is_learned_of_a_file_can_leave_its_process(tmp_path: Path) -> None:
    result = probe_files([str(sound_file(tmp_path, "wav")), "/gone"])
    assert pickle.loads(pickle.dumps(result)) == result
