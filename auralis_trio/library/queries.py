"""What can be asked of the library. Each question is one session of a fixed number of queries, however much it finds.

Pages are in a stable order: the id breaks every tie, and what is not known comes last in either direction.
"""

import os
from collections.abc import Sequence
from typing import Any, TypeVar

from pony.orm import select

from auralis_trio.audio.source import AudioFormat
from auralis_trio.audio.units import frames_to_seconds
from auralis_trio.errors import NotFound
from auralis_trio.library.paging import Window, order_by
from auralis_trio.library.query_language import parse_query
from auralis_trio.library.records import (
    AlbumRecord,
    ArtistRecord,
    FolderRecord,
    Page,
    Statistics,
    TrackFile,
    TrackRecord,
)
from auralis_trio.library.search import count_found, found_ids, where_found, written
from auralis_trio.library.store import Library

T = TypeVar("T")

MAX_ID = 2**31 - 1

TRACK_SORTS = {
    "title": ("title_key",),
    "artist": ("artist_key", "album_key", "disc_number", "track_number"),
    "album": ("album_key", "disc_number", "track_number"),
    "added": ("added_ns",),
    "duration": ("duration_s",),
    "year": ("year",),
}
ALBUM_SORTS = {"title": ("title_key",), "year": ("year",)}
ARTIST_SORTS = {"name": ("name_key",)}


def list_tracks(
    library: Library, limit: int = 50, offset: int = 0, sort: str | None = None, search: str | None = None
) -> Page[TrackRecord]:
    """A page of the tracks that `search` finds; `query_language` says how it is written.

    Without a `sort` they come by title, or the most telling first where something is searched for.

    Raises:
        InvalidRequest: a value is out of range, `sort` is not one of `TRACK_SORTS`, with `-` in front or without, or
            `search` cannot be understood.
    """
    Window(limit, offset)
    order, wanted = order_by(TRACK_SORTS, "title" if sort is None else sort), parse_query(search or "")
    with library.reading() as entities:
        total = count_found(library.db, wanted) if wanted else library.db.get("SELECT count(*) FROM track")
        if wanted and sort is None:
            ids = found_ids(library.db, wanted, total, limit, offset)
        else:
            where = f"WHERE {where_found(library.db, total)}" if wanted else ""
            sql = f"SELECT id FROM track {where} ORDER BY {order} LIMIT $limit OFFSET $offset"
            bounds = {"limit": limit, "offset": offset}
            ids = library.db.select(sql, {**bounds, "query": written(library.db, wanted)})
        rows = {row[0]: row for row in _track_values(entities.Track).where(lambda t: t.id in ids)}
    return Page(items=[_track_record(rows[one]) for one in ids], total=total, offset=offset, limit=limit)


def get_track(library: Library, track_id: int) -> TrackRecord:
    """One track.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.reading() as entities:
        row = _track_values(entities.Track).where(lambda t: t.id == track_id).get()
    if row is None:
        raise no_track()
    return _track_record(row)


def get_track_file(library: Library, track_id: int) -> TrackFile:
    """Where one track's audio lies.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.reading() as entities:
        track = entities.Track.get(id=track_id)
        if track is None:
            raise no_track()
        return track_file(track)


def track_file(track: Any) -> TrackFile:
    """The record of one track's file; within a session."""
    return TrackFile(
        track_id=track.id,
        path=os.fsdecode(track.path),
        content_id=track.content_id,
        size=track.size,
        mtime_ns=track.mtime_ns,
        kind=track.kind,
        format=AudioFormat(track.sample_rate, track.channels, track.bits),
        total_frames=track.total_frames,
    )


def set_total_frames(library: Library, track_id: int, frames: int, content_id: str | None = None) -> None:
    """Keep a number of frames that was counted by decoding; dropped when the file has other content by now.

    Raises:
        NotFound: there is no such track.
    """
    _check_track_id(track_id)
    with library.writing() as entities:
        track = entities.Track.get(id=track_id)
        if track is None:
            raise no_track()
        if content_id is None or content_id == track.content_id:
            track.set(total_frames=frames, duration_s=frames_to_seconds(frames, track.sample_rate))


_ALBUMS = """SELECT album.id, album.title, coalesce(album.artist_name, artist.name), album.artist_id, album.year,
        (SELECT count(*) FROM track WHERE track.album_id = album.id),
        (SELECT CASE WHEN count(*) = count(duration_s) THEN sum(duration_s) END
         FROM track WHERE track.album_id = album.id)
    FROM (SELECT * FROM album ORDER BY {order} LIMIT $limit OFFSET $offset) AS album
    LEFT JOIN artist ON artist.id = album.artist_id
    ORDER BY {order}
"""


