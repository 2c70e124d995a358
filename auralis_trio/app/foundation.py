"""What the services stand on: the data directory and its lock, the library, what is kept in folders of its own."""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from auralis_trio.config import Settings
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import StartupError
from auralis_trio.jobs.editor import EditPlace
from auralis_trio.jobs.uploads import UploadPlace
from auralis_trio.library.disk_cache import DiskCache
from auralis_trio.library.ledgers import LedgerStore
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import STOP_GRACE_S, Lane, Offload, open_offload
from auralis_trio.own_files import open_own
from auralis_trio.stream.artwork import PictureFiles
from auralis_trio.stream.histogram import Histogram
from auralis_trio.stream.lag import BOUNDS_S
from auralis_trio.web.page import StaticFile, read_page
from auralis_trio.web.request_counts import RequestCounts
from auralis_trio.web.transport import Counters
from auralis_trio.work.upload import open_upload_folder


@contextmanager
def hold_data_dir(path: Path) -> Iterator[None]:
    """Be the one process that works with a data directory.

    Raises:
        StartupError: it cannot be made or written to, or another process works with it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_own(str(path / "lock"), os.O_RDWR | os.O_CREAT)
    except OSError:
        raise StartupError(
            "The data directory cannot be written to. Check its permissions or choose another with --data-dir."
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StartupError(
            "Another Auralis-Trio works with this data directory. Stop it or choose another with --data-dir."
        ) from None
    try:
        # The file stays: removing it would let two processes lock two files of one name.
        yield
    finally:
        os.close(lock)


@asynccontextmanager
async def open_library_of(offload: Offload, settings: Settings) -> AsyncIterator[Library]:
    """The library's database, opened and closed by the thread that writes to it."""
    library = await offload.run(Lane.WRITE, open_library, Path(settings.data_dir), settings.database_url)
    try:
        yield library
    finally:
        with trio.move_on_after(5, shield=True):
            await offload.run(Lane.WRITE, library.close)


@asynccontextmanager
async def open_pcm_cache(offload: Offload, settings: Settings) -> AsyncIterator[PcmCache]:
    """The cache of what was decoded in sequence; its folder is made if need be."""
    folder = os.path.join(settings.data_dir, "pcm")
    pcm = await offload.run(Lane.DISK, PcmCache, folder, settings.pcm_cache_bytes, settings.decode_patience_s)
    try:
        yield pcm
    finally:
        with trio.move_on_after(STOP_GRACE_S, shield=True):
            await offload.run(Lane.DISK, pcm.close_idle)


def edit_place(settings: Settings) -> EditPlace:
    """Where tags may be edited, and where what they were before is kept."""
    kept = os.path.join(settings.data_dir, "undo")
    return EditPlace(settings.folders, kept, settings.undo_bytes, settings.allow_tag_edits)


@dataclass(frozen=True)
class Foundation:
    """What the services stand on."""

    settings: Settings
    offload: Offload
    library: Library
    pcm: PcmCache
    ledgers: LedgerStore
    pictures: PictureFiles
    chunks: DiskCache
    page: Mapping[str, StaticFile]
    upload_place: UploadPlace
    requests: RequestCounts = field(default_factory=RequestCounts)
    connections: Counters = field(default_factory=Counters)
    lags: Histogram = field(default_factory=lambda: Histogram(BOUNDS_S))


@asynccontextmanager
async def open_foundation(settings: Settings) -> AsyncIterator[Foundation]:
    """All of it, in order.

    Raises:
        StartupError: a part cannot be opened; the text says what to do.
    """
    async with (
        open_offload() as offload,
        open_library_of(offload, settings) as library,
        open_pcm_cache(offload, settings) as pcm,
    ):
        await offload.run(Lane.DISK, check_folders, settings.folders, deadline_s=settings.read_deadline_s)
        upload_place = await open_upload_place(offload, settings)
        data_dir = Path(settings.data_dir)
        page = await offload.run(Lane.DISK, read_page)
        ledgers = await offload.run(Lane.DISK, LedgerStore, data_dir / "ledgers", settings.ledger_cache_bytes)
        pictures = await offload.run(Lane.DISK, PictureFiles, data_dir / "artwork", settings.artwork_cache_bytes)
        chunks = await offload.run(Lane.DISK, DiskCache, data_dir / "chunks", settings.chunk_disk_bytes)
        yield Foundation(settings, offload, library, pcm, ledgers, pictures, chunks, page, upload_place)


async def open_upload_place(offload: Offload, settings: Settings) -> UploadPlace:
    """Where uploads go, if anywhere; raises StartupError as `open_upload_folder` does."""
    if not settings.upload_dir:
        return UploadPlace(None, settings.data_dir)
    asked = (settings.folders, settings.upload_dir, settings.data_dir)
    folder = await offload.run(Lane.DISK, open_upload_folder, *asked, deadline_s=settings.read_deadline_s)
    return UploadPlace(folder, settings.data_dir)


def check_folders(folders: Sequence[str]) -> None:
    """Make sure that every folder is there; blocking.

    Raises:
        StartupError: one is not a folder that can be read.
    """
    for folder in folders:
        if not (os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)):
            raise StartupError(
                f"There is no readable folder {folder}. Check its name, its permissions and that its disk is there."
            )
