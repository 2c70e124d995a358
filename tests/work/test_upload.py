"""Drafts and names of uploads on a real disk."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.audio.formats import FORMATS, format_named
from auralis_trio.audio.source import never_cancelled
from auralis_trio.errors import DiskFull, OutputError
from auralis_trio.offload import Stopped
from auralis_trio.work.upload import (
    MAX_SAME_NAMES,
    add_piece,
    discard,
    draft_path,
    find_same,
    keep,
    open_upload_folder,
    safe_name,
    write_piece,
)

KINDS = st.sampled_from([row.name for row in FORMATS])
HINTS = st.text(max_size=400) | st.text(alphabet="./\\ \0:*\u202eaж\U0001f3b5\udc80", max_size=400)


def stopped() -> None:
    raise Stopped


@pytest.fixture
def draft(tmp_path: Path) -> str:
    path = draft_path(str(tmp_path), "owner")
    write_piece(path, [b"one", b"", b"two"], check=never_cancelled)
    return path


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@given(hint=HINTS, kind=KINDS)
def test_every_name_is_that_of_one_visible_file_of_its_kind(hint: str, kind: str) -> None:
    name = safe_name(hint, kind)
    stem, suffix = os.path.splitext(name)
    assert suffix in format_named(kind).suffixes
    assert stem
    assert not name.startswith((".", " "))
    assert not set(name) & set('/\\\0:*?"<>|\u202e')
    assert len(os.fsencode(name)) <= 200
    assert os.path.basename(name) == name
    name.encode("utf-8")


@given(stem=st.text(alphabet="abcÜ 1-_()", min_size=1, max_size=40).map(str.strip).filter(bool), kind=KINDS)
def test_a_plain_name_stays_as_it_is(stem: str, kind: str) -> None:
    plain = " ".join(stem.split())
    for suffix in format_named(kind).suffixes:
        assert safe_name(plain + suffix, kind) == plain + suffix


def test_a_draft_grows_and_gets_its_name(tmp_path: Path, draft: str) -> None:
    add_piece(draft, [b"three"], check=never_cancelled)
    path = keep(draft, "song.flac")
    assert names(tmp_path) == ["song.flac"]
    assert Path(path).read_bytes() == b"onetwothree"


def test_a_piece_that_is_not_wanted_any_more_leaves_no_draft(tmp_path: Path, draft: str) -> None:
    with pytest.raises(Stopped):
        add_piece(draft, [b"three"], check=stopped)
    assert names(tmp_path) == []
    with pytest.raises(Stopped):
        write_piece(draft, [b"one"], check=stopped)
    assert names(tmp_path) == []


def test_what_was_discarded_does_not_come_back(tmp_path: Path, draft: str) -> None:
    discard(draft)
    with pytest.raises(OutputError):
        add_piece(draft, [b"late"], check=never_cancelled)
    with pytest.raises(OutputError):
        keep(draft, "song.flac")
    assert names(tmp_path) == []


def test_a_link_in_the_place_of_a_draft_is_not_written_through(tmp_path: Path, draft: str) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(b"mine")
    os.unlink(draft)
    os.symlink(mine, draft)
    for write in (write_piece, add_piece):
        with pytest.raises(OutputError):
            write(draft, [b"theirs"], check=never_cancelled)
    assert mine.read_bytes() == b"mine"


def test_a_folder_that_has_become_a_link_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError):
        write_piece(draft_path(str(tmp_path / "new"), "owner"), [b"one"], check=never_cancelled)
    assert names(tmp_path / "elsewhere") == []


def test_a_name_that_is_taken_too_often_is_refused(tmp_path: Path, draft: str) -> None:
    for number in range(1, MAX_SAME_NAMES):
        (tmp_path / ("a.flac" if number == 1 else f"a ({number}).flac")).touch()
    with pytest.raises(OutputError, match="another one"):
        keep(draft, "a.flac")
    assert all((tmp_path / name).stat().st_size == 0 for name in names(tmp_path) if name.startswith("a"))


def test_a_file_system_without_links_writes_nothing_over_either(
    tmp_path: Path, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "song.flac").write_bytes(b"mine")
    assert os.path.basename(keep(draft, "song.flac")) == "song (2).flac"
    assert names(tmp_path) == ["song (2).flac", "song.flac"]
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [b"onetwo", b"mine"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(draft: str, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(DiskFull):
        keep(draft, "song.flac")


def test_of_files_that_are_gone_none_is_the_same(tmp_path: Path, draft: str) -> None:
    gone, there = str(tmp_path / "gone.flac"), tmp_path / "there.flac"
    there.touch()
    assert find_same(draft, "flac", []) is None
    assert find_same(draft, "flac", [gone]) is None
    assert find_same(draft, "flac", [gone, str(there)]) == 1


def test_only_the_drafts_of_this_server_are_swept_away(tmp_path: Path, draft: str) -> None:
    others = draft_path(str(tmp_path), "another owner")
    write_piece(others, [b"x"], check=never_cancelled)
    assert open_upload_folder([str(tmp_path)], str(tmp_path), "owner") == os.path.realpath(tmp_path)
    assert names(tmp_path) == [os.path.basename(others)]
