"""The albums and artists that tracks leave, and the pictures chosen for these, which follow the tracks.

What is left without any track is dropped. A picture that was chosen for it, or the choice to show none, goes to where
its tracks went, unless something was chosen there. It is remembered too, so that the album or artist has it again
when it comes back, as by an undo; then it is taken from where it went.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pony.orm import Database

from auralis_trio.library.rows import rows_with, run_for_each, run_with

MAX_LEFT_PICTURES = 500
"""How many are remembered of what was dropped, the last ones."""

OWNERS = ("album", "artist")
"""What pictures are chosen for."""

_ALBUMS_OF = "SELECT id, album_id FROM track WHERE id IN ? AND album_id IS NOT NULL"
_LINKS_OF = "SELECT track_id, role, position, artist_id FROM track_artist WHERE track_id IN ?"
_OTHER_ARTISTS_OF = (
    "SELECT artist_id FROM track WHERE id IN ? AND artist_id IS NOT NULL",
    """SELECT album.artist_id FROM album JOIN track ON track.album_id = album.id
        WHERE track.id IN ? AND album.artist_id IS NOT NULL""",
)

_NO_TRACK = {
    "album": "NOT EXISTS (SELECT 1 FROM track WHERE album_id = album.id)",
    "artist": """NOT EXISTS (SELECT 1 FROM track WHERE artist_id = artist.id)
        AND NOT EXISTS (SELECT 1 FROM track_artist WHERE artist_id = artist.id)
        AND NOT EXISTS (SELECT 1 FROM album WHERE artist_id = artist.id)""",
}
_KEYS = {"album": ("album.title_key", "album.owner_key"), "artist": ("artist.name_key", "''")}
_PICTURE = "source, revision, media_type, width, height, set_ns"
_CHOSEN = {
    kind: f"""SELECT {kind}.id, {", ".join(_KEYS[kind])}, {_PICTURE}
        FROM {kind} JOIN {kind}_artwork ON {kind}_id = {kind}.id
        WHERE {kind}.id IN ? AND source IN ('set', 'removed') AND {_NO_TRACK[kind]}"""
    for kind in OWNERS
}
_PASSED_ON = {
    kind: f"""SELECT DISTINCT {kind}.id FROM {kind} JOIN left_picture ON heir_id = {kind}.id AND owner = '{kind}'
        WHERE {kind}.id IN ? AND {_NO_TRACK[kind]}"""
    for kind in OWNERS
}
_REMEMBERED = {
    kind: f"""SELECT left_picture.id, heir_id, {kind}.id, {_PICTURE} FROM left_picture JOIN {kind}
        ON left_picture.name_key = {_KEYS[kind][0]} AND left_picture.owner_key = {_KEYS[kind][1]}
        WHERE owner = '{kind}' AND {kind}.id IN ? ORDER BY left_picture.id"""
    for kind in OWNERS
}
_FOLLOW = "UPDATE left_picture SET heir_id = ? WHERE owner = ? AND heir_id = ?"
_REMEMBER = f"""INSERT INTO left_picture (owner, heir_id, name_key, owner_key, {_PICTURE})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_TRIM = """DELETE FROM left_picture
    WHERE id <= (SELECT id FROM left_picture ORDER BY id DESC LIMIT 1 OFFSET $most)"""


