"""What can be done to sound, and what is known of each track's: presets, dimensions, profiles, parameters."""

from dataclasses import dataclass
from typing import Any

import msgspec
from quart import Response

from auralis_trio.analysis import ANALYSIS_VERSION, DIMENSIONS, Dimension, Profile
from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.library.album_profile import album_profile
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.recommend import recommend
from auralis_trio.web.answers import describe_mastering, json_response
from auralis_trio.web.query import NoParameters, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.wire.wishes import Id, Wish, wish_in

BAND_HZ = [round(float(centre_hz), 2) for centre_hz in CENTRES_HZ]


class ParametersQuery(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which track, and how it is to sound."""

    track_id: Id
    enhanced: bool = True


@dataclass(frozen=True)
class ProcessingApi:
    """What stands under `/api/processing`, and what the analysis says of tracks."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/api/processing/presets", self.presets),
            Route("GET", "/api/processing/dimensions", self.dimensions),
            Route("GET", "/api/processing/parameters", self.parameters),
            Route("GET", "/api/library/tracks/<int:track_id>/profile", self.profile),
            Route("GET", "/api/albums/<int:album_id>/profile", self.album_profile),
            Route("GET", "/api/library/analysis/status", self.analysis_status),
            Route("GET", "/api/player/mastering/recommendation/<int:track_id>", self.recommendation),
        ]

    async def presets(self) -> Response:
        """Every preset, with all that it is made of."""
        query(NoParameters)
        return json_response({"items": [{"name": name, **_plain(preset)} for name, preset in PRESETS.items()]})

    async def dimensions(self) -> Response:
        """What is measured of each track."""
        query(NoParameters)
        return json_response({"items": [_described(dimension) for dimension in DIMENSIONS]})

    async def parameters(self) -> Response:
        """The recipe for a track in plain numbers; its curves hold at `band_hz`."""
        wanted = query(ParametersQuery)
        file = await self.services.catalogue.find_track(wanted.track_id)
        mastered = await self.services.mastery.resolve(file, wish_in(wanted))
        return json_response(
            {
                "track_id": wanted.track_id,
                "key": mastered.recipe.key,
                **describe_mastering(mastered),
                "recipe": mastered.recipe,
                "band_hz": BAND_HZ,
            }
        )

    async def profile(self, track_id: int) -> Response:
        """What was measured of a track, and where nothing was, why."""
        query(NoParameters)
        profile = await self._profile(track_id)
        values = {
            dimension.name: {
                "value": profile.values[dimension.name],
                "reason": profile.reasons.get(dimension.name),
                "unit": dimension.unit,
                "low": dimension.low,
                "high": dimension.high,
            }
            for dimension in DIMENSIONS
        }
        return json_response({"track_id": track_id, **_plain(profile), "values": values, "band_hz": BAND_HZ})

    async def album_profile(self, album_id: int) -> Response:
        """The medians of what was measured of an album's tracks until now."""
        query(NoParameters)
        found = await self.services.catalogue.ask(album_profile, album_id, [each.name for each in DIMENSIONS])
        values = {
            dimension.name: {**_plain(found.values[dimension.name]), "unit": dimension.unit}
            for dimension in DIMENSIONS
        }
        return json_response({"album_id": album_id, "version": ANALYSIS_VERSION, **_plain(found), "values": values})

    async def analysis_status(self) -> Response:
        """How far the analysis of the library is."""
        query(NoParameters)
        return json_response(self.services.analysis.progress)

    async def recommendation(self, track_id: int) -> Response:
        """Which preset suits a track, and why."""
        query(NoParameters)
        profile = await self._profile(track_id)
        return json_response({"track_id": track_id, **_plain(recommend(profile))})

    async def _profile(self, track_id: int) -> Profile:
        file = await self.services.catalogue.find_track(track_id)
        return await self.services.mastery.profile(file)


def _described(dimension: Dimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        "unit": dimension.unit,
        "low": dimension.low,
        "high": dimension.high,
        "formula": dimension.formula,
        "version": dimension.version,
    }


def _plain(record: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain
