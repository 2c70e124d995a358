"""The joins between entries of the queue: what one stream leaves of its track is heard with the head of the next.

    stream of one entry  -------------------.........          its last frames are left
    stream of the next                      MMMMMMMMM------    and are mixed into the first of this one

When the decoder of a stream comes near the end, the next entry is looked for, its sound is found, and all of the mix
is rendered. Only when that is done, in good time, does the stream end before its track does; in any other case it
goes on to the last frame, and the next one begins behind that. Where in the end something else follows, the frames
that were left are sent after all, by a stream of their own. Where one of the two tracks fails while the mix is sent,
since its file has gone, say, the other one goes on alone from there. A stream that fails before its end leaves
nothing: what comes behind it begins with itself alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import msgspec
import trio

from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.errors import AuralisError, SourceChanged, SourceError
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import Sound
from auralis_trio.mastering.join import MAX_CROSSFADE_S, Join, join_frames
from auralis_trio.stream.hearing import MAX_PARTS
from auralis_trio.stream.joint import head_of, open_joint, shortened
from auralis_trio.stream.plan import Ending, Plan
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.commands import Start
from auralis_trio.wire.wishes import Wish
from auralis_trio.work.joining import Joint

SETTLE_S = 4.0
"""How long the next entry may take to be ready for a join; the client has more than that to go on with."""

MAX_LEFT = MAX_PARTS
"""How many joins are remembered: as many as streams that are sent and not heard yet."""

log = logging.getLogger(__name__)


class Rest(NamedTuple):
    """An entry from this frame of its track on; `behind` is the entry that it comes behind of itself."""

    entry: Entry
    start_frame: int
    behind: int | None = None


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

    def last(self, frame: int) -> Rest:
        """What leaves, from this frame of the join on."""
        return Rest(Entry(self.entry_id, self.file.track_id), self.start_frame + frame)

    def first(self, frame: int) -> Rest:
        """What comes, from this frame of the join on; in the middle it goes on with itself."""
        return Rest(self.following, frame, None if frame else self.entry_id)

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


@dataclass(frozen=True)
class Break:
    """A join that breaks off in the middle, or before: what has `failed` there, and what goes on `alone`."""

    left: Left
    failed: Rest
    alone: Rest


class Succession:
    """What streams of one session have left to those behind them, by their ids, and who began with that."""

    def __init__(self, services: SessionServices) -> None:
        self._services = services
        self._left: dict[int, Left] = {}
        self._begun: dict[int, Left] = {}
        self._agreed: dict[int, Left] = {}

    def forget(self) -> None:
        """What is sent from now on does not follow what was sent so far."""
        self._left.clear()
        self._begun.clear()
        self._agreed.clear()

    def ending(self, start: Start, plan: Plan, wish: Callable[[], Wish]) -> Ending | None:
        """How the stream of an entry comes to its end; None where nothing can follow of itself."""
        if start.request.entry_id is None or not start.request.manner.autoplay:
            return None
        longest = seconds_to_frame(MAX_CROSSFADE_S, plan.track.format.sample_rate)
        near_frame = plan.track.total_frames - longest - 1
        return Ending(near_frame, partial(self._settle, start, plan, wish), partial(self._take_back, start))

    def _take_back(self, start: Start) -> None:
        """Leave nothing: the stream has failed before the frames that it was to leave."""
        self._left.pop(start.stream_id, None)

    def begin(self, start: Start, *, anew: bool) -> Left | None:
        """What a stream begins with: that was left to it, or, of one begun `anew`, what that one began with."""
        if start.follows is None:
            return None
        agreed = self._left.pop(start.follows, None) or self._agreed.pop(start.follows, None) if anew else None
        if agreed is not None:
            _keep(self._agreed, start.stream_id, agreed)
        left = self._begun.get(start.follows) if anew else self._left.get(start.follows)
        if left is None or left.following.id != start.request.entry_id:
            return None
        _keep(self._begun, start.stream_id, left)
        return left

    def has_left(self, entry_id: int | None, following: Entry | None) -> bool:
        """Whether the end of this entry was left to this one."""
        return any((left.entry_id, left.following) == (entry_id, following) for left in self._left.values())

    def owed(self, stream_id: int | None, following: Entry | None) -> Rest | None:
        """What must still be sent behind a stream, since what it was left to is not what follows."""
        left = None if stream_id is None else self._left.get(stream_id)
        if stream_id is None or left is None or left.following == following:
            return None
        del self._left[stream_id]
        return left.last(0)

    def broken(self, start: Start, frame: int | float, error: AuralisError | None) -> Break | None:
        """What a failure at `frame` of its track means for a stream that began with a mix; None: nothing for that."""
        left = self._begun.get(start.stream_id)
        if left is None or error is None or not isinstance(frame, int) or frame >= left.join.frames:
            return None
        last, first = left.last(frame), left.first(frame)
        if isinstance(error, SourceError) and error.track_id is not None:
            return Break(left, failed=last, alone=first)
        return Break(left, failed=first, alone=last)

    def part(self, broken: Break) -> Rest:
        """The two are joined no more: what goes on alone."""
        for kept in (self._left, self._begun):
            for stream_id in [each for each, left in kept.items() if left is broken.left]:
                del kept[stream_id]
        return broken.alone

    async def _settle(self, start: Start, plan: Plan, wish: Callable[[], Wish]) -> OpenTrack:
        """The track as it is to end."""
        left = None
        with trio.move_on_after(SETTLE_S):
            try:
                left = await self._agree(start, plan, wish)
            except AuralisError as error:
                log.info("the next track is not joined: %s", error.code)
        if left is None:
            return plan.track
        _keep(self._left, start.stream_id, left)
        return shortened(self._services.renderer, plan.track, left.join.frames)

    async def _agree(self, start: Start, plan: Plan, wish: Callable[[], Wish]) -> Left | None:
        """What is left to the entry that follows, whose mix has been rendered; None where they are not joined.

        What a stream that was begun anew had left already is left again, without waiting: there may be no time to.
        """
        services, request = self._services, start.request
        assert request.entry_id is not None
        following = services.player.behind(request.entry_id)
        if following is None or not services.listening.settings.crossfade_s:
            return None
        one, other = await services.catalogue.find_medley([request.track_id, following.track_id])
        if one.leads_to(other):
            return None
        before = msgspec.structs.replace(plan.track.file, total_frames=plan.track.total_frames)
        after = await counted(services, other.file.at_rate(request.manner.sample_rate))
        join = self._wanted(before, after, plan.start_frame)
        if join is None:
            return None
        agreed = self._agreed.get(start.stream_id)
        if agreed is not None and (agreed.following, agreed.join) == (following, join):
            return replace(agreed, sound=plan.sound)
        sound = (await services.mastery.resolve_soon(after, wish())).recipe
        left = Left(request.entry_id, following, before, plan.sound, join)
        async with open_joint(services.renderer, after, left.joint(after, sound)) as track:
            for index in range(track.grid.chunk_of(join.frames - 1) + 1):
                await track.packets(sound, index, plan.rendered_as)
        return left

    def _wanted(self, before: TrackFile, after: TrackFile, start_frame: int) -> Join | None:
        """The join of two tracks, the first of which is sent from `start_frame` on; None where there can be none."""
        if before.format.sample_rate != after.format.sample_rate:
            return None
        if _common(before.format.channels, after.format.channels) is None:
            return None
        wanted = seconds_to_frame(self._services.listening.settings.crossfade_s, before.format.sample_rate)
        frames = join_frames(wanted, before.total_frames or 0, after.total_frames or 0)
        return Join(frames) if 0 < frames < (before.total_frames or 0) - start_frame else None


async def counted(services: SessionServices, file: TrackFile) -> TrackFile:
    """The same with its length, which is counted first where nothing declares it.

    Raises:
        SourceError: its frames cannot be counted.
    """
    if file.total_frames is not None:
        return file
    async with services.renderer.open_track(file) as track:
        await services.catalogue.keep_length(track)
        return msgspec.structs.replace(file, total_frames=track.total_frames)


def _keep(kept: dict[int, Left], stream_id: int, left: Left) -> None:
    kept[stream_id] = left
    while len(kept) > MAX_LEFT:
        del kept[next(iter(kept))]


def _common(channels: int, other: int) -> int | None:
    """The channels of two tracks at once: mono can be made stereo, others must be as many."""
    most = max(channels, other)
    return most if channels == other or most == 2 else None
