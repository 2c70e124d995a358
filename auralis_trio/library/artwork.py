"""Which picture an album or an artist has: one that was set, or what was found in and beside its files.

What was found is remembered together with what was seen then, so that nothing is opened again until that changes.
The folders of music are only ever read; a picture that was set lies in the database.
"""

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from auralis_trio.audio.units import modified_ns
from auralis_trio.errors import NotFound
from auralis_trio.library.pictures import ALBUM_NAMES, ARTIST_NAMES, picture_paths
from auralis_trio.library.queries import MAX_ID
from auralis_trio.library.store import Library

MAX_TRACKS = 100
MAX_FOLDERS = 20
MAX_FILES = 5
MAX_LISTED = 1_000
"""Of how many folders is remembered which pictures lie there."""

Times = Sequence[tuple[int, ...] | None]
"""When something was changed that is looked at together."""

Source = Literal["set", "file", "embedded", "none", "removed"]

_DISC = re.compile(rb"(cd|dis[ck])[ _-]*[0-9]{1,2}", re.IGNORECASE)


class Owner(Enum):
    """What has a picture."""

    ALBUM = "album"
    ARTIST = "artist"


class ArtworkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The picture of an album or artist, or why there is none: nothing was found (`none`), or it was `removed`."""

    source: Source
    revision: str | None
    media_type: str | None
    width: int | None
    height: int | None


@dataclass(frozen=True)
class ArtworkState:
    """What is remembered, what was `seen` then, and where a picture may be found; paths stay inside the server."""

    kept: ArtworkRecord | None
    seen: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    files: tuple[str, ...]
    marks: str

    def seen_now(self, times: Sequence[Times]) -> str:
        """What stands for the state of the files, and of the folders and pictures, given when these were changed."""
        return blake2b(f"{self.marks} {times}".encode(), digest_size=16).hexdigest()


_TRACKS = {
    Owner.ALBUM: """SELECT track.path, folder.path, track.mtime_ns FROM track JOIN folder ON folder.id = folder_id
        WHERE album_id = $owner_id AND NOT missing
        ORDER BY disc_number NULLS LAST, track_number NULLS LAST, track.id LIMIT $at_most""",
    Owner.ARTIST: """SELECT track.path, folder.path, track.mtime_ns FROM track JOIN folder ON folder.id = folder_id
        WHERE track.id IN (SELECT track_id FROM track_artist WHERE artist_id = $owner_id) AND NOT missing
        ORDER BY year DESC NULLS LAST, track.id LIMIT $at_most""",
}
_COLUMNS = "source, revision, media_type, width, height"
_KEEP_PICTURE = "INSERT INTO set_picture (revision, data) VALUES ($revision, $data) ON CONFLICT (revision) DO NOTHING"
_DROP_PICTURES = """DELETE FROM set_picture
    WHERE NOT EXISTS (SELECT 1 FROM album_artwork
        WHERE album_artwork.revision = set_picture.revision AND album_artwork.source = 'set')
    AND NOT EXISTS (SELECT 1 FROM artist_artwork
        WHERE artist_artwork.revision = set_picture.revision AND artist_artwork.source = 'set')
    AND NOT EXISTS (SELECT 1 FROM left_picture WHERE left_picture.revision = set_picture.revision)
"""


def artwork_state(library: Library, owner: Owner, owner_id: int) -> ArtworkState:
    """What is known of a picture, and where to look for one.

    Raises:
        NotFound: there is no such album or artist.
    """
    _check_id(owner, owner_id)
    name = owner.value
    with library.reading():
        rows = library.db.select(
            f"SELECT {_COLUMNS}, seen FROM {name} LEFT JOIN {name}_artwork ON {name}_id = {name}.id"
            f" WHERE {name}.id = $owner_id",
            {"owner_id": owner_id},
        )
        if not rows:
            raise _no_owner(owner)
        tracks = library.db.select(_TRACKS[owner], {"owner_id": owner_id, "at_most": MAX_TRACKS})
    *values, seen = rows[0]
    kept = None if seen is None else ArtworkRecord(**dict(zip(ArtworkRecord.__struct_fields__, values, strict=True)))
    return _state(owner, kept, seen or "", [(bytes(path), bytes(root), mtime_ns) for path, root, mtime_ns in tracks])


def _state(
    owner: Owner, kept: ArtworkRecord | None, seen: str, tracks: Sequence[tuple[bytes, bytes, int]]
) -> ArtworkState:
    folders = _album_folders(tracks) if owner is Owner.ALBUM else _artist_folders(tracks)
    files = [path for path, _, _ in tracks]
    return ArtworkState(
        kept=kept,
        seen=seen,
        folders=tuple(map(os.fsdecode, list(dict.fromkeys(folders))[:MAX_FOLDERS])),
        names=ALBUM_NAMES if owner is Owner.ALBUM else ARTIST_NAMES,
        files=tuple(map(os.fsdecode, _spread(files))),
        marks=repr(tracks),
    )


def _album_folders(tracks: Iterable[tuple[bytes, bytes, int]]) -> Iterable[bytes]:
    """Where an album's tracks lie, and the folder above where that is one of several discs."""
    for path, root, _ in tracks:
        folder = os.path.dirname(path)
        yield folder
        if _DISC.fullmatch(os.path.basename(folder)) and folder != root:
            yield os.path.dirname(folder)


