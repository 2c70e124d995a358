"""Tracks one behind the other as one run of frames: an album, or what is in the play queue.

Between two of them nothing is put in and nothing is lost: each track begins with the frame behind the last one of the
track before, or where they are joined, with the mix of both. What each frame is follows from the tracks, their sounds
and the joins alone, so any part of it can be had at any time, chunk by chunk of the tracks.
"""

import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.errors import Conflict, about
from auralis_trio.library.medleys import MedleyTrack
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.mastering.join import Join
from auralis_trio.stream.joint import head_of, joint_revision, open_joint
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.joining import Head, Joint
from auralis_trio.work.rendering import Chunk

MAX_NAMED = 5


@dataclass(frozen=True)
class Part:
    """One track in a medley: `frames` from `start_frame` on, which may begin with a mix with the track before."""

    track: MedleyTrack
    sound: Sound
    joint: Joint
    start_frame: int
    frames: int

    @property
    def revision(self) -> str:
        """A name for exactly these samples."""
        return joint_revision(self.track.file, self.sound, self.joint)


@dataclass(frozen=True)
class Medley:
    """Tracks of one sample rate and number of channels, without a gap between them; made by `arranged`."""

    parts: tuple[Part, ...]
    format: AudioFormat

    @property
    def total_frames(self) -> int:
        """How long all of it is."""
        return self.parts[-1].start_frame + self.parts[-1].frames

    @cached_property
    def revision(self) -> str:
        """A name for exactly these samples."""
        names = " ".join(part.revision for part in self.parts)
        return hashlib.blake2b(names.encode(), digest_size=10).hexdigest()

    def part_at(self, frame: int) -> Part:
        """The track that a frame belongs to."""
        return self.parts[bisect_right(self._starts, frame) - 1]

    @cached_property
    def _starts(self) -> list[int]:
        # Of tracks without a single frame, which begin where the next one does, the last is found.
        return [part.start_frame for part in self.parts]


def common_rate(files: Sequence[TrackFile]) -> int:
    """The sample rate that most frames have; of several, the highest. The lengths are known."""
    frames: dict[int, int] = {}
    for file in files:
        rate = file.format.sample_rate
        frames[rate] = frames.get(rate, 0) + _length(file)
    return max(frames, key=lambda rate: (frames[rate], rate))


def common_channels(tracks: Sequence[MedleyTrack]) -> int:
    """The most channels that a track has: mono can be made stereo, nothing else can be changed.

    Raises:
        Conflict: not all can have as many; the text names those that differ.
    """
    most = max(track.file.format.channels for track in tracks)
    odd = [track.title for track in tracks if track.file.format.channels != most]
    if most > 2 and odd:
        raise Conflict(
            f"These have other channels than the {most} of the others, and cannot be heard as one with them: "
            f"{named(odd)}.",
            code="channels_differ",
        )
    return most


def named(titles: Sequence[str]) -> str:
    """The first few of some titles."""
    return ", ".join(titles[:MAX_NAMED]) + (", ..." if len(titles) > MAX_NAMED else "")


def arranged(tracks: Sequence[tuple[MedleyTrack, Sound]], wanted: Join, *, within_albums: bool) -> Medley:
    """The medley of these tracks, which are at least one, of one sample rate and of known length.

    Neighbours are joined as `wanted`, as far as there is room. Unless `within_albums`, those that follow each other
    on an album are not: they go on as the album does, which may have no gap there.

    Raises:
        Conflict: see `common_channels`.
    """
    channels = common_channels([track for track, _ in tracks])
    heads = [_head(one, other, wanted, within_albums) for one, other in pairwise(tracks)]
    parts, start_frame = list[Part](), 0
    for (track, sound), head, next_head in zip(tracks, [None, *heads], [*heads, None], strict=True):
        joint = Joint(head, 0 if next_head is None else next_head.join.frames, channels)
        part = Part(track, sound, joint, start_frame, _length(track.file) - joint.tail_frames)
        parts.append(part)
        start_frame += part.frames
    return Medley(tuple(parts), AudioFormat(tracks[0][0].file.format.sample_rate, channels, None))


def _head(
    one: tuple[MedleyTrack, Sound], other: tuple[MedleyTrack, Sound], wanted: Join, within_albums: bool
) -> Head | None:
    if not within_albums and one[0].leads_to(other[0]):
        return None
    return head_of((one[0].file, one[1]), (other[0].file, other[1]), wanted)


def _length(file: TrackFile) -> int:
    if file.total_frames is None:
        raise ValueError("the length of a track in a medley is known")
    return file.total_frames


class OpenMedley:
    """A medley to take chunks from; the track that was asked for last is open, and the one that leaves to it."""

    def __init__(self, renderer: Renderer, medley: Medley, stack: AsyncExitStack) -> None:
        self._renderer = renderer
        self._medley = medley
        self._stack = stack
        self._open: tuple[Part, OpenTrack] | None = None

    async def chunk_at(self, frame: int, encoding: Encoding) -> tuple[int, Chunk]:
        """The chunk that a frame of the medley lies in, and where in the medley it begins.

        Raises:
            SourceError: the file cannot be played; the text names its track.
        """
        part = self._medley.part_at(frame)
        with about(part.track.name):
            track = await self._track(part)
            index = track.grid.chunk_of(frame - part.start_frame)
            chunk, _ = await track.chunk(part.sound, index, encoding)
        return part.start_frame + chunk.span.start, chunk

    async def _track(self, part: Part) -> OpenTrack:
        if self._open is None or self._open[0] is not part:
            self._open = None
            await self._stack.aclose()
            opening = open_joint(self._renderer, part.track.file, part.joint)
            self._open = part, await self._stack.enter_async_context(opening)
        return self._open[1]


@asynccontextmanager
async def open_medley(renderer: Renderer, medley: Medley) -> AsyncIterator[OpenMedley]:
    """Take chunks from a medley; what was opened for that is closed on leaving."""
    async with AsyncExitStack() as stack:
        yield OpenMedley(renderer, medley, stack)
