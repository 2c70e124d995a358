"""The folder of things that can be made again: bounded at every moment, right whatever happens to its files."""

import errno
import os
import shutil
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auralis_trio.library.disk_cache import DiskCache, Files

OVERHEAD = 16


class Stubborn(Files):
    """A disk on which what is named in `refused` fails with `number`."""

    def __init__(self, number: int, *refused: str) -> None:
        self.number = number
        self.refused = set(refused)

    def _refuse(self, what: str) -> None:
        if what in self.refused:
            raise OSError(self.number, os.strerror(self.number))

    def read(self, path: Path) -> bytes:
        self._refuse("read")
        return super().read(path)

    def write(self, path: Path, data: bytes) -> None:
        if "write" in self.refused:
            path.write_bytes(data[: len(data) // 2])  # a full disk takes a part
        self._refuse("write")
        super().write(path, data)

    def rename(self, old: Path, new: Path) -> None:
        self._refuse("rename")
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._refuse("remove")
        super().remove(path)

    def stamp(self, path: Path, used_ns: int) -> None:
        self._refuse("stamp")
        super().stamp(path, used_ns)

    def look_through(self, folder: Path) -> list[tuple[int, str, int]]:
        self._refuse("look_through")
        return super().look_through(folder)


def on_disk(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def test_what_was_put_in_comes_out_also_after_opening_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("one", b"1" * 10)
    assert cache.get("one") == DiskCache(tmp_path, 1000).get("one") == b"1" * 10
    assert cache.get("two") is None
    assert cache.nbytes == DiskCache(tmp_path, 1000).nbytes == 10 + OVERHEAD


@pytest.mark.parametrize("opened_again", [False, True])
def test_what_lies_under_the_name_of_another_is_not_there(tmp_path: Path, opened_again: bool) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("one", b"1" * 10)
    cache.put("two", b"2" * 10)
    shutil.copyfile(tmp_path / "one.cached", tmp_path / "two.cached")
    shutil.copyfile(tmp_path / "one.cached", tmp_path / "three.cached")
    cache = DiskCache(tmp_path, 1000) if opened_again else cache
    assert [cache.get(name) for name in ("one", "two", "three")] == [b"1" * 10, None, None]
    assert "two" not in cache
    cache.put("two", b"2" * 10)
    assert cache.get("two") == b"2" * 10


def test_the_least_recently_used_go_first_and_the_bound_holds(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 3 * (10 + OVERHEAD))
    for name in ("one", "two", "three"):
        cache.put(name, b"x" * 10)
    cache.get("one")
    cache.put("four", b"x" * 10)
    assert [name for name in ("one", "two", "three", "four") if cache.get(name)] == ["one", "three", "four"]
    assert on_disk(tmp_path) == cache.nbytes == 3 * (10 + OVERHEAD)


def test_the_order_of_use_survives_a_restart(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 4 * (10 + OVERHEAD))
    for name in "abcd":
        cache.put(name, b"x" * 10)
    cache.get("b")
    cache.get("a")
    again = DiskCache(tmp_path, 4 * (10 + OVERHEAD))
    for name in "ef":
        again.put(name, b"x" * 10)
    assert [name in again for name in "abcdef"] == [True, True, False, False, True, True]


def test_what_is_larger_than_the_bound_is_not_kept_and_costs_nothing_else(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 40)
    cache.put("small", b"x" * 8)
    cache.put("large", b"x" * 25)
    assert (cache.get("small"), cache.get("large")) == (b"x" * 8, None)


def test_what_is_damaged_on_the_disk_is_not_there_and_is_removed(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("one", b"x" * 100)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    for damaged in (data[:50], b"", data[:-1] + b"y"):
        path.write_bytes(damaged)
        assert cache.get("one") is None
        assert (cache.nbytes, list(tmp_path.iterdir())) == (0, [])
        cache.put("one", b"x" * 100)
    path.unlink()
    assert cache.get("one") is None
    assert cache.nbytes == 0
    cache.put("one", b"new")
    assert cache.get("one") == b"new"


def test_a_smaller_bound_at_the_next_start_holds_at_once(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for number in range(10):
        cache.put(str(number), b"x" * 10)
        os.utime(tmp_path / f"{number}.cached", (number, number))
    small = DiskCache(tmp_path, 3 * (10 + OVERHEAD))
    assert on_disk(tmp_path) == small.nbytes == 3 * (10 + OVERHEAD)
    assert [name for name in map(str, range(10)) if small.get(name)] == ["7", "8", "9"]
    assert DiskCache(tmp_path, 0).nbytes == on_disk(tmp_path) == 0


def test_drafts_of_a_process_that_was_killed_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".0123").write_bytes(b"half")
    (tmp_path / "folder").mkdir()  # nothing of ours, and in nobody's way
    cache = DiskCache(tmp_path, 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    cache.put("one", b"1")
    assert DiskCache(tmp_path, 1000).get("one") == b"1"


def test_what_others_removed_added_or_changed_is_seen_by_a_look_at_the_folder(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for name in "abc":
        cache.put(name, b"x" * 10)
    (tmp_path / "a.cached").unlink()
    (tmp_path / "b.cached").write_bytes(b"short")
    DiskCache(tmp_path, 1000).put("d", b"x" * 10)
    assert cache.entries() == {"b": 5, "c": 10 + OVERHEAD, "d": 10 + OVERHEAD}
    assert cache.nbytes == on_disk(tmp_path) == 5 + 2 * (10 + OVERHEAD)
    assert (cache.get("b"), cache.get("d")) == (None, b"x" * 10)


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", 1000)
    cache.put("one", b"1")
    shutil.rmtree(tmp_path / "cache")
    assert cache.get("one") is None
    cache.put("two", b"2")
    assert cache.get("two") == b"2"
    assert cache.nbytes == on_disk(tmp_path / "cache")


def test_what_is_unwanted_is_dropped_by_name(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for name in ("a1", "a2", "b1"):
        cache.put(name, b"x" * 10)
    assert cache.drop(lambda name: name.startswith("a")) == (2, 2 * (10 + OVERHEAD))
    assert [path.name for path in tmp_path.iterdir()] == ["b1.cached"]
    assert cache.nbytes == 10 + OVERHEAD


def test_it_counts_what_it_was_good_for(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 2 * (1 + OVERHEAD))
    for name in "abc":
        cache.put(name, b"1")
    for name in "abb":
        cache.get(name)
    figures = cache.statistics()
    assert (figures.entries, figures.bytes, figures.max_bytes) == (2, 34, 34)
    assert (figures.hits, figures.misses, figures.evictions) == (2, 1, 1)


def test_a_folder_in_the_place_of_a_file_is_in_nobodys_way(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 2 * (1 + OVERHEAD))
    cache.put("a", b"a")
    cache.put("b", b"b")
    (tmp_path / "a.cached").unlink()
    (tmp_path / "a.cached").mkdir()
    for name in "cd":
        cache.put(name, name.encode())
    assert [cache.get(name) for name in "abcd"] == [None, None, b"c", b"d"]
    with pytest.raises(OSError, match="directory"):
        cache.put("a", b"a")
    for one in (cache, DiskCache(tmp_path, 1000)):
        assert set(one.entries()) <= {"c", "d"}
        assert one.nbytes == sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file())


def test_a_fifo_in_the_place_of_a_file_is_not_waited_for_and_replaced(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    cache.put("a", b"a")
    (tmp_path / "a.cached").unlink()
    os.mkfifo(tmp_path / "a.cached")
    assert cache.get("a") is None
    cache.put("a", b"again")
    assert cache.get("a") == b"again"


# Disks that do not do as they are told


@pytest.mark.parametrize("refused", ["write", "rename"])
def test_a_disk_that_takes_nothing_is_an_error_leaves_no_draft_and_keeps_what_was_there(
    tmp_path: Path, refused: str
) -> None:
    files = Stubborn(errno.ENOSPC)
    cache = DiskCache(tmp_path, 1000, files)
    cache.put("one", b"old")
    files.refused.add(refused)
    for name in ("one", "two"):
        with pytest.raises(OSError, match="No space"):
            cache.put(name, b"new")
    assert cache.get("one") == b"old"
    assert cache.nbytes == on_disk(tmp_path) == 3 + OVERHEAD
    files.refused.clear()
    cache.put("one", b"new")
    assert cache.get("one") == b"new"


def test_a_disk_that_became_read_only_is_still_read_and_never_overfilled(tmp_path: Path) -> None:
    files = Stubborn(errno.EROFS)
    cache = DiskCache(tmp_path, 2 * (3 + OVERHEAD), files)
    cache.put("one", b"one")
    cache.put("two", b"two")
    files.refused |= {"write", "remove", "stamp", "rename"}
    with pytest.raises(OSError, match="Read-only"):
        cache.put("six", b"six")
    with pytest.raises(OSError, match="Read-only"):
        cache.drop(lambda name: True)
    (tmp_path / "two.cached").write_bytes(b"damaged")
    assert (cache.get("one"), cache.get("two")) == (b"one", None)
    assert cache.nbytes == 2 * (3 + OVERHEAD)


def test_a_file_that_cannot_be_read_now_may_be_read_later(tmp_path: Path) -> None:
    files = Stubborn(errno.EACCES, "read")
    cache = DiskCache(tmp_path, 1000, files)
    cache.put("one", b"1")
    assert cache.get("one") is None
    files.refused.clear()
    assert cache.get("one") == b"1"


def test_a_folder_that_cannot_be_looked_at_is_an_empty_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    DiskCache(tmp_path, 1000).put("one", b"1")
    cache = DiskCache(tmp_path, 1000, Stubborn(errno.EIO, "look_through"))
    assert (cache.nbytes, cache.get("one")) == (0, None)
    assert "Input/output error" in caplog.text
    with pytest.raises(OSError, match="Input/output"):
        cache.entries()


# Threads


class Watching(Files):
    """Notes the most bytes that ever lay in a folder, drafts and all."""

    def __init__(self) -> None:
        self.most = 0
        self._lock = threading.Lock()

    def write(self, path: Path, data: bytes) -> None:
        super().write(path, data)
        with self._lock:
            self.most = max(self.most, sum(size for _, _, size in self.look_through(path.parent)))


def test_threads_that_put_get_and_drop_at_once_leave_a_cache_that_is_true(tmp_path: Path) -> None:
    files, bound = Watching(), 5 * (100 + OVERHEAD)
    cache = DiskCache(tmp_path, bound, files)

    def work(number: int) -> list[bytes | None]:
        name = str(number % 7)
        cache.put(name, name.encode() * (50 + number % 51))
        if number % 11 == 0:
            cache.drop(name.__eq__)
        return [cache.get(str(other)) for other in range(7)]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(400)):
            for name, data in enumerate(found):
                assert data is None or set(data) == {ord(str(name))}
    assert files.most <= bound
    assert cache.nbytes == on_disk(tmp_path) <= bound
    assert cache.entries() == {path.stem: path.stat().st_size for path in tmp_path.iterdir()}


class Beside(RuleBasedStateMachine):
    """The cache beside a simple model, while somebody tampers with its files and it is opened again and again."""

    MAX_BYTES = 200
    names = st.sampled_from("abcdef")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.cache = DiskCache(self.folder, self.MAX_BYTES)
        self.model: OrderedDict[str, bytes] = OrderedDict()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.cached"

    @rule(name=names, size=st.integers(0, 190))
    def put(self, name: str, size: int) -> None:
        data = name.encode() * size
        self.cache.put(name, data)
        if size + OVERHEAD > self.MAX_BYTES:
            self.model.pop(name, None)
            return
        # What lies under the name goes on counting until the new file has taken its place.
        while sum(len(kept) + OVERHEAD for kept in self.model.values()) + size + OVERHEAD > self.MAX_BYTES:
            self.model.popitem(last=False)
        self.model.pop(name, None)
        self.model[name] = data

    @rule(name=names)
    def get(self, name: str) -> None:
        assert self.cache.get(name) == self.model.get(name)
        if name in self.model:
            self.model.move_to_end(name)

    @rule(name=names)
    def drop(self, name: str) -> None:
        assert self.cache.drop(name.__eq__)[0] == (self.model.pop(name, None) is not None)

    @rule(name=names, how=st.sampled_from(["removed", "truncated", "flipped"]), byte=st.integers(0, 10_000))
    def tamper(self, name: str, how: str, byte: int) -> None:
        if name not in self.model:
            return
        data = bytearray(self.file(name).read_bytes())
        if how == "removed":
            self.file(name).unlink()
        elif how == "truncated":
            self.file(name).write_bytes(data[: byte % len(data)])
        else:
            data[byte % len(data)] ^= 1 << byte % 8
            self.file(name).write_bytes(data)
        assert self.cache.get(name) is None
        del self.model[name]

    @rule()
    def open_again(self) -> None:
        self.cache = DiskCache(self.folder, self.MAX_BYTES)

    @invariant()
    def the_books_are_true_and_the_bound_holds(self) -> None:
        assert self.cache.nbytes == on_disk(self.folder) <= self.MAX_BYTES
        assert {path.stem for path in self.folder.iterdir()} == set(self.model)


TestBesideAModel = Beside.TestCase
TestBesideAModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
