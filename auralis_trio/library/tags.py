"""What files say of themselves, read with mutagen by the one table of fields.

A tag may be anything at all, so reading one never fails: what cannot be read is not known.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
import mutagen
from mutagen._vorbis import VComment
from mutagen.apev2 import APETextValue, APEv2
from mutagen.asf import ASFTags
from mutagen.flac import FLAC
from mutagen.id3 import ID3, Frames, Frames_2_2
from mutagen.mp4 import MP4, MP4Tags
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from auralis_trio.library import second_tags
from auralis_trio.library.records import Tags
from auralis_trio.library.tag_fields import BY_NAME, FIELDS, Parse, TagField, Value, parse_names
from auralis_trio.library.text import clean

MAX_TAG_BYTES = 64 * 1024 * 1024
MAX_VALUES = 256
_SHORT_CHARS = 100

# What older versions of ID3 had instead of what the table of fields knows.
_OLD_FRAMES = {"TYER", "TDAT", "TIME", "TORY"}

# What mutagen's parsers raise on damaged files, besides its own kind of error.
DAMAGED = (
    mutagen.MutagenError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_tags(path: str, named: str | None = None, kind: str | None = None, excerpt: bytes | None = None) -> Tags:
    """Read the tags of the file at `path`, at most `MAX_TAG_BYTES` of it; whatever is damaged is left out.

    Without a title it is called by its name, or by that of the path `named`. Where its `kind` is known (a name in the
    table of formats), mutagen need not find out; where the part that holds its tags is known as well, that is read in
    the place of the file (`decoder.excerpt` says which part).

    Raises:
        OSError: the file cannot be opened.
    """
    tags = None if excerpt is None else _read_excerpt(kind, excerpt)
    values = read_fields(_read_file(path, kind) if tags is None else tags)
    if kind in second_tags.KINDS and (excerpt is None or second_tags.has_ape(excerpt)):
        values = read_fields(read_second(path, kind)) | values
    return msgspec.convert({**values, "title": values.get("title") or _stem(named or path)}, Tags)


def _read_excerpt(kind: str | None, excerpt: bytes) -> Any:
    """The tags in it; None where mutagen finds none or can make nothing of them."""
    load = _EXCERPT_LOADERS.get(kind)
    try:
        return None if load is None else load(excerpt)
    except DAMAGED:
        return None


def read_second(path: str, kind: str | None) -> Any:
    """The second tags of a file of one of `second_tags.KINDS`; None where there are none or they are damaged."""
    with _BoundedReader(io.FileIO(path), MAX_TAG_BYTES) as file:
        try:
            return second_tags.read_second_tags(file, kind)
        except DAMAGED:
            return None


def _read_file(path: str, kind: str | None) -> Any:
    load = _LOADERS.get(kind, _load_any)
    with _BoundedReader(io.FileIO(path), MAX_TAG_BYTES) as file:
        try:
            return load(file, path)
        except DAMAGED:
            return None


def open_tagged(path: str) -> Any:
    """The file as mutagen reads it, at most `MAX_TAG_BYTES` of it; None where it cannot.

    Raises:
        OSError: the file cannot be opened.
    """
    with _BoundedReader(io.FileIO(path), MAX_TAG_BYTES) as file:
        try:
            return mutagen.File(file, filename=path)
        except DAMAGED:
            return None


def _load_any(file: io.BufferedReader, path: str) -> Any:
    return getattr(mutagen.File(file, filename=path), "tags", None)


def _load_id3(file: io.BufferedReader | io.BytesIO, _path: str) -> Any:
    """Of an MP3 file only its tags, and of these no pictures; mutagen would look into its audio as well."""
    tags = ID3(file, known_frames=_ID3_FRAMES, translate=False)  # type: ignore[no-untyped-call]
    if not _OLD_FRAMES.isdisjoint(tags):  # else nothing would change but the time that it takes
        tags.update_to_v24()  # type: ignore[no-untyped-call]
    return tags


def _bare(frame: type) -> type:
    """A class of mutagen's frames, without the values that each would be given before it is read."""

    def begin(self: Any, *args: Any, **values: Any) -> None:
        if args or values:
            super(bare, self).__init__(*args, **values)

    bare: Any = type(frame.__name__, (frame,), {"__init__": begin})
    return bare  # type: ignore[no-any-return]


