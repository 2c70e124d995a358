"""Whole files: WAV and FLAC written block by block, and put into their place only when they are complete.

What is written lies under a name of its own beside the file that it becomes, is brought to the disk and then renamed;
an error or an interruption takes it away. Nobody ever sees half a file, and what stood there before stays until then.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import soundfile

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder.flac import MAX_CHANNELS
from auralis_trio.encoder.pcm import pack_pcm, quantise
from auralis_trio.encoder.wav import wav_header, wav_padding
from auralis_trio.errors import InvalidRequest, OutputError
from auralis_trio.own_files import sync

Words = Literal["16", "24", "32", "float"]
"""How a sample is written down: as an integer of so many bits, or as a float of 32."""

_WAV: dict[str, Encoding] = {"16": Encoding.S16, "24": Encoding.S24, "32": Encoding.S32, "float": Encoding.F32}
_FLAC_BITS = {"16": 16, "24": 24}
_SUFFIXES = (".wav", ".flac")

Write = Callable[[Block], object]
"""Puts the next block behind those before; they come without a gap."""


@dataclass(frozen=True)
class Cut:
    """What a whole file holds: so many frames of `form`, whose `bits` are None where dither is due."""

    form: AudioFormat
    frames: int
    words: Words


def check_file(path: str | Path, words: Words) -> None:
    """Whether a file of this name can hold such words.

    Raises:
        InvalidRequest: its suffix says neither WAV nor FLAC, or FLAC has no such words.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InvalidRequest("Only .wav and .flac files are written.")
    if suffix == ".flac" and words not in _FLAC_BITS:
        raise InvalidRequest("FLAC files are written with 16 or 24 bits.")


@contextmanager
def open_file(path: str | Path, cut: Cut) -> Iterator[Write]:
    """Write a file of exactly `cut.frames`, WAV or FLAC by its suffix; it is there when the body ends well.

    Raises:
        InvalidRequest: see `check_file`.
        OutputError: the disk is full, the folder missing or closed, or not all frames came.
    """
    check_file(path, cut.words)
    start = _flac if Path(path).suffix.lower() == ".flac" else _wav
    written = 0
    with replaced(path) as file, start(file, cut) as write:

        def put(block: Block) -> None:
            nonlocal written
            write(block)
            written += block.frames

        yield put
        if written != cut.frames:
            raise OutputError("Fewer or more frames came than were announced.")


@contextmanager
def replaced(path: str | Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` when the body ends well, and otherwise is gone.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(draft, "xb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(draft, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(draft)
                raise
        sync(path.parent)  # the new name as well
    except OSError as error:
        raise OutputError from error


@contextmanager
def _wav(file: IO[bytes], cut: Cut) -> Iterator[Write]:
    encoding = _WAV[cut.words]
    file.write(wav_header(cut.form, encoding, cut.frames))
    yield lambda block: file.write(pack_pcm(block, encoding, cut.form.bits))
    file.write(wav_padding(cut.form, encoding, cut.frames))


@contextmanager
def _flac(file: IO[bytes], cut: Cut) -> Iterator[Write]:
    """libsndfile writes through the descriptor, behind the back of `file`."""
    bits = _FLAC_BITS[cut.words]
    if cut.form.channels > MAX_CHANNELS:
        raise InvalidRequest(f"FLAC holds at most {MAX_CHANNELS} channels.")
    if not cut.frames:
        raise InvalidRequest("A track without a single frame cannot be written as FLAC.")
    settings = {"samplerate": cut.form.sample_rate, "channels": cut.form.channels, "subtype": f"PCM_{bits}"}
    try:
        with soundfile.SoundFile(file.fileno(), "w", format="FLAC", closefd=False, **settings) as flac:
            # libsndfile takes the upper bits of 32-bit integers.
            yield lambda block: flac.write(quantise(block, bits, cut.form.bits) << (32 - bits))
    except (soundfile.LibsndfileError, AssertionError) as error:  # it asserts that all frames were taken
        raise OutputError from error
