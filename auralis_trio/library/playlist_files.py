"""Playlists out of M3U files and into them. Paths come in and go out only relative to a folder of music or within it.

No file is looked for on the disk: a line names a track where its path, put in order, is that of a track.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
from pony.orm import select

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.m3u import M3uEntry, M3uTrack, name_in, parse_m3u, spellings, write_m3u
from auralis_trio.library.playlists import MAX_ENTRIES, PlaylistText, create_playlist, known_playlist
from auralis_trio.library.smart import compile_rules
from auralis_trio.library.store import Library
from auralis_trio.library.text import clean

MAX_UNKNOWN_SHOWN = 100
MAX_FOLDER_CHARS = 4_096

_LOOK_UP = 50


class UnknownEntry(msgspec.Struct, frozen=True):
    """A line that names no track: its number, and the last part of the path in it (null where there is none)."""

    line: int
    name: str | None


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file: the new playlist, how many entries it has, and what was not found, the first of it."""

    playlist_id: int
    added: int
    unknown: int
    unknown_entries: list[UnknownEntry]


def import_playlist(
    library: Library, name: str | None, data: bytes, roots: Sequence[str], folder: str | None = None
) -> ImportReport:
    """Make a playlist of the tracks that an M3U names; without a name, it is called as the M3U calls itself.

    Relative paths count from `folder`, which lies within a root or is relative to one, or else from each of `roots`.

    Raises:
        InvalidRequest: it names no track that is known, or too many; `folder` is not in a root; or there is no name.
    """
    name = name_in(data) if name is None else name
    if name is None:
        raise InvalidRequest("The file says no name: say how the playlist is to be called, as in ?name=Mine.")
    places = _Places.of(roots, folder)
    folders = {name: path for path, name in _folder_names(library).items()}
    entries = list(islice(parse_m3u(data), MAX_ENTRIES + 1))
    if len(entries) > MAX_ENTRIES:
        raise InvalidRequest(
            f"A playlist has at most {MAX_ENTRIES} entries: bring it in as several.", code="playlist_full"
        )
    found = list(_look_up(library, entries, places, folders))
    unknown = [entry for entry, track_id in found if track_id is None]
    track_ids = [track_id for _, track_id in found if track_id is not None]
    if not track_ids:
        raise InvalidRequest("None of its lines names a track of this library.", code="nothing_known")
    playlist_id = create_playlist(library, PlaylistText(name=name), track_ids)
    return ImportReport(
        playlist_id=playlist_id,
        added=len(track_ids),
        unknown=len(unknown),
        unknown_entries=[UnknownEntry(entry.line, _shown(entry.path)) for entry in unknown[:MAX_UNKNOWN_SHOWN]],
    )


class _Places(msgspec.Struct, frozen=True):
    """The roots as they really are, other names for them, and where relative paths count from; all as bytes."""

    roots: list[bytes]
    names: dict[bytes, bytes]
    bases: list[bytes]

    @classmethod
    def of(cls, roots: Sequence[str], folder: str | None) -> "_Places":
        names = {os.fsencode(os.path.abspath(root)): os.fsencode(os.path.realpath(root)) for root in roots}
        real = list(dict.fromkeys(names.values()))
        places = cls(real, names, real)
        if folder is None:
            return places
        if "\0" in folder or len(folder) > MAX_FOLDER_CHARS:
            raise InvalidRequest("This is no folder's name.", code="folder_not_allowed")
        bases = list(places.resolve(folder.encode("utf-8", "replace")))
        if not bases:
            raise InvalidRequest("The folder is not within the folders of music.", code="folder_not_allowed")
        return cls(real, names, bases)

    def resolve(self, path: bytes) -> Iterator[bytes]:
        """The places within the roots that a path may mean."""
        for base in self.bases:
            full = os.path.normpath(os.path.join(base, path))
            for name, real in (*self.names.items(), *((root, root) for root in self.roots)):
                if full == name or full.startswith(name.rstrip(b"/") + b"/"):
                    yield os.path.normpath(os.path.join(real, os.path.relpath(full, name)))


