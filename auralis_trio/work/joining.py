"""A track that is joined to its neighbours: its head mixed with the end of the track before, its own end left out.

    leaving   -----------------------.......         what it gives itself ends where the join begins
    coming                           MMMMMMM------   its first frames are the mix

The mix is a source like any other: its frames follow from both tracks and the join. What is done to it, a recipe
says, and it is rendered on the one path. Called from worker threads only.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np

from auralis_trio.audio.block import Block, Samples
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid, Span
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.errors import SourceError
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Recipe, Sound, render_span
from auralis_trio.mastering.join import Join
from auralis_trio.work.rendering import Chunk, Reader, Rendered, as_whole, in_packets, rendered_span

T = TypeVar("T")


class Head(msgspec.Struct, frozen=True):
    """What a track begins with: its first frames and the last of `leaving`, each in its sound, mixed by `join`.

    `recipe` is what is done to the mix. Both tracks are of one sample rate, and the length of `leaving` is known.
    """

    join: Join
    leaving: TrackFile
    sound: Sound
    recipe: Recipe


class Joint(msgspec.Struct, frozen=True):
    """How a track stands among others: with a mix as its head, without its last frames, in so many channels.

    Mono becomes stereo by the same samples in both channels; no other number of channels can be changed.
    """

    head: Head | None = None
    tail_frames: int = 0
    channels: int | None = None

    @property
    def head_frames(self) -> int:
        """How long the mix is."""
        return 0 if self.head is None else self.head.join.frames

    @property
    def key(self) -> str:
        """A short stable name for all of it."""
        parts: list[object] = [self.tail_frames, self.channels]
        if self.head is not None:
            head = self.head
            parts += [head.join.frames, head.join.curve, head.leaving.origin, head.sound.key, head.recipe.key]
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Mix:
    """An `AudioSource` of the frames of a join: of the coming track `own`, and of `leaving`, which ends with it."""

    own: AudioSource
    own_sound: Sound
    leaving: AudioSource
    head: Head
    channels: int

    @property
    def format(self) -> AudioFormat:
        """See `AudioSource.format`; a mix has no word length."""
        return AudioFormat(self.own.format.sample_rate, self.channels, None)

    @property
    def total_frames(self) -> int:
        """See `AudioSource.total_frames`."""
        return self.head.join.frames

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        first = self.leaving.total_frames - self.total_frames
        with leaving_in(self.head):
            leaving = render_span(self.leaving, self.head.sound, Span(first + start, frames), check)
        coming = render_span(self.own, self.own_sound, Span(start, frames), check)
        out, into = (widened(block.samples, self.channels) for block in (leaving, coming))
        return self.head.join.mix(out, into, start)

    def close(self) -> None:
        """Both tracks are somebody else's."""


@contextmanager
def leaving_in(head: Head) -> Iterator[None]:
    """Errors in here are of the track that leaves: say so, and where it is damaged, by the frames of the mix."""
    try:
        yield
    except SourceError as error:
        told = copy(error)  # others may be told of the same error, by the frames of the track
        told.track_id = head.leaving.track_id
        if told.frame is not None:
            told.frame = max(0, told.frame - (head.leaving.total_frames or 0) + head.join.frames)
        raise told from error.__cause__


class JoinedReader:
    """A `Reader` of a track that is joined to others, over the readers of the track itself and of the leaving one."""

    def __init__(self, own: Reader, leaving: Reader | None, joint: Joint, grid: Grid) -> None:
        self._own = own
        self._leaving = leaving
        self._joint = joint
        self._grid = grid

    def work(self, job: Callable[[AudioSource, Check], T], check: Check = never_cancelled) -> T:
        """See `Reader.work`: with the track as it is by itself."""
        return self._own.work(job, check)

    def chunk(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.chunk`."""
        return as_whole(self._rendered(sound, self._grid.chunk(index), check), encoding)

    def packets(self, sound: Sound, index: int, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.packets`."""
        parts = self._rendered(sound, self._grid.chunk(index), check)
        return in_packets(parts, self._grid.packet_frames, encoding, check)

    def span(self, sound: Sound, span: Span, encoding: Encoding, check: Check = never_cancelled) -> Chunk:
        """See `Reader.span`."""
        return as_whole(self._rendered(sound, span, check), encoding)

    def _rendered(self, sound: Sound, span: Span, check: Check) -> list[Rendered]:
        border = min(max(self._joint.head_frames, span.start), span.end)
        mixed, rest = Span(span.start, border - span.start), Span(border, span.end - border)

        def render(own: AudioSource, check: Check) -> list[Rendered]:
            parts = [self._mixed(own, sound, mixed, check)] if mixed.frames else []
            return [*parts, self._alone(own, sound, rest, check)] if rest.frames or not parts else parts

        return self._own.work(render, check)

    def _alone(self, own: AudioSource, sound: Sound, span: Span, check: Check) -> Rendered:
        part = rendered_span(own, sound, span, check)
        channels = self._joint.channels or own.format.channels
        form = msgspec.structs.replace(part.form, channels=channels)
        return Rendered(Block(widened(part.block.samples, channels), span.start), form)

    def _mixed(self, own: AudioSource, sound: Sound, span: Span, check: Check) -> Rendered:
        head, channels = self._joint.head, self._joint.channels or own.format.channels
        assert head is not None
        assert self._leaving is not None
        with leaving_in(head):
            leaving = self._leaving.work(lambda source, check: source, check)
        return rendered_span(Mix(own, sound, leaving, head, channels), head.recipe, span, check)


def widened(samples: Samples, channels: int) -> Samples:
    """The samples in so many channels: those of mono in both of stereo, others as they are.

    Raises:
        ValueError: nothing says what the further channels would be.
    """
    if samples.shape[1] == channels:
        return samples
    if (samples.shape[1], channels) != (1, 2):
        raise ValueError(f"{samples.shape[1]} channels cannot become {channels}")
    return np.repeat(samples, 2, axis=1)
