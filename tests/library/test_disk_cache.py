import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.disk_cache import DiskCache, write_whole

OVERHEAD = 16


def test_what_was_put_in_comes_out_also_after_opening_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("one", b"1" * 10)
    assert cache.get("one") == DiskCache(tmp_path, 1000).get("one") == b"1" * 10
    assert cache.get("two") is None
    assert cache.nbytes == DiskCache(tmp_path, 1000).nbytes == 10 + OVERHEAD


def test_the_least_recently_used_go_first_and_the_bound_holds(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 3 * (10 + OVERHEAD))
    for name in ("one", "two", "three"):
        cache.put(name, b"x" * 10)
    cache.get("one")
    cache.put("four", b"x" * 10)
    assert [name for name in ("one", "two", "three", "four") if cache.get(name)] == ["one", "three", "four"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == cache.nbytes == 3 * (10 + OVERHEAD)


def test_what_is_larger_than_the_bound_is_not_kept_and_costs_nothing_else(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 40)
    cache.put("small", b"x" * 8)
    cache.put("large", b"x" * 25)
    assert (cache.get("small"), cache.get("large")) == (b"x" * 8, None)


def test_what_is_damaged_on_the_disk_is_not_there(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("one", b"x" * 100)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    for damaged in (data[:50], b"", data[:-1] + b"y"):
        path.write_bytes(damaged)
        assert cache.get("one") is None
    path.unlink()
    assert cache.get("one") is None
    cache.put("one", b"new")
    assert cache.get("one") == b"new"


def test_a_smaller_bound_at_the_next_start_is_kept_from_the_first_thing_on(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for number in range(10):
        cache.put(str(number), b"x" * 10)
        os.utime(tmp_path / f"{number}.cached", (number, number))
    small = DiskCache(tmp_path, 3 * (10 + OVERHEAD))
    small.put("new", b"x" * 10)
    assert small.nbytes <= 3 * (10 + OVERHEAD)
    assert [name for name in map(str, range(10)) if small.get(name)] == ["8", "9"]


def test_drafts_of_a_process_that_was_killed_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".0123").write_bytes(b"half")
    DiskCache(tmp_path, 1000)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), max_size=30))
def test_the_bound_holds_after_any_puts(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = DiskCache(folder, 100)
    for name, size in puts:
        cache.put(name, bytes(size))
        assert sum(path.stat().st_size for path in folder.iterdir()) == cache.nbytes <= 100


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for sync in (False, True):
        with pytest.raises(OSError, match="directory"):
            write_whole(tmp_path / "taken", b"x", sync=sync)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    write_whole(tmp_path / "new", b"x", sync=True)
    assert (tmp_path / "new").read_bytes() == b"x"
