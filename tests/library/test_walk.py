import errno
import os
from pathlib import Path

import pytest

from auralis_trio.audio.source import never_cancelled
from auralis_trio.errors import InvalidRequest
from auralis_trio.library.walk import (
    MAX_DIRECTORIES,
    MAX_UNREADABLE,
    FoundFile,
    Target,
    Walk,
    named_folders,
    paths_to_find,
    resolve_targets,
)

SUFFIXES = frozenset({".wav", ".mp3"})


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def walk_of(folder: Path) -> Walk:
    return Walk(Target(str(folder), str(folder)), SUFFIXES)


def found_in(folder: Path) -> set[str]:
    return {os.path.relpath(file.path, folder) for file in walk_of(folder).take(1000, check=never_cancelled)}


class Unwanted(Exception):
    pass


def test_files_with_a_scanned_suffix_are_found_in_every_folder_below(tmp_path: Path) -> None:
    make(tmp_path, "one.wav", "a/two.MP3", "a/b/c/three.wav", "a/notes.txt", "no_suffix", "wav")
    assert found_in(tmp_path) == {"one.wav", "a/two.MP3", "a/b/c/three.wav"}


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.wav", ".trash/one.wav", "._two.wav", "seen.wav")
    assert found_in(tmp_path) == {"seen.wav"}


def test_a_root_that_is_hidden_itself_is_walked(tmp_path: Path) -> None:
    make(tmp_path / ".music", "one.wav")
    assert found_in(tmp_path / ".music") == {"one.wav"}


def test_a_file_is_found_with_its_size_and_time_to_the_nanosecond(tmp_path: Path) -> None:
    make(tmp_path, "one.wav")
    os.utime(tmp_path / "one.wav", ns=(1, 1_234_567_890_123_456_789))
    taken = walk_of(tmp_path).take(10, check=never_cancelled)
    assert taken == [FoundFile(str(tmp_path / "one.wav"), 1, 1_234_567_890_123_456_789)]


def test_a_file_is_found_with_the_time_of_its_lyrics_which_are_none_of_a_link(tmp_path: Path) -> None:
    make(tmp_path, "one.wav", "one.lrc", "a/one.wav", "a/one.LRC", "a/one.lrc", "two.mp3", "three.lrc", "one.wav.lrc")
    for name, time_ns in (("one.lrc", 5), ("a/one.LRC", 7), ("a/one.lrc", 6), ("three.lrc", 8)):
        os.utime(tmp_path / name, ns=(1, time_ns))
    (tmp_path / "two.lrc").symlink_to(tmp_path / "three.lrc")
    times_ns = {
        os.path.relpath(file.path, tmp_path): file.lyrics_mtime_ns
        for file in walk_of(tmp_path).take(1000, check=never_cancelled)
    }
    assert times_ns == {"one.wav": 5, "a/one.wav": 7, "two.mp3": None}


def test_links_are_not_followed_so_a_loop_of_them_ends_and_nothing_is_found_twice(tmp_path: Path) -> None:
    music = tmp_path / "music"
    make(tmp_path, "music/a/one.wav", "outside/two.wav")
    (music / "a" / "up").symlink_to(music)
    (music / "self").symlink_to(music / "self")
    (music / "again").symlink_to(music / "a")
    (music / "again.wav").symlink_to(music / "a" / "one.wav")
    (music / "away").symlink_to(tmp_path / "outside")
    (music / "away.wav").symlink_to(tmp_path / "outside" / "two.wav")
    (music / "nowhere.wav").symlink_to(tmp_path / "nothing")
    assert found_in(music) == {"a/one.wav"}


def test_what_is_no_regular_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    make(tmp_path, "one.wav")
    assert found_in(tmp_path) == {"one.wav"}


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xe9t\xe9.wav"
    with open(path, "wb"):
        assert [os.fsencode(file.path) for file in walk_of(tmp_path).take(10, check=never_cancelled)] == [path]


