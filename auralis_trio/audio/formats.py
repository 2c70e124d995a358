"""The one table of file formats: what is found in a folder, played, tagged and taken as an upload, and by what.

A suffix only makes a file a candidate; what it is, its content says (an ``.ogg`` may hold Vorbis, Opus or FLAC).
"""

from enum import Enum
from pathlib import PurePath

import msgspec


class Backend(Enum):
    """Which library decodes a format."""

    SOUNDFILE = "soundfile"
    AV = "av"
    EITHER = "soundfile or av"


class Access(Enum):
    """How any frame is reached with the samples that decoding in sequence gives.

    `DIRECT`: the decoder seeks exactly. `CACHED`: it does not, so the track is decoded once, in sequence, into the
    PCM cache. `DEPENDS`: the file decides (``decoder.opening.is_direct``).
    """

    DIRECT = "direct"
    CACHED = "cached"
    DEPENDS = "depends"


class FileFormat(msgspec.Struct, frozen=True):
    """One row: a codec in its container. `suffixes` are those it is found under, the first being its own.

    `plain` ones hold samples as they are: recordings that differ in one place are files that differ only there.
    `checked` ones carry checksums all through their audio: what was damaged is never played as if it were whole.
    """

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    backend: Backend
    access: Access
    tag: bool
    plain: bool = False
    checked: bool = False
    max_channels: int = 8
    min_rate: int = 8_000
    max_rate: int = 192_000
    scan: bool = True
    play: bool = True
    upload: bool = True


_SF, _AV, _EITHER = Backend.SOUNDFILE, Backend.AV, Backend.EITHER
_DIRECT, _CACHED, _DEPENDS = Access.DIRECT, Access.CACHED, Access.DEPENDS

FORMATS: tuple[FileFormat, ...] = (
    # Direct unless the samples are packed in blocks (ADPCM, GSM, ALAC in CAF).
    FileFormat("wav", (".wav", ".wave"), "audio/wav", _SF, _DEPENDS, tag=True, plain=True),
    FileFormat("rf64", (".rf64", ".wav"), "audio/wav", _SF, _DEPENDS, tag=False, plain=True),
    FileFormat("w64", (".w64",), "audio/x-w64", _SF, _DEPENDS, tag=False, plain=True),
    FileFormat("aiff", (".aiff", ".aif", ".aifc"), "audio/aiff", _SF, _DEPENDS, tag=True, plain=True),
    FileFormat("au", (".au", ".snd"), "audio/basic", _SF, _DEPENDS, tag=False, plain=True),
    FileFormat("caf", (".caf",), "audio/x-caf", _SF, _DEPENDS, tag=False, plain=True),
    # Direct unless its header leaves the length open.
    FileFormat("flac", (".flac",), "audio/flac", _SF, _DEPENDS, tag=True, checked=True),
    # Direct above 24 kHz with a Xing or Info header that agrees with the file.
    FileFormat("mp3", (".mp3",), "audio/mpeg", _EITHER, _DEPENDS, tag=True, max_channels=2, max_rate=48_000),
    FileFormat("vorbis", (".ogg", ".oga"), "audio/ogg", _SF, _DIRECT, tag=True, checked=True),
    # Always decoded at 48 kHz, whatever went into the encoder.
    FileFormat(
        *("opus", (".opus", ".ogg"), "audio/ogg", _AV, _CACHED),
        tag=True,
        checked=True,
        min_rate=48_000,
        max_rate=48_000,
    ),
    FileFormat("ogg_flac", (".oga", ".ogg"), "audio/ogg", _AV, _CACHED, tag=True, checked=True),
    FileFormat("m4a", (".m4a", ".mp4", ".m4b"), "audio/mp4", _AV, _CACHED, tag=True, max_rate=96_000),
    FileFormat("alac", (".m4a", ".mp4"), "audio/mp4", _AV, _CACHED, tag=True),
    FileFormat("aac", (".aac",), "audio/aac", _AV, _CACHED, tag=False, max_rate=96_000),
    FileFormat("wma", (".wma", ".asf"), "audio/x-ms-wma", _AV, _CACHED, tag=True),
    FileFormat("wavpack", (".wv",), "audio/x-wavpack", _AV, _CACHED, tag=True, checked=True),
    FileFormat("tta", (".tta",), "audio/x-tta", _AV, _CACHED, tag=True, checked=True),
)

_BY_NAME = {row.name: row for row in FORMATS}
_BY_SUFFIX = {suffix: row for row in reversed(FORMATS) for suffix in reversed(row.suffixes)}

# A suffix that is a format's own belongs to it, even where an earlier row also names it.
_BY_SUFFIX |= {row.suffixes[0]: row for row in reversed(FORMATS)}


def format_named(name: str) -> FileFormat:
    """The row called `name`.

    Raises:
        KeyError: there is none of that name.
    """
    return _BY_NAME[name]


def format_of(path_or_suffix: str) -> FileFormat | None:
    """The row that a file of this name most likely belongs to; None where no row has its suffix.

    >>> format_of("Artist/Song.MP3").name, format_of(".ogg").name, format_of("notes.txt")
    ('mp3', 'vorbis', None)
    """
    name = PurePath(path_or_suffix).name
    dot = name.rfind(".")
    return _BY_SUFFIX.get(name[dot:].lower()) if dot >= 0 else None


def scanned_suffixes() -> frozenset[str]:
    """The suffixes that a scan looks at."""
    return frozenset(suffix for row in FORMATS if row.scan for suffix in row.suffixes)
