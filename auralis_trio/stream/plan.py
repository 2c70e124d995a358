"""What one stream is to deliver, before anything runs: the track, its sound, its first frame, and how it ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from auralis_trio.audio.encoding import Encoding
from auralis_trio.mastering import Recipe, Schedule, Sound
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.work.encoding import CHUNK_ENCODING, OpusFeed


@dataclass(frozen=True)
class Plan:
    """What one stream delivers: the frames from `start_frame` to the end of the track.

    The first `join_frames` of the track are a mix with the end of the one before.
    """

    track: OpenTrack
    sound: Sound
    start_frame: int
    encoding: Encoding
    stall_timeout_s: float
    feed: OpusFeed | None = None
    join_frames: int = 0

    @property
    def rendered_as(self) -> Encoding:
        """The encoding of the chunks; the stream's own, unless they go on into an encoder that has it alone."""
        return CHUNK_ENCODING if self.encoding is Encoding.OPUS else self.encoding

    async def fed(self) -> "Plan":
        """The plan with the encoder that its stream must have for itself, if it must."""
        if self.encoding is not Encoding.OPUS:
            return self
        feed = await self.track.encode(partial(OpusFeed, self.track.format.channels, self.start_frame))
        return replace(self, feed=feed)

    @property
    def recipe(self) -> Recipe:
        """What is heard, or what a change that is under way leads to."""
        return self.sound.after if isinstance(self.sound, Schedule) else self.sound


def turned(sound: Sound, frame: int, after: Recipe, grain: int) -> Sound:
    """What is played from `frame` on where `sound` was: from the first grain that begins there on, `after`.

    Changes that were due at that grain or behind it, and so are not heard yet, never come.
    """
    at = -(-frame // grain)
    while isinstance(sound, Schedule) and sound.at >= at:
        sound = sound.before
    before = sound.within(frame // grain, at + 1)
    return after if before == after else Schedule(before, at, after)


@dataclass(frozen=True)
class Ending:
    """Where a track ends is not known before the decoder comes to `near_frame`: then `settle` gives what it is.

    `undo` is called where it fails, and so never comes to that end.
    """

    near_frame: int
    settle: Callable[[], Awaitable[OpenTrack]]
    undo: Callable[[], None]
