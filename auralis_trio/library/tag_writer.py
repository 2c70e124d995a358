"""Writing tags with mutagen, by the one table of fields. What a field does not say is left as it was."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable, Sequence
from typing import Any

import mutagen
from mutagen.aiff import AIFF
from mutagen.id3 import COMM, TXXX, UFID, USLT, Encoding, Frames
from mutagen.mp3 import MP3
from mutagen.mp4 import AtomDataType, MP4FreeForm
from mutagen.trueaudio import TrueAudio
from mutagen.wave import WAVE

from auralis_trio.errors import InvalidRequest, SourceUnsupported
from auralis_trio.library.tag_changes import Changes
from auralis_trio.library.tag_fields import BY_NAME, TagField, Value
from auralis_trio.library.tags import DAMAGED, TagKind, kind_of, read_fields, read_second

_PAIRED = ("track_number", "track_total", "disc_number", "disc_total")
_UTF8 = Encoding.UTF8
_LARGEST_MP4_NUMBER = 0xFFFF
_MAY_HAVE_SECOND: dict[type, str] = {WAVE: "wav", AIFF: "aiff", MP3: "mp3", TrueAudio: "tta"}


def write_tags(path: str, changes: Changes) -> None:
    """Write `changes` into the file at `path`, a copy that nobody else knows, and make sure that they are read back.

    Raises:
        SourceUnsupported: the file's tags cannot be written.
        InvalidRequest: this kind of tag does not keep one of the values.
    """
    try:
        file = mutagen.File(path)
        if file is not None and file.tags is None:
            file.add_tags()
        kind = kind_of(file.tags) if file is not None else None
        if kind is not None:
            for name, value in changes.items():
                _write_field(kind, file.tags, BY_NAME[name], value)
            file.save()
    except DAMAGED as error:
        raise SourceUnsupported("The tags of this file are damaged or of a kind that cannot be written.") from error
    if kind is None:
        raise SourceUnsupported("Tags of this kind of file cannot be written.")
    _check_kept(path, changes)


def _check_kept(path: str, changes: Changes) -> None:
    try:
        file = mutagen.File(path)
        kept = read_fields(file.tags)
    except DAMAGED as error:
        raise SourceUnsupported("The tags of this file cannot be written.") from error
    kind = _MAY_HAVE_SECOND.get(type(file))
    second = {} if kind is None else read_fields(read_second(path, kind))
    for name, value in changes.items():
        derived = value is None and BY_NAME[name].instead is not None
        if kept.get(name) != value and not derived:
            raise _not_kept(name)
        if value is None and name in second and not derived:
            raise InvalidRequest(
                f"The file says {name} in second tags too, which are read where the others say nothing, and never"
                " written: it cannot be taken away, but another value can be given.",
                code="tag_not_kept",
            )


def _not_kept(name: str) -> InvalidRequest:
    return InvalidRequest(f"Tags of this kind of file do not keep this value of {name}.", code="tag_not_kept")


def _write_field(kind: TagKind, tags: Any, field: TagField, value: Value) -> None:
    """Put a value into its first place and take it out of the others."""
    texts = _texts_of(value, field)
    for index, place in enumerate(field.places[kind.name]):
        name = place.removeprefix("/")
        wanted = texts if index == 0 else []
        if field.name in _PAIRED:
            wanted = _pair(_stored_text(kind, tags, name), wanted, place.startswith("/"))
        _drop(kind, tags, name)
        if wanted:
            try:
                _PUT[kind.name](tags, name, wanted)
            except ValueError:
                raise _not_kept(field.name) from None


def _texts_of(value: Value, field: TagField) -> list[str]:
    if value is None:
        return []
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bool):
        return ["1" if value else "0"]
    return [f"{value:04d}" if field.name == "year" else str(value)]


def _pair(stored: str, wanted: Sequence[str], is_total: bool) -> list[str]:
    """A pair such as `3/12` in which one half is exchanged."""
    number, _, total = (half.strip() for half in stored.partition("/"))
    if is_total:
        total = wanted[0] if wanted else ""
    else:
        number = wanted[0] if wanted else ""
    if total.strip("0"):
        return [f"{number or 0}/{total}"]
    return [number] if number.strip("0") else []


def _stored_text(kind: TagKind, tags: Any, name: str) -> str:
    for stored, value in kind.items(tags):
        if stored.lower() == name.lower():
            return next(iter(kind.texts(value)), "")
    return ""


def _drop(kind: TagKind, tags: Any, name: str) -> None:
    for stored, value in list(kind.items(tags)):
        if stored.lower() == name.lower():
            key = value.HashKey if kind.name == "id3" else stored
            for spelled in [other for other in tags.keys() if other.lower() == key.lower()]:  # noqa: SIM118
                del tags[spelled]


def _put_id3(tags: Any, name: str, texts: list[str]) -> None:
    frame, _, description = name.partition(":")
    if frame == "TXXX":
        tags.add(TXXX(_UTF8, desc=description, text=texts))
    elif frame == "UFID":
        tags.add(UFID(owner=description, data=texts[0].encode("ascii")))
    elif frame == "COMM":
        tags.add(COMM(_UTF8, lang="eng", desc="", text=texts))
    elif frame == "USLT":
        tags.add(USLT(_UTF8, lang="eng", desc="", text=texts[0]))
    else:
        tags.add(Frames[frame](_UTF8, texts))


def _put_mp4(tags: Any, name: str, texts: list[str]) -> None:
    if name.startswith("----:"):
        tags[name] = [MP4FreeForm(text.encode(), AtomDataType.UTF8) for text in texts]
    elif name in ("trkn", "disk"):
        number, _, total = texts[0].partition("/")
        pair = int(number), int(total or 0)
        if max(pair) > _LARGEST_MP4_NUMBER:
            raise ValueError(f"{pair} does not fit 16 bits each")
        tags[name] = [pair]
    elif name == "tmpo":
        tags[name] = [int(texts[0])]
    elif name == "cpil":
        tags[name] = texts[0] == "1"
    else:
        tags[name] = texts


def _put_plain(tags: Any, name: str, texts: list[str]) -> None:
    tags[name] = texts


_PUT: dict[str, Callable[[Any, str, list[str]], None]] = {
    "id3": _put_id3,
    "mp4": _put_mp4,
    "asf": _put_plain,
    "ape": _put_plain,
    "vorbis": _put_plain,
}
