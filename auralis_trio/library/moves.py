"""Which track a file that was read belongs to: by its path, and by its audio where a file was moved.

A track follows its audio. A file with audio that the library knew elsewhere, where it is gone or away now, is that
track; its tags may have changed on the way. Files that took each other's names are told apart like this as well,
where they are read together.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from auralis_trio.audio.content import names_of
from auralis_trio.library.records import ProbedFile


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """A track as it was before its file was read; `away` is its folder. Matching goes by the first five."""

    id: int
    path: bytes
    content_id: str
    missing: bool
    away: bool = False
    total_frames: int | None = None
    size: int = 0
    mtime_ns: int = 0


def match_tracks(
    files: Sequence[ProbedFile], known: Sequence[KnownTrack], chosen: Mapping[bytes, int] = MappingProxyType({})
) -> dict[bytes, KnownTrack]:
    """The track of each file, by its path; a file that is not in it is new.

    `known` are the tracks at the files' paths, and those with the audio of one of them; `chosen` are the ids of those
    that a file is to go to if it has their audio.
    """
    at_path = {track.path: track for track in known}
    content_at = {os.fsencode(file.path): file.content_id for file in files}
    matched = {
        path: track
        for path, content_id in content_at.items()
        if (track := at_path.get(path)) is not None and track.content_id in names_of(content_id)
    }
    taken = {track.id for track in matched.values()}
    homeless = _homeless(known, content_at)
    for path, content_id in sorted(content_at.items(), key=lambda file: file[0] not in chosen):
        if path in matched:
            continue
        free: list[KnownTrack] = []
        for name in names_of(content_id):
            free = free or [track for track in homeless.get(name, ()) if track.id not in taken]
        if free:
            wanted = chosen.get(path)
            matched[path] = min(
                free, key=lambda track: (track.id != wanted, not _same_name(track.path, path), track.id)
            )
            taken.add(matched[path].id)
    for path in content_at.keys() - matched.keys():
        track = at_path.get(path)
        if track is not None and track.id not in taken:
            matched[path] = track  # other audio under the same name: a better copy
    return matched


def _homeless(known: Sequence[KnownTrack], content_at: Mapping[bytes, str]) -> dict[str, list[KnownTrack]]:
    """The tracks whose audio does not lie at their path any more, by that audio."""
    found: dict[str, list[KnownTrack]] = {}
    for track in known:
        there = names_of(content_at.get(track.path, track.content_id))
        if track.missing or track.away or track.content_id not in there:
            found.setdefault(track.content_id, []).append(track)
    return found


def _same_name(one: bytes, other: bytes) -> bool:
    return os.path.basename(one) == os.path.basename(other)
