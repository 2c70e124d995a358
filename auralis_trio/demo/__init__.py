"""The demo library: a dozen short pieces of music, made here, so that a newcomer has something to hear at once.

    songs (scores) > render (voices, drums, effects) > write (encoders) > tags > folder (files)

The same pieces and signals serve as recordings in tests. All of it is deterministic: the same samples at each call.
"""

from auralis_trio.demo.folder import make_demo, make_file, no_progress
from auralis_trio.demo.pieces import PIECES, Album, Format, Piece
from auralis_trio.demo.render import render_piece
from auralis_trio.demo.sketch import synthesise
from auralis_trio.demo.write import encode_file

__all__ = [
    "PIECES",
    "Album",
    "Format",
    "Piece",
    "encode_file",
    "make_demo",
    "make_file",
    "no_progress",
    "render_piece",
    "synthesise",
]
