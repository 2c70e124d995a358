"""An open track that is joined to its neighbours: to everybody above it is a track like any other.

Chunks that the neighbours have no part in are those of the track itself, and kept under the same keys.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.mastering.join import Join, join_frames, mix_recipe
from auralis_trio.stream.chunk_key import ChunkKey, Form, revision_of
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.joining import Head, JoinedReader, Joint
from auralis_trio.work.rendering import Described, Reader


class JoinedTrack(OpenTrack):
    """A track between others; made by `open_joint`."""

    def __init__(self, renderer: Renderer, own: OpenTrack, leaving: Reader | None, joint: Joint) -> None:
        frames = own.total_frames - joint.tail_frames
        grid = Grid(own.format.sample_rate, frames)
        form = msgspec.structs.replace(own.format, channels=joint.channels or own.format.channels)
        super().__init__(renderer, JoinedReader(own.reader, leaving, joint, grid), own.file, Described(form, frames))
        self._own = own
        self._leaving = leaving
        self._joint = joint

    def shortened(self, tail_frames: int) -> "JoinedTrack":
        """The same track without so many frames at its end."""
        joint = msgspec.structs.replace(self._joint, tail_frames=tail_frames)
        return JoinedTrack(self._renderer, self._own, self._leaving, joint)

    def revision(self, sound: Sound) -> str:
        """See `OpenTrack.revision`; it names the neighbours' part as well."""
        return joint_revision(self.file, sound, self._joint)

    def key(self, wanted: tuple[Sound, int, Encoding], form: Form = "whole") -> ChunkKey:
        """See `OpenTrack.key`."""
        key, joint, index = super().key(wanted, form), self._joint, wanted[1]
        if self.grid.chunk(index) == self._own.grid.chunk(index):
            # What is left out behind it says nothing of it: a mix is kept while it is not known where the track ends.
            key, joint = self._own.key(wanted, form), msgspec.structs.replace(joint, tail_frames=0)
            if self.format == self._own.format and self.grid.chunk(index).start >= joint.head_frames:
                return key
        return msgspec.structs.replace(key, sound=f"{key.sound} {joint.key}")


@asynccontextmanager
async def open_joint(renderer: Renderer, file: TrackFile, joint: Joint) -> AsyncIterator[OpenTrack]:
    """A track among its neighbours, to take chunks from: `file.total_frames - joint.tail_frames` frames.

    Raises:
        SourceError: its frames have to be counted first, and cannot be.
    """
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(renderer.open_track(file))
        leaving = None
        if joint.head is not None:
            leaving = (await stack.enter_async_context(renderer.open_track(joint.head.leaving))).reader
        yield own if _is_alone(own.format.channels, joint) else JoinedTrack(renderer, own, leaving, joint)


def shortened(renderer: Renderer, track: OpenTrack, tail_frames: int) -> OpenTrack:
    """An open track without so many frames at its end; it stays open as long as `track` is."""
    if isinstance(track, JoinedTrack):
        return track.shortened(tail_frames)
    return JoinedTrack(renderer, track, None, Joint(tail_frames=tail_frames))


def joint_revision(file: TrackFile, sound: Sound, joint: Joint) -> str:
    """The revision of what `open_joint` opens."""
    if _is_alone(file.format.channels, joint):
        return revision_of(file.origin, sound.key)
    return revision_of(file.origin, f"{sound.key} {joint.key}")


def _is_alone(channels: int, joint: Joint) -> bool:
    """Whether a track of so many channels is what it would be without neighbours."""
    return joint in (Joint(), Joint(channels=channels))


def head_of(leaving: tuple[TrackFile, Sound], coming: tuple[TrackFile, Sound], wanted: Join) -> Head | None:
    """What `coming` begins with where the end of `leaving` is heard at the same time, for as long as can be.

    None where there is no room for a join, or where the two are of different sample rates or of unknown length.
    """
    (before, sound), (after, own_sound) = leaving, coming
    if before.total_frames is None or after.total_frames is None:
        return None
    if before.format.sample_rate != after.format.sample_rate:
        return None
    frames = join_frames(wanted.frames, before.total_frames, after.total_frames)
    if not frames:
        return None
    return Head(Join(frames, wanted.curve), before, sound, mix_recipe(sound, own_sound))
