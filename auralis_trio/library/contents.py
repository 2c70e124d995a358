"""Which tracks have which origin (`TrackFile.origin`): what is made of sound is kept by it, told of by track.

Also which of them have a content, and which lie at a path.
"""

import os
from collections.abc import Collection

from auralis_trio.library.records import content_of_origin, origin_of
from auralis_trio.library.rows import rows_with
from auralis_trio.library.store import Library

_BATCH = 512
_TRACKS = "SELECT content_id, kind, id, added_ns, size, mtime_ns FROM track WHERE content_id IN ?"
_WITH_CONTENT = "SELECT id, path FROM track WHERE NOT missing AND content_id IN ? ORDER BY id LIMIT 100"
_AT_PATHS = "SELECT id, path FROM track WHERE NOT missing AND path IN ?"


def known_origins(library: Library, origins: Collection[str]) -> set[str]:
    """Those origins that a track has, be its file there or missing."""
    return set(tracks_of_origins(library, origins))


def tracks_of_origins(library: Library, origins: Collection[str]) -> dict[str, int]:
    """By origin, the track that has it."""
    wanted, contents = set(origins), sorted({content_of_origin(origin) for origin in origins})
    found: dict[str, int] = {}
    with library.reading():
        for first in range(0, len(contents), _BATCH):
            for content_id, kind, *figures in rows_with(library.db, _TRACKS, contents[first : first + _BATCH]):
                found[origin_of(content_id, kind, tuple(figures))] = figures[0]
    return {origin: track_id for origin, track_id in found.items() if origin in wanted}


def tracks_of_content(library: Library, content_id: str) -> list[tuple[int, str]]:
    """The first hundred tracks with this content that are not known to be missing, each with the path of its file."""
    with library.reading():
        rows = rows_with(library.db, _WITH_CONTENT, [content_id])
    return [(track_id, os.fsdecode(bytes(path))) for track_id, path in rows]


def tracks_at(library: Library, paths: Collection[str]) -> dict[str, int]:
    """By path, the track whose file lies there; paths without a track are left out."""
    with library.reading():
        rows = rows_with(library.db, _AT_PATHS, map(os.fsencode, paths))
    return {os.fsdecode(bytes(path)): track_id for track_id, path in rows}
