"""Uploads: files that clients send, taken piece by piece, looked at, stored and handed to the scan.

    body > draft on the disk > probed in a worker process > compared with what there is > named > scanned

Until it has its name, whatever goes wrong or cancels leaves nothing behind. From then on it is a file like any other.
"""

import logging
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypedDict, TypeVar

import msgspec
import trio

from auralis_trio.audio.formats import format_named
from auralis_trio.errors import AuralisError, Busy, Forbidden, InvalidRequest, SourceHung, SourceUnsupported, TimedOut
from auralis_trio.jobs import Announce
from auralis_trio.jobs.reading import read_files
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.jobs.steps import STEP_DEADLINE_S
from auralis_trio.library.contents import tracks_at, tracks_of_content
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.store import Library
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.work.upload import add_piece, discard, draft_path, find_same, keep, safe_name, write_piece

MAX_AT_ONCE = 4
MAX_WAITING = 200
PIECE_BYTES = 1 << 20
MIN_BYTES_PER_S = 16_384
GRACE_S = 30.0
"""For how long an upload may be slower than that."""
COMPARE_DEADLINE_S = 120.0
PATIENCE_S, MAX_PATIENCE_S = 10.0, 60.0
"""How long an answer waits for the scan to tell the track, and at most."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class NoMusic(AuralisError):
    """What was sent is no audio."""

    status = 415
    default_code = "upload_unsupported"
    text = "This file is not audio of a kind that can be played. Choose another one."


class TooSlow(AuralisError):
    """An upload keeps its place for too long."""

    status = 408
    default_code = "upload_too_slow"
    text = "The upload was too slow and was given up. Send it again over a better connection."


@dataclass(frozen=True)
class UploadPlace:
    """The real path of the folder that uploads go to, None where there are none, and which server's they are."""

    folder: str | None
    owner: str


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an upload. `file` is its name in the folder for uploads; None for a `duplicate`, which is not
    stored. `track_id` is the track that has its audio; None while the scan has not told it."""

    file: str | None
    bytes: int
    duplicate: bool
    track_id: int | None


class UploadStatistics(TypedDict):
    """How many uploads are under way, and how many files wait for the scan."""

    under_way: int
    waiting: int


@dataclass(eq=False)
class _Waiting:
    """A file that has its name, and waits for the scan."""

    path: str
    file: str
    probed: ProbedFile
    track_id: int | None = None
    scanned: trio.Event = field(default_factory=trio.Event)


class Uploads:
    """The uploads of one library.

    `scan` scans what it is told as soon as no other scan runs. `announce` is told `track_uploaded` of each stored
    file once it has been scanned: its name, and the id of its track, None where the scan has made none of it.
    """

    def __init__(
        self,
        place: UploadPlace,
        library: Library,
        offload: Offload,
        scan: Callable[[ScanOrder], Awaitable[None]],
        announce: Announce,
    ) -> None:
        self.place = place
        self._catalogue = Catalogue(offload, library, STEP_DEADLINE_S)
        self._offload = offload
        self._scan = scan
        self._announce = announce
        self._under_way = 0
        self._waiting: list[_Waiting] = []
        self._stored = trio.Event()
        self._turn = trio.Lock()

    def statistics(self) -> UploadStatistics:
        """The present figures."""
        return {"under_way": self._under_way, "waiting": len(self._waiting)}

    def refuse_when_off(self) -> None:
        """Raises Forbidden: there is no folder for uploads."""
        if self.place.folder is None:
            raise Forbidden("Uploads are off. Start the server with --upload-dir FOLDER.", code="uploads_off")

    async def take(self, name: str, body: AsyncIterable[bytes], patience_s: float = PATIENCE_S) -> Uploaded:
        """Store what `body` gives under a name that is as near to `name` as may be.

        The answer waits for the scan, but not for longer than `patience_s`.

        Raises:
            Forbidden: uploads are off.
            Busy: there are `MAX_AT_ONCE` already, or `MAX_WAITING` that are not scanned yet.
            InvalidRequest: the body is empty, or its audio is damaged.
            NoMusic: it is no audio, or none that can be played.
            TooSlow: it came too slowly.
            DiskFull, OutputError: the disk does not take it.
            WorkerDied: the process that compared it with what there is died of it.
        """
        self.refuse_when_off()
        with self._taking_place():
            draft = draft_path(str(self.place.folder), self.place.owner)
            try:
                size = await self._receive(draft, body)
                probed = await self._probe(draft)
                with trio.CancelScope(shield=True):  # every step has its own limit
                    async with self._turn:  # or one file that is sent twice at once would be stored twice
                        stored, duplicate = await self._store(draft, name, probed)
            finally:
                with trio.CancelScope(shield=True):
                    await self._clear_away(draft)
        if isinstance(stored, int):
            return Uploaded(file=None, bytes=size, duplicate=True, track_id=stored)
        with trio.move_on_after(patience_s):
            await stored.scanned.wait()
        file = None if duplicate else stored.file
        return Uploaded(file=file, bytes=size, duplicate=duplicate, track_id=stored.track_id)

    async def run(self) -> None:
        """Have what was stored scanned, again and again, all that waits at once."""
        while True:
            if not self._waiting:
                self._stored = trio.Event()
                await self._stored.wait()
            stored = list(self._waiting)
            await self._scan(ScanOrder([str(self.place.folder)], recursive=False))
            found = await self._catalogue.ask(tracks_at, [one.path for one in stored])
            for one in stored:
                one.track_id = found.get(one.path)
                self._announce("track_uploaded", {"file": one.file, "track_id": one.track_id})
                self._waiting.remove(one)
                one.scanned.set()

    @contextmanager
    def _taking_place(self) -> Iterator[None]:
        if self._under_way >= MAX_AT_ONCE or self._under_way + len(self._waiting) >= MAX_WAITING:
            raise Busy("Other uploads are under way. Try again in a moment.", retry_after_s=2)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def _receive(self, draft: str, body: AsyncIterable[bytes]) -> int:
        """Write the body to the draft; its size. While a piece is written, nothing more is read of it."""
        began_s = trio.current_time()
        received, pieces, held, write = 0, list[bytes](), 0, write_piece
        async for part in body:
            received += len(part)
            held += len(part)
            pieces.append(part)
            if trio.current_time() - began_s > GRACE_S + received / MIN_BYTES_PER_S:
                raise TooSlow
            if held >= PIECE_BYTES:
                await self._write(write, draft, pieces)
                pieces, held, write = [], 0, add_piece
        if not received:
            raise InvalidRequest("The file is empty.", code="upload_empty")
        if pieces:
            await self._write(write, draft, pieces)
        return received

    async def _write(self, write: Callable[..., None], draft: str, pieces: list[bytes]) -> None:
        await self._offload.run_stoppable(Lane.DISK, write, draft, pieces, deadline_s=STEP_DEADLINE_S)

    async def _probe(self, draft: str) -> ProbedFile:
        """What the file is by its content, as the scan would find."""
        [found] = await read_files(self._offload, [draft])
        if isinstance(found, FailedFile):
            if found.code == SourceHung.default_code:
                raise TimedOut
            if found.code == SourceUnsupported.default_code:
                raise NoMusic
            raise InvalidRequest("This file is damaged and was not stored. Send a good copy.", code="upload_damaged")
        if not format_named(found.kind).upload:
            raise NoMusic
        return found

    async def _store(self, draft: str, name: str, probed: ProbedFile) -> tuple[int | _Waiting, bool]:
        """The file with its name; or the track or the stored file that is the same, and True."""
        same = await self._find_same(draft, probed)
        if same is not None:
            return same, True
        path = await self._disk(keep, draft, safe_name(name, probed.kind))
        stored = _Waiting(path, path.rpartition("/")[2], probed)
        self._waiting.append(stored)
        self._stored.set()
        return stored, False

    async def _find_same(self, draft: str, probed: ProbedFile) -> int | _Waiting | None:
        known = await self._catalogue.ask(tracks_of_content, probed.content_id)
        there: list[tuple[int | _Waiting, str]] = [
            *known,
            *((one, one.path) for one in self._waiting if one.probed.content_id == probed.content_id),
        ]
        compare = partial(find_same, draft, probed.kind, [path for _, path in there])
        place = await self._offload.run_process(compare, deadline_s=COMPARE_DEADLINE_S) if there else None
        return None if place is None else there[place][0]

    async def _clear_away(self, draft: str) -> None:
        """Remove a draft; what ended its upload is what is to be told."""
        try:
            await self._disk(discard, draft)
        except AuralisError as error:
            log.warning("a half upload is left until the next start: %s", error)

    async def _disk(self, job: Callable[..., T], *args: Any) -> T:
        return await self._offload.run(Lane.DISK, job, *args, deadline_s=STEP_DEADLINE_S)
