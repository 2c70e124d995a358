"""From tracks and a wish to a medley: what is there, how long it is, at which rate it is heard and in which sound."""

from collections.abc import Sequence

import msgspec
import trio

from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.errors import Busy, SourceMissing, about
from auralis_trio.library.medleys import MedleyTrack
from auralis_trio.mastering import Sound
from auralis_trio.mastering.join import Curve, Join
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.mastery import Mastery
from auralis_trio.stream.medley import Medley, arranged, common_rate, named
from auralis_trio.stream.renderer import Renderer
from auralis_trio.wire.wishes import Wish
from auralis_trio.work.original import are_there


class MedleyWish(msgspec.Struct, frozen=True, kw_only=True):
    """How tracks are to be heard one behind the other.

    `sample_rate` None is the one that most frames have. With `skip_missing` tracks whose files are gone are left out;
    `within_albums` says whether neighbours of one album are joined as well.
    """

    wish: Wish
    sample_rate: int | None = None
    crossfade_s: float = 0.0
    curve: Curve = "equal_power"
    skip_missing: bool = False
    within_albums: bool = False


class Composer:
    """Makes medleys; what it finds out about tracks is kept where it always is."""

    def __init__(self, renderer: Renderer, catalogue: Catalogue, mastery: Mastery, deadline_s: float) -> None:
        self._renderer = renderer
        self._catalogue = catalogue
        self._mastery = mastery
        self._deadline_s = deadline_s

    async def compose(self, tracks: Sequence[MedleyTrack], wanted: MedleyWish) -> Medley:
        """The medley of these tracks.

        Raises:
            SourceMissing: a file is not there, or none is.
            SourceError: a file must be counted first, and cannot be.
            Conflict: their channels do not go together.
            Busy: one is still being analysed.
        """
        there = await self._there(tracks, wanted.skip_missing)
        counted = [await self._counted(track) for track in there]
        rate = wanted.sample_rate or common_rate([track.file for track in counted])
        at_rate = [msgspec.structs.replace(track, file=track.file.at_rate(rate)) for track in counted]
        sounds = await self._sounds(at_rate, wanted.wish)
        join = Join(seconds_to_frame(wanted.crossfade_s, rate), wanted.curve)
        return arranged(list(zip(at_rate, sounds, strict=True)), join, within_albums=wanted.within_albums)

    async def _there(self, tracks: Sequence[MedleyTrack], skip_missing: bool) -> list[MedleyTrack]:
        seen = await self._renderer.read_disk(are_there, [track.file.path for track in tracks])
        there = [track for track, found in zip(tracks, seen, strict=True) if found]
        if not there or (len(there) < len(tracks) and not skip_missing):
            gone = [track.title for track in tracks if track not in there]
            rest = ", or leave them out with skip_missing=true" if there else " and scan the library again"
            raise SourceMissing(f"Files of these tracks are missing: {named(gone)}. Bring them back{rest}.")
        return there

    async def _counted(self, track: MedleyTrack) -> MedleyTrack:
        """The track with its length, which is noted where it had to be counted."""
        if track.file.total_frames is not None:
            return track
        with about(track.name):
            async with self._renderer.open_track(track.file) as opened:
                await self._catalogue.keep_length(opened)
                file = msgspec.structs.replace(track.file, total_frames=opened.total_frames)
        return msgspec.structs.replace(track, file=file)

    async def _sounds(self, tracks: Sequence[MedleyTrack], wish: Wish) -> list[Sound]:
        """The recipe for each; all of them must be found by the deadline that one track has otherwise."""
        with trio.move_on_after(self._deadline_s):  # noqa: ASYNC100  # a medley has tracks
            return [await self._sound(track, wish) for track in tracks]
        raise Busy("The tracks are being analysed. Ask again in a moment.", code="analysis_running", retry_after_s=2)

    async def _sound(self, track: MedleyTrack, wish: Wish) -> Sound:
        with about(track.name):
            return (await self._mastery.resolve(track.file, wish)).recipe