def test_a_walk_gives_as_many_files_as_asked_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    make(tmp_path, *(f"{folder}/{number}.wav" for folder in "abc" for number in range(3)))
    walk = walk_of(tmp_path)
    taken = [walk.take(4, check=never_cancelled) for _ in range(4)]
    assert [len(files) for files in taken] == [4, 4, 1, 0]
    assert walk.found == len({file.path for files in taken for file in files}) == 9


def test_a_walk_that_is_no_longer_wanted_stops_even_where_it_finds_nothing(tmp_path: Path) -> None:
    make(tmp_path, *(f"{number}.txt" for number in range(5)))
    seen = 0

    def check() -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise Unwanted

    with pytest.raises(Unwanted):
        walk_of(tmp_path).take(10, check=check)


def test_a_folder_that_is_gone_is_told_as_unreadable(tmp_path: Path) -> None:
    walk = walk_of(tmp_path / "gone")
    assert walk.take(10, check=never_cancelled) == []
    assert walk.missed(str(tmp_path / "gone" / "a" / "one.wav"))


def test_only_what_lies_below_an_unreadable_folder_counts_as_missed(tmp_path: Path) -> None:
    make(tmp_path, "a/one.wav", "ab/two.wav")
    walk = walk_of(tmp_path)
    walk.unreadable.add(str(tmp_path / "a"))
    assert walk.missed(str(tmp_path / "a" / "one.wav"))
    assert walk.missed(str(tmp_path / "a" / "deep" / "er.wav"))
    assert not walk.missed(str(tmp_path / "ab" / "two.wav"))


def test_a_folder_that_vanishes_during_the_walk_is_told_as_unreadable(tmp_path: Path) -> None:
    make(tmp_path, "one.wav", "a/two.wav")
    walk = walk_of(tmp_path)
    taken = walk.take(1, check=never_cancelled)
    (tmp_path / "a" / "two.wav").unlink()
    (tmp_path / "a").rmdir()
    assert len(taken + walk.take(10, check=never_cancelled)) == 1
    assert walk.unreadable == {str(tmp_path / "a")}


@pytest.mark.parametrize(("number", "all_missed"), [(MAX_UNREADABLE, False), (MAX_UNREADABLE + 1, True)])
def test_past_the_bound_of_unreadable_folders_all_counts_as_missed(
    tmp_path: Path, number: int, all_missed: bool
) -> None:
    for index in range(number):
        (tmp_path / str(index)).mkdir()
    make(tmp_path, "one.wav")
    walk = walk_of(tmp_path)
    taken = walk.take(1, check=never_cancelled)
    for index in range(number):
        (tmp_path / str(index)).rmdir()
    walk.take(1, check=never_cancelled)
    assert len(taken) == 1
    assert len(walk.unreadable) <= MAX_UNREADABLE
    assert walk.missed(str(tmp_path / "other.wav")) is all_missed


def test_every_root_is_scanned_when_nothing_is_named(tmp_path: Path) -> None:
    roots = [str(tmp_path / name) for name in ("a", "b")]
    assert resolve_targets(roots, None) == [Target(root, root) for root in roots]


def test_folders_are_named_absolutely_or_from_a_root(tmp_path: Path) -> None:
    make(tmp_path, "music/jazz/one.wav")
    root, jazz = str(tmp_path / "music"), str(tmp_path / "music" / "jazz")
    assert resolve_targets([root], [jazz]) == resolve_targets([root], ["jazz"]) == [Target(root, jazz)]
    assert resolve_targets([root], [""]) == [Target(root, root)]


def test_a_folder_within_another_is_scanned_once(tmp_path: Path) -> None:
    make(tmp_path, "music/jazz/one.wav")
    root = str(tmp_path / "music")
    assert resolve_targets([root, f"{root}/jazz", f"{root}/"], None) == [Target(root, root)]
    assert resolve_targets([root], ["jazz", root]) == [Target(root, root)]


