"""The composition root: everything that owns something is opened here, in order, and closed in reverse.

    settings > data directory and its lock > offload > library > caches, renderer, hub > scan > listener > transport

The services' nursery stands around the transport, so a service outlives the last connection, and what fails while
opening unwinds exactly what was opened before it.
"""

import fcntl
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from auralis_trio import __version__
from auralis_trio.config import Settings
from auralis_trio.decoder import PcmCache
from auralis_trio.errors import StartupError
from auralis_trio.jobs.analysis import Background, LibraryAnalysis
from auralis_trio.jobs.editor import Editor, EditPlace
from auralis_trio.jobs.receipts import Receipts
from auralis_trio.jobs.scan import EVERYTHING, Scan
from auralis_trio.jobs.scan_report import ScanOrder, ScanProgress
from auralis_trio.jobs.supervision import Supervisor
from auralis_trio.jobs.watch import Watcher
from auralis_trio.library.ledgers import LedgerStore
from auralis_trio.library.records import TrackFile
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import STOP_GRACE_S, Lane, Offload, open_offload
from auralis_trio.stream.analyst import Analyst
from auralis_trio.stream.artwork import Artwork, PictureFiles
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.mastery import Mastery, Workroom
from auralis_trio.stream.renderer import Renderer
from auralis_trio.stream.session import GOING_AWAY, SessionLimits, SessionServices
from auralis_trio.web.page import StaticFile, read_page
from auralis_trio.web.security import is_loopback
from auralis_trio.web.server import create_app
from auralis_trio.web.services import Services
from auralis_trio.web.transport import Transport, TransportLimits, open_listener, run_transport

MAX_FLIGHTS = 64
"""How much is analysed, tuned and resolved at once, and how much waits for its turn."""

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


def edit_place(settings: Settings) -> EditPlace:
    """Where tags may be edited, and where what they were before is kept."""
    kept = os.path.join(settings.data_dir, "undo")
    return EditPlace(settings.folders, kept, settings.undo_bytes, settings.allow_tag_edits)


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
        data_dir = Path(settings.data_dir)
        page = await offload.run(Lane.DISK, read_page)
        ledgers = await offload.run(Lane.DISK, LedgerStore, data_dir / "ledgers", settings.ledger_cache_bytes)
        pictures = await offload.run(Lane.DISK, PictureFiles, data_dir / "artwork", settings.artwork_cache_bytes)
        base = Foundation(settings, offload, library, pcm, ledgers, pictures)
        async with trio.open_nursery() as nursery:
            services = build_services(base, page, nursery)
            await services.listening.load()
            await services.editor.recover()
            run = services.supervisor.run
            nursery.start_soon(run, "settings", services.listening.run_keeper, name="settings")
            nursery.start_soon(run, "analysis", services.analysis.run, name="analysis of the library")
            if settings.folders:
                nursery.start_soon(run, "rescan", partial(services.watcher.run_interval, settings.scan_interval_s))
            if settings.folders and settings.watch:
                nursery.start_soon(run, "watch", services.watcher.run_watch, name="watch")
            yield services
            nursery.cancel_scope.cancel()


@dataclass(frozen=True)
class Foundation:
    """What the services stand on."""

    settings: Settings
    offload: Offload
    library: Library
    pcm: PcmCache
    ledgers: LedgerStore
    pictures: PictureFiles


@dataclass(frozen=True)
class Core:
    """What all services share."""

    renderer: Renderer
    hub: Hub
    catalogue: Catalogue
    listening: Listening
    flights: Flights
    analyst: Analyst
    mastery: Mastery


def build_core(base: Foundation, nursery: trio.Nursery) -> Core:
    """Everything that sound and its settings need; flights live in `nursery`."""
    settings, offload = base.settings, base.offload
    renderer = Renderer(offload, ChunkCache(settings.chunk_cache_bytes), base.pcm, settings.read_deadline_s)
    hub = Hub(settings.max_sessions)
    catalogue = Catalogue(offload, base.library, settings.query_deadline_s)

    def tell_settings(told: dict[str, Any]) -> None:
        hub.announce("player", "enhancement_settings_changed", told)
        hub.change_sound()

    listening = Listening(catalogue, tell_settings)
    flights = Flights(nursery, MAX_FLIGHTS)
    analyst = Analyst(catalogue, renderer, base.ledgers, flights)
    room = Workroom(offload, catalogue, analyst, flights)
    mastery = Mastery(room, lambda: listening.target, settings.analysis_deadline_s)
    return Core(renderer, hub, catalogue, listening, flights, analyst, mastery)


