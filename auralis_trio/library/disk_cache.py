"""A folder of things that can be made again, bounded in bytes; the least recently used go first.

Blocking, and safe to be used by several threads at once. What is damaged, missing or lies under another name than it
was put in under is simply not there. What is being written counts as if it were there already, so the bound holds at
every moment.
"""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from auralis_trio.audio.units import modified_ns
from auralis_trio.own_files import read_own, write_own

_SUM_BYTES = 16
_SUFFIX = ".cached"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheStatistics:
    """What a cache holds and what it was good for."""

    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    evictions: int


class Files:
    """The file system, as far as a cache needs it. Every call may raise OSError."""

    def read(self, path: Path) -> bytes:
        """All of a file."""
        return read_own(path)

    def write(self, path: Path, data: bytes) -> None:
        """Make a file; its folder is made again if somebody has removed it."""
        try:
            write_own(path, data)
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True)
            write_own(path, data)

    def rename(self, old: Path, new: Path) -> None:
        """Let a file take the place of another."""
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file, if there is one; a folder in its place is not ours."""
        with contextlib.suppress(IsADirectoryError):
            path.unlink(missing_ok=True)

    def stamp(self, path: Path, used_ns: int) -> None:
        """Note when a file was used last."""
        os.utime(path, ns=(used_ns, used_ns))

    def look_through(self, folder: Path) -> list[tuple[int, str, int]]:
        """When each file of a folder was used last, its name and its size; the folder is made if there is none."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = []
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat()
                    if entry.is_file():
                        found.append((modified_ns(status), entry.name, status.st_size))
        return sorted(found)


class DiskCache:
    """Bytes by name, where a name is one that any file may have."""

    def __init__(self, folder: str | Path, max_bytes: int, files: Files | None = None) -> None:
        self.max_bytes = max_bytes
        self._folder = Path(folder)
        self._files = files or Files()
        self._lock = threading.Lock()
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._bytes = self._drafts = 0
        self._hits = self._misses = self._evictions = 0
        self._used_ns = 0
        self._begin()

    def __contains__(self, name: str) -> bool:
        """Whether something is kept under a name, for all that is known: takes no lock and touches no file."""
        return name in self._sizes

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        return self._bytes

    def statistics(self) -> CacheStatistics:
        """The present figures; takes no lock and touches no file."""
        return CacheStatistics(
            len(self._sizes), self._bytes, self.max_bytes, self._hits, self._misses, self._evictions
        )

    def get(self, name: str) -> bytes | None:
        """What is kept under a name, or None."""
        kept = self._read(name) if name in self._sizes else None
        with self._lock:
            if kept is None:
                self._misses += 1
                return None
            self._hits += 1
            if name in self._sizes:
                self._sizes.move_to_end(name)
                self._stamp(name)
        return kept

    def put(self, name: str, data: bytes) -> None:
        """Keep something, and drop others until all fit; what is larger than the bound is not kept.

        Raises:
            OSError: the disk does not take it, or does not give up what has to go.
        """
        size = len(data) + _SUM_BYTES
        with self._lock:
            if size > self.max_bytes:
                self._remove(name)
                return
            if not self._make_room(size):
                return  # others are being written for which there is just room
            self._drafts += size
        draft = self._folder / f".{secrets.token_hex(8)}"
        try:
            self._files.write(draft, _sum(name, data) + data)
            with self._lock:
                self._files.rename(draft, self._path(name))
                self._bytes += size - self._sizes.pop(name, 0)
                self._sizes[name] = size
                self._stamp(name)
        except OSError:
            with contextlib.suppress(OSError):
                self._files.remove(draft)
            raise
        finally:
            with self._lock:
                self._drafts -= size

    def drop(self, unwanted: Callable[[str], bool]) -> tuple[int, int]:
        """Remove everything whose name is `unwanted`; how many there were and of how many bytes.

        Raises:
            OSError: the disk does not give it up.
        """
        entries = freed = 0
        with self._lock:
            names = list(self._sizes)
        for name in filter(unwanted, names):
            with self._lock:
                size = self._remove(name)
            entries += size > 0
            freed += size
        return entries, freed

    def entries(self) -> dict[str, int]:
        """The size of everything that is kept, by name, after a look at the folder: others may have removed files.

        Raises:
            OSError: the folder cannot be read.
        """
        with self._lock:
            files = self._files.look_through(self._folder)
            found = {name.removesuffix(_SUFFIX): size for _, name, size in files if name.endswith(_SUFFIX)}
            gone = [name for name in self._sizes if name not in found]
            for name in gone:
                del self._sizes[name]
            for name in found.keys() - self._sizes.keys():
                self._sizes[name] = 0
                self._sizes.move_to_end(name, last=False)
            self._sizes.update(found)
            self._bytes = sum(found.values())
            self._make_room(0)
            return dict(self._sizes)

    def _begin(self) -> None:
        """Take over what lies there, the longest unused first; drafts of a process that was killed are removed."""
        try:
            for used_ns, name, size in self._files.look_through(self._folder):
                self._used_ns = max(self._used_ns, used_ns)
                if name.endswith(_SUFFIX):
                    self._sizes[name.removesuffix(_SUFFIX)] = size
                else:
                    self._files.remove(self._folder / name)
            self._bytes = sum(self._sizes.values())
            self._make_room(0)
        except OSError as error:
            log.warning("the cache in the folder %s of the data directory: %s", self._folder.name, error.strerror)

    def _read(self, name: str) -> bytes | None:
        try:
            data = self._files.read(self._path(name))
            kept = data[_SUM_BYTES:]
            if _sum(name, kept) == data[:_SUM_BYTES]:
                return kept
        except FileNotFoundError:
            pass
        except OSError:
            return None  # perhaps another time
        with self._lock, contextlib.suppress(OSError):
            self._remove(name)
        return None

    def _make_room(self, size: int) -> bool:
        """Drop what was not used for the longest time until there is room, or nothing is left to drop."""
        while self._bytes + self._drafts + size > self.max_bytes:
            if not self._sizes:
                return False
            self._remove(next(iter(self._sizes)))
            self._evictions += 1
        return True

    def _remove(self, name: str) -> int:
        """Remove one; how large it was."""
        if name not in self._sizes:
            return 0
        self._files.remove(self._path(name))
        size = self._sizes.pop(name)
        self._bytes -= size
        return size

    def _stamp(self, name: str) -> None:
        """Note that it was used now, behind all others; a disk that does not take that forgets the order."""
        self._used_ns = max(time.time_ns(), self._used_ns + 1)
        with contextlib.suppress(OSError):
            self._files.stamp(self._path(name), self._used_ns)

    def _path(self, name: str) -> Path:
        return self._folder / (name + _SUFFIX)


def _sum(name: str, data: bytes) -> bytes:
    """Of the name as well, so that nothing can be taken for something else."""
    digest = blake2b(os.fsencode(name) + b"\0", digest_size=_SUM_BYTES)
    digest.update(data)
    return digest.digest()
