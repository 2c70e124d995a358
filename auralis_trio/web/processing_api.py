"""What can be done to sound, and what is known of each track's: presets, dimensions, profiles, parameters."""

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec

from auralis_trio.analysis import ANALYSIS_VERSION, DIMENSIONS, Dimension, Profile
from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.jobs.analysis import AnalysisProgress
from auralis_trio.library.album_profile import Middle, album_profile
from auralis_trio.mastering.presets import PRESETS, Preset
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.mastering.recommend import Recommendation, recommend
from auralis_trio.web.answers import MasteringSummary, describe_mastering
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.sounds import SOUND_ERRORS
from auralis_trio.wire.wishes import Id, Wish, wish_in

BAND_HZ = [round(float(centre_hz), 2) for centre_hz in CENTRES_HZ]


class ParametersQuery(Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which track, and how it is to sound."""

    track_id: Id
    enhanced: bool = True


class NamedPreset(Preset, frozen=True, kw_only=True):
    """A preset by its name, with all that it is made of."""

    name: str


class Presets(TypedDict):
    """Every preset."""

    items: list[NamedPreset]


class DimensionDescription(TypedDict):
    """A figure that is measured: it lies within `low` and `high`; `version` rises when its formula changes."""

    name: str
    unit: str
    low: float
    high: float
    formula: str
    version: int


class Dimensions(TypedDict):
    """What is measured of each track."""

    items: list[DimensionDescription]


class Parameters(MasteringSummary):
    """The recipe for a track, by its `key` and in numbers; its curves hold at `band_hz`."""

    track_id: int
    key: str
    recipe: Recipe
    band_hz: list[float]


class MeasuredValue(TypedDict):
    """One figure of a track; null where it could not be measured: then there is a `reason`."""

    value: float | None
    reason: str | None
    unit: str
    low: float
    high: float


class TrackProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a track, the spectra of mid and side at `band_hz`; `quick`: in a few places only.

    `source_sha256` is that of the decoded float32 frames, interleaved and little-endian.
    """

    track_id: int
    version: int
    sample_rate: int
    channels: int
    total_frames: int
    quick: bool
    values: dict[str, MeasuredValue]
    reasons: dict[str, str]
    mid_db: tuple[float | None, ...]
    side_db: tuple[float | None, ...]
    source_sha256: str | None
    band_hz: list[float]


class MiddleValue(Middle, frozen=True, kw_only=True):
    """One dimension's median over so many `tracks` as it was measured of; null where that is none."""

    unit: str


class MiddleProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What an album is like: of all its `tracks`, so many are `measured`."""

    album_id: int
    version: int
    tracks: int
    measured: int
    values: dict[str, MiddleValue]


class TrackRecommendation(Recommendation, frozen=True, kw_only=True):
    """The preset that suits a track best: why, how sure that is (0 to 1), and the others from the best down."""

    track_id: int


@dataclass(frozen=True)
class ProcessingApi:
    """What stands under `/api/processing`, and what the analysis says of tracks."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [
            Route("GET", "/api/processing/presets", self.presets),
            Route("GET", "/api/processing/dimensions", self.dimensions),
            Route("GET", "/api/processing/parameters", self.parameters, raises=SOUND_ERRORS),
            Route("GET", "/api/library/tracks/<int:track_id>/profile", self.profile, raises=SOUND_ERRORS),
            Route("GET", "/api/albums/<int:album_id>/profile", self.album_profile),
            Route("GET", "/api/library/analysis/status", self.analysis_status),
            Route(
                "GET", "/api/player/mastering/recommendation/<int:track_id>", self.recommendation, raises=SOUND_ERRORS
            ),
        ]

    async def presets(self) -> Presets:
        """Every preset, with all that it is made of."""
        return {"items": [NamedPreset(name=name, **_fields(preset)) for name, preset in PRESETS.items()]}

    async def dimensions(self) -> Dimensions:
        """What is measured of each track."""
        return {"items": [_described(dimension) for dimension in DIMENSIONS]}

    async def parameters(self, query: ParametersQuery) -> Parameters:
        """The recipe for a track in plain numbers; its curves hold at `band_hz`."""
        file = await self.services.catalogue.find_track(query.track_id)
        mastered = await self.services.mastery.resolve(file, wish_in(query))
        return {
            "track_id": query.track_id,
            "key": mastered.recipe.key,
            **describe_mastering(mastered),
            "recipe": mastered.recipe,
            "band_hz": BAND_HZ,
        }

    async def profile(self, track_id: int) -> TrackProfile:
        """What was measured of a track, and where nothing was, why."""
        profile = await self._profile(track_id)
        values: dict[str, MeasuredValue] = {
            dimension.name: {
                "value": profile.values[dimension.name],
                "reason": profile.reasons.get(dimension.name),
                "unit": dimension.unit,
                "low": dimension.low,
                "high": dimension.high,
            }
            for dimension in DIMENSIONS
        }
        return TrackProfile(track_id=track_id, band_hz=BAND_HZ, **{**_fields(profile), "values": values})

    async def album_profile(self, album_id: int) -> MiddleProfile:
        """The medians of what was measured of an album's tracks until now."""
        found = await self.services.catalogue.ask(album_profile, album_id, [each.name for each in DIMENSIONS])
        values = {
            dimension.name: MiddleValue(**_fields(found.values[dimension.name]), unit=dimension.unit)
            for dimension in DIMENSIONS
        }
        return MiddleProfile(
            album_id=album_id,
            version=ANALYSIS_VERSION,
            tracks=found.tracks,
            measured=found.measured,
            values=values,
        )

    async def analysis_status(self) -> AnalysisProgress:
        """How far the analysis of the library is."""
        return self.services.analysis.progress

    async def recommendation(self, track_id: int) -> TrackRecommendation:
        """Which preset suits a track, and why."""
        profile = await self._profile(track_id)
        return TrackRecommendation(track_id=track_id, **_fields(recommend(profile)))

    async def _profile(self, track_id: int) -> Profile:
        file = await self.services.catalogue.find_track(track_id)
        return await self.services.mastery.profile(file)


def _described(dimension: Dimension) -> DimensionDescription:
    return {
        "name": dimension.name,
        "unit": dimension.unit,
        "low": dimension.low,
        "high": dimension.high,
        "formula": dimension.formula,
        "version": dimension.version,
    }


def _fields(record: msgspec.Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(record)
