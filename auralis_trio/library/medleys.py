"""The tracks that are to be heard one behind the other: where each lies, and what it is called."""

from collections.abc import Sequence

import msgspec
from pony.orm import select

from auralis_trio.errors import Conflict
from auralis_trio.library.collections import ALBUM_TRACK_SORTS, get_album
from auralis_trio.library.queries import no_track, track_file
from auralis_trio.library.records import TrackFile
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import track_order

MAX_TRACKS = 512
MAX_TITLE_CHARS = 100

_ALBUM = f"""SELECT id FROM track WHERE album_id = $album_id
    ORDER BY {track_order("number", ALBUM_TRACK_SORTS).by} LIMIT $at_most"""


class MedleyTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One of the tracks."""

    file: TrackFile
    title: str
    artist: str | None
    album_id: int | None
    disc_number: int | None
    track_number: int | None

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f'"{self.title[:MAX_TITLE_CHARS]}" (track {self.file.track_id})'

    def leads_to(self, other: "MedleyTrack") -> bool:
        """Whether `other` is the next track of the same album, by their numbers; without a disc it is the first."""
        if self.album_id is None or self.album_id != other.album_id or self.track_number is None:
            return False
        disc, next_disc = self.disc_number or 1, other.disc_number or 1
        if disc == next_disc:
            return other.track_number == self.track_number + 1
        return next_disc == disc + 1 and other.track_number == 1


class AlbumTracks(msgspec.Struct, frozen=True):
    """An album's title and its tracks, in the order of its discs."""

    title: str
    tracks: list[MedleyTrack]


def album_tracks(library: Library, album_id: int) -> AlbumTracks:
    """All tracks of an album.

    Raises:
        NotFound: there is no such album.
        Conflict: they are more than `MAX_TRACKS`.
    """
    title = get_album(library, album_id).title
    with library.reading():
        ids = library.db.select(_ALBUM, {"album_id": album_id, "at_most": MAX_TRACKS + 1})
    return AlbumTracks(title, medley_tracks(library, ids))


def medley_tracks(library: Library, track_ids: Sequence[int]) -> list[MedleyTrack]:
    """These tracks in this order; one may stand several times.

    Raises:
        NotFound: there is no such track.
        Conflict: they are more than `MAX_TRACKS`.
    """
    if len(track_ids) > MAX_TRACKS:
        raise Conflict(
            f"At most {MAX_TRACKS} tracks can be heard as one. Fetch them one by one, or put fewer into the queue.",
            code="too_many_tracks",
        )
    wanted = list(dict.fromkeys(track_ids))
    with library.reading() as entities:
        rows = select(t for t in entities.Track if t.id in wanted)[:] if track_ids else []
        found = {
            track.id: MedleyTrack(
                file=track_file(track),
                title=track.title,
                artist=track.artist_name,
                album_id=None if track.album is None else track.album.id,
                disc_number=track.disc_number,
                track_number=track.track_number,
            )
            for track in rows
        }
    if not found.keys() >= set(track_ids):
        raise no_track()
    return [found[track_id] for track_id in track_ids]
