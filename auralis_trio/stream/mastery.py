"""From what a listener wants to the recipe for one track.

    wish > analysis (kept, or a flight) > tuning (the same) > master | master_album | match > level match

Who asks waits for at most the deadline, and is then told to come again; the work goes on meanwhile. There is no other
way out: a track that cannot be analysed is not mastered, and nothing else is sent in its place.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import msgspec
import trio

from auralis_trio.analysis import Analysis, Profile
from auralis_trio.audio.source import AudioSource, Check
from auralis_trio.errors import AuralisError, Busy, InvalidRequest
from auralis_trio.library.mastering_store import MAX_ALBUM_TRACKS, album_files, get_profile
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering.album import master_album
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.level_match import trims_db, with_trim
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.recipe import AS_RECORDED, Recipe
from auralis_trio.mastering.reference import match, tune_to_reference
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.solve import Mastered, outlook
from auralis_trio.mastering.tuning import Excerpts, Tuning, master, read_ahead, tune
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.analyst import Analyst, is_long
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.flights import Flights
from auralis_trio.wire.wishes import Wish

T = TypeVar("T")

MAX_KEPT = 512
UNMASTERED = Mastered(recipe=AS_RECORDED, target_lufs=None, expected_lufs=None)


class Workroom(msgspec.Struct, frozen=True):
    """What mastering works with."""

    offload: Offload
    catalogue: Catalogue
    analyst: Analyst
    flights: Flights
    foresees: Callable[[], bool] = lambda: False
    """whether what is not asked for yet may be found out"""


class Mastery:
    """Recipes by track and wish; the last `max_kept` are kept."""

    def __init__(
        self, room: Workroom, target: Callable[[], Target], deadline_s: float, max_kept: int = MAX_KEPT
    ) -> None:
        self.max_kept = max_kept
        self._room = room
        self._target = target
        self._deadline_s = deadline_s
        self._kept: OrderedDict[Hashable, Mastered] = OrderedDict()
        self._foresight = trio.Lock()
        self._foreseen: OrderedDict[Hashable, None] = OrderedDict()

    async def profile(self, file: TrackFile) -> Profile:
        """What is measured of a track.

        Raises:
            Busy: the analysis is still running, or too much is asked for at once.
            SourceError: the track cannot be played, and so not analysed.
        """

        async def find() -> Profile:
            known: Profile | None = await self._room.catalogue.ask(get_profile, file.content_id)
            return known or (await self._room.analyst.analysis(file)).profile

        return await self._in_time(find)

    async def prepare(self, file: TrackFile, wish: Wish) -> None:
        """Find out all that is needed to resolve a wish in a moment, however long that takes.

        Raises:
            SourceError: a track cannot be played, and so not analysed.
            Busy: too much is asked for at once.
        """
        # Nobody waits for it: one core is enough.
        await self._room.analyst.analysis(file, hurried=False)
        await self._resolve(file, wish)

    async def foresee(self, file: TrackFile, wish: Wish) -> None:
        """Find out what the other presets need of a track that is heard: who tries them then hears them at once.

        One track at a time, so that those who have asked for something wait for little else; not of a long one, and
        more than of this very track, as it is analysed already, only where that may be found out unasked. To be
        cancelled as soon as something is asked for.
        """
        alone = wish.enhanced and not wish.album
        if is_long(file) or wish.reference is not None or not (alone or self._room.foresees()):
            return
        async with self._foresight:
            key = (file.origin, msgspec.structs.replace(wish, enhanced=True, preset="adaptive"), self._target())
            if key not in self._foreseen:
                with suppress(AuralisError):  # who asks for it is told
                    await self._foresee(file, wish, self._target())
                    self._keep(self._foreseen, key, None)

    async def _foresee(self, file: TrackFile, wish: Wish, target: Target) -> None:
        analyst = self._room.analyst
        analysis = await analyst.analysis(file, hurried=False)
        for preset in PRESETS:
            if await analyst.known_tuning(file, _sound(preset, target)) is None:
                await self._read_ahead(file, analysis, preset, target)
            await self._resolve(file, msgspec.structs.replace(wish, enhanced=True, preset=preset))
        analyst.forget_excerpts(file)

    async def _read_ahead(self, file: TrackFile, analysis: Analysis, preset: str, target: Target) -> None:
        def read(source: AudioSource, excerpts: Excerpts, check: Check) -> None:
            read_ahead(source, analysis, preset, target, check, excerpts=excerpts)

        await self._room.analyst.read_ahead(file, read)

    async def resolve(self, file: TrackFile, wish: Wish) -> Mastered:
        """What is to be done to a track, and the loudness to expect.

        Raises:
            Busy: the analysis is still running, or too much is asked for at once.
            SourceError: a track cannot be played, and so not analysed.
            NotFound: there is no such reference.
            InvalidRequest: the wish contradicts itself, or the reference has no loudness.
        """
        if wish.plain:
            return UNMASTERED
        return await self._in_time(partial(self._resolve, file, wish))

    async def resolve_soon(self, file: TrackFile, wish: Wish) -> Mastered:
        """The same for a stream that wants to begin: a long track that was never analysed is only looked at.

        Raises:
            Busy, SourceError, NotFound, InvalidRequest: as in `resolve`.
        """
        if wish.plain or wish.album or wish.reference is not None or not is_long(file):
            return await self.resolve(file, wish)
        if await self._room.analyst.known(file) is not None:
            return await self.resolve(file, wish)
        self._room.flights.begin(("recipe", file.origin), partial(self._resolve, file, wish))
        return await self._in_time(partial(self._look, file, wish))

    async def _in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        with trio.move_on_after(self._deadline_s):
            return await work()
        raise Busy("The track is being analysed. Ask again in a moment.", code="analysis_running", retry_after_s=2)

    async def _look(self, file: TrackFile, wish: Wish) -> Mastered:
        quick = await self._room.analyst.quick_look(file)
        found = await self._think(master, quick, wish.preset, wish.intensity, self._target())
        # Where the track is loud and quiet is not known yet.
        recipe = msgspec.structs.replace(found.recipe, automation_db=())
        return _matched(msgspec.structs.replace(found, recipe=recipe), wish, quick, found.expected_lufs)

    async def _resolve(self, file: TrackFile, wish: Wish) -> Mastered:
        target = self._target()
        others = await self._others(file, wish)
        key = (file.origin, wish, target, *(other.origin for other in others))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = await self._room.flights.join(key, partial(self._find, file, others, wish, target))
        self._keep(self._kept, key, found)
        return found

    def _keep(self, kept: OrderedDict[Hashable, T], key: Hashable, value: T) -> None:
        """Keep the last ones."""
        kept[key] = value
        if len(kept) > self.max_kept:
            kept.popitem(last=False)

    async def _others(self, file: TrackFile, wish: Wish) -> list[TrackFile]:
        """Which further tracks the recipe depends on."""
        if wish.album and wish.reference is not None:
            raise InvalidRequest("Give either album or reference.")
        if wish.reference is not None:
            return [await self._room.catalogue.find_track(wish.reference)]
        if not wish.album:
            return []
        album: list[TrackFile] = await self._room.catalogue.ask(album_files, file.track_id)
        if len(album) > MAX_ALBUM_TRACKS:
            raise InvalidRequest(
                f"An album of more than {MAX_ALBUM_TRACKS} tracks cannot be mastered as one: leave album out."
            )
        return [each.at_rate(file.resample_hz) for each in album]

    async def _find(self, file: TrackFile, others: list[TrackFile], wish: Wish, target: Target) -> Mastered:
        analysis = await self._room.analyst.analysis(file)
        if wish.reference is not None:
            found, own = await self._after(file, others[0], analysis, (wish, target))
        elif wish.album:
            found, own = await self._as_album(file, others, analysis, (wish, target))
        else:
            tuning = await self._tuning(file, wish, target, analysis)
            found = await self._think(master, analysis, wish.preset, wish.intensity, target, tuning)
            own = found.expected_lufs
        return _matched(found, wish, analysis, own)

    async def _after(
        self, file: TrackFile, model: TrackFile, analysis: Analysis, wanted: tuple[Wish, Target]
    ) -> tuple[Mastered, float | None]:
        """Mastered after a reference, and the loudness to expect."""
        wish, target = wanted
        reference = await self._room.analyst.analysis(model)

        def tune_it(source: AudioSource, excerpts: Excerpts, check: Check) -> Tuning:
            return tune_to_reference(source, analysis, reference, target, check, excerpts=excerpts)

        name = _sound(f"reference {model.origin}", target)
        tuning = await self._room.analyst.tuning(file, name, tune_it)
        found = await self._think(match, analysis, reference, wish.intensity, target, tuning)
        return found, found.expected_lufs

    async def _as_album(
        self, file: TrackFile, album: list[TrackFile], analysis: Analysis, wanted: tuple[Wish, Target]
    ) -> tuple[Mastered, float | None]:
        """Mastered as a part of its album, and the loudness to expect of this track."""
        wish, target = wanted
        analyses = [await self._room.analyst.analysis(each) for each in album]
        tunings = [await self._tuning(each, wish, target, known) for each, known in zip(album, analyses, strict=True)]
        found = await self._think(master_album, analyses, wish.preset, wish.intensity, target, tunings)
        own = dict(zip((each.content_id for each in album), tunings, strict=True))[file.content_id]
        return found, await self._think(_own_lufs, analysis, found.recipe, own)

    async def _tuning(self, file: TrackFile, wish: Wish, target: Target, analysis: Analysis) -> Tuning:
        def tune_it(source: AudioSource, excerpts: Excerpts, check: Check) -> Tuning:
            return tune(source, analysis, wish.preset, target, check, excerpts=excerpts)

        return await self._room.analyst.tuning(file, _sound(wish.preset, target), tune_it)

    async def _think(self, work: Callable[..., T], *args: Any) -> T:
        """Arithmetic of some milliseconds."""
        return await self._room.offload.run(Lane.AUDIO, work, *args)


def _sound(preset: str, target: Target) -> str:
    """What a tuning is kept as."""
    return f"{preset} {target.offset_lu:g} {target.ceiling_dbtp:g}"


def _own_lufs(analysis: Analysis, recipe: Recipe, tuning: Tuning) -> float | None:
    """The loudness that one track of an album gets by the album's recipe."""
    original_lufs = analysis.profile.values.get("integrated_lufs")
    if recipe.identity:
        return original_lufs
    own = outlook(Heard.of(analysis.ledger), original_lufs, recipe, recipe.intensity * tuning.correction_lu)
    return None if own is None else own.lufs(recipe.gain_db)


def _matched(found: Mastered, wish: Wish, analysis: Analysis, own_expected_lufs: float | None) -> Mastered:
    """What is heard of the pair of original and mastered, turned down to the other where that is wished."""
    original_lufs = analysis.profile.values.get("integrated_lufs")
    trims = (0.0, 0.0)
    if wish.match_loudness and original_lufs is not None and own_expected_lufs is not None:
        trims = trims_db(original_lufs, own_expected_lufs)
    if not wish.enhanced:
        return msgspec.structs.replace(UNMASTERED, recipe=_trimmed(AS_RECORDED, trims[0]))
    expected_lufs = None if found.expected_lufs is None else round(found.expected_lufs + trims[1], 3)
    return msgspec.structs.replace(found, recipe=_trimmed(found.recipe, trims[1]), expected_lufs=expected_lufs)


def _trimmed(recipe: Recipe, trim_db: float) -> Recipe:
    return with_trim(recipe, trim_db) if trim_db else recipe
