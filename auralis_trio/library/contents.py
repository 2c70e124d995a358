"""Which tracks have which content: what is made of sound is kept by content, and told of by track."""

from collections.abc import Collection

from auralis_trio.library.rows import rows_with
from auralis_trio.library.store import Library

_BATCH = 512
_FIRST = "SELECT content_id, min(id) FROM track WHERE content_id IN ? GROUP BY content_id"


def known_contents(library: Library, content_ids: Collection[str]) -> set[str]:
    """Those contents that a track has, be its file there or missing."""
    return set(tracks_of_contents(library, content_ids))


def tracks_of_contents(library: Library, content_ids: Collection[str]) -> dict[str, int]:
    """By content, the track that has it; of several, the one that was known first."""
    wanted = sorted(content_ids)
    found: dict[str, int] = {}
    with library.reading():
        for first in range(0, len(wanted), _BATCH):
            found |= dict(rows_with(library.db, _FIRST, wanted[first : first + _BATCH]))
    return found