@dataclass(frozen=True)
class Left:
    """Which albums and artists some tracks were of, before these change; `places` has the album or artist that stood
    in each place of theirs."""

    track_ids: Sequence[int]
    albums: frozenset[int]
    artists: frozenset[int]
    places: Mapping[str, Mapping[tuple[object, ...], int]]

    @classmethod
    def by(cls, db: Database, track_ids: Sequence[int]) -> "Left":
        """What the tracks with these ids would leave."""
        places = _places(db, track_ids)
        others = {artist for sql in _OTHER_ARTISTS_OF for (artist,) in rows_with(db, sql, track_ids)}
        return cls(
            track_ids, frozenset(places["album"].values()), frozenset(places["artist"].values()) | others, places
        )

    def drop(self, db: Database) -> None:
        """Drop those that are without any track now; what was chosen for them follows their tracks."""
        for kind, ids in zip(OWNERS, (self.albums, self.artists), strict=True):
            self._hand_on(db, kind, ids)
            run_with(db, f"DELETE FROM {kind} WHERE id IN ? AND {_NO_TRACK[kind]}", ids)

    def _hand_on(self, db: Database, kind: str, ids: Iterable[int]) -> None:
        chosen = rows_with(db, _CHOSEN[kind], ids)
        passed_on = [owner for (owner,) in rows_with(db, _PASSED_ON[kind], ids)]
        if not chosen and not passed_on:
            return
        heirs = self._heirs(db, kind)
        run_for_each(db, _FOLLOW, ((heirs.get(owner), kind, owner) for owner in passed_on))
        run_for_each(db, _REMEMBER, ((kind, heirs.get(owner), *values) for owner, *values in chosen))
        given = ((heirs[owner], *picture) for owner, _, _, *picture in chosen if owner in heirs)
        run_for_each(db, _give(kind, f"{kind}_artwork.source NOT IN ('set', 'removed')"), given)
        db.execute(_TRIM, {"most": MAX_LEFT_PICTURES})

    def give_back(self, db: Database, kind: str, made: Iterable[int]) -> None:
        """Give albums or artists that were just made what they had when they were dropped, if that went where their
        tracks come from; unless what came along with these was chosen later. It is taken from where it went."""
        remembered = rows_with(db, _REMEMBERED[kind], made)
        if not remembered:
            return
        before, now = self.places[kind], _places(db, self.track_ids)[kind]
        came = {(owner, before.get(place)) for place, owner in now.items()}
        rows = [row for row in remembered if row[1] is None or (row[2], row[1]) in came]
        given = [picture for _, _, *picture in rows]
        run_for_each(db, _give(kind, f"{kind}_artwork.set_ns < excluded.set_ns"), given)
        taken = ((heir, picture[-1]) for _, heir, _, *picture in rows)
        run_for_each(db, f"DELETE FROM {kind}_artwork WHERE {kind}_id = ? AND set_ns = ?", taken)
        run_with(db, "DELETE FROM left_picture WHERE id IN ?", (row[0] for row in rows))

    def _heirs(self, db: Database, kind: str) -> dict[int, int]:
        """To which album or artist most tracks of each one went: to one that they were not of before."""
        before, now = self.places[kind], _places(db, self.track_ids)[kind]
        had = {(place[0], owner) for place, owner in before.items()}
        went: dict[int, Counter[int]] = {}
        for place, owner in before.items():
            heir = now.get(place)
            if heir is not None and (place[0], heir) not in had:
                went.setdefault(owner, Counter())[heir] += 1
        return {owner: min(heirs, key=lambda heir: (-heirs[heir], heir)) for owner, heirs in went.items()}


def _places(db: Database, track_ids: Sequence[int]) -> dict[str, dict[tuple[object, ...], int]]:
    """The album and the artists of tracks, by the track and the place there."""
    return {
        "album": {(track_id,): album_id for track_id, album_id in rows_with(db, _ALBUMS_OF, track_ids)},
        "artist": {(*place,): artist_id for *place, artist_id in rows_with(db, _LINKS_OF, track_ids)},
    }


def _give(kind: str, only: str) -> str:
    """A statement that gives an album or artist a picture; where it has one, only if that is so."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in (*_PICTURE.split(", "), "seen"))
    return f"""INSERT INTO {kind}_artwork ({kind}_id, {_PICTURE}, seen) VALUES (?, ?, ?, ?, ?, ?, ?, '')
        ON CONFLICT ({kind}_id) DO UPDATE SET {changes} WHERE {only}"""
