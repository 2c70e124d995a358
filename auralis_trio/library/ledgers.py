"""The ledgers of analysed tracks: one file each in a folder, bounded in bytes; the least recently used go first.

They are too large for the database, and can be made again. So a file that is missing or damaged is simply not there.
"""

import contextlib
import os
import secrets
import threading
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path

from auralis_trio.analysis import ANALYSIS_VERSION, Ledger, parse_ledger

_SUM_BYTES = 16
_SUFFIX = ".ledger"


class LedgerStore:
    """Ledgers by content; blocking, and safe to be used by several threads at once."""

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sizes = self._look_through()
        self._bytes = sum(self._sizes.values())

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        return self._bytes

    def get(self, content_id: str) -> Ledger | None:
        """The ledger of a content, or None if there is none that can be used."""
        name = _name(content_id)
        try:
            data = (self._folder / name).read_bytes()
            os.utime(self._folder / name)
        except OSError:
            return None
        with self._lock:
            if name in self._sizes:
                self._sizes.move_to_end(name)
        if blake2b(data[_SUM_BYTES:], digest_size=_SUM_BYTES).digest() != data[:_SUM_BYTES]:
            return None
        try:
            return parse_ledger(data[_SUM_BYTES:])
        except ValueError:
            return None

    def put(self, content_id: str, ledger: Ledger) -> None:
        """Keep a ledger, and forget others until all fit; one larger than the bound is not kept.

        Raises:
            OSError: the disk does not take it.
        """
        packed = ledger.pack()
        data = blake2b(packed, digest_size=_SUM_BYTES).digest() + packed
        if len(data) > self._max_bytes:
            return
        name = _name(content_id)
        draft = self._folder / f".{secrets.token_hex(8)}"
        try:
            draft.write_bytes(data)
            os.replace(draft, self._folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        with self._lock:
            self._bytes += len(data) - self._sizes.pop(name, 0)
            self._sizes[name] = len(data)
            self._shrink()

    def _shrink(self) -> None:
        while self._bytes > self._max_bytes:
            name, size = self._sizes.popitem(last=False)
            self._bytes -= size
            (self._folder / name).unlink(missing_ok=True)

    def _look_through(self) -> OrderedDict[str, int]:
        """What lies there, the longest unused first; drafts of a process that was killed are removed."""
        found = []
        for entry in os.scandir(self._folder):
            if entry.name.endswith(_SUFFIX):
                status = entry.stat()
                found.append((status.st_mtime_ns, entry.name, status.st_size))
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)
        return OrderedDict((name, size) for _, name, size in sorted(found))


def _name(content_id: str) -> str:
    return f"{blake2b(content_id.encode(), digest_size=16).hexdigest()}-{ANALYSIS_VERSION}{_SUFFIX}"