def _artist_folders(tracks: Iterable[tuple[bytes, bytes, int]]) -> Iterable[bytes]:
    """Where an artist's tracks lie, and the folders above; a root belongs to nobody."""
    for path, root, _ in tracks:
        folder = os.path.dirname(path)
        for place in (os.path.dirname(folder), folder):
            if place.startswith(root.rstrip(b"/") + b"/"):
                yield place


def _spread(files: Sequence[bytes]) -> Sequence[bytes]:
    """The first file of each folder before further ones of the same."""
    firsts = list({os.path.dirname(path): path for path in reversed(files)}.values())[::-1]
    return list(dict.fromkeys([*firsts, *files]))[:MAX_FILES]


def picture_times(folders: Sequence[str], names: Sequence[str]) -> list[Times]:
    """When each folder was changed, and each picture in it with one of these names; blocking."""
    times: list[Times] = []
    for folder in folders:
        changed = _times_of(folder)
        paths = _paths_in(folder, changed, tuple(names)) if changed else ()
        times.append((changed, *map(_times_of, paths)))
    return times


def _times_of(path: str) -> tuple[int, ...] | None:
    """What a write changes; None for what cannot be looked at."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size, modified_ns(status), status.st_ctime_ns


@lru_cache(MAX_LISTED)
def _paths_in(folder: str, changed: tuple[int, ...], names: tuple[str, ...]) -> Sequence[str]:
    """As long as a folder is as it was `changed` last, the same files lie in it."""
    return tuple(picture_paths(folder, names))


def keep_found(library: Library, owner: Owner, owner_id: int, record: ArtworkRecord, seen: str) -> None:
    """Remember what was found, unless a picture was set or removed meanwhile, or the owner has gone."""
    _check_id(owner, owner_id)
    with library.writing():
        _write(
            library, owner, owner_id, record, seen, f" WHERE {owner.value}_artwork.source NOT IN ('set', 'removed')"
        )


def keep_choice(
    library: Library, owner: Owner, owner_id: int, record: ArtworkRecord, seen: str, data: bytes | None = None
) -> None:
    """Remember what somebody chose; with the bytes of a picture that was set, for as long as anything has it.

    Raises:
        NotFound: there is no such album or artist.
    """
    _check_id(owner, owner_id)
    with library.writing():
        if not _write(library, owner, owner_id, record, seen, ""):
            raise _no_owner(owner)
        if data is not None:
            values = {"revision": record.revision, "data": data}
            library.db.execute(_KEEP_PICTURE, values)
        library.db.execute(_DROP_PICTURES)


def set_picture(library: Library, revision: str) -> bytes | None:
    """The bytes of a picture that was set; None where none of this revision is."""
    with library.reading():
        rows = library.db.select("SELECT data FROM set_picture WHERE revision = $revision", {"revision": revision})
    return bytes(rows[0]) if rows else None


def _write(library: Library, owner: Owner, owner_id: int, record: ArtworkRecord, seen: str, only: str) -> bool:
    name = owner.value
    written = library.db.execute(
        f"INSERT INTO {name}_artwork ({name}_id, {_COLUMNS}, seen, set_ns)"
        " SELECT id, $source, CAST($revision AS TEXT), CAST($media_type AS TEXT), CAST($width AS INTEGER),"
        f" CAST($height AS INTEGER), $seen, $now_ns FROM {name} WHERE id = $owner_id"
        f" ON CONFLICT ({name}_id) DO UPDATE SET source = excluded.source, revision = excluded.revision,"
        " media_type = excluded.media_type, width = excluded.width, height = excluded.height,"
        f" seen = excluded.seen, set_ns = excluded.set_ns{only}",
        {**msgspec.structs.asdict(record), "seen": seen, "now_ns": time.time_ns(), "owner_id": owner_id},
    )
    return bool(written.rowcount == 1)


def _check_id(owner: Owner, owner_id: Any) -> None:
    if not 0 < owner_id <= MAX_ID:
        raise _no_owner(owner)


def _no_owner(owner: Owner) -> NotFound:
    name = owner.value
    return NotFound(f"There is no {name} with this id. Ask for the list of them again.", code=f"{name}_not_found")
