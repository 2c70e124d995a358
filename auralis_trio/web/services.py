"""What the rooms behind the door need; put together by `app.open_services`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auralis_trio.config import Settings
from auralis_trio.jobs.analysis import LibraryAnalysis
from auralis_trio.jobs.editor import Editor
from auralis_trio.jobs.forgetting import Forgetting
from auralis_trio.jobs.receipts import Receipts
from auralis_trio.jobs.reset import Reset
from auralis_trio.jobs.scan import Scan
from auralis_trio.jobs.scan_report import ScanOrder
from auralis_trio.jobs.supervision import Supervisor
from auralis_trio.jobs.uploads import Uploads
from auralis_trio.jobs.watch import Watcher
from auralis_trio.offload import Offload
from auralis_trio.stream.admission import Admission
from auralis_trio.stream.analyst import Analyst
from auralis_trio.stream.artwork import Artwork
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.disk_tier import DiskTier
from auralis_trio.stream.flights import Flights
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.mastery import Mastery
from auralis_trio.stream.prefetch import Prefetch
from auralis_trio.stream.renderer import Renderer
from auralis_trio.stream.session_services import SessionServices
from auralis_trio.web.page import StaticFile
from auralis_trio.web.request_counts import RequestCounts
from auralis_trio.web.transport import Counters


@dataclass(frozen=True)
class Services:
    """Every owner of a truth, once. `gauges` are the live figures that `/api/status` shows."""

    settings: Settings
    offload: Offload
    catalogue: Catalogue
    renderer: Renderer
    chunks: DiskTier
    prefetch: Prefetch
    hub: Hub
    admission: Admission
    flights: Flights
    analyst: Analyst
    mastery: Mastery
    listening: Listening
    receipts: Receipts
    analysis: LibraryAnalysis
    scan: Scan
    reset: Reset
    forgetting: Forgetting
    start_scan: Callable[[ScanOrder], Awaitable[None]]
    supervisor: Supervisor
    sessions: SessionServices
    page: Mapping[str, StaticFile]
    gauges: dict[str, Callable[[], Any]]
    artwork: Artwork
    editor: Editor
    watcher: Watcher
    requests: RequestCounts
    connections: Counters
    uploads: Uploads
