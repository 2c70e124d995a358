"""The words of songs: from a .lrc file beside the music or from its tags, plain or with times.

Reading never fails: what is damaged is not there. Slow Python, so it is called in worker processes only.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import msgspec
from mutagen.id3 import ID3

from auralis_trio.audio.units import modified_ns
from auralis_trio.library.beside import read_beside
from auralis_trio.library.tags import DAMAGED, open_tagged, read_fields
from auralis_trio.library.text import clean, clean_lines

SUFFIXES = (".lrc", ".LRC")
"""The endings of files that hold the lyrics of the music of the same name beside them."""

MAX_BYTES = 1024 * 1024
MAX_LINES = 10_000
MAX_LISTED = 1_000
MAX_LINE_CHARS = 2_000
MAX_CHARS = 200_000

Format = Literal["lrc", "plain"]
Source = Literal["file", "embedded"]

_TIME = re.compile(r"\[([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?\]")
_WORD_TIME = re.compile(r"<[0-9]{1,3}:[0-9]{1,2}(?:[.:][0-9]{1,3})?>")
_OFFSET = re.compile(r"\[offset:\s*([+-]?[0-9]{1,7})\s*\]", re.IGNORECASE)
# What a .lrc says of itself; [Verse: 1] is part of the words.
_REMARK = re.compile(r"\[(?:#|al|ar|au|by|id|la|length|lr|offset|re|ti|tool|ve)\s*:[^\]]*\]", re.IGNORECASE)
_MILLISECONDS = 2  # of the ways in which ID3 counts time


class LyricsLine(msgspec.Struct, frozen=True):
    """One line, and when it begins."""

    start_s: float
    text: str


class Lyrics(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one track: `lines` where they have times, `text` in either case; all null where there are none."""

    format: Format | None = None
    source: Source | None = None
    text: str | None = None
    lines: list[LyricsLine] | None = None


@dataclass(frozen=True)
class _Found:
    source: Source
    text: str | None = None
    lines: tuple[LyricsLine, ...] = ()


def read_lyrics(path: str) -> Lyrics:
    """The words of the track at `path`: with times from a .lrc, then from the tags; else without, in the same order.

    Raises:
        OSError: the file cannot be opened.
    """
    return _chosen([*_beside(path), *_inside(path)])


def read_lyrics_beside(path: str) -> tuple[str | None, int | None]:
    """The words in the .lrc of the track at `path`, without times, and when it was changed; nulls without one."""
    times_ns = [
        time_ns for suffix in SUFFIXES if (time_ns := _time_of(os.path.splitext(path)[0] + suffix)) is not None
    ]
    if not times_ns:
        return None, None
    text = _chosen(list(_beside(path))).text
    return clean_lines(text) or None if text else None, max(times_ns)


def folders_with_lyrics(paths: Iterable[str]) -> set[str]:
    """Those folders of some files in which any .lrc may lie: few have one, and to look for it each time takes long.

    A folder of more than `MAX_LISTED` entries is not looked through for this, but counted in.
    """
    return {folder for folder in set(map(os.path.dirname, paths)) if _may_hold_lyrics(folder)}


def _may_hold_lyrics(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MAX_LISTED + 1)]
    except OSError:
        return True
    return len(names) > MAX_LISTED or any(name[-4:] in SUFFIXES for name in names)


def lyrics_times(folder: str) -> dict[str, int]:
    """When each .lrc in `folder` was changed, by the path of its track without the ending.

    Raises:
        OSError: the folder cannot be looked at.
    """
    times_ns: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name[-4:] in SUFFIXES and (time_ns := _time_of(entry.path)) is not None:
                stem = entry.path[:-4]
                times_ns[stem] = max(time_ns, times_ns.get(stem, time_ns))
    return times_ns


