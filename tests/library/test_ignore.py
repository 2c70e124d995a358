import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.audio.source import never_cancelled
from auralis_trio.library.ignore import IGNORE_FILE, MAX_LINES, rules_in
from auralis_trio.library.walk import Target, Walk


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def walk_of(root: Path, path: str = "") -> tuple[Walk, set[str]]:
    walk = Walk(Target(str(root), str(root / path)), frozenset({".wav"}))
    return walk, {os.path.relpath(file.path, root) for file in walk.take(1000, check=never_cancelled)}


def found_in(root: Path, path: str = "") -> set[str]:
    return walk_of(root, path)[1]


def test_a_folder_with_no_media_is_left_out_with_all_below(tmp_path: Path) -> None:
    make(tmp_path, "one.wav", "a/two.wav", "a/b/three.wav", "a/.nomedia", "c/four.wav")
    assert found_in(tmp_path) == {"one.wav", "c/four.wav"}
    assert found_in(tmp_path, "a/b") == set()


def test_what_an_ignore_file_names_is_left_out_in_its_folder_and_below(tmp_path: Path) -> None:
    make(tmp_path, "x/one demo.wav", "x/a/two demo.wav", "x/a/three.wav", "four demo.wav", "x/top.wav", "x/a/top.wav")
    make(tmp_path, "x/old/five.wav", "x/a/old/six.wav")
    (tmp_path / "x" / IGNORE_FILE).write_text("# demos\n* demo.wav\n\n/top.wav\nold/\n")
    assert found_in(tmp_path) == {"four demo.wav", "x/a/three.wav", "x/a/top.wav"}


def test_a_later_line_and_a_deeper_file_win(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b.wav", "deep/a.wav", "deep/c.wav")
    (tmp_path / IGNORE_FILE).write_text("*.wav\n!b.wav\n")
    (tmp_path / "deep" / IGNORE_FILE).write_text("!c.wav\n")
    assert found_in(tmp_path) == {"b.wav", "deep/c.wav"}


def test_rules_from_above_hold_where_only_a_folder_is_scanned(tmp_path: Path) -> None:
    make(tmp_path, "a/b/one.wav", "a/b/two.wav", "gone/three.wav")
    (tmp_path / IGNORE_FILE).write_text("one.wav\n/gone/\n")
    assert found_in(tmp_path, "a/b") == {"a/b/two.wav"}
    assert found_in(tmp_path, "gone") == set()


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    make(tmp_path, "one.wav", "a/two.wav", "b/.nomedia")
    (tmp_path / IGNORE_FILE).write_text("one.wav\na/\n")
    walk, found = walk_of(tmp_path)
    assert (walk.ignored, found, walk.found) == (3, set(), 0)


def test_an_ignore_file_that_is_a_loop_of_links_makes_its_folder_unreadable(tmp_path: Path) -> None:
    make(tmp_path, "one.wav")
    (tmp_path / IGNORE_FILE).symlink_to(IGNORE_FILE)
    walk, found = walk_of(tmp_path)
    assert (walk.unreadable, found) == ({str(tmp_path)}, set())


def test_an_ignore_file_that_is_a_pipe_is_no_rule_and_waits_for_nobody(tmp_path: Path) -> None:
    make(tmp_path, "one.wav")
    os.mkfifo(tmp_path / IGNORE_FILE)
    assert found_in(tmp_path) == {"one.wav"}


def test_a_folder_in_place_of_an_ignore_file_is_no_rule_and_leaves_nothing_open(tmp_path: Path) -> None:
    make(tmp_path, "x/one.wav")
    (tmp_path / "x" / IGNORE_FILE).mkdir()
    before = os.listdir("/proc/self/fd")
    walk, found = walk_of(tmp_path)
    assert (walk.unreadable, found) == (set(), {"x/one.wav"})
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("line", ["!", "/", "\\", "[z-a]", "a*b*c*d*e*.wav", "\0", "\xff\xfe"])
def test_lines_that_mean_nothing_are_passed_over(tmp_path: Path, line: str) -> None:
    make(tmp_path, "one.wav", "two.wav")
    (tmp_path / IGNORE_FILE).write_bytes(line.encode("latin-1") + b"\none.wav\n")
    assert found_in(tmp_path) == {"two.wav"}


@pytest.mark.parametrize(("before", "expected"), [(MAX_LINES - 1, set()), (MAX_LINES, {"one.wav"})])
def test_rules_have_a_bound(tmp_path: Path, before: int, expected: set[str]) -> None:
    make(tmp_path, "one.wav")
    (tmp_path / IGNORE_FILE).write_text("x\n" * before + "one.wav\n")
    assert found_in(tmp_path) == expected


@given(st.binary(max_size=200))
def test_no_ignore_file_makes_a_scan_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("music")
    (folder / IGNORE_FILE).write_bytes(content)
    rules = rules_in(str(folder), None)
    assert rules is None or rules.ignores(str(folder / "one.wav"), False) in (True, False)


def test_a_mark_of_utf_8_belongs_to_no_line(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_bytes("\ufeffdemos/\n".encode())
    rules = rules_in(str(tmp_path), None)
    assert rules is not None
    assert rules.ignores(str(tmp_path / "demos"), True)
