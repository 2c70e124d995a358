"""The listeners' settings: the one owner of how things are to sound where nobody says otherwise.

A change counts at once, is told to everybody, and is written down by a task of its own soon after.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from auralis_trio.errors import InvalidRequest
from auralis_trio.fitting import misfit
from auralis_trio.library.settings import get_settings, keep_settings
from auralis_trio.mastering.join import MAX_CROSSFADE_S
from auralis_trio.mastering.resolve import Target
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import News, keep_written
from auralis_trio.wire.wishes import Intensity, PresetName, Wish

log = logging.getLogger(__name__)


class ListeningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What listeners may choose. `loudness_offset_lu` is added to every preset's target.

    `crossfade_s` is how long the end of a track in the queue and the head of the next are heard at once; tracks that
    follow each other on an album never are.
    """

    enhancement_enabled: bool = False
    preset: PresetName = "adaptive"
    intensity: Intensity = 1.0
    match_loudness: bool = False
    loudness_offset_lu: Annotated[float, Meta(ge=-10, le=6)] = 0.0
    ceiling_dbtp: Annotated[float, Meta(ge=-6, le=-0.5)] = -1.0
    analyse_library: bool = True
    crossfade_s: Annotated[float, Meta(ge=0, le=MAX_CROSSFADE_S)] = 0.0


class Listening:
    """The settings of one server; each change is told to `changed`, then `followers` are called."""

    def __init__(self, catalogue: Catalogue, changed: Callable[[dict[str, Any]], None]) -> None:
        self.settings = ListeningSettings()
        self.followers: list[Callable[[], None]] = []
        self._catalogue = catalogue
        self._changed = changed
        self._unkept: dict[str, Any] = {}
        self.news = News()

    @property
    def wish(self) -> Wish:
        """How a track is to sound."""
        now = self.settings
        return Wish(
            enhanced=now.enhancement_enabled,
            preset=now.preset,
            intensity=now.intensity,
            match_loudness=now.match_loudness,
        )

    @property
    def target(self) -> Target:
        """Where mastering leads."""
        return Target(offset_lu=self.settings.loudness_offset_lu, ceiling_dbtp=self.settings.ceiling_dbtp)

    def enhancement(self) -> dict[str, Any]:
        """The settings of the enhancement, as they are told."""
        now = self.settings
        return {
            "enabled": now.enhancement_enabled,
            "preset": now.preset,
            "intensity": now.intensity,
            "match_loudness": now.match_loudness,
            "loudness_offset_lu": now.loudness_offset_lu,
            "ceiling_dbtp": now.ceiling_dbtp,
        }

    def change(self, values: Mapping[str, Any]) -> None:
        """Take these values by their names; the others stay.

        Raises:
            InvalidRequest: there is no such setting, or a value cannot be used; then nothing is changed.
        """
        before = msgspec.structs.asdict(self.settings)
        try:
            self.settings = msgspec.convert({**before, **values}, ListeningSettings)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"A setting cannot be used: {misfit(error, ListeningSettings)}") from None
        after = msgspec.structs.asdict(self.settings)
        changed = {name: value for name, value in after.items() if value != before[name]}
        if changed:
            self._unkept |= changed
            self.news.tell()
            self._changed(self.enhancement())
            for follow in self.followers:
                follow()

    async def load(self) -> None:
        """Take what was kept; a value that can no longer be used is left out."""
        for name, value in (await self._catalogue.ask(get_settings)).items():
            try:
                now = msgspec.structs.asdict(self.settings)
                self.settings = msgspec.convert({**now, name: value}, ListeningSettings)
            except msgspec.ValidationError:
                log.warning("the kept setting %s cannot be used", name)

    async def run_keeper(self) -> None:
        """Write changes down, until cancelled."""
        await keep_written("what the listeners chose", self.news, self._keep)

    async def _keep(self) -> None:
        values = dict(self._unkept)
        if values:
            await self._catalogue.tell(keep_settings, values)
            self._unkept = {name: value for name, value in self._unkept.items() if values.get(name, ...) != value}
