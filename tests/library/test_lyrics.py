# mypy: disable-error-code="no-untyped-call"

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC
from mutagen.id3 import SYLT, USLT
from mutagen.mp4 import MP4
from mutagen.wave import WAVE

from auralis_trio.library import lyrics as lyrics_module
from auralis_trio.library.lyrics import (
    MAX_LINES,
    Lyrics,
    LyricsLine,
    folders_with_lyrics,
    parse_lrc,
    read_lyrics,
    read_lyrics_beside,
)
from tests.library.test_tags import make_tagged, write_with_soundfile

LRC = """[ar:Nina]
[ti:Live]
[00:12.50]Zwei
[00:05]Eins 🎵

no time here
[01:00.5][02:00.250]<01:00.6>Ref <01:01>rain
"""
LINES = [
    LyricsLine(5.0, "Eins 🎵"),
    LyricsLine(12.5, "Zwei"),
    LyricsLine(60.5, "Ref rain"),
    LyricsLine(120.25, "Ref rain"),
]


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    write_with_soundfile(tmp_path / "song.wav")
    return tmp_path / "song.wav"


def set_sylt(path: Path, parts: list[tuple[str, int]], unit: int = 2) -> None:
    file: Any = WAVE(path)
    file.add_tags()
    file.tags.add(SYLT(encoding=3, lang="eng", format=unit, type=1, text=parts))
    file.save()


def test_lines_stand_in_the_order_of_their_times() -> None:
    assert list(parse_lrc(LRC)) == LINES


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("[offset:+500]\n[00:01.00]x", [0.5]),
        ("[offset:-500]\n[00:01.00]x", [1.5]),
        ("[offset:5000]\n[00:01.00]x", [0.0]),
        ("[00:01:50]x", [1.5]),
        ("[00:01.5]x\n[00:01.050]y", [1.05, 1.5]),
        ("[120:00]x", [7200.0]),
        ("[ar:x]\n[x]y\n00:01 z", []),
    ],
)
def test_times_are_read_in_every_usual_way(text: str, starts: list[float]) -> None:
    assert [line.start_s for line in parse_lrc(text)] == starts


@given(st.text() | st.text("[]:.<>0123456789\nab"))
def test_any_text_is_survived(text: str) -> None:
    lines = parse_lrc(text)
    assert all(line.start_s >= 0 for line in lines)
    assert [line.start_s for line in lines] == sorted(line.start_s for line in lines)


def test_a_huge_text_gives_so_many_lines_and_no_more() -> None:
    assert len(parse_lrc("[00:01]x\n" * (MAX_LINES + 5))) == MAX_LINES
    assert len(parse_lrc("[00:01]" * (MAX_LINES + 5))) == MAX_LINES


def test_a_track_without_words_has_none(wav: Path) -> None:
    assert read_lyrics(str(wav)) == Lyrics(format=None, source=None, text=None, lines=None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_words_come_from_the_file_beside_the_music(wav: Path, encoding: str) -> None:
    wav.with_suffix(".lrc").write_bytes(LRC.encode(encoding))
    lyrics = read_lyrics(str(wav))
    assert (lyrics.format, lyrics.source, lyrics.lines) == ("lrc", "file", LINES)
    assert lyrics.text == "Eins 🎵\nZwei\nRef rain\nRef rain"


def test_a_file_without_times_gives_plain_words(wav: Path) -> None:
    wav.with_suffix(".lrc").write_text("[ar:Nina]\n[Verse: 1]\nEins\n\nZwei [live]\n[Length: 3:20]\n")
    assert read_lyrics(str(wav)) == Lyrics(format="plain", source="file", text="[Verse: 1]\nEins\n\nZwei [live]")


def test_words_come_from_the_tags_of_every_kind(tmp_path: Path, wav: Path) -> None:
    write_with_soundfile(tmp_path / "song.flac")
    flac = FLAC(tmp_path / "song.flac")
    flac["lyrics"] = ["Eins\nZwei <b>"]
    flac.save()
    make_tagged(tmp_path / "song.m4a")
    m4a = MP4(tmp_path / "song.m4a")
    m4a["\xa9lyr"] = ["Eins\nZwei <b>"]
    m4a.save()
    tagged: Any = WAVE(wav)
    tagged.add_tags()
    tagged.tags.add(USLT(encoding=3, lang="deu", desc="words", text="Eins\nZwei <b>"))
    tagged.save()
    for path in (wav, tmp_path / "song.flac", tmp_path / "song.m4a"):
        assert read_lyrics(str(path)) == Lyrics(format="plain", source="embedded", text="Eins\nZwei <b>"), path


def test_words_with_times_in_a_plain_tag_have_times(tmp_path: Path) -> None:
    write_with_soundfile(tmp_path / "song.flac")
    flac = FLAC(tmp_path / "song.flac")
    flac["lyrics"] = [LRC]
    flac.save()
    lyrics = read_lyrics(str(tmp_path / "song.flac"))
    assert (lyrics.format, lyrics.source, lyrics.lines) == ("lrc", "embedded", LINES)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([("Eins", 1000), ("Zwei", 2500)], [LyricsLine(1.0, "Eins"), LyricsLine(2.5, "Zwei")]),
        ([("Ei", 1000), ("ns", 1200), ("\nZwei", 2500)], [LyricsLine(1.0, "Eins"), LyricsLine(2.5, "Zwei")]),
    ],
)
def test_the_words_with_times_of_id3_are_lines(
    wav: Path, parts: list[tuple[str, int]], lines: list[LyricsLine]
) -> None:
    set_sylt(wav, parts)
    assert read_lyrics(str(wav)).lines == lines


