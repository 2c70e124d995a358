"""Forgetting all that a library holds of the music in its folders. Nothing is touched but the database."""

import msgspec

from auralis_trio.library.dialect import Dialect
from auralis_trio.library.store import Library

# Whoever names others goes before them.
_GOES = (
    "DELETE FROM playlist_entry",
    "DELETE FROM playlist WHERE rules IS NULL",
    "DELETE FROM album_artwork",
    "DELETE FROM artist_artwork",
    "DELETE FROM left_picture",
    "DELETE FROM set_picture",
    "DELETE FROM track_artist",
    "DELETE FROM track_genre",
    "DELETE FROM track_search",
    "DELETE FROM track",
    "DELETE FROM album",
    "DELETE FROM artist",
    "DELETE FROM genre",
    "DELETE FROM analysis",
    "DELETE FROM tuning",
    "DELETE FROM receipt",
    "DELETE FROM pending_file",
    "DELETE FROM player",
)
_COUNTS = """SELECT (SELECT count(*) FROM track), (SELECT count(*) FROM album), (SELECT count(*) FROM artist),
    (SELECT count(*) FROM playlist WHERE rules IS NULL)
"""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How much was forgotten; of playlists those with tracks of their own."""

    tracks: int
    albums: int
    artists: int
    playlists: int


def forget_everything(library: Library) -> Forgotten:
    """Forget every track with its plays, rating and words, albums, artists, genres and their pictures, playlists with
    tracks of their own, the play queue, and all that was measured.

    Smart playlists stay, since their rules will find what the next scan finds; so do the folders, the settings and
    the journal of edits, which can be undone once a scan has found their files.
    """
    with library.writing():
        counts = library.db.get(_COUNTS)
        for statement in _GOES:
            library.db.execute(statement)
        if library.dialect is Dialect.SQLITE:
            # Else the index would keep a note of each row that has gone until it is merged some day.
            library.db.execute("INSERT INTO track_search (track_search) VALUES ('optimize')")
    return Forgotten(**dict(zip(Forgotten.__struct_fields__, counts, strict=True)))
