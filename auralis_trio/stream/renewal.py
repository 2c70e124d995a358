"""The sound of what a listener has not heard yet, kept as it is wanted.

Whenever something else may be wanted, each stream that is not heard yet is looked at, in the order in which they are
heard: the first one that is to sound otherwise is begun anew, and what comes behind it is sent again by itself. The
old sound goes on until the new one is ready, also that of the next track, which may be heard a moment later.
"""

from collections.abc import Callable

import trio

from auralis_trio.errors import AuralisError
from auralis_trio.mastering import Recipe
from auralis_trio.mastering.resolve import Target
from auralis_trio.stream.hearing import Hearing, Turn
from auralis_trio.stream.outlet import error_message
from auralis_trio.stream.pipeline import Stream
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.wire.wishes import Wish

Wanted = tuple[Wish, Target]
"""How tracks are to sound."""


class Renewal:
    """Looks after the sound of one session, whose streams it is told of; `wanted` gives what is wanted by now."""

    def __init__(
        self,
        services: SessionServices,
        hearing: Hearing,
        wanted: Callable[[], Wanted],
        say_nowait: Callable[[str], None],
    ) -> None:
        self._mastery = services.mastery
        self._hearing = hearing
        self._wanted = wanted
        self._say_nowait = say_nowait
        self._known: dict[int, tuple[Wanted, Recipe]] = {}
        self._stirred = trio.Event()
        self._at_rest = trio.Event()
        self._foresight = trio.CancelScope()

    def look(self) -> None:
        """Something else may be wanted; what is asked for comes before what may be."""
        self._stirred.set()
        self._at_rest = trio.Event()
        self._foresight.cancel()

    def begin(self, stream: Stream, wanted: Wanted) -> None:
        """A stream is there, which sounds as was wanted when it was opened."""
        kept = {id: known for id, known in self._known.items() if self._hearing.expects(id)}
        self._known = {**kept, stream.stream_id: (wanted, stream.plan.recipe)}
        self.look()

    async def run(self, begin_anew: Callable[[Turn, Recipe, Wanted], None]) -> None:
        """Have streams begun anew where they are to sound otherwise, until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            found = await self._find()
            if found is not None:
                begin_anew(*found)
            if not self._stirred.is_set():
                self._at_rest.set()

    async def foresee(self, stream: Stream) -> None:
        """Once a stream is heard, and as it is wanted: what the listener may want next, until cancelled."""
        while True:
            with trio.CancelScope() as self._foresight:
                await stream.begun.wait()
                await self._at_rest.wait()
                await self._mastery.foresee(stream.plan.track.file, self._wanted()[0])
                await trio.sleep_forever()

    async def _find(self) -> tuple[Turn, Recipe, Wanted] | None:
        """The first stream that is to sound otherwise, and how, once that and what the next one needs are known."""
        while True:
            wanted = self._wanted()
            turns = self._hearing.turns(trio.current_time())
            recipes = [self._recipe(turn, wanted) for turn in turns]
            numbers = [number for number, turn in enumerate(turns) if recipes[number] != turn.stream.plan.recipe]
            if not numbers:
                return None
            first = numbers[0]
            unknown = [turns[number] for number in numbers if number <= first + 1 and recipes[number] is None]
            recipe = recipes[first]
            if recipe is not None and not unknown:
                return turns[first], recipe, wanted
            await self._resolve(unknown[0].stream, wanted)

    def _recipe(self, turn: Turn, wanted: Wanted) -> Recipe | None:
        """What a stream is to sound like; None if that is not known yet."""
        known = self._known.get(turn.stream.stream_id)
        return known[1] if known is not None and known[0] == wanted else None

    async def _resolve(self, stream: Stream, wanted: Wanted) -> None:
        """Know what a stream is to sound like: as it does, if what is wanted cannot be had."""
        recipe = stream.plan.recipe
        try:
            recipe = (await self._mastery.resolve_soon(stream.plan.track.file, wanted[0])).recipe
        except AuralisError as error:
            self._say_nowait(error_message(error))
        await trio.lowlevel.checkpoint()
        self._known[stream.stream_id] = wanted, recipe
