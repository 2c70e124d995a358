"""The joins between entries of the queue: what one stream leaves of its track is heard with the head of the next.

    stream of one entry  -------------------.........          its last frames are left
    stream of the next                      MMMMMMMMM------    and are mixed into the first of this one

When the decoder of a stream comes near the end, the next entry is looked for, its sound is found, and all of the mix
is rendered. Only when that is done, in good time, does the stream end before its track does; in any other case it
goes on to the last frame, and the next one begins behind that. Where in the end something else follows, or what was
to follow cannot begin, the frames that were left are sent after all, by a stream of their own.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import trio

from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.errors import AuralisError, SourceChanged
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.mastering.join import MAX_CROSSFADE_S, Join, join_frames
from auralis_trio.stream.joint import head_of, open_joint, shortened
from auralis_trio.stream.pipeline import Ending, Plan
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.conversation import Request, Start
from auralis_trio.wire.wishes import Wish
from auralis_trio.work.joining import Joint

SETTLE_S = 4.0
"""How long the next entry may take to be ready for a join; the client has more than that to go on with."""

MAX_LEFT = 8
"""How many joins are remembered: what is sent can be so many short entries ahead of what is heard."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Left:
    """The last frames of an entry's track, which `following` is to begin with: `file` in `sound`, by `join`."""

    entry_id: int
    following: Entry
    file: TrackFile
    sound: Sound
    join: Join

    @property
    def start_frame(self) -> int:
        """The first of them."""
        return (self.file.total_frames or 0) - self.join.frames

    def joint(self, file: TrackFile, sound: Sound) -> Joint:
        """How the track that follows is to be opened.

        Raises:
            SourceChanged: it is no longer one that begins with these frames.
        """
        head = head_of((self.file, self.sound), (file, sound), self.join)
        channels = _common(self.file.format.channels, file.format.channels)
        if head is None or channels is None or head.join != self.join:
            raise SourceChanged
        return Joint(head, channels=channels)


class Succession:
    """What streams of one session have left to those behind them."""

    def __init__(self, services: SessionServices) -> None:
        self._services = services
        self._left: deque[Left] = deque(maxlen=MAX_LEFT)

    def forget(self) -> None:
        """What is sent from now on does not follow what was sent so far."""
        self._left.clear()

    def ending(self, request: Request, plan: Plan, wish: Callable[[Request], Wish]) -> Ending | None:
        """How the stream of an entry comes to its end; None where nothing can follow of itself."""
        if request.entry_id is None or not request.manner.autoplay:
            return None
        longest = seconds_to_frame(MAX_CROSSFADE_S, plan.track.format.sample_rate)
        return Ending(plan.track.total_frames - longest - 1, partial(self._settle, request, plan, wish))

    def left_to(self, request: Request, follows: int | None) -> Left | None:
        """What this begins with, if it follows what left that to it."""
        if follows is None:
            return None
        return next((left for left in reversed(self._left) if left.following.id == request.entry_id), None)

    def has_left(self, entry_id: int | None, following: Entry | None) -> bool:
        """Whether the end of this entry was left to this one."""
        return any((left.entry_id, left.following) == (entry_id, following) for left in self._left)

    def owed(self, entry_id: int | None, following: Entry | None) -> Left | None:
        """What must still be sent of an entry, since what it was left to is not what follows."""
        for left in reversed(self._left):
            if left.entry_id == entry_id:
                return None if left.following == following else self._taken(left)
        return None

    def owed_for(self, failed: Start) -> Left | None:
        """The same, since what it was left to could not begin."""
        left = self.left_to(failed.request, failed.follows) if failed.request.start == 0 else None
        return None if left is None else self._taken(left)

    def _taken(self, left: Left) -> Left:
        self._left.remove(left)
        return left

    async def _settle(self, request: Request, plan: Plan, wish: Callable[[Request], Wish]) -> OpenTrack:
        """The track as it is to end, after all that its stream has left before is forgotten."""
        self._left = deque((left for left in self._left if left.entry_id != request.entry_id), maxlen=MAX_LEFT)
        with trio.move_on_after(SETTLE_S):
            try:
                left = await self._agreed(request, plan, wish)
            except AuralisError as error:
                log.info("the next track is not joined: %s", error.code)
                left = None
            if left is not None:
                self._left.append(left)
                return shortened(self._services.renderer, plan.track, left.join.frames)
        return plan.track

    async def _agreed(self, request: Request, plan: Plan, wish: Callable[[Request], Wish]) -> Left | None:
        """What is left to the entry that follows, whose mix has been rendered; None where they are not joined."""
        services = self._services
        assert request.entry_id is not None
        following = services.player.behind(request.entry_id)
        if following is None or not services.listening.settings.crossfade_s:
            return None
        one, other = await services.catalogue.find_medley([request.track_id, following.track_id])
        before = msgspec.structs.replace(plan.track.file, total_frames=plan.track.total_frames)
        after = other.file.at_rate(request.manner.sample_rate)
        join = self._wanted(before, after, plan.start_frame)
        if join is None or one.leads_to(other):
            return None
        wanted = wish(replace(request, track_id=following.track_id, entry_id=following.id))
        sound = (await services.mastery.resolve_soon(after, wanted)).recipe
        left = Left(request.entry_id, following, before, plan.sound, join)
        async with open_joint(services.renderer, after, left.joint(after, sound)) as track:
            for index in range(track.grid.chunk_of(join.frames - 1) + 1):
                await track.packets(sound, index, plan.rendered_as)
        return left

    def _wanted(self, before: TrackFile, after: TrackFile, start_frame: int) -> Join | None:
        """The join of two tracks, the first of which is sent from `start_frame` on; None where there can be none."""
        if before.format.sample_rate != after.format.sample_rate or after.total_frames is None:
            return None
        if _common(before.format.channels, after.format.channels) is None:
            return None
        wanted = seconds_to_frame(self._services.listening.settings.crossfade_s, before.format.sample_rate)
        frames = join_frames(wanted, before.total_frames or 0, after.total_frames)
        return Join(frames) if 0 < frames < (before.total_frames or 0) - start_frame else None


def _common(channels: int, other: int) -> int | None:
    """The channels of two tracks at once: mono can be made stereo, others must be as many."""
    most = max(channels, other)
    return most if channels == other or most == 2 else None