def test_times_that_count_frames_of_mpeg_are_not_taken_for_seconds(wav: Path) -> None:
    set_sylt(wav, [("Eins", 1000)], unit=1)
    assert read_lyrics(str(wav)).lines is None


def test_words_with_times_in_the_tags_come_before_plain_ones_beside(wav: Path) -> None:
    wav.with_suffix(".lrc").write_text("Nothing timed")
    set_sylt(wav, [("Eins", 1000)])
    assert read_lyrics(str(wav)).source == "embedded"


def test_the_words_beside_alone_are_told_without_their_times_and_with_that_of_their_file(wav: Path) -> None:
    assert read_lyrics_beside(str(wav)) == (None, None)
    words = wav.with_suffix(".lrc")
    words.write_text(LRC)
    os.utime(words, ns=(1, 1_234_567_890_123_456_789))
    assert read_lyrics_beside(str(wav)) == ("Eins 🎵\nZwei\nRef rain\nRef rain", 1_234_567_890_123_456_789)
    words.write_text("[ar:Nina]\n")
    os.utime(words, ns=(1, 2))
    assert read_lyrics_beside(str(wav)) == (None, 2)


def test_folders_without_any_words_are_told_apart_where_they_are_not_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lyrics_module, "MAX_LISTED", 3)
    for name in (
        "sung/one.lrc",
        "sung/one.wav",
        "mute/one.wav",
        "mute/two.wav",
        "mute/lrc.txt",
        *map("many/{}".format, "abcd"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    asked = [str(tmp_path / folder / "one.wav") for folder in ("sung", "mute", "many", "gone")]
    assert folders_with_lyrics(asked) == {str(tmp_path / folder) for folder in ("sung", "many", "gone")}


def test_a_link_beside_the_music_is_not_followed(wav: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("[00:01]secret")
    wav.with_suffix(".lrc").symlink_to(tmp_path / "secret")
    assert read_lyrics(str(wav)) == Lyrics()
    assert read_lyrics_beside(str(wav)) == (None, None)


def test_a_folder_in_place_of_the_file_beside_the_music_leaves_nothing_open(wav: Path) -> None:
    wav.with_suffix(".lrc").mkdir()
    before = os.listdir("/proc/self/fd")
    assert read_lyrics(str(wav)) == Lyrics()
    assert os.listdir("/proc/self/fd") == before


def test_a_pipe_beside_the_music_holds_nobody_up(wav: Path) -> None:
    os.mkfifo(wav.with_suffix(".lrc"))
    assert read_lyrics(str(wav)) == Lyrics()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 100, os.urandom(5000), b"[00:01]\xe9t\xe9"])
def test_a_damaged_file_beside_the_music_is_survived(wav: Path, data: bytes) -> None:
    wav.with_suffix(".lrc").write_bytes(data)
    read_lyrics(str(wav))


def test_a_track_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_lyrics(str(tmp_path / "nothing.wav"))
