"""How things are to sound where nobody says otherwise: the listeners' settings, and the older names for some."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from auralis_trio.stream.listening import ListeningSettings
from auralis_trio.stream.telling import EnhancementNow
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.wishes import Intensity, PresetName

# One member for each setting; what is not named stays.
SettingsChange = msgspec.defstruct(
    "SettingsChange",
    [(setting.name, setting.type | UnsetType, UNSET) for setting in msgspec.structs.fields(ListeningSettings)],
    frozen=True,
    forbid_unknown_fields=True,
)


class Toggle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether tracks are mastered."""

    enabled: bool


class PresetChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which preset."""

    preset: PresetName


class IntensityChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much, from 0 to 1."""

    intensity: Intensity


@dataclass(frozen=True)
class SettingsApi:
    """What stands under `/api/settings` and `/api/player/enhancement`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        player = "/api/player/enhancement"
        return [
            Route("GET", "/api/settings", self.settings),
            Route("PUT", "/api/settings", self.change, body=SettingsChange),
            Route("GET", f"{player}/status", self.status),
            Route("POST", f"{player}/toggle", self.toggle),
            Route("POST", f"{player}/preset", self.preset),
            Route("POST", f"{player}/intensity", self.intensity),
        ]

    async def settings(self) -> ListeningSettings:
        """All settings."""
        return self.services.listening.settings

    async def change(self, body: msgspec.Struct) -> ListeningSettings:
        """Take new values; what is left out stays."""
        await self._change(msgspec.to_builtins(body))
        return self.services.listening.settings

    async def status(self) -> EnhancementNow:
        """The settings of the enhancement."""
        return self._status()

    async def toggle(self, body: Toggle) -> EnhancementNow:
        """Master tracks, or play them as recorded."""
        await self._change({"enhancement_enabled": body.enabled})
        return self._status()

    async def preset(self, body: PresetChoice) -> EnhancementNow:
        """Choose a preset."""
        await self._change({"preset": body.preset})
        return self._status()

    async def intensity(self, body: IntensityChoice) -> EnhancementNow:
        """Choose an intensity."""
        await self._change({"intensity": body.intensity})
        return self._status()

    async def _change(self, values: Mapping[str, Any]) -> None:
        """Take these values, and wait until they are written down, or cannot be for now."""
        self.services.listening.change(values)
        await self.services.listening.news.wait_written()

    def _status(self) -> EnhancementNow:
        return self.services.listening.enhancement()
