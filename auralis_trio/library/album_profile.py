"""What an album is like: of each dimension the median over its tracks."""

from collections.abc import Sequence
from statistics import median

import msgspec

from auralis_trio.analysis import ANALYSIS_VERSION
from auralis_trio.errors import NotFound
from auralis_trio.library.queries import MAX_ID
from auralis_trio.library.store import Library

_PROFILES = """SELECT analysis.profile FROM track LEFT JOIN analysis
        ON analysis.content_id = track.content_id AND analysis.version = $version
    WHERE track.album_id = $album_id ORDER BY track.id
"""


class Middle(msgspec.Struct, frozen=True):
    """One dimension's median over so many `tracks` as it was measured of; None where that is none."""

    value: float | None
    tracks: int


class AlbumProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Of all its `tracks`, so many are `measured`; not every dimension can be measured of each."""

    tracks: int
    measured: int
    values: dict[str, Middle]


class _Values(msgspec.Struct, frozen=True):
    """The part of a profile that is looked at here."""

    values: dict[str, float | None]


def album_profile(library: Library, album_id: int, dimensions: Sequence[str]) -> AlbumProfile:
    """The medians of these dimensions over those tracks of an album that the present analysis has measured.

    Raises:
        NotFound: there is no such album.
    """
    of_each: dict[str, list[float]] = {name: [] for name in dimensions}
    tracks = measured = 0
    asked = {"album_id": album_id if 0 < album_id <= MAX_ID else 0, "version": ANALYSIS_VERSION}
    with library.reading():
        for text in library.db.select(_PROFILES, asked):
            tracks += 1
            if text is None:
                continue
            measured += 1
            told = msgspec.json.decode(text, type=_Values).values
            for name in dimensions:
                if (value := told.get(name)) is not None:
                    of_each[name].append(value)
    if not tracks:  # an album is one as long as it has tracks
        raise NotFound("There is no album with this id. Ask for the list of them again.", code="album_not_found")
    middles = {name: Middle(median(values) if values else None, len(values)) for name, values in of_each.items()}
    return AlbumProfile(tracks=tracks, measured=measured, values=middles)
