"""How things are to sound where nobody says otherwise: the listeners' settings, and the older names for some."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from quart import Response

from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.wishes import Intensity, PresetName


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
            Route("PUT", "/api/settings", self.change),
            Route("GET", f"{player}/status", self.status),
            Route("POST", f"{player}/toggle", self.toggle),
            Route("POST", f"{player}/preset", self.preset),
            Route("POST", f"{player}/intensity", self.intensity),
        ]

    async def settings(self) -> Response:
        """All settings."""
        query(NoParameters)
        return json_response(self.services.listening.settings)

    async def change(self) -> Response:
        """Take new values; what is left out stays."""
        await self._change(await body(dict[str, Any]))
        return json_response(self.services.listening.settings)

    async def status(self) -> Response:
        """The settings of the enhancement."""
        query(NoParameters)
        return self._status()

    async def toggle(self) -> Response:
        """Master tracks, or play them as recorded."""
        await self._change({"enhancement_enabled": (await body(Toggle)).enabled})
        return self._status()

    async def preset(self) -> Response:
        """Choose a preset."""
        await self._change({"preset": (await body(PresetChoice)).preset})
        return self._status()

    async def intensity(self) -> Response:
        """Choose an intensity."""
        await self._change({"intensity": (await body(IntensityChoice)).intensity})
        return self._status()

    async def _change(self, values: Mapping[str, Any]) -> None:
        """Take these values, and wait until they are written down, or cannot be for now."""
        self.services.listening.change(values)
        await self.services.listening.news.wait_written()

    def _status(self) -> Response:
        return json_response(self.services.listening.enhancement())
