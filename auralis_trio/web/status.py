"""The live tree of what a server is doing: one record, made of the gauges of every owner of a truth."""

import msgspec

from auralis_trio.config import Settings
from auralis_trio.decoder.pcm_cache import PcmStatistics
from auralis_trio.errors import Busy, TimedOut
from auralis_trio.jobs.analysis import AnalysisProgress
from auralis_trio.jobs.receipts import ReceiptProgress
from auralis_trio.jobs.scan_report import ScanProgress
from auralis_trio.jobs.supervision import ServiceState
from auralis_trio.jobs.uploads import UploadStatistics
from auralis_trio.jobs.watch import WatchState
from auralis_trio.library.disk_cache import CacheStatistics
from auralis_trio.offload import Lane, LaneStatistics
from auralis_trio.stream.admission import AdmissionStatistics
from auralis_trio.stream.disk_tier import DiskStatistics
from auralis_trio.stream.flights import FlightStatistics
from auralis_trio.stream.histogram import HistogramStatistics
from auralis_trio.stream.listens import ListenStatistics
from auralis_trio.stream.prefetch import PrefetchStatistics
from auralis_trio.stream.renderer import RenderStatistics
from auralis_trio.stream.telling import SessionNow
from auralis_trio.stream.traffic import TrafficStatistics
from auralis_trio.web.request_counts import RequestStatistics
from auralis_trio.web.services import Services
from auralis_trio.web.transport.limits import TransportStatistics
from auralis_trio.work.process import ProcessFigures, look_at_process

LOOK_S = 1.0
"""How long the disk may take to tell what lies on it."""


class Room(msgspec.Struct, frozen=True):
    """How many bytes are taken, of how many that may be."""

    bytes: int
    max_bytes: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The live tree: services, sessions with their streams, work under way, permits, caches, process, limits.

    `event_loop` is how late the event loop was, in seconds. `process` is null where the disk does not answer, and
    `limits` are the settings that are bounds, by their names.
    """

    services: dict[str, ServiceState]
    sessions: list[SessionNow]
    listeners: AdmissionStatistics
    traffic: TrafficStatistics
    requests: list[RequestStatistics]
    connections: TransportStatistics
    permits: dict[str, LaneStatistics]
    renders: RenderStatistics
    chunk_cache: CacheStatistics
    chunk_disk: DiskStatistics
    pcm_cache: PcmStatistics
    ledgers: Room
    prefetch: PrefetchStatistics
    flights: FlightStatistics
    listens: ListenStatistics
    receipts: list[ReceiptProgress]
    uploads: UploadStatistics
    scan: ScanProgress
    watch: WatchState
    analysis: AnalysisProgress
    event_loop: HistogramStatistics
    tasks: int
    task_names: dict[str, int]
    process: ProcessFigures | None
    limits: dict[str, float]


async def look(services: Services) -> Status:
    """The tree at this moment."""
    process = await _process(services)
    figures = {name: gauge() for name, gauge in services.gauges.items()}
    return Status(**figures, process=process, limits=_limits(services.settings))


async def _process(services: Services) -> ProcessFigures | None:
    """What the process holds; None where the disk does not answer: the rest is told all the same."""
    offload, folder = services.offload, services.settings.data_dir
    try:
        return await offload.run(Lane.DISK, look_at_process, folder, deadline_s=LOOK_S)
    except (TimedOut, Busy):
        return None


def _limits(settings: Settings) -> dict[str, float]:
    """The settings that are bounds, by their names."""
    values = msgspec.structs.asdict(settings)
    bounds = ("_s", "_bytes", "_per_s")
    return {name: value for name, value in values.items() if name.startswith("max_") or name.endswith(bounds)}
