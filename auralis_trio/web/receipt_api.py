"""Receipts: the way of the signal from the file to the samples, in numbers, and the hash of what comes out."""

from dataclasses import dataclass
from typing import Any

import msgspec

from auralis_trio.errors import Conflict
from auralis_trio.jobs.receipts import ReceiptProgress
from auralis_trio.web.answers import Accepted
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.sounds import SOUND_ERRORS, SoundQuery, open_sound
from auralis_trio.work.whole import receipt

RETRY_AFTER_S = 1


class ReceiptSource(msgspec.Struct, frozen=True, kw_only=True):
    """What came in: the SHA-256 is that of its float32 frames."""

    sample_rate: int
    channels: int
    total_frames: int
    sha256: str | None
    decoder: str
    content_id: str
    format: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The whole way of the signal: levels `before` and `after`, and the `recipe` between them, with its key.

    `sha256` is that of the float32 frames that come out. Null: there is nothing to measure, or it was not done.
    """

    track_id: int
    revision: str
    source: ReceiptSource
    resampled_to_hz: int | None
    before: dict[str, float | None]
    recipe: dict[str, Any]
    target_lufs: float | None
    expected_lufs: float | None
    limited_by: str | None
    shortfall_lu: float
    after: dict[str, float | None]
    frames: int
    sha256: str
    versions: dict[str, str | int]


class Cancelled(msgspec.Struct, frozen=True):
    """It is called off."""

    cancelled: bool = True


@dataclass(frozen=True)
class ReceiptApi:
    """What stands under `/api/stream/ID/receipt`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        path = "/api/stream/<int:track_id>/receipt"
        return [
            Route("GET", path, self.receipt, raises=SOUND_ERRORS),
            Route("POST", f"{path}/cancel", self.cancel, raises=SOUND_ERRORS),
        ]

    async def receipt(self, track_id: int, query: SoundQuery) -> Receipt | Accepted[ReceiptProgress]:
        """The receipt, or how far the render is that it is made from."""
        async with open_sound(self.services, track_id, query) as (track, mastered):
            found = await self.services.receipts.ask(track, mastered.recipe)
            if isinstance(found, ReceiptProgress):
                return Accepted(found, {"Retry-After": str(RETRY_AFTER_S)})
            profile = await self.services.mastery.profile(track.file)
            told = receipt(profile, mastered, found)
            source = told.pop("source")
            return Receipt(
                track_id=track_id,
                revision=track.revision(mastered.recipe),
                source=ReceiptSource(**source, content_id=track.file.file_content_id, format=track.file.kind),
                resampled_to_hz=track.file.resample_hz,
                **told,
            )

    async def cancel(self, track_id: int, query: SoundQuery) -> Accepted[Cancelled]:
        """Call the render off."""
        async with open_sound(self.services, track_id, query) as (track, mastered):
            if not self.services.receipts.cancel_nowait(track.revision(mastered.recipe)):
                raise Conflict("No receipt of this sound is being made.", code="no_receipt")
        return Accepted(Cancelled())