def _time_of(path: str) -> int | None:
    """When a regular file was changed; links are not followed."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return modified_ns(status) if stat.S_ISREG(status.st_mode) else None


def _chosen(found: Sequence[_Found]) -> Lyrics:
    """The first with times, or else the first."""
    for candidate in found:
        if candidate.lines:
            text = "\n".join(line.text for line in candidate.lines)
            return Lyrics(format="lrc", source=candidate.source, text=text, lines=list(candidate.lines))
    for candidate in found:
        if candidate.text:
            return Lyrics(format="plain", source=candidate.source, text=candidate.text)
    return Lyrics()


def parse_lrc(text: str) -> tuple[LyricsLine, ...]:
    """The lines that have times, in order; a line with several stands at each. Times of single words are left out.

    An `[offset:+500]` has everything begin 500 ms earlier, as is the custom. Nothing begins before 0.
    """
    text = text[:MAX_BYTES]
    offset = _OFFSET.search(text)
    offset_s = int(offset[1]) / 1000 if offset else 0.0
    lines: list[LyricsLine] = []
    for line in text.splitlines():
        for start_s, words in _timed(line):
            lines.append(LyricsLine(round(max(0.0, start_s - offset_s), 3), words))
        if len(lines) >= MAX_LINES:
            break
    return tuple(sorted(lines[:MAX_LINES], key=lambda line: line.start_s))


def _timed(line: str) -> Iterator[tuple[float, str]]:
    rest = line.strip()
    times: list[float] = []
    while (found := _TIME.match(rest)) and len(times) < MAX_LINES:
        minutes, seconds, fraction = found[1], found[2], found[3] or "0"
        times.append(int(minutes) * 60 + int(seconds) + int(fraction) / 10 ** len(fraction))
        rest = rest[found.end() :].lstrip()
    words = clean(_WORD_TIME.sub(" ", rest))[:MAX_LINE_CHARS]
    return ((time_s, words) for time_s in times)


def _plain(text: str) -> str | None:
    """Text without the remarks of a .lrc, its lines as they are."""
    kept = [line for line in text[:MAX_CHARS].splitlines() if not _REMARK.fullmatch(line.strip())]
    return clean_lines("\n".join(kept)) or None


def _candidate(source: Source, text: str) -> _Found:
    return _Found(source, _plain(text), parse_lrc(text))


def _beside(path: str) -> Iterator[_Found]:
    """What the file of the same name with the ending .lrc holds; links are not followed."""
    stem = os.path.splitext(path)[0]
    for suffix in SUFFIXES:
        try:
            data = read_beside(stem + suffix, MAX_BYTES)
        except OSError:
            continue
        if data is not None:
            yield _candidate("file", _decoded(data))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _inside(path: str) -> Iterator[_Found]:
    tags = getattr(open_tagged(path), "tags", None)
    if isinstance(tags, ID3):
        yield from _synchronised(tags)
    text = read_fields(tags).get("lyrics")
    if isinstance(text, str):
        yield _candidate("embedded", text)


def _synchronised(tags: ID3) -> Iterator[_Found]:
    """ID3's own lyrics with times, where these are milliseconds and not frames of MPEG."""
    try:
        for frame in tags.getall("SYLT"):  # type: ignore[no-untyped-call]
            if frame.format == _MILLISECONDS:
                yield _Found("embedded", None, _joined(frame.text[:MAX_LINES]))
    except DAMAGED:
        return


def _joined(parts: Sequence[tuple[str, int]]) -> tuple[LyricsLine, ...]:
    """Lines out of parts with times: where line feeds occur, the parts between them are syllables of one line."""
    lines: list[LyricsLine] = []
    syllables = any("\n" in text for text, _ in parts)
    for text, time_ms in parts:
        if lines and syllables and not text.startswith("\n"):
            lines[-1] = LyricsLine(lines[-1].start_s, lines[-1].text + text)
        else:
            lines.append(LyricsLine(time_ms / 1000, text))
    cleaned = (LyricsLine(line.start_s, clean(line.text)[:MAX_LINE_CHARS]) for line in lines)
    return tuple(sorted(cleaned, key=lambda line: line.start_s))