def build_analysis(core: Core, scan: Scan, allowed: bool) -> LibraryAnalysis:
    """The analysis of the library, which gives way to listeners and scans, and follows the settings."""

    async def prepare(file: TrackFile) -> None:
        await core.mastery.prepare(file, msgspec.structs.replace(core.listening.wish, enhanced=True))

    def announce(kind: str, data: dict[str, Any]) -> None:
        core.hub.announce("library", kind, data)

    def wanted() -> bool:
        return allowed and core.listening.settings.analyse_library and not scan.running

    analysis = LibraryAnalysis(core.catalogue, Background(prepare, core.flights.wait_idle, wanted, announce))
    core.listening.followers.append(analysis.wake)
    return analysis


def build_services(base: Foundation, page: Mapping[str, StaticFile], nursery: trio.Nursery) -> Services:
    """Make every owner of a truth; their tasks live in `nursery`."""
    settings, core = base.settings, build_core(base, nursery)
    hub, supervisor = core.hub, Supervisor()

    def tell_library(kind: str, data: dict[str, Any]) -> None:
        hub.announce("library", kind, data)

    def tell_scan(kind: str, data: dict[str, Any]) -> None:
        tell_library(kind, data)
        if not scan.running:
            analysis.wake()

    scan = Scan(base.library, base.offload, settings.folders, tell_scan)
    watcher = Watcher(scan, base.offload, settings.folders)
    analysis = build_analysis(core, scan, settings.analyse_in_background)
    receipts = Receipts(core.catalogue, core.renderer, nursery, lambda kind, data: hub.announce("jobs", kind, data))

    async def start_scan(order: ScanOrder) -> None:
        await scan.start(nursery, order)

    def snapshot() -> dict[str, Any]:
        return {
            "scan": msgspec.to_builtins(scan.progress),
            "analysis": msgspec.to_builtins(analysis.progress),
            "enhancement": core.listening.enhancement(),
        }

    limits = SessionLimits(settings.stall_timeout_s, settings.pace_ahead_s, settings.max_messages_per_s)
    return Services(
        settings=settings,
        catalogue=core.catalogue,
        renderer=core.renderer,
        artwork=Artwork(base.offload, core.catalogue, base.pictures, settings.read_deadline_s),
        watcher=watcher,
        editor=Editor(base.library, base.offload, edit_place(settings), tell_library),
        hub=hub,
        analyst=core.analyst,
        mastery=core.mastery,
        listening=core.listening,
        receipts=receipts,
        analysis=analysis,
        scan=scan,
        start_scan=start_scan,
        supervisor=supervisor,
        sessions=SessionServices(
            core.renderer, hub, core.catalogue, core.mastery, core.listening, snapshot, __version__, limits
        ),
        page=page,
        gauges=_gauges(base, core)
        | {
            "receipts": receipts.under_way,
            "scan": lambda: scan.progress,
            "watch": lambda: watcher.state,
            "analysis": lambda: analysis.progress,
            "services": lambda: supervisor.states,
        },
    )


def _gauges(base: Foundation, core: Core) -> dict[str, Callable[[], Any]]:
    return {
        "sessions": core.hub.statistics,
        "permits": lambda: {lane: asdict(held) for lane, held in base.offload.statistics().items()},
        "chunk_cache": lambda: asdict(core.renderer.cache.statistics()),
        "flights": lambda: {"under_way": len(core.flights), "max": core.flights.max_flights},
        "pcm_cache": base.pcm.statistics,
        "ledgers": lambda: {"bytes": base.ledgers.nbytes, "max_bytes": base.settings.ledger_cache_bytes},
        "tasks": lambda: trio.lowlevel.current_statistics().tasks_living,
    }


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
        await Editor(library, offload, edit_place(settings), announce).recover()
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