def _id3_frames() -> dict[str, type]:
    """The frames that fields stand in, of every version of ID3, by their names."""
    places = {place.removeprefix("/")[:4] for field in FIELDS for place in field.places["id3"]} | _OLD_FRAMES
    return {name: _bare(frame) for name, frame in Frames.items() if name in places} | {
        name: frame for name, frame in Frames_2_2.items() if frame.mro()[1].__name__ in places
    }


_ID3_FRAMES = _id3_frames()


def _load_as(kind: type) -> "Loader":
    return lambda file, _path: kind(file).tags


Loader = Callable[[io.BufferedReader, str], Any]
Texts = tuple[str, ...]
Source = tuple[str, int, bool, Parse]
"""A field, the rank of a place among those it may stand in, whether it is the half behind the slash there, and how to
read it."""
Said = tuple[str, int, Value]
"""A field, the rank of the place, and the value that it has by that."""

# Where the kind is known, mutagen need not find out.
_LOADERS: dict[str | None, Loader] = {
    "mp3": _load_id3,
    "flac": _load_as(FLAC),
    "vorbis": _load_as(OggVorbis),
    "opus": _load_as(OggOpus),
    "m4a": _load_as(MP4),
    "alac": _load_as(MP4),
}

_EXCERPT_LOADERS: dict[str | None, Callable[[bytes], Any]] = {
    "mp3": lambda excerpt: _load_id3(io.BytesIO(excerpt), ""),
    "flac": lambda excerpt: VComment(excerpt, framing=False),  # type: ignore[no-untyped-call]
    "vorbis": VComment,
    "opus": lambda excerpt: VComment(excerpt, framing=False),  # type: ignore[no-untyped-call]
}


def read_fields(tags: Any) -> dict[str, Value]:
    """Every field that `tags`, one of mutagen's, has a value for."""
    kind = kind_of(tags)
    if kind is None:
        return {}
    values: dict[str, Value] = {}
    ranks: dict[str, int] = {}
    for place, texts in _texts_of(kind, tags).items():
        for name, rank, value in _said(kind.name, place, texts):
            if rank < ranks.get(name, rank + 1):
                values[name], ranks[name] = value, rank
    return values


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return clean(os.fsencode(os.path.splitext(name)[0]).decode("utf-8", "replace")) or clean(name)


def _id3_texts(frame: Any) -> Iterable[str]:
    if frame.FrameID == "TCON":
        return map(str, frame.genres)
    if frame.FrameID == "UFID":
        return (frame.data.decode("ascii"),)
    return (frame.text,) if isinstance(frame.text, str) else map(str, frame.text)


def _id3_items(tags: Any) -> Iterator[tuple[str, Any]]:
    """Frames by their keys; comments and lyrics by their ids alone, whatever their language."""
    for key, frame in tags.items():
        if frame.FrameID in ("COMM", "USLT"):
            if not frame.desc or frame.FrameID == "USLT":  # a comment with a description is some program's own note
                yield frame.FrameID, frame
        else:
            yield key, frame


def _mp4_texts(values: Any) -> Iterable[str]:
    """A pair is a number and a total; a free field is bytes."""
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, bytes):
            yield value.decode("utf-8", "replace")
        else:
            yield "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plain_texts(values: Any) -> Iterable[str]:
    return map(str, values)


def _ape_texts(value: Any) -> Iterable[str]:
    return map(str, value) if isinstance(value, APETextValue) else ()


def _listed_items(tags: Any) -> Iterator[tuple[str, Any]]:
    """The values of one name, which is written in several ways, together."""
    together: dict[str, list[Any]] = {}
    for name, value in tags:
        together.setdefault(name.lower(), []).append(value)
    yield from together.items()