def list_albums(library: Library, limit: int = 50, offset: int = 0, sort: str = "title") -> Page[AlbumRecord]:
    """A page of the albums. A length is only given where that of every track is known.

    Raises:
        InvalidRequest: a value is out of range, or `sort` is not one of `ALBUM_SORTS`, with `-` in front or without.
    """
    Window(limit, offset)
    sql = _ALBUMS.format(order=order_by(ALBUM_SORTS, sort, "album."))
    with library.reading():
        total = library.db.get("SELECT count(*) FROM album")
        rows = library.db.select(sql, {"limit": limit, "offset": offset})
    items = [
        AlbumRecord(
            id=id, title=title, artist=artist, artist_id=artist_id, year=year, tracks=tracks, duration_s=length
        )
        for id, title, artist, artist_id, year, tracks, length in rows
    ]
    return Page(items=items, total=total, offset=offset, limit=limit)


_ARTISTS = """SELECT artist.id, artist.name,
        (SELECT count(DISTINCT track.album_id) FROM track_artist JOIN track ON track.id = track_artist.track_id
            WHERE track_artist.artist_id = artist.id),
        (SELECT count(*) FROM track_artist WHERE track_artist.artist_id = artist.id AND role = 'artist')
    FROM (SELECT * FROM artist ORDER BY {order} LIMIT $limit OFFSET $offset) AS artist
    ORDER BY {order}
"""


def list_artists(library: Library, limit: int = 50, offset: int = 0, sort: str = "name") -> Page[ArtistRecord]:
    """A page of the artists.

    Raises:
        InvalidRequest: a value is out of range, or `sort` is not one of `ARTIST_SORTS`, with `-` in front or without.
    """
    Window(limit, offset)
    sql = _ARTISTS.format(order=order_by(ARTIST_SORTS, sort, "artist."))
    with library.reading():
        total = library.db.get("SELECT count(*) FROM artist")
        rows = library.db.select(sql, {"limit": limit, "offset": offset})
    items = [ArtistRecord(id=id, name=name, albums=albums, tracks=tracks) for id, name, albums, tracks in rows]
    return Page(items=items, total=total, offset=offset, limit=limit)


_STATISTICS = """SELECT count(*), count(CASE WHEN missing THEN 1 END),
        (SELECT count(*) FROM album), (SELECT count(*) FROM artist), (SELECT count(*) FROM folder),
        sum(duration_s), count(*) - count(duration_s), CAST(coalesce(sum(size), 0) AS BIGINT)
    FROM track
"""


def statistics(library: Library) -> Statistics:
    """Totals of the whole library."""
    with library.reading():
        row = library.db.get(_STATISTICS)
    return Statistics(**dict(zip(Statistics.__struct_fields__, row, strict=True)))


_FOLDERS = """SELECT folder.id, folder.path,
        (SELECT count(*) FROM track WHERE track.folder_id = folder.id), folder.added_ns
    FROM folder ORDER BY folder.id
"""


def add_folder(library: Library, path: str, now_ns: int) -> FolderRecord:
    """Make a folder known by its real path; one that is known already stays as it is."""
    raw = os.fsencode(path)
    with library.writing() as entities:
        folder = entities.Folder.get(path=raw) or entities.Folder(path=raw, added_ns=now_ns)
        folder.flush()
        return _folder_record((folder.id, raw, folder.tracks.count(), folder.added_ns))


def list_folders(library: Library) -> list[FolderRecord]:
    """All the folders of music; they are few, since an operator names each."""
    with library.reading():
        rows = library.db.select(_FOLDERS)
    return [_folder_record(row) for row in rows]


def _folder_record(row: Sequence[Any]) -> FolderRecord:
    id, path, tracks, added_ns = row
    return FolderRecord(
        id=id, name=os.path.basename(path).decode("utf-8", "replace"), tracks=tracks, added_ns=added_ns
    )


def _track_values(tracks: Any) -> Any:
    """The query for the fields of `TrackRecord`, in their order."""
    return select(
        (
            t.id,
            t.title,
            t.artist_name,
            t.artist.id,
            t.album_title,
            t.album.id,
            t.duration_s,
            t.sample_rate,
            t.channels,
            t.bits,
            t.total_frames,
            t.kind,
            t.track_number,
            t.disc_number,
            t.year,
            t.genre,
            t.missing,
            t.added_ns,
            t.replaygain_track_gain_db,
            t.replaygain_album_gain_db,
            t.replaygain_track_peak,
            t.replaygain_album_peak,
            t.r128_track_gain_lu,
            t.r128_album_gain_lu,
            t.favorite,
            t.rating,
            t.play_count,
            t.skip_count,
            t.last_played_ns,
        )
        for t in tracks
    )


def _track_record(row: Sequence[Any]) -> TrackRecord:
    return TrackRecord(**dict(zip(TrackRecord.__struct_fields__, row, strict=True)))


def _check_track_id(track_id: int) -> None:
    if not 0 < track_id <= MAX_ID:
        raise no_track()


def no_track() -> NotFound:
    """What is raised where a track's id is unknown."""
    return NotFound("There is no track with this id. Ask for the list of tracks again.", code="track_not_found")
