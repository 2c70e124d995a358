"""The way in: what a file is (`probe`), and its frames (`open_source`)."""

from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import av
import soundfile
import soxr

from auralis_trio.audio.content import names_of
from auralis_trio.audio.formats import Access, Backend, format_named
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.decoder.av_decoder import AvDecoder
from auralis_trio.decoder.decoder import Decoder
from auralis_trio.decoder.direct_source import DirectSource
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.identity import mark
from auralis_trio.decoder.pcm_cache import PcmCache, pcm_key
from auralis_trio.decoder.probing import Probed, check_limits, describe
from auralis_trio.decoder.regular_file import RegularFile, open_regular
from auralis_trio.decoder.resampled import ResampledDecoder
from auralis_trio.decoder.sniff import map_file
from auralis_trio.decoder.soundfile_decoder import SoundfileDecoder
from auralis_trio.errors import SourceChanged, SourceCorrupt, SourceUnsupported

_MP3_DIRECT_ABOVE_HZ = 24_000

DECODER_VERSION = (
    f"2 soundfile {soundfile.__libsndfile_version__} av {av.__version__} {av.library_versions['libavcodec']} "
    f"soxr {soxr.__version__}"
)
"""What samples depend on beside the file, if it is lossy or resampled: part of every key that they are kept under."""


def probe(path: str) -> Probed:
    """Look at the file at `path`, without decoding it.

    Raises:
        SourceError: it is missing, no regular file, no known audio, or damaged at its head.
    """
    with open_regular(path) as file, file.unchanged():
        return _described(file, map_file(file))


class Seen(NamedTuple):
    """What a file was when its content was read: that content, its size, and when it was written last.

    A negative time is none: all files are to be read anew, since other things are looked at now. Until then it is
    known by its size, as its content may be told in another way.
    """

    content_id: str
    size: int
    mtime_ns: int


def verify(path: str, seen: Seen) -> None:
    """Make sure that the file at `path` still has the content that was seen.

    Raises:
        SourceChanged: it has another one.
        SourceError: it is missing, or cannot be played any more.
    """
    with open_regular(path) as file:
        _map_seen(file, seen)


def _map_to_decode(file: RegularFile, seen: Seen | None) -> FileMap:
    """The same of a file that stays open, which is to be known again later."""
    mapped = _map_seen(file, seen)
    file.remember(partial(mark, mapped))
    return mapped


def _map_seen(file: RegularFile, seen: Seen | None) -> FileMap:
    """The map of an open file, which is still what was seen, but for its tags.

    A file without checksums that was written to may differ where nobody looks: it is not what was seen.
    """
    if seen is None or (file.size, file.mtime_ns) == (seen.size, seen.mtime_ns):
        return map_file(file)
    try:
        mapped = map_file(file)
        same = seen.mtime_ns < 0 and file.size == seen.size
        if not same and format_named(mapped.kind).checked:
            same = seen.content_id in names_of(_described(file, mapped).content_id)
    except (SourceCorrupt, SourceUnsupported) as error:
        raise SourceChanged from error
    if not same:
        raise SourceChanged
    return mapped


def _described(file: RegularFile, mapped: FileMap) -> Probed:
    return describe(file, mapped, mapped.outline or ask_decoder(file, mapped))


def ask_decoder(file: RegularFile, mapped: FileMap) -> Outline:
    """What the decoder of a file tells of it; the file stays open."""
    decoder = _start(file, mapped)
    try:
        return Outline(decoder.format, decoder.total_frames)
    finally:
        decoder.release()


def open_source(
    path: str,
    origin: str,
    cache: PcmCache,
    check: Check = never_cancelled,
    resample_hz: int | None = None,
    seen: Seen | None = None,
) -> AudioSource:
    """The frames of the file at `path`, kept as those of `origin` where that is needed; at `resample_hz` if given.

    What is resampled always goes through the cache: a resampler is as stateful as a decoder. Where `seen` is given,
    every file that is opened for it, now or later, must be what was seen.

    Raises:
        SourceChanged: it is not, or was written to.
        SourceError: the file cannot be played; SourceNotReady while its frames are being counted.
    """
    with ExitStack() as undo:
        file = undo.enter_context(open_regular(path))
        with file.unchanged():
            mapped = _map_to_decode(file, seen)
            decoder = _direct_decoder(file, mapped) if resample_hz is None else None
            if decoder is not None:
                undo.callback(decoder.close)
        if decoder is not None and decoder.total_frames is not None:
            undo.pop_all()
            return DirectSource(decoder, decoder.total_frames, cache.awake if mapped.kind == "flac" else None)
    made_by = f"{mapped.kind} {DECODER_VERSION}" + (f" at {resample_hz}" if resample_hz else "")
    key = pcm_key(origin, made_by)
    return cache.open(key, partial(_start_at, path, resample_hz, seen), check)


def _direct_decoder(file: RegularFile, mapped: FileMap) -> SoundfileDecoder | None:
    """The decoder of a file that can be sought in, else None; the file stays open."""
    if not _may_be_direct(mapped):
        return None
    decoder = SoundfileDecoder(file, mapped)
    try:
        check_limits(mapped.kind, decoder.format)
    except SourceUnsupported:
        decoder.release()
        raise
    if is_direct(decoder, mapped):
        return decoder
    decoder.release()
    return None


def is_direct(decoder: SoundfileDecoder, mapped: FileMap) -> bool:
    """Whether seeking in this file gives the samples that decoding in sequence gives."""
    row = format_named(mapped.kind)
    if row.access is not Access.DEPENDS:
        return row.access is Access.DIRECT
    if mapped.kind == "mp3":
        return decoder.format.sample_rate > _MP3_DIRECT_ABOVE_HZ and _is_trusted(decoder)
    if mapped.kind == "flac":
        return decoder.total_frames is not None
    return decoder.plain


def _is_trusted(decoder: SoundfileDecoder) -> bool:
    """Whether libsndfile sees the length that the file declares, so that it trims the same frames."""
    return decoder.library_frames == decoder.total_frames


def _may_be_direct(mapped: FileMap) -> bool:
    return format_named(mapped.kind).access is not Access.CACHED and mapped.agrees


def _start(file: RegularFile, mapped: FileMap) -> SoundfileDecoder | AvDecoder:
    """The decoder for a file, at frame 0."""
    decoder = _choose(file, mapped)
    try:
        check_limits(mapped.kind, decoder.format)
    except SourceUnsupported:
        decoder.close()
        raise
    return decoder


def _choose(file: RegularFile, mapped: FileMap) -> SoundfileDecoder | AvDecoder:
    backend = format_named(mapped.kind).backend
    if backend is Backend.AV or not mapped.agrees:
        return AvDecoder(file, mapped)
    decoder = SoundfileDecoder(file, mapped)
    if backend is Backend.EITHER and not _is_trusted(decoder):
        decoder.release()
        return AvDecoder(file, mapped)
    return decoder


def _start_at(path: str, resample_hz: int | None, seen: Seen | None) -> Decoder:
    """The decoder for the file at `path`, which it closes in the end."""
    with ExitStack() as undo:
        file = undo.enter_context(open_regular(path))
        with file.unchanged():
            decoder = _start(file, _map_to_decode(file, seen))
            undo.callback(decoder.close)
        undo.pop_all()
        return decoder if resample_hz is None else ResampledDecoder(decoder, resample_hz)
