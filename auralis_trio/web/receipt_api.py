"""Receipts: the way of the signal from the file to the samples, in numbers, and the hash of what comes out."""

from dataclasses import dataclass

from quart import Response

from auralis_trio.errors import Conflict
from auralis_trio.jobs.receipts import ReceiptProgress
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, body, query
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services
from auralis_trio.web.sounds import Sound, open_sound
from auralis_trio.work.whole import receipt

RETRY_AFTER_S = 1


@dataclass(frozen=True)
class ReceiptApi:
    """What stands under `/api/stream/ID/receipt`."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        path = "/api/stream/<int:track_id>/receipt"
        return [Route("GET", path, self.receipt), Route("POST", f"{path}/cancel", self.cancel)]

    async def receipt(self, track_id: int) -> Response:
        """The receipt, or how far the render is that it is made from."""
        sound = query(Sound)
        async with open_sound(self.services, track_id, sound) as (track, mastered):
            found = await self.services.receipts.ask(track, mastered.recipe)
            if isinstance(found, ReceiptProgress):
                answer = json_response(found, 202)
                answer.headers["Retry-After"] = str(RETRY_AFTER_S)
                return answer
            profile = await self.services.mastery.profile(track.file)
            told = receipt(profile, mastered, found)
            told["source"] |= {"content_id": track.file.file_content_id, "format": track.file.kind}
            told["resampled_to_hz"] = track.file.resample_hz
            return json_response({"track_id": track_id, "revision": track.revision(mastered.recipe), **told})

    async def cancel(self, track_id: int) -> Response:
        """Call the render off."""
        sound = query(Sound)
        await body(NoParameters)
        async with open_sound(self.services, track_id, sound) as (track, mastered):
            if not self.services.receipts.cancel_nowait(track.revision(mastered.recipe)):
                raise Conflict("No receipt of this sound is being made.", code="no_receipt")
        return json_response({"cancelled": True}, 202)
