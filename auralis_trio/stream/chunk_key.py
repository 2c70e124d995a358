"""What a rendered chunk is kept under: everything that decides its bytes, and nothing else."""

import hashlib
from typing import Literal

import msgspec
import numpy
import scipy

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.formats import Access, format_named
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid
from auralis_trio.decoder.opening import DECODER_VERSION
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Recipe, Sound
from auralis_trio.mastering.recipe import ENGINE_VERSION

Form = Literal["whole", "packets"]
"""A chunk that was encoded in one go, or packet by packet."""

CHUNK_VERSION = 1
"""Rises whenever an encoder gives other bytes of the same samples than before."""

RENDER_VERSION = (
    f"{CHUNK_VERSION} engine {ENGINE_VERSION} numpy {numpy.__version__} scipy {scipy.__version__} {DECODER_VERSION}"
)
"""All of this program and its libraries that decides samples."""


class ChunkKey(msgspec.Struct, frozen=True):
    """One chunk of `total`, in one encoding and form.

    `origin` is that of the track or rendition, `sound` the key of the recipe as far as it concerns the chunk.
    """

    origin: str
    sound: str
    index: int
    total: int
    encoding: str
    form: Form = "whole"

    @property
    def file_origin(self) -> str:
        """The origin of the track's file, of which there may be renditions at several rates."""
        return self.origin.partition("@")[0]

    @property
    def revision(self) -> str:
        """See `revision_of`."""
        return revision_of(self.origin, self.sound)


def chunk_key(file: TrackFile, grid: Grid, wanted: tuple[Sound, int, Encoding], form: Form = "whole") -> ChunkKey:
    """The key of a chunk of a track that lies on `grid`: in which sound, the how manieth, in which encoding.

    Plain samples can be cut anywhere, so they have one form only.
    """
    sound, index, encoding = wanted
    key = within_chunk(sound, index).key
    form = form if encoding.sample_bytes is None else "whole"
    return ChunkKey(file.origin, key, index, grid.total_chunks, encoding.label, form)


def within_chunk(sound: Sound, index: int) -> Sound:
    """The sound as far as a chunk is concerned, so that a change elsewhere in the track leaves its key as it is."""
    return sound.within(index * GRAINS_PER_CHUNK, (index + 1) * GRAINS_PER_CHUNK)


def revision_of(origin: str, sound: str) -> str:
    """A name for exactly these samples: it changes with the audio, the recipe and whatever renders it."""
    return hashlib.blake2b(f"{origin} {sound} {RENDER_VERSION}".encode(), digest_size=10).hexdigest()


def is_dear(file: TrackFile, sound: Sound, encoding: Encoding) -> bool:
    """Whether a chunk costs more to make than to read from a disk, so that it is worth room there.

    Plain samples of a track as recorded do not, unless it can only be decoded in sequence: they are made in 1 ms
    (WAV) to 5 ms (MP3), and read back and proved in 1 ms. FLAC takes 6 ms more to make, mastering tens of them.
    """
    plain = encoding.sample_bytes is not None or encoding is Encoding.WAV
    as_recorded = isinstance(sound, Recipe) and not sound.masters
    in_sequence = file.resample_hz is not None or format_named(file.kind).access is Access.CACHED
    return in_sequence or not (plain and as_recorded)
