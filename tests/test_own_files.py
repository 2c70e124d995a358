"""Only regular files are opened in the data directory, and nothing is waited for there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from auralis_trio.own_files import read_own, write_own


def test_what_is_written_is_read_and_written_anew(tmp_path: Path) -> None:
    for data in (b"a longer one", b"short"):
        write_own(tmp_path / "file", data)
        assert read_own(tmp_path / "file") == data
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def _link(path: Path) -> None:
    path.with_name("other").write_bytes(b"another's")
    path.symlink_to("other")


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, _link])
def test_what_is_no_regular_file_is_refused_at_once_and_left_as_it_is(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    put(path)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match=str(path)):
        read_own(path)
    with pytest.raises(OSError, match=str(path)):
        write_own(path, b"ours")
    assert os.listdir("/proc/self/fd") == before
    assert not path.is_symlink() or path.read_bytes() == b"another's"
