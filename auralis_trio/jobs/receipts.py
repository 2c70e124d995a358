"""Receipts: whole tracks are rendered and measured behind their recipes, one at a time, and what came out is kept.

Nobody waits for a receipt: who asks is told how far it is, and asks again. A render that failed is told to whoever
asks next, and tried anew after that.
"""

from collections import OrderedDict
from functools import partial
from typing import Literal

import msgspec
import trio

from auralis_trio.audio.source import AudioSource, Check
from auralis_trio.errors import AuralisError
from auralis_trio.jobs import Announce
from auralis_trio.library.mastering_store import get_receipt, keep_receipt
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.stream.analyst import deadline_of
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.work.whole import Outcome, OutcomeMeter, rendered

MAX_RECEIPTS = 16
"""How many may be under way or wait for their turn."""

MAX_FAILURES = 64


class ReceiptProgress(msgspec.Struct, kw_only=True):
    """How far a receipt is, in frames of its track."""

    kind: Literal["receipt"] = "receipt"
    track_id: int
    revision: str
    state: Literal["waiting", "running", "finished", "cancelled", "failed"] = "waiting"
    done_frames: int = 0
    total_frames: int


class Receipts:
    """The receipts of one library. `announce` is told `job_progress` when one begins and when it ends."""

    def __init__(self, catalogue: Catalogue, renderer: Renderer, nursery: trio.Nursery, announce: Announce) -> None:
        self._catalogue = catalogue
        self._renderer = renderer
        self._flights = Flights(nursery, MAX_RECEIPTS)
        self._announce = announce
        self._turn = trio.CapacityLimiter(1)
        self._progress: dict[str, ReceiptProgress] = {}
        self._failures: OrderedDict[str, AuralisError] = OrderedDict()

    def under_way(self) -> list[ReceiptProgress]:
        """What is rendered now, and what waits."""
        return list(self._progress.values())

    async def ask(self, track: OpenTrack, recipe: Recipe) -> Outcome | ReceiptProgress:
        """What the track measures behind the recipe, or how far that is; begun if need be.

        Raises:
            Busy: too many are asked for at once.
            AuralisError: why it could not be rendered when it was last tried.
        """
        revision = track.revision(recipe)
        kept = await self._catalogue.ask(get_receipt, revision)
        if kept is not None:
            return msgspec.json.decode(kept, type=Outcome)
        failure = self._failures.pop(revision, None)
        if failure is not None:
            raise failure
        progress = self._progress.get(revision)
        if progress is None:
            progress = ReceiptProgress(
                track_id=track.file.track_id, revision=revision, total_frames=track.total_frames
            )
            file = msgspec.structs.replace(track.file, total_frames=track.total_frames)
            self._flights.begin(revision, partial(self._run, file, recipe, progress))
            self._progress[revision] = progress
        return progress

    def cancel_nowait(self, revision: str) -> bool:
        """Call a receipt off; whether there was one under way."""
        return self._flights.cancel_nowait(revision)

    async def _run(self, file: TrackFile, recipe: Recipe, progress: ReceiptProgress) -> None:
        try:
            async with self._turn:
                progress.state = "running"
                self._tell(progress)
                outcome = await self._measured(file, recipe, progress)
                text = msgspec.json.encode(outcome).decode()
                await self._catalogue.tell(keep_receipt, file.content_id, progress.revision, text)
                progress.state = "finished"
        except AuralisError as error:
            progress.state = "failed"
            self._remember(progress.revision, error)
        finally:
            if progress.state in ("waiting", "running"):
                progress.state = "cancelled"
            del self._progress[progress.revision]
            self._tell(progress)

    async def _measured(self, file: TrackFile, recipe: Recipe, progress: ReceiptProgress) -> Outcome:
        def measure(source: AudioSource, check: Check) -> Outcome:
            meter = OutcomeMeter(source.format)
            for block in rendered(source, recipe, check):
                meter.add(block)
                progress.done_frames += block.frames
            return meter.result()

        async with self._renderer.open_track(file) as track:
            return await track.work(measure, deadline_of(file))

    def _remember(self, revision: str, error: AuralisError) -> None:
        self._failures[revision] = error
        if len(self._failures) > MAX_FAILURES:
            self._failures.popitem(last=False)

    def _tell(self, progress: ReceiptProgress) -> None:
        self._announce("job_progress", msgspec.to_builtins(progress))
