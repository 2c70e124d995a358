"""The figures of a server for Prometheus: those of `/api/status`, and the totals of the library, under other names.

Each is read from its owner when it is asked for. What is not known is absent, and never zero in its place.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from auralis_trio import __version__
from auralis_trio.jobs.receipts import ReceiptProgress
from auralis_trio.jobs.scan_report import ScanProgress
from auralis_trio.library.records import Statistics
from auralis_trio.stream.histogram import HistogramStatistics
from auralis_trio.stream.telling import SessionState
from auralis_trio.web.status import Status

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

Values = Mapping[str, float]
Durations = Mapping[tuple[str, str], HistogramStatistics]

LANE_FIGURES = (
    ("permits", "permits", "How much may be done at once."),
    ("permits_in_use", "running", "How much is done now."),
    ("permits_waiting", "waiting", "How much waits for its turn."),
    ("permits_longest_wait_seconds", "longest_wait_s", "For how long the first in the row has been waiting."),
)
KEPT_FIGURES = (
    ("entries", "Chunks that are kept."),
    ("bytes", "Bytes of chunks that are kept."),
    ("max_bytes", "How many bytes may be kept."),
)
USE_FIGURES = (
    ("hits", "Chunks that were there."),
    ("misses", "Chunks that were not there."),
    ("evictions", "Chunks that had to make room."),
)


def write_metrics(status: Status, durations: Durations, library: Statistics | None) -> bytes:
    """The text; `durations` are those of requests by method and route, `library` is None where it does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(_families(status, durations, library)))
    return generate_latest(registry)


