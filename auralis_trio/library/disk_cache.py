"""A folder of things that can be made again, bounded in bytes; the least recently used go first.

Blocking, and safe to be used by several threads at once. What is damaged or missing is simply not there.
"""

import contextlib
import os
import secrets
import threading
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path

_SUM_BYTES = 16
_SUFFIX = ".cached"


class DiskCache:
    """Bytes by name, where a name is one that any file may have."""

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sizes = self._look_through()

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        with self._lock:
            return sum(self._sizes.values())

    def get(self, name: str) -> bytes | None:
        """What is kept under a name, or None."""
        path = self._folder / (name + _SUFFIX)
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        with self._lock:
            if name in self._sizes:
                self._sizes.move_to_end(name)
        kept = data[_SUM_BYTES:]
        return kept if _sum(kept) == data[:_SUM_BYTES] else None

    def put(self, name: str, data: bytes) -> None:
        """Keep something, and drop others until all fit; what is larger than the bound is not kept.

        Raises:
            OSError: the disk does not take it.
        """
        size = len(data) + _SUM_BYTES
        if size > self._max_bytes:
            return
        write_whole(self._folder / (name + _SUFFIX), _sum(data) + data)
        with self._lock:
            self._sizes.pop(name, None)
            self._sizes[name] = size
            total = sum(self._sizes.values())
            while total > self._max_bytes:
                oldest, freed = self._sizes.popitem(last=False)
                total -= freed
                (self._folder / (oldest + _SUFFIX)).unlink(missing_ok=True)

    def _look_through(self) -> OrderedDict[str, int]:
        """What lies there, the longest unused first; drafts of a process that was killed are removed."""
        found = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    status = entry.stat()
                    found.append((status.st_mtime_ns, entry.name.removesuffix(_SUFFIX), status.st_size))
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
        return OrderedDict((name, size) for _, name, size in sorted(found))


def write_whole(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a file that is there in whole or not at all; with `sync`, also after the power was cut.

    Raises:
        OSError: the disk does not take it.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with open(draft, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if sync:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sum(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SUM_BYTES).digest()
