"""Tracks that the library has more than once. They are only told of: nothing is ever deleted for it."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.listing import Listing, read_slice, rows_within
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import TRACK_COLUMNS, track_records
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import track_order

Likeness = Literal["content", "tags"]

MAX_APART_S = 2.0
MAX_SHOWN = 100

# Of each track that may be one of several: its group, known by its first track, and its place and how many are in it.
_SAME_CONTENT = """SELECT id, min(id) OVER alike AS first_id, count(*) OVER alike AS tracks,
        row_number() OVER (PARTITION BY content_id ORDER BY id) AS place
    FROM track WHERE NOT missing AND content_id IN
        (SELECT content_id FROM track WHERE NOT missing GROUP BY content_id HAVING count(*) > 1)
    WINDOW alike AS (PARTITION BY content_id)"""
_SAME_NAME = f"""SELECT track.id, track.artist_key, track.title_key, track.duration_s,
        CASE WHEN track.duration_s - lag(track.duration_s) OVER by_length <= {MAX_APART_S} THEN 0 ELSE 1 END AS begins
    FROM track JOIN
        (SELECT artist_key, title_key FROM track WHERE NOT missing AND duration_s IS NOT NULL
            GROUP BY artist_key, title_key HAVING count(*) > 1) AS name
        ON name.artist_key = track.artist_key AND name.title_key = track.title_key
    WHERE NOT track.missing AND track.duration_s IS NOT NULL
    WINDOW by_length AS (PARTITION BY track.artist_key, track.title_key ORDER BY track.duration_s, track.id)"""
_SAME_LENGTH = f"""SELECT id, artist_key, title_key,
        sum(begins) OVER (PARTITION BY artist_key, title_key ORDER BY duration_s, id) AS run
    FROM ({_SAME_NAME}) AS named"""
_SAME_TAGS = f"""SELECT id, min(id) OVER alike AS first_id, count(*) OVER alike AS tracks,
        row_number() OVER (PARTITION BY artist_key, title_key, run ORDER BY id) AS place
    FROM ({_SAME_LENGTH}) AS measured
    WINDOW alike AS (PARTITION BY artist_key, title_key, run)"""
_MEMBERS: Mapping[str, str] = {"content": _SAME_CONTENT, "tags": _SAME_TAGS}


class Duplicates(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks that are alike: `total` of them, of which the first `MAX_SHOWN` are told, the oldest of the library
    first."""

    total: int
    tracks: list[TrackRecord]


def list_duplicates(
    library: Library, window: Window, by: Likeness = "content", sort: str = "title"
) -> Page[Duplicates]:
    """A page of groups of tracks that are alike, sorted by the first track of each. Missing files do not count.

    By `content` these are files with the same audio, whatever their tags say. By `tags` they have one title and one
    artist, without regard to case and accents, and lengths of which each is at most `MAX_APART_S` from the next; a
    track whose artist or length is not known is like none.

    Raises:
        InvalidRequest: there is no such likeness, `sort` is none of `TRACK_SORTS`, or the cursor belongs to another
            list.
    """
    members = _MEMBERS.get(by)
    if members is None:
        raise InvalidRequest(f"Tracks are alike by {' or '.join(_MEMBERS)}.")
    source = f"track JOIN ({members}) AS alike ON alike.id = track.id"
    firsts = Listing(source, track_order(sort), f"duplicates by {by}", "alike.place = 1 AND alike.tracks > 1")
    sql = f"""SELECT alike.first_id, alike.tracks, {TRACK_COLUMNS} FROM {source}
        WHERE alike.place <= {MAX_SHOWN} AND alike.first_id IN ({{ids}}) ORDER BY alike.place"""
    with library.reading():
        found = read_slice(library.db, firsts, window)
        rows = rows_within(library.db, sql, found.ids)
        tracks = track_records(library.db, [row for _, _, *row in rows])
    groups: dict[int, list[TrackRecord]] = {first_id: [] for first_id in found.ids}
    totals: dict[int, int] = {}
    for (first_id, total, *_), track in zip(rows, tracks, strict=True):
        groups[first_id].append(track)
        totals[first_id] = total
    return found.page([Duplicates(total=totals[one], tracks=alike) for one, alike in groups.items()])
