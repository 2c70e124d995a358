"""How a stream comes to its plan: the track is found, it is known how it is to sound, and it is open.

The same way for a stream that begins and for one that will follow, of which the first chunk is rendered ahead.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import trio

from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.errors import AuralisError
from auralis_trio.mastering import Sound
from auralis_trio.stream.joint import open_joint
from auralis_trio.stream.plan import Plan
from auralis_trio.stream.play_queue import Entry
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.stream.succession import Left, Succession, counted
from auralis_trio.wire.commands import Request
from auralis_trio.wire.wishes import Wish
from auralis_trio.work.joining import Joint

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_plan(
    services: SessionServices, request: Request, sound: Sound | Wish, left: Left | None = None
) -> AsyncIterator[Plan]:
    """What is asked for, with its track open; a wish is made a recipe first, which may need an analysis.

    What was `left` to it is mixed into its first frames.

    Raises:
        NotFound: there is no such track.
        SourceError: it cannot be played.
        Busy: its analysis takes longer than a stream waits.
    """
    manner = request.manner
    file = await services.catalogue.find_track(request.track_id)
    if manner.sample_rate is not None:
        file = file.at_rate(manner.sample_rate)
    if isinstance(sound, Wish):
        sound = (await services.mastery.resolve_soon(file, sound)).recipe
    joint = Joint() if left is None else left.joint(await counted(services, file), sound)
    async with open_joint(services.renderer, file, joint) as track:
        await services.catalogue.keep_length(track)
        rate, start = track.format.sample_rate, request.start
        frame = seconds_to_frame(start, rate) if isinstance(start, float) else start
        frame = min(frame, track.total_frames)
        plan = Plan(track, sound, frame, manner.encoding, services.limits.stall_timeout_s)
        yield replace(plan, join_frames=joint.head_frames)


class Ahead:
    """The first chunk of what follows a session's stream in the queue, rendered before it is asked for."""

    def __init__(self, services: SessionServices, succession: Succession) -> None:
        self._services = services
        self._succession = succession
        self._entry_id: int | None = None
        self._following: Entry | None = None
        self._scope = trio.CancelScope()

    def replan(self) -> None:
        """Something else may follow by now: then what is under way is called off, and begun for that."""
        if self._follower() != self._following:
            self._scope.cancel()

    async def run(self, request: Request, wish: Callable[[], Wish]) -> None:
        """Render ahead what follows this, whatever that is, until cancelled."""
        self._entry_id = request.entry_id
        while True:
            with trio.CancelScope() as self._scope:
                self._following = self._follower()
                if self._following is not None and request.manner.autoplay:
                    await self._render(replace(request, track_id=self._following.track_id, start=0), wish)
                await trio.sleep_forever()

    def _follower(self) -> Entry | None:
        return None if self._entry_id is None else self._services.player.behind(self._entry_id)

    async def _render(self, request: Request, wish: Callable[[], Wish]) -> None:
        if self._succession.has_left(self._entry_id, self._following):
            return  # the head of what follows is a mix, which has been rendered
        try:
            async with open_plan(self._services, request, wish()) as plan:
                if plan.track.total_frames:
                    await plan.track.packets(plan.sound, 0, plan.rendered_as)
        except AuralisError as error:
            # It is told when its turn has come, if it still is so then.
            log.info("what follows could not be rendered ahead: %s", error.code)
