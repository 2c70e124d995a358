"""M3U playlists: which files their lines name, and how a playlist is written as one.

A file of this kind is any text, or no text at all, so reading one never fails. File names are bytes, and so are the
lines. Other playlists named in it are not opened; so a list that names itself is no loop here.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

MAX_LINES = 50_000
MAX_PATH_BYTES = 4_096
MAX_SHOWN_CHARS = 1_000

MEDIA_TYPE = "audio/x-mpegurl"
MEDIA_TYPES = frozenset({MEDIA_TYPE, "audio/mpegurl", "application/x-mpegurl", "application/vnd.apple.mpegurl"})

_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://")
_LIST = re.compile(rb"\.(m3u8?|pls|cue|xspf)$", re.IGNORECASE)
_NAME = b"#PLAYLIST:"
_FOLDER = b"#AURALIS-FOLDER:"
_UTF_8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class M3uEntry:
    """One line that names something: its number from 1 on, and the file's name in it.

    `path` is None for what cannot be a file here: another playlist, a web address, a name too long or with a NUL.
    `folder` is the name of the folder of music that it lies in, where a comment of ours says so.
    """

    line: int
    path: bytes | None
    folder: str | None = None


@dataclass(frozen=True)
class M3uTrack:
    """What is written of one track: where it lies, relative to a folder of music, its length and its names; and that
    folder's name, where there are several.
    """

    path: bytes
    duration_s: float | None
    artist: str | None
    title: str
    folder: str | None = None


def parse_m3u(data: bytes) -> Iterator[M3uEntry]:
    """The lines that name something, of the first `MAX_LINES`; comments and empty lines are passed over."""
    folder = None
    for number, line in enumerate(_lines(data), 1):
        name = line.strip()
        if name.startswith(_FOLDER):
            folder = _text(name[len(_FOLDER) :]).strip()
        elif name and not name.startswith(b"#"):
            yield M3uEntry(number, _path_of(name), folder)
            folder = None


def name_in(data: bytes) -> str | None:
    """What a list calls itself; None where it does not."""
    for line in _lines(data):
        if line[: len(_NAME)].upper() == _NAME:
            return _text(line[len(_NAME) :]).strip() or None
    return None


def _lines(data: bytes) -> list[bytes]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data.removeprefix(_UTF_8_MARK).splitlines()[:MAX_LINES]


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _path_of(name: bytes) -> bytes | None:
    scheme = _SCHEME.match(name)
    path = name if scheme is None else _path_of_url(name) if scheme[1].lower() == b"file" else None
    if path is None or not 0 < len(path) <= MAX_PATH_BYTES or b"\0" in path or _LIST.search(path):
        return None
    return path


def _path_of_url(url: bytes) -> bytes | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return unquote_to_bytes(parts.path) if parts.netloc in {b"", b"localhost"} else None


def spellings(path: bytes) -> list[bytes]:
    """The names that a line may stand for, the likeliest first: as it is, with the other kind of slash, in Latin-1,
    and with its accents joined or apart; and each of these where bytes are written as in a web address."""
    plain = unquote_to_bytes(path)
    written = [path] if plain == path or b"\0" in plain else [path, plain]
    return list(dict.fromkeys(form for name in written for form in _forms(name)))


def _forms(path: bytes) -> Iterator[bytes]:
    yield path
    text = _text(path)
    for name in (text, text.replace("\\", "/")):
        yield from (form.encode() for form in _unicode_forms(name))


def _unicode_forms(text: str) -> tuple[str, str, str]:
    return text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)


def write_m3u(name: str, tracks: Iterable[M3uTrack]) -> Iterator[bytes]:
    """An extended M3U in UTF-8, a piece for each track; a length that is not known is -1, as is the custom.

    Names are one line each already. A path that would be read as a comment or lose its blanks begins with `./`; one
    with a line break cannot be written, and a comment says so; nor can that of a file that has gone and whose name
    another has now, which is known by a NUL. A comment that only this program knows says in which folder of music a
    path begins, where there are several.
    """
    yield f"#EXTM3U\n#PLAYLIST:{name}\n".encode("utf-8", "replace")
    for track in tracks:
        shown = f"{track.artist} - {track.title}" if track.artist else track.title
        length_s = -1 if track.duration_s is None else math.floor(track.duration_s + 0.5)
        info = f"#EXTINF:{length_s},{shown[:MAX_SHOWN_CHARS]}\n".encode("utf-8", "replace")
        if len(track.path.splitlines()) != 1:
            yield info + b"# left out: its file's name has a line break\n"
        elif b"\0" in track.path:
            yield info + b"# left out: its file has gone, and another has its name\n"
        else:
            if track.folder is not None:
                info += _FOLDER + track.folder.encode("utf-8", "replace") + b"\n"
            yield info + (b"./" if track.path[:1] == b"#" or track.path[:1].isspace() else b"") + track.path + b"\n"