def test_a_root_that_is_a_link_is_scanned_where_it_really_lies(tmp_path: Path) -> None:
    make(tmp_path, "real/one.wav")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = str(tmp_path / "real")
    assert resolve_targets([str(tmp_path / "link")], None) == [Target(real, real)]


@pytest.mark.parametrize(
    "directory",
    ["..", "../music2", "/", "/etc", "jazz/../../music2", "link", "gone", "one.wav", "nul\0", "x" * 10_000, "\ud800"],
)
def test_a_directory_outside_of_the_roots_or_that_is_none_is_refused(tmp_path: Path, directory: str) -> None:
    make(tmp_path, "music/jazz/one.wav", "music2/two.wav", "music/one.wav")
    (tmp_path / "music" / "link").symlink_to(tmp_path / "music2")
    with pytest.raises(InvalidRequest) as refused:
        resolve_targets([str(tmp_path / "music")], [directory])
    assert refused.value.code == "folder_not_allowed"
    assert str(tmp_path) not in refused.value.message


def test_directories_can_be_named_up_to_the_bound(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert resolve_targets([root], [root] * MAX_DIRECTORIES) == [Target(root, root)]
    with pytest.raises(InvalidRequest):
        resolve_targets([root], [root] * (MAX_DIRECTORIES + 1))


def test_people_see_folders_from_the_roots_name_on(tmp_path: Path) -> None:
    root = str(tmp_path / "music")
    target = Target(root, f"{root}/jazz")
    assert (Target(root, root).name, target.name) == ("music", "music/jazz")
    assert (target.relative(root), target.relative(f"{root}/jazz/a")) == (".", "jazz/a")
    assert Target(root, os.fsdecode(os.fsencode(root) + b"/\xe9t\xe9")).name == "music/\ufffdt\ufffd"


def test_named_folders_are_real_ones_none_within_another_and_say_whether_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    roots = [str(tmp_path / name) for name in ("a/b", "link", "a", "gone")]
    assert named_folders(roots) == {str(tmp_path / "a"): True, str(tmp_path / "gone"): False}


def test_a_folder_is_told_from_another_at_its_path_but_not_one_whose_files_lie_on_other_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "one.flac").touch()

    def identity() -> str | None:
        walk = Walk(Target(str(folder), str(folder)), frozenset({".flac"}))
        walk.take(10, check=never_cancelled)
        return walk.identity

    first = identity()
    assert first is not None
    (folder / "one.flac").unlink()
    assert identity() == first
    folder.rename(tmp_path / "other")
    assert identity() is None
    folder.mkdir()
    assert identity() not in (None, first)
    (folder / "one.flac").touch()
    status = os.stat(folder)
    monkeypatch.setattr(os, "stat", lambda *_, **__: os.stat_result([*status[:2], status.st_dev + 1, *status[3:]]))
    assert identity() is None


def test_what_a_scan_would_find_is_what_lies_in_a_named_folder_and_is_not_left_out(tmp_path: Path) -> None:
    root = tmp_path / "music"
    for name in ("here.flac", "quiet/one.flac", "text.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "quiet" / ".nomedia").touch()
    (tmp_path / "outside.flac").touch()
    names = ["here.flac", "gone.flac", "quiet/one.flac", "text.txt", "gone/one.flac", "here.flac\0" + "7"]
    paths = [*(str(root / name) for name in names), str(tmp_path / "outside.flac")]
    assert paths_to_find([str(root)], paths, check=never_cancelled) == {str(root / "here.flac")}


def test_what_cannot_be_looked_at_may_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str) -> os.stat_result:
        raise PermissionError(errno.EACCES, "denied", path)

    monkeypatch.setattr(os, "lstat", refusing)
    monkeypatch.setattr(os, "scandir", refusing)
    path = str(tmp_path / "one.flac")
    assert paths_to_find([str(tmp_path)], [path], check=never_cancelled) == {path}
