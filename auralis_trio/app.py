"""The composition root: everything that owns something is opened here, in order, and closed in reverse.

    settings > data directory and its lock > offload > library > caches, renderer, hub > scan > listener > transport

The services' nursery stands around the transport, so a service outlives the last connection, and what fails while
opening unwinds exactly what was opened before it.
"""

import fcntl
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import trio

from auralis_trio import __version__
from auralis_trio.config import Settings
from auralis_trio.decoder import PcmCache
from auralis_trio.errors import StartupError
from auralis_trio.jobs.editor import Editor, EditPlace
from auralis_trio.jobs.scan import EVERYTHING, Scan
from auralis_trio.jobs.scan_report import ScanOrder, ScanProgress
from auralis_trio.jobs.watch import Watcher
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import STOP_GRACE_S, Lane, Offload, open_offload
from auralis_trio.stream.artwork import Artwork, PictureFiles
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.renderer import Renderer
from auralis_trio.stream.session import GOING_AWAY, SessionLimits, SessionServices
from auralis_trio.web.page import read_page
from auralis_trio.web.security import is_loopback
from auralis_trio.web.server import create_app
from auralis_trio.web.services import Services
from auralis_trio.web.transport import Transport, TransportLimits, open_listener, run_transport

log = logging.getLogger(__name__)


@contextmanager
def hold_data_dir(path: Path) -> Iterator[None]:
    """Be the one process that works with a data directory.

    Raises:
        StartupError: it cannot be made or written to, or another process works with it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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


async def open_artwork(offload: Offload, catalogue: Catalogue, settings: Settings) -> Artwork:
    """The pictures; their folders are made if need be."""
    folder = os.path.join(settings.data_dir, "artwork")
    files = await offload.run(Lane.DISK, PictureFiles, folder, settings.artwork_cache_bytes)
    return Artwork(offload, catalogue, files, settings.read_deadline_s)


async def open_editor(
    offload: Offload, library: Library, settings: Settings, announce: Callable[[str, dict[str, Any]], None]
) -> Editor:
    """The editor of tags; what a kill has left half done is finished or forgotten first."""
    kept = os.path.join(settings.data_dir, "undo")
    place = EditPlace(settings.folders, kept, settings.undo_bytes, settings.allow_tag_edits)
    editor = Editor(library, offload, place, announce)
    await editor.recover()
    return editor


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything behind the door.

    Raises:
        StartupError: a part cannot be opened; the text says what to do.
    """
    async with (
        open_offload() as offload,
        open_library_of(offload, settings) as library,
        open_pcm_cache(offload, settings) as pcm,
    ):
        await offload.run(Lane.DISK, check_folders, settings.folders, deadline_s=settings.read_deadline_s)
        page = await offload.run(Lane.DISK, read_page)
        renderer = Renderer(offload, ChunkCache(settings.chunk_cache_bytes), pcm, settings.read_deadline_s)
        hub = Hub(settings.max_sessions)
        catalogue = Catalogue(offload, library, settings.query_deadline_s)
        artwork = await open_artwork(offload, catalogue, settings)
        scan = Scan(library, offload, settings.folders, lambda kind, data: hub.announce("library", kind, data))
        editor = await open_editor(offload, library, settings, lambda kind, data: hub.announce("library", kind, data))
        sessions = SessionServices(
            renderer,
            hub,
            catalogue,
            lambda: {"scan": msgspec.to_builtins(scan.progress)},
            __version__,
            SessionLimits(settings.stall_timeout_s, settings.pace_ahead_s, settings.max_messages_per_s),
        )
        gauges: dict[str, Callable[[], Any]] = {
            "sessions": hub.statistics,
            "permits": lambda: {lane: asdict(held) for lane, held in offload.statistics().items()},
            "chunk_cache": lambda: asdict(renderer.cache.statistics()),
            "pcm_cache": lambda: pcm.statistics(),
            "scan": lambda: scan.progress,
            "tasks": lambda: trio.lowlevel.current_statistics().tasks_living,
        }
        watcher = Watcher(scan, offload, settings.folders)
        gauges["watch"] = lambda: watcher.state
        async with trio.open_nursery() as nursery:
            if settings.watch and settings.folders:
                nursery.start_soon(watcher.run_watch)
            if settings.folders:
                nursery.start_soon(watcher.run_interval, settings.scan_interval_s)

            async def start_scan(order: ScanOrder) -> None:
                await scan.start(nursery, order)

            yield Services(
                settings, catalogue, renderer, hub, scan, start_scan, sessions, page, gauges, artwork, editor
            )
            nursery.cancel_scope.cancel()


@dataclass(frozen=True)
class Server:
    """A server that answers requests."""

    url: str
    services: Services
    transport: Transport


@asynccontextmanager
async def open_server(settings: Settings) -> AsyncIterator[Server]:
    """Serve for as long as the body runs; leaving says goodbye to every client, within the graceful time-out.

    Raises:
        StartupError: it cannot start; the text says what to do.
    """
    check_address(settings)
    shutdown = trio.Event()
    async with open_services(settings) as services, trio.open_nursery() as nursery:
        listener = await open_listener(settings.host, settings.port)
        transport: Transport = await nursery.start(
            run_transport, create_app(services), [listener], limits_of(settings), shutdown
        )
        services.gauges["connections"] = lambda: asdict(transport.statistics())
        try:
            yield Server(url_of(settings.host, listener), services, transport)
        finally:
            services.hub.end_all(GOING_AWAY, "the server is stopping")
            shutdown.set()


async def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `announce` gets the server's address once requests are answered.

    Raises:
        StartupError: it cannot start; the text says what to do.
    """
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_server(settings) as server:
            announce(server.url)
            if settings.scan_at_start and settings.folders:
                await server.services.start_scan(EVERYTHING)
            number = await anext(signals)
            log.info("stopping on %s", signal.Signals(number).name)


async def scan_once(settings: Settings, announce: Callable[[str, dict[str, Any]], None]) -> ScanProgress:
    """Scan the folders of `settings` into its library, without serving.

    Raises:
        AuralisError: the library cannot be opened, or a folder is not there.
    """
    async with open_offload() as offload, open_library_of(offload, settings) as library:
        await open_editor(offload, library, settings, announce)
        return await Scan(library, offload, settings.folders, announce).run()


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


def check_address(settings: Settings) -> None:
    """Refuse to be reachable by others unless that was asked for.

    Raises:
        StartupError: the host is not loopback and `allow_remote` is not set.
    """
    if is_loopback(settings.host):
        return
    if not settings.allow_remote:
        raise StartupError(
            f"Listening on {settings.host} lets everybody who can reach it hear and change everything: "
            "there are no users yet. Add --allow-remote if that is wanted."
        )
    log.warning("everybody who can reach %s can hear and change everything: there are no users yet", settings.host)


def limits_of(settings: Settings) -> TransportLimits:
    """The transport's part of the settings."""
    return TransportLimits(
        write_deadline_s=settings.stall_timeout_s,
        keep_alive_s=settings.keep_alive_s,
        header_timeout_s=settings.header_timeout_s,
        body_timeout_s=settings.body_timeout_s,
        ping_interval_s=settings.ping_interval_s,
        ping_timeout_s=settings.ping_timeout_s,
        graceful_timeout_s=settings.graceful_timeout_s,
        max_message_bytes=settings.max_message_bytes,
        max_body_bytes=max(settings.max_body_bytes, settings.max_artwork_bytes),
        max_connections=settings.max_connections,
    )


def url_of(host: str, listener: trio.SocketListener) -> str:
    """The address under which the listener is reached."""
    port = listener.socket.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
