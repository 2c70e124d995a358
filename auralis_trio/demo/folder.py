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
    paths = []
    for done, piece in enumerate(PIECES, 1):
        check()
        try:
            for path, make in _files_of(piece, check):
                _write_once(os.path.join(folder, path), make)
        except OSError as error:
            raise StartupError(
                "The demo music cannot be written there. Choose another folder, or make room on its disk."
            ) from error
        paths.append(os.path.join(folder, piece.path))
        progress(done, len(PIECES), piece.title)
    return paths


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


def _write_once(path: str, make: Callable[[], bytes]) -> None:
    """Write what `make` returns unless there is a file already: all of it or nothing."""
    if os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = make()
    unfinished = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.partial")
    try:
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(unfinished)
