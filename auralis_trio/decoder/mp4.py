"""Maps MP4 files: the first sound track's codec, its exact length, and the encoder's delay.

The length stands in up to three places: the edit list (in units of the movie's clock, often only milliseconds),
iTunes' own note, and the sum of the packets. The edit list decides; the others say it to the frame.
"""

import sys
from array import array
from operator import mul

import msgspec

from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.mp4_boxes import Box, body_of, boxes_in, find_box
from auralis_trio.decoder.mp4_outline import sound_of
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt, SourceUnsupported

_KINDS = {b"mp4a": "m4a", b"alac": "alac"}
_MAX_SETUP_BYTES = 1 << 13


class _Track(msgspec.Struct, frozen=True):
    """One sound track, counted in units of `timescale`. `edit` is (start, length in units of the movie's clock), and
    `setup` describes the codec."""

    codec: bytes
    bits: int | None
    timescale: int
    media_frames: int
    edit: tuple[int, int] | None
    setup: bytes


def map_mp4(file: RegularFile) -> FileMap:
    """Map an MP4 file.

    Raises:
        SourceUnsupported: its first sound track is of a kind that is not played, or it has none.
        SourceCorrupt: it breaks off, or it has no index.
    """
    top = list(boxes_in(file, 0, file.size))
    movie = next((box for box in top if box[0] == b"moov"), None)
    if movie is None:
        raise SourceCorrupt
    file.read_ahead(movie[1])
    payload = tuple((body, min(stop, file.size) - body) for name, body, stop in top if name == b"mdat")
    track = _sound_track(file, movie)
    kind = _KINDS.get(track.codec)
    if kind is None:
        raise SourceUnsupported
    if any(name == b"moof" for name, _, _ in top):  # in fragments: only decoding tells how long it is
        delay = track.edit[0] if track.edit else 0
        return FileMap(kind, payload, None, delay, track.timescale, track.bits, setup=track.setup)
    first, total = _span(track, _movie_timescale(file, movie), _itunes_gaps(file, movie))
    sound = sound_of(file, top)
    outline = None if sound is None else Outline(sound, total)
    return FileMap(kind, payload, total, first, track.timescale, track.bits, setup=track.setup, outline=outline)


def _span(track: _Track, movie_timescale: int, itunes: tuple[int, int] | None) -> tuple[int, int]:
    """The first frame and the number of frames that are to be heard."""
    media = track.media_frames
    if track.edit is None:
        return itunes if itunes and sum(itunes) <= media else (0, media)
    first, length = track.edit
    first = min(first, media)
    if not length:
        return first, media - first
    tick = track.timescale / movie_timescale
    candidates = [media - first] if itunes is None or itunes[0] != first else [itunes[1], media - first]
    exact = next((frames for frames in candidates if abs(frames - length * tick) <= tick + 1), round(length * tick))
    return first, min(exact, media - first)


def _sound_track(file: RegularFile, movie: Box) -> _Track:
    for box in boxes_in(file, movie[1], movie[2]):
        handler = find_box(file, box, b"mdia", b"hdlr") if box[0] == b"trak" else None
        if handler and file.read_exactly(handler[1] + 8, 4) == b"soun":
            return _parse_track(file, box)
    raise SourceUnsupported


def _parse_track(file: RegularFile, track: Box) -> _Track:
    header = find_box(file, track, b"mdia", b"mdhd")
    samples = find_box(file, track, b"mdia", b"minf", b"stbl", b"stsd")
    times = find_box(file, track, b"mdia", b"minf", b"stbl", b"stts")
    if header is None or samples is None or times is None:
        raise SourceCorrupt
    entry = (b"", samples[1] + 8, samples[2])  # behind version and count
    codec, start, stop = next(boxes_in(file, entry[1], entry[2]), (b"", 0, 0))
    edits = find_box(file, track, b"edts", b"elst")
    return _Track(
        codec=codec,
        bits=_alac_bits(file, start, stop) if codec == b"alac" else None,
        timescale=_timescale(body_of(file, header)),
        media_frames=_media_frames(body_of(file, times)),
        edit=_first_edit(body_of(file, edits)) if edits else None,
        setup=file.read_at(samples[1], min(samples[2] - samples[1], _MAX_SETUP_BYTES)),
    )


def _alac_bits(file: RegularFile, start: int, stop: int) -> int | None:
    cookie = find_box(file, (b"", start + 28, stop), b"alac")
    return file.read_exactly(cookie[1] + 9, 1)[0] if cookie else None


def _timescale(header: bytes) -> int:
    """The clock of a track or movie, from its ``mdhd`` or ``mvhd``."""
    at = 20 if header[:1] == b"\x01" else 12
    timescale = int.from_bytes(header[at : at + 4], "big")
    if not timescale:
        raise SourceCorrupt
    return timescale


def _movie_timescale(file: RegularFile, movie: Box) -> int:
    header = find_box(file, movie, b"mvhd")
    if header is None:
        raise SourceCorrupt
    return _timescale(body_of(file, header))


def _rows(table: bytes, row_bytes: int) -> range:
    """Where the rows of a table begin: as many as it says it has, if they are there."""
    return range(8, min(8 + row_bytes * int.from_bytes(table[4:8], "big"), len(table) - row_bytes + 1), row_bytes)


def _media_frames(table: bytes) -> int:
    runs = array("I", table[8 : 8 + 8 * len(_rows(table, 8))])
    if sys.byteorder == "little":
        runs.byteswap()
    return sum(map(mul, runs[::2], runs[1::2]))


def _first_edit(table: bytes) -> tuple[int, int] | None:
    """The first edit that shows something of the track, skipping empty ones."""
    wide = table[:1] == b"\x01"
    width = 8 if wide else 4
    stride = 2 * width + 4
    for at in _rows(table, stride):
        length = int.from_bytes(table[at : at + width], "big")
        start = int.from_bytes(table[at + width : at + 2 * width], "big", signed=True)
        if start >= 0:
            return start, length
    return None


def _itunes_gaps(file: RegularFile, movie: Box) -> tuple[int, int] | None:
    """The delay and the length in frames, as iTunes notes them among the tags."""
    meta = find_box(file, movie, b"udta", b"meta")
    notes = find_box(file, (b"", meta[1] + 4, meta[2]), b"ilst") if meta else None
    for box in boxes_in(file, notes[1], notes[2]) if notes else ():
        name = find_box(file, box, b"name") if box[0] == b"----" else None
        data = find_box(file, box, b"data") if name and body_of(file, name).endswith(b"iTunSMPB") else None
        if data:
            return _parse_gaps(body_of(file, data)[8:])
    return None


def _parse_gaps(note: bytes) -> tuple[int, int] | None:
    fields = note.split()
    try:
        return int(fields[1], 16), int(fields[3], 16)
    except (IndexError, ValueError):
        return None
