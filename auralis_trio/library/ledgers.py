"""The ledgers of analysed tracks: one file each in a folder, bounded in bytes; the least recently used go first.

They are too large for the database, and can be made again. So a file that is missing or damaged is simply not there.
"""

from hashlib import blake2b
from pathlib import Path

from auralis_trio.analysis import ANALYSIS_VERSION, Ledger, parse_ledger
from auralis_trio.library.disk_cache import DiskCache


class LedgerStore:
    """Ledgers by content; blocking, and safe to be used by several threads at once."""

    def __init__(self, folder: str | Path, max_bytes: int) -> None:
        self._files = DiskCache(folder, max_bytes)

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        return self._files.nbytes

    def get(self, content_id: str) -> Ledger | None:
        """The ledger of a content, or None if there is none that can be used."""
        packed = self._files.get(_name(content_id))
        try:
            return None if packed is None else parse_ledger(packed)
        except ValueError:
            return None

    def put(self, content_id: str, ledger: Ledger) -> None:
        """Keep a ledger, and forget others until all fit; one larger than the bound is not kept.

        Raises:
            OSError: the disk does not take it.
        """
        self._files.put(_name(content_id), ledger.pack())

    def forget(self, content_id: str) -> None:
        """Remove the ledger of a content.

        Raises:
            OSError: the disk does not give it up.
        """
        self._files.drop(_name(content_id).__eq__)


def _name(content_id: str) -> str:
    return f"{blake2b(content_id.encode(), digest_size=16).hexdigest()}-{ANALYSIS_VERSION}"
