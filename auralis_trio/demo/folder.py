"""The demo library on disk: each file made in memory, written under a temporary name, renamed when it is whole."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.demo.cover import draw_cover
from auralis_trio.demo.pieces import PIECES, Piece
from auralis_trio.demo.render import LEAD_IN_S, render_piece
from auralis_trio.demo.tags import tag_file
from auralis_trio.demo.write import encode_file
from auralis_trio.errors import StartupError

Progress = Callable[[int, int, str], None]
"""Told after each piece: how many are there, of how many, and the title of the last one."""


def no_progress(done: int, total: int, title: str) -> None:
    """The `Progress` of work that nobody watches."""


def make_demo(folder: str, check: Check = never_cancelled, progress: Progress = no_progress) -> list[str]:
    """Fill `folder` with the demo library; the paths of its audio files, in the order of `PIECES`.

    A file that is already there stays as it is, so a second run writes nothing.

    Raises:
        StartupError: the folder cannot be made or written.
    """
    for done, piece in enumerate(PIECES, 1):
        check()
        for name, make in _files_of(piece, check):
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                _store(path, make())
        progress(done, len(PIECES), piece.title)
    return [os.path.join(folder, piece.path) for piece in PIECES]


def _files_of(piece: Piece, check: Check) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The files that belong to `piece`, relative to the library: where, and how their bytes are made."""
    album = piece.album
    cover = partial(draw_cover, album.cover, album.title, album.artist) if album else None
    if cover:
        yield f"{piece.folder}/cover.jpg", cover
    if piece.lyrics:
        yield f"{os.path.splitext(piece.path)[0]}.lrc", lambda: lyrics_file(piece).encode()
    yield piece.path, lambda: make_file(piece, cover() if cover else None, check)


def make_file(piece: Piece, cover: bytes | None = None, check: Check = never_cancelled) -> bytes:
    """The bytes of the piece's audio file, tags and all."""
    samples, rate = render_piece(piece, check)
    return tag_file(encode_file(samples, rate, piece.format, check), piece, cover)


def lyrics_file(piece: Piece) -> str:
    """The piece's words with their times, as players read them."""
    lines = [f"[ti:{piece.title}]", f"[ar:{piece.artist}]"]
    for beat, words in piece.lyrics:
        minutes, hundredths = divmod(round(100 * (LEAD_IN_S + beat * piece.score.beat_s)), 6000)
        lines.append(f"[{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}]{words}")
    return "\n".join(lines) + "\n"


def _store(path: str, data: bytes) -> None:
    """Write a file: all of it or nothing."""
    folder, name = os.path.split(path)
    unfinished = os.path.join(folder, f".{name}.partial")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except (OSError, UnicodeEncodeError) as error:
        raise StartupError(
            "The demo music cannot be written there. Choose another folder, or make room on its disk."
        ) from error
    finally:
        with suppress(OSError):
            os.remove(unfinished)