class _Families(Collector):
    """Some metrics, once."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        return self._families

    def describe(self) -> Iterable[Metric]:
        """Nothing: their names need not be known before they are asked for."""
        return []


def _families(status: Status, durations: Durations, library: Statistics | None) -> Iterator[Metric]:
    yield _gauges("build_info", "The version that runs.", {__version__: 1}, "version")
    yield from _streams(status)
    yield from _requests(status, durations)
    yield from _work(status)
    yield from _caches(status)
    yield from _library(status, library)
    yield from _process(status)


def _streams(status: Status) -> Iterator[Metric]:
    traffic, sessions = status.traffic, status.sessions
    states = dict.fromkeys(get_args(SessionState), 0)
    for session in sessions:
        states[session["state"]] += 1
    yield _gauges("sessions", "Connected WebSocket clients, by what they do.", states, "state")
    open_streams = [session["stream"] for session in sessions if session["stream"] is not None]
    waits = dict.fromkeys(("decoder", "client", "credit", "pace", "resume", "nothing"), 0)
    for stream in open_streams:
        waits[stream["sender_waits_for"] or "nothing"] += 1
    yield _gauges("streams", "WebSocket streams under way, by what their senders wait for.", waits, "waits_for")
    yield _counter("streams_begun", "WebSocket streams that began.", traffic.begun)
    yield _counters("streams_ended", "WebSocket streams that were told their end, by why.", traffic.ended, "reason")
    yield _counter("stream_packets", "Packets of audio sent to WebSocket clients.", traffic.packets)
    yield _counter("stream_frames", "Frames of audio sent to WebSocket clients.", traffic.frames)
    yield _counter("stream_bytes", "Bytes of audio sent to WebSocket clients, without heads.", traffic.bytes)
    yield _counter("stream_underruns", "Packets that came when all before had been played.", traffic.underruns)
    yield _gauge("listener_places", "Places for listeners that are taken.", status.listeners.streams)
    yield _gauge("listener_places_max", "Places for listeners.", status.listeners.max_streams)
    yield _counter("listeners_refused", "Listeners that there was no place for.", status.listeners.refused)
    yield _gauge("listens_waiting", "Plays and skips that are not counted yet.", status.listens.waiting)
    yield _counter("listens_dropped", "Plays and skips that were never counted.", status.listens.dropped)


def _requests(status: Status, durations: Durations) -> Iterator[Metric]:
    kinds = ("method", "route", "status")
    answered = CounterMetricFamily("auralis_http_requests", "HTTP requests that were answered.", labels=kinds)
    for one in status.requests:
        answered.add_metric([one.method, one.route, str(one.status)], one.count)
    yield answered
    began = HistogramMetricFamily(
        "auralis_http_request_duration_seconds", "How long it took until an answer began.", labels=kinds[:2]
    )
    for labels, figures in durations.items():
        _add(began, labels, figures)
    yield began
    held = status.connections
    yield _gauge("connections", "Open TCP connections.", held.connections)
    yield _gauge("websockets", "Open WebSockets.", held.websockets)
    ends = {
        "refused": held.refused,
        "slow_writes": held.cut_for_slow_writes,
        "silence": held.cut_for_silence,
        "errors": held.ended_by_errors,
    }
    yield _counters("connections_cut", "Connections that were refused or cut, by why.", ends, "reason")


def _work(status: Status) -> Iterator[Metric]:
    permits = status.permits
    for name, field, text in LANE_FIGURES:
        yield _gauges(name, text, {lane: getattr(one, field) for lane, one in permits.items()}, "lane")
    stuck = {lane: len(one.stuck) for lane, one in permits.items()}
    yield _gauges("permits_stuck", "What does not return, and nobody waits for any more.", stuck, "lane")
    yield _gauge("renders", "Chunks being rendered or looked for on the disk.", status.renders.under_way)
    yield _counter("reads", "Jobs begun on audio: renders, and encodings of what was rendered.", status.renders.reads)
    yield _gauge("flights", "Analyses, tunings and resolutions under way.", status.flights.under_way)
    yield _gauge("flights_max", "How many of them there may be.", status.flights.max)
    ahead = status.prefetch
    yield _gauge("prefetch", "Chunks being rendered ahead.", ahead.under_way)
    outcomes = {"rendered": ahead.rendered, "left_out": ahead.left_out, "called_off": ahead.called_off}
    outcomes["failed"] = ahead.failed
    yield _counters("prefetch_outcomes", "What came of chunks to render ahead.", outcomes, "outcome")
    uploads = {"under_way": status.uploads["under_way"], "waiting": status.uploads["waiting"]}
    yield _gauges("uploads", "Uploads under way, and files that wait for the scan.", uploads, "state")
    receipts = _states(ReceiptProgress)
    for receipt in status.receipts:
        receipts[receipt.state] += 1
    yield _gauges("receipts", "Receipts under way.", receipts, "state")
    services = {name: state == "running" for name, state in status.services.items()}
    yield _gauges("service_running", "Whether a service of the server runs.", services, "service")


def _caches(status: Status) -> Iterator[Metric]:
    tiers = {"memory": status.chunk_cache, "disk": status.chunk_disk}
    for name, text in KEPT_FIGURES:
        yield _gauges(f"chunk_cache_{name}", text, {tier: getattr(one, name) for tier, one in tiers.items()}, "tier")
    for name, text in USE_FIGURES:
        yield _counters(
            f"chunk_cache_{name}", text, {tier: getattr(one, name) for tier, one in tiers.items()}, "tier"
        )
    disk = status.chunk_disk
    written = {"written": disk.written, "left_out": disk.left_out, "failed": disk.failed}
    yield _counters("chunk_disk_writes", "What came of chunks to be kept on the disk.", written, "outcome")
    yield _gauge("chunk_disk_resting", "Whether the disk is left alone, since it did not answer.", disk.resting)
    pcm = status.pcm_cache
    yield _gauge("pcm_cache_entries", "Decoded tracks that are kept.", pcm.entries)
    yield _gauge("pcm_cache_bytes", "Bytes of decoded tracks that are kept.", pcm.bytes)
    yield _gauge("pcm_cache_max_bytes", "How many they may be.", pcm.max_bytes)
    yield _counter("pcm_cache_fills", "Decodings begun.", pcm.fills)
    yield _counter("pcm_cache_evictions", "Decoded tracks that had to make room.", pcm.evictions)
    yield _counter("pcm_cache_spills", "Decodings that found no room.", pcm.spills)
    yield _gauge("ledger_cache_bytes", "Bytes of ledgers that are kept.", status.ledgers.bytes)
    yield _gauge("ledger_cache_max_bytes", "How many they may be.", status.ledgers.max_bytes)


def _library(status: Status, library: Statistics | None) -> Iterator[Metric]:
    scan, analysis = status.scan, status.analysis
    states = _states(ScanProgress)
    states[scan.state] = 1
    yield _gauges("scan_state", "1 for what the scan does now, or how the last one ended.", states, "state")
    yield _gauge("scan_files_done", "Files that this scan, or the last one, is done with.", scan.done)
    yield _gauge("scan_files", "How many there are.", scan.total)
    ended_s = None if scan.finished_ns is None else scan.finished_ns / 1e9
    yield _gauge("scan_finished_timestamp_seconds", "When the last scan ended.", ended_s)
    yield _gauge("watching", "Whether changes of the folders are waited for.", status.watch.watching)
    yield _gauge("analysis_running", "Whether the library is being analysed.", analysis.state == "running")
    yield _gauge("analysis_contents_done", "Contents that this round of the analysis is done with.", analysis.done)
    yield _gauge("analysis_contents", "How many there are.", analysis.total)
    yield _gauge("analysis_contents_failed", "How many of them could not be analysed.", analysis.failed)
    if library is None:
        return
    for name in ("tracks", "albums", "artists", "genres", "folders", "playlists", "favorites"):
        yield _gauge(f"library_{name}", f"The library's {name}.", getattr(library, name))
    yield _gauge("library_missing_tracks", "Tracks whose files are gone.", library.missing)
    yield _gauge("library_analysed_contents", "Contents of tracks that were measured.", library.analysed)
    yield _gauge("library_duration_seconds", "The length of all tracks of known length.", library.duration_s)
    yield _gauge("library_bytes", "The size of all files.", library.size_bytes)
    # They fall when a track is forgotten.
    yield _gauge("library_plays", "Plays of all tracks.", library.plays)
    yield _gauge("library_skips", "Skips of all tracks.", library.skips)


def _process(status: Status) -> Iterator[Metric]:
    late = HistogramMetricFamily("auralis_event_loop_lag_seconds", "How late the event loop woke a task.", labels=())
    _add(late, (), status.event_loop)
    yield late
    yield _gauge("tasks", "Tasks that live.", status.tasks)
    process = status.process
    if process is not None:
        yield _gauge("process_resident_memory_bytes", "Memory that is resident.", process.resident_bytes)
        yield _gauge("process_open_fds", "Open descriptors.", process.descriptors)
        yield _gauge("process_threads", "Threads.", process.threads)
        yield _gauge("process_temporary_bytes", "Bytes on disks that are not to stay.", process.temporary_bytes)


def _gauges(name: str, text: str, values: Values, label: str) -> Metric:
    """What rises and falls, by the values of a label."""
    family = GaugeMetricFamily(f"auralis_{name}", text, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family


def _gauge(name: str, text: str, figure: float | None) -> Metric:
    """The same without a label; None is left out."""
    return GaugeMetricFamily(f"auralis_{name}", text, value=figure)


def _counters(name: str, text: str, values: Values, label: str) -> Metric:
    """What only ever rises, by the values of a label."""
    family = CounterMetricFamily(f"auralis_{name}", text, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family


def _counter(name: str, text: str, figure: float) -> Metric:
    return CounterMetricFamily(f"auralis_{name}", text, value=figure)


def _add(family: HistogramMetricFamily, labels: Iterable[str], figures: HistogramStatistics) -> None:
    buckets, sum_ = [], 0
    for bound, count in zip((*map(str, figures.bounds), "+Inf"), figures.counts, strict=True):
        sum_ += count
        buckets.append((bound, float(sum_)))
    family.add_metric(list(labels), buckets, figures.total)


def _states(kind: type) -> dict[str, int]:
    """Every state that a record can have, with nothing in it."""
    return dict.fromkeys(get_args(kind.__annotations__["state"]), 0)