@dataclass(frozen=True)
class TagKind:
    """One kind of tag: its column in the table of fields, mutagen's class for it, and the texts in its values."""

    name: str
    tags: type
    texts: Callable[[Any], Iterable[str]]
    items: Callable[[Any], Iterable[tuple[str, Any]]] = lambda tags: tags.items()


TAG_KINDS = (
    TagKind("id3", ID3, _id3_texts, _id3_items),
    TagKind("mp4", MP4Tags, _mp4_texts),
    TagKind("asf", ASFTags, _plain_texts, _listed_items),
    TagKind("ape", APEv2, _ape_texts),
    TagKind("vorbis", VComment, _plain_texts, _listed_items),
)


def kind_of(tags: Any) -> TagKind | None:
    """Which kind of tag mutagen found; None for none that is known."""
    return next((kind for kind in TAG_KINDS if isinstance(tags, kind.tags)), None)


def _texts_of(kind: TagKind, tags: Any) -> dict[str, Texts]:
    """The texts in those places of `tags` that fields stand in, by the places' lower-case names."""
    wanted, texts = _SOURCES_AT[kind.name], dict[str, Texts]()
    try:
        for name, stored in kind.items(tags):
            place = name.lower()
            if place in wanted and place not in texts:
                texts[place] = _taken(kind, stored)
    except DAMAGED:
        pass  # what was taken until here is known
    return texts


def _taken(kind: TagKind, stored: Any) -> Texts:
    """The texts of one place; none where it is damaged."""
    try:
        return tuple(islice(kind.texts(stored), MAX_VALUES))
    except DAMAGED:
        return ()


def _sources(kind: str, field: TagField) -> list[tuple[str, Parse]]:
    """The places where a field's value may stand, the first that makes sense of which counts, and how it is read."""
    own = [(place, field.parse) for place in field.places[kind]]
    if field.instead is not None:
        own += [(place, parse_names) for place in BY_NAME[field.instead].places[kind]]
    return own


def _sources_at(kind: str) -> dict[str, list[Source]]:
    """What a place says to which fields, by its lower-case name."""
    found: dict[str, list[Source]] = {}
    for field in FIELDS:
        for rank, (place, parse) in enumerate(_sources(kind, field)):
            source = (field.name, rank, place.startswith("/"), parse)
            found.setdefault(place.removeprefix("/").lower(), []).append(source)
    return found


_SOURCES_AT = {kind.name: _sources_at(kind.name) for kind in TAG_KINDS}


def _said(kind: str, place: str, texts: Texts) -> Sequence[Said]:
    if len(texts) == 1 and len(texts[0]) <= _SHORT_CHARS:
        return _said_shortly(kind, place, texts)
    return tuple(_parsed(kind, place, texts))


@lru_cache(1024)
def _said_shortly(kind: str, place: str, texts: Texts) -> Sequence[Said]:
    """A library is read album by album, and so the same few texts again and again."""
    return tuple(_parsed(kind, place, texts))


def _parsed(kind: str, place: str, texts: Texts) -> Iterator[Said]:
    """What the texts of a place say to the fields that stand there; nothing where they make no sense."""
    for name, rank, is_half, parse in _SOURCES_AT[kind][place]:
        try:
            value = parse([text.partition("/")[2] for text in texts] if is_half else texts)
        except DAMAGED:
            continue
        if value is not None:
            yield name, rank, value


class _BoundedReader(io.BufferedReader):
    """A file of which only so many bytes can be read, since a tag's length is whatever the file claims."""

    def __init__(self, raw: io.FileIO, limit_bytes: int) -> None:
        super().__init__(raw)
        self._left_bytes = limit_bytes
        self._size_bytes = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = max(0, self._size_bytes - self.tell()) if size is None or size < 0 else size
        data = super().read(min(wanted, self._left_bytes + 1))
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise mutagen.MutagenError("the tags are larger than the bound")
        return data
