"""Every owner of a truth, made once and put together; their tasks live in the services' nursery."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import trio

from auralis_trio import __version__
from auralis_trio.app.foundation import Foundation, edit_place, open_foundation
from auralis_trio.app.tasks import count_tasks
from auralis_trio.config import Settings
from auralis_trio.jobs.analysis import Background, LibraryAnalysis
from auralis_trio.jobs.editor import Editor
from auralis_trio.jobs.forgetting import Forgetting
from auralis_trio.jobs.receipts import Receipts
from auralis_trio.jobs.reset import Reset
from auralis_trio.jobs.scan import Scan
from auralis_trio.jobs.supervision import Supervisor
from auralis_trio.jobs.uploads import Uploads
from auralis_trio.jobs.watch import Watcher
from auralis_trio.library.contents import known_origins
from auralis_trio.library.records import TrackFile
from auralis_trio.offload import Lane
from auralis_trio.stream.admission import Admission
from auralis_trio.stream.analyst import Analyst
from auralis_trio.stream.artwork import Artwork
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.disk_tier import DiskTier
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.idleness import Life, run_giving_back
from auralis_trio.stream.lag import run_lag
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.listens import Listens
from auralis_trio.stream.mastery import Mastery, Workroom
from auralis_trio.stream.player import Player
from auralis_trio.stream.player_keeper import PlayerKeeper
from auralis_trio.stream.prefetch import Prefetch
from auralis_trio.stream.renderer import Renderer
from auralis_trio.stream.session_services import SessionLimits, SessionServices
from auralis_trio.web.services import Services
from auralis_trio.web.status import Room
from auralis_trio.work.memory import give_back_freed_memory, search

MAX_FLIGHTS = 64
"""How much is analysed, tuned and resolved at once, and how much waits for its turn."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Everything behind the door.

    Raises:
        StartupError: a part cannot be opened; the text says what to do.
    """
    async with open_foundation(settings) as base, run_services(base) as services:
        yield services


@asynccontextmanager
async def run_services(base: Foundation) -> AsyncIterator[Services]:
    """The services on a foundation, with their tasks, for as long as the body runs."""
    settings = base.settings
    async with trio.open_nursery() as nursery:
        services = build_services(base, nursery)
        await services.listening.load()
        keeper = PlayerKeeper(services.sessions.player, services.catalogue)
        await keeper.load()
        await services.editor.recover()
        run = services.supervisor.run
        nursery.start_soon(run, "settings", services.listening.run_keeper, name="settings")
        nursery.start_soon(run, "player", keeper.run, name="player")
        nursery.start_soon(run, "listens", services.sessions.listens.run_keeper, name="listens")
        nursery.start_soon(
            run, "chunks", partial(services.chunks.run_keeper, partial(services.catalogue.ask, known_origins))
        )
        nursery.start_soon(run, "lag", partial(run_lag, base.lags), name="event loop lag")
        nursery.start_soon(run, "analysis", services.analysis.run, name="analysis of the library")
        nursery.start_soon(run, "memory", partial(_tidy, services))
        if settings.folders:
            nursery.start_soon(run, "rescan", partial(services.watcher.run_interval, settings.scan_interval_s))
        if settings.folders and settings.watch:
            nursery.start_soon(run, "watch", services.watcher.run_watch, name="watch")
        if base.upload_place.folder is not None:
            nursery.start_soon(run, "uploads", services.uploads.run, name="uploads")
        yield services
        nursery.cancel_scope.cancel()


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
    player: Player
    listens: Listens
    chunks: DiskTier
    prefetch: Prefetch
    admission: Admission


def build_core(base: Foundation, nursery: trio.Nursery) -> Core:
    """Everything that sound and its settings need; flights live in `nursery`."""
    settings, offload = base.settings, base.offload
    chunks = DiskTier(offload, base.chunks)
    cache = ChunkCache(settings.chunk_cache_bytes, chunks)
    renderer = Renderer(offload, cache, base.pcm, settings.read_deadline_s)
    prefetch = Prefetch(renderer, nursery, settings.prefetch_chunks)
    hub = Hub(settings.max_sessions)
    catalogue = Catalogue(offload, base.library, settings.query_deadline_s)

    def tell_settings(told: Mapping[str, Any]) -> None:
        hub.announce("player", "enhancement_settings_changed", told)
        hub.change_sound()

    listening = Listening(catalogue, tell_settings)
    flights = Flights(nursery, MAX_FLIGHTS)
    analyst = Analyst(catalogue, renderer, base.ledgers, flights)

    def foresees() -> bool:
        return settings.analyse_in_background and listening.settings.analyse_library

    room = Workroom(offload, catalogue, analyst, flights, foresees)
    mastery = Mastery(room, lambda: listening.target, settings.analysis_deadline_s)
    listens = Listens(catalogue)
    player = Player(partial(hub.announce, "player"), listens.note_nowait)

    def waiting_s() -> float:
        return offload.statistics()[Lane.AUDIO.value].longest_wait_s

    admission = Admission(settings.max_streams, settings.max_streams_per_client, waiting_s)
    return Core(
        renderer,
        hub,
        catalogue,
        listening,
        flights,
        analyst,
        mastery,
        player,
        listens,
        chunks,
        prefetch,
        admission,
    )


def build_analysis(core: Core, scan: Scan, allowed: bool) -> LibraryAnalysis:
    """The analysis of the library, which gives way to listeners and scans, and follows the settings."""

    async def prepare(file: TrackFile) -> None:
        await core.mastery.prepare(file, msgspec.structs.replace(core.listening.wish, enhanced=True))

    def wanted() -> bool:
        return allowed and core.listening.settings.analyse_library and not scan.running

    announce = partial(core.hub.announce, "library")
    analysis = LibraryAnalysis(core.catalogue, Background(prepare, core.flights.wait_idle, wanted, announce))
    core.listening.followers.append(analysis.wake)
    return analysis


def build_forgetting(base: Foundation, core: Core, scan: Scan) -> tuple[Reset, Forgetting]:
    """What forgets all tracks, and what forgets missing ones; the queue forgets them as well."""

    def tell_reset(kind: str, data: dict[str, Any]) -> None:
        core.player.forget()
        core.hub.announce("library", kind, data)

    def tell_forgotten(track_ids: Sequence[int]) -> None:
        core.player.forget_tracks(track_ids)
        core.hub.announce("library", "library_updated", {"forgotten": len(track_ids)})

    return (
        Reset(base.library, base.offload, scan, tell_reset),
        Forgetting(base.library, base.offload, scan, tell_forgotten),
    )


def build_services(base: Foundation, nursery: trio.Nursery) -> Services:
    """Make every owner of a truth; their tasks live in `nursery`."""
    settings, core = base.settings, build_core(base, nursery)
    hub, supervisor = core.hub, Supervisor()
    tell_library = partial(hub.announce, "library")

    def tell_scan(kind: str, data: dict[str, Any]) -> None:
        tell_library(kind, data)
        if kind == "library_updated":
            core.chunks.library_changed()
        if not scan.running:
            analysis.wake()

    scan = Scan(base.library, base.offload, settings.folders, tell_scan, core.player.track_ids)
    watcher = Watcher(scan, base.offload, settings.folders)
    uploads = Uploads(base.upload_place, base.library, base.offload, watcher.scan, tell_library)
    analysis = build_analysis(core, scan, settings.analyse_in_background)
    reset, forgetting = build_forgetting(base, core, scan)
    receipts = Receipts(core.catalogue, core.renderer, nursery, partial(hub.announce, "jobs"))
    sessions = build_sessions(core, settings, partial(_snapshot, core, scan, analysis))

    return Services(
        settings=settings,
        offload=base.offload,
        catalogue=core.catalogue,
        renderer=core.renderer,
        chunks=core.chunks,
        prefetch=core.prefetch,
        artwork=Artwork(base.offload, core.catalogue, base.pictures, settings.read_deadline_s),
        watcher=watcher,
        uploads=uploads,
        editor=Editor(base.library, base.offload, edit_place(settings), tell_library),
        hub=hub,
        admission=core.admission,
        flights=core.flights,
        analyst=core.analyst,
        mastery=core.mastery,
        listening=core.listening,
        receipts=receipts,
        analysis=analysis,
        scan=scan,
        forgetting=forgetting,
        reset=reset,
        start_scan=partial(scan.start, nursery),
        supervisor=supervisor,
        sessions=sessions,
        page=base.page,
        requests=base.requests,
        connections=base.connections,
        gauges=_gauges(base, core, sessions)
        | {
            "receipts": receipts.under_way,
            "scan": lambda: scan.progress,
            "watch": lambda: watcher.state,
            "uploads": uploads.statistics,
            "analysis": lambda: analysis.progress,
            "services": lambda: supervisor.states,
        },
    )


def build_sessions(core: Core, settings: Settings, snapshot: Callable[[], dict[str, Any]]) -> SessionServices:
    """What sessions share."""
    return SessionServices(
        core.renderer,
        core.hub,
        core.catalogue,
        core.mastery,
        core.listening,
        core.player,
        core.listens,
        core.admission,
        snapshot,
        __version__,
        SessionLimits(settings.stall_timeout_s, settings.pace_ahead_s, settings.max_messages_per_s),
    )


def _snapshot(core: Core, scan: Scan, analysis: LibraryAnalysis) -> dict[str, Any]:
    core.player.look()
    return {
        "scan": msgspec.to_builtins(scan.progress),
        "analysis": msgspec.to_builtins(analysis.progress),
        "enhancement": core.listening.enhancement(),
        "player": core.player.describe(),
        "queue": core.player.describe_queue(),
    }


def _gauges(base: Foundation, core: Core, sessions: SessionServices) -> dict[str, Callable[[], Any]]:
    return {
        "sessions": core.hub.statistics,
        "traffic": sessions.traffic.statistics,
        "listens": sessions.listens.statistics,
        "requests": base.requests.statistics,
        "connections": base.connections.statistics,
        "event_loop": base.lags.statistics,
        "listeners": core.admission.statistics,
        "permits": base.offload.statistics,
        "renders": core.renderer.statistics,
        "chunk_cache": core.renderer.cache.statistics,
        "chunk_disk": core.chunks.statistics,
        "prefetch": core.prefetch.statistics,
        "flights": core.flights.statistics,
        "pcm_cache": base.pcm.statistics,
        "ledgers": lambda: Room(base.ledgers.nbytes, base.settings.ledger_cache_bytes),
        "tasks": lambda: trio.lowlevel.current_statistics().tasks_living,
        "task_names": count_tasks,
    }


async def _tidy(services: Services) -> None:
    """Let go of what is over, until cancelled."""
    renderer, flights, connections = services.renderer, services.flights, services.connections
    traffic = services.sessions.traffic
    life = Life(
        # While somebody hears what is cached, nothing may hold the loop up.
        worked=lambda: renderer.ended + traffic.packets,
        alive=lambda: connections.open,
        over=lambda: connections.over + traffic.ended.total() + flights.ended,
    )
    job = partial(services.offload.run, Lane.DISK)
    await run_giving_back(life, partial(job, search), partial(job, give_back_freed_memory))
