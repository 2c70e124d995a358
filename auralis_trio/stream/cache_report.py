"""What lies in both tiers of the cache, told by track and by sound. Pure: from names of chunks and their sizes."""

from collections.abc import Mapping

import msgspec

from auralis_trio.stream.disk_tier import Kept, origin_of


class CachedTrack(msgspec.Struct, frozen=True):
    """How much of one file's sound lies in memory and on disk."""

    origin: str
    memory: Kept
    disk: Kept


class CachedSound(msgspec.Struct, frozen=True):
    """How much there is of one track in one sound and encoding; `sample_rate` is that of a rendition, else None.

    `cached_chunks` of `total_chunks` lie in at least one of the tiers.
    """

    revision: str
    sample_rate: int | None
    encoding: str
    form: str
    total_chunks: int
    memory_chunks: int
    disk_chunks: int
    cached_chunks: int
    complete: bool


def cached_tracks(memory: Mapping[str, int], disk: Mapping[str, int]) -> list[CachedTrack]:
    """The origin of every file that there is something of; that of which there is most comes first."""
    tiers = tuple(_sums(names) for names in (memory, disk))
    found = [
        CachedTrack(origin, *(tier.get(origin, Kept()) for tier in tiers)) for origin in {**tiers[0], **tiers[1]}
    ]
    return sorted(found, key=lambda one: (-one.memory.bytes - one.disk.bytes, one.origin))


def cached_sounds(origin: str, memory: Mapping[str, int], disk: Mapping[str, int]) -> list[CachedSound]:
    """Every sound of one origin that there is something of; that of which there is most comes first."""
    tiers = tuple(_indices(origin, names) for names in (memory, disk))
    found = []
    for sound in {**tiers[0], **tiers[1]}:
        rendition, revision, encoding, form, total = sound
        rate = rendition.partition("@")[2]
        indices = [tier.get(sound, set()) for tier in tiers]
        there = len(indices[0] | indices[1])
        counts = (int(total), len(indices[0]), len(indices[1]), there, there == int(total))
        found.append(CachedSound(revision, int(rate) if rate else None, encoding, form, *counts))
    return sorted(found, key=lambda one: (-one.cached_chunks, one.revision, one.encoding, one.form))


def _sums(names: Mapping[str, int]) -> dict[str, Kept]:
    sums: dict[str, Kept] = {}
    for name, size in names.items():
        origin = origin_of(name)
        sums[origin] = sums.get(origin, Kept()) + Kept(1, size)
    return sums


def _indices(origin: str, names: Mapping[str, int]) -> dict[tuple[str, ...], set[int]]:
    """The numbers of the chunks by rendition, revision, encoding, form and total."""
    found: dict[tuple[str, ...], set[int]] = {}
    for name in names:
        parts = name.rsplit("-", 5)
        *sound, index, total = parts if len(parts) == 6 else ["", ""]
        if origin_of(name) == origin and index.isdecimal() and total.isdecimal():
            found.setdefault((*sound, total), set()).add(int(index))
    return found
