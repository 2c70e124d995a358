import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from auralis_trio.analysis import Ledger
from auralis_trio.library.ledgers import LedgerStore


def ledger_of(hops: int, seed: int = 0) -> Ledger:
    noise = np.random.default_rng(seed)
    mid, side = (noise.integers(0, 256, (hops, 40), np.uint8) for _ in range(2))
    return Ledger(44_100, 2, hops * 1024, mid, side, noise.integers(0, 256, hops, np.uint8))


def is_same(one: Ledger | None, other: Ledger) -> bool:
    return one is not None and one.pack() == other.pack()


def test_a_ledger_comes_back_as_it_was_kept_also_after_a_restart(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path / "ledgers", 1 << 20)
    assert store.get("one") is None
    store.put("one", ledger_of(20))
    assert is_same(store.get("one"), ledger_of(20))
    assert is_same(LedgerStore(tmp_path / "ledgers", 1 << 20).get("one"), ledger_of(20))


def test_the_least_recently_used_go_when_the_bound_is_reached(tmp_path: Path) -> None:
    size = len(ledger_of(20).pack()) + 16
    store = LedgerStore(tmp_path, 3 * size + 100)
    for number in range(3):
        store.put(f"{number}", ledger_of(20, number))
    assert store.get("0") is not None
    store.put("3", ledger_of(20, 3))
    assert [store.get(f"{number}") is not None for number in range(4)] == [True, False, True, True]
    assert store.nbytes <= 3 * size + 100
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == store.nbytes


def test_what_was_used_last_is_known_after_a_restart_too(tmp_path: Path) -> None:
    size = len(ledger_of(20).pack()) + 16
    store = LedgerStore(tmp_path, 10 * size)
    for number in range(3):
        store.put(f"{number}", ledger_of(20, number))
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_atime - 100, path.stat().st_mtime - 100))
    store.get("0")
    smaller = LedgerStore(tmp_path, 2 * size + 100)
    smaller.put("3", ledger_of(20, 3))
    assert [smaller.get(f"{number}") is not None for number in range(4)] == [True, False, False, True]


def test_a_ledger_larger_than_the_bound_is_not_kept(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path, 100)
    store.put("one", ledger_of(20))
    assert store.get("one") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"short", None, "gone"])
def test_a_damaged_or_missing_file_is_simply_not_there(tmp_path: Path, damage: bytes | str | None) -> None:
    store = LedgerStore(tmp_path, 1 << 20)
    store.put("one", ledger_of(20))
    (path,) = tmp_path.iterdir()
    if damage == "gone":
        path.unlink()
    elif damage is None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert store.get("one") is None
    store.put("one", ledger_of(20))
    assert is_same(store.get("one"), ledger_of(20))


def test_half_written_files_of_a_process_that_was_killed_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".0123").write_bytes(b"half")
    LedgerStore(tmp_path, 1 << 20)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_nothing_leaves_no_draft(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path / "ledgers", 1 << 20)
    (tmp_path / "ledgers").rmdir()
    (tmp_path / "ledgers").touch()
    with pytest.raises(OSError, match="Not a directory"):
        store.put("one", ledger_of(20))
    assert store.nbytes == 0


def test_a_ledger_under_the_name_of_another_is_none(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path, 1 << 20)
    store.put("one", ledger_of(20, 1))
    [first] = tmp_path.iterdir()
    store.put("two", ledger_of(20, 2))
    [second] = set(tmp_path.iterdir()) - {first}
    shutil.copyfile(first, second)
    assert is_same(store.get("one"), ledger_of(20, 1))
    assert store.get("two") is None