def _look_up(
    library: Library, entries: Sequence[M3uEntry], places: _Places, folders: Mapping[str, bytes]
) -> Iterator[tuple[M3uEntry, int | None]]:
    """Each entry with its track's id. A few at a time, since the paths are the variables of one query."""
    for first in range(0, len(entries), _LOOK_UP):
        some = entries[first : first + _LOOK_UP]
        wanted = [_candidates(entry, places, folders) for entry in some]
        known = _tracks_at(library, list(dict.fromkeys(path for paths in wanted for path in paths)))
        for entry, paths in zip(some, wanted, strict=True):
            yield entry, next((known[path] for path in paths if path in known), None)


def _candidates(entry: M3uEntry, places: _Places, folders: Mapping[str, bytes]) -> list[bytes]:
    """The places that a line may mean, those in the folder of music that it names first."""
    names = [] if entry.path is None else spellings(entry.path)
    found = list(dict.fromkeys(path for name in names for path in places.resolve(name)))
    folder = None if entry.folder is None else folders.get(entry.folder)
    return (
        found if folder is None else sorted(found, key=lambda path: not path.startswith(folder.rstrip(b"/") + b"/"))
    )


def _tracks_at(library: Library, paths: list[bytes]) -> dict[bytes, int]:
    known: dict[bytes, int] = {}
    with library.reading() as entities:
        for first in range(0, len(paths), 500):
            some = paths[first : first + 500]
            known |= dict(select((t.path, t.id) for t in entities.Track if t.path in some)[:])
    return known


def _shown(path: bytes | None) -> str | None:
    return None if path is None else os.path.basename(path.replace(b"\\", b"/")).decode("utf-8", "replace")


def _folder_names(library: Library) -> dict[bytes, str]:
    """What the folders of music are called, by their paths; of several with one name the later ones have a number."""
    with library.reading():
        paths = [bytes(path) for path in library.db.select("SELECT path FROM folder ORDER BY id")]
    names: dict[bytes, str] = {}
    for path in paths:
        name = clean(os.path.basename(path).decode("utf-8", "replace"))
        numbers = ("", *(f" ({number})" for number in range(2, len(paths) + 1)))
        names[path] = next(one for number in numbers if (one := name + number) not in names.values())
    return names


_FILES = """SELECT track.path, folder.path, track.duration_s, track.artist_name, track.title
    FROM track JOIN folder ON folder.id = track.folder_id
"""


def export_playlist(library: Library, playlist_id: int, now_ns: int) -> tuple[str, bytes]:
    """A playlist's name, and the playlist as M3U, with paths relative to the folder of music that each lies in.

    Of a smart one, what it finds now, at most `MAX_ENTRIES`.

    Raises:
        NotFound: there is no such playlist.
    """
    playlist = known_playlist(library, playlist_id)
    if playlist.rules is None:
        sql = (
            f"{_FILES} JOIN playlist_entry ON playlist_entry.track_id = track.id"
            " WHERE playlist_entry.playlist_id = $playlist_id ORDER BY playlist_entry.position LIMIT $at_most"
        )
        values = {"playlist_id": playlist_id, "at_most": MAX_ENTRIES}
    else:
        selection = compile_rules(playlist.rules, now_ns)
        sql = f"{_FILES} WHERE {selection.condition} ORDER BY {playlist.rules.order.by} LIMIT $at_most"
        values = {**selection.values, "at_most": min(playlist.rules.limit or MAX_ENTRIES, MAX_ENTRIES)}
    names = _folder_names(library)
    with library.reading():
        rows = library.db.select(sql, values)
    tracks = _tracks_of(rows, names if len(names) > 1 else {})
    return playlist.name, b"".join(write_m3u(playlist.name, tracks))


def _tracks_of(rows: Iterable[Sequence[Any]], names: Mapping[bytes, str]) -> Iterator[M3uTrack]:
    for path, folder, duration_s, artist, title in rows:
        place = os.path.relpath(bytes(path), bytes(folder))
        yield M3uTrack(place, duration_s, artist, title, names.get(bytes(folder)))
