"""Which tracks have which content: what is made of sound is kept by content, and told of by track."""

from collections.abc import Collection

from pony.orm import select

from auralis_trio.library.links import padded
from auralis_trio.library.store import Library

_BATCH = 512


def known_contents(library: Library, content_ids: Collection[str]) -> set[str]:
    """Those contents that a track has, be its file there or missing."""
    return set(tracks_of_contents(library, content_ids))


def tracks_of_contents(library: Library, content_ids: Collection[str]) -> dict[str, int]:
    """By content, the track that has it; of several, the one that was known first."""
    wanted = sorted(content_ids)
    found: dict[str, int] = {}
    with library.reading() as entities:
        for first in range(0, len(wanted), _BATCH):
            some = padded(wanted[first : first + _BATCH], "")
            found |= dict(select((t.content_id, min(t.id)) for t in entities.Track if t.content_id in some))
    return found
