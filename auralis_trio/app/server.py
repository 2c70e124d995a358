"""A server from its first request to its last goodbye, and a scan without one."""

import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trio

from auralis_trio.app.foundation import edit_place, open_library_of
from auralis_trio.app.services import open_services
from auralis_trio.config import Settings
from auralis_trio.errors import StartupError
from auralis_trio.jobs import Announce
from auralis_trio.jobs.editor import Editor
from auralis_trio.jobs.scan import EVERYTHING, Scan
from auralis_trio.jobs.scan_report import ScanProgress
from auralis_trio.offload import open_offload
from auralis_trio.stream.session import GOING_AWAY
from auralis_trio.web.security import is_loopback
from auralis_trio.web.server import create_app
from auralis_trio.web.services import Services
from auralis_trio.web.transport import Transport, TransportLimits, open_listener, run_transport

log = logging.getLogger(__name__)


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
            run_transport, create_app(services), [listener], limits_of(settings), shutdown, services.connections
        )
        try:
            yield Server(url_of(settings.host, listener), services, transport)
        finally:
            services.hub.end_all(GOING_AWAY, "the server is stopping")
            shutdown.set()


async def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM, Ctrl-C or the end of the terminal.

    `announce` gets the server's address once requests are answered.

    Raises:
        StartupError: it cannot start; the text says what to do.
    """
    with trio.open_signal_receiver(*stopping_signals()) as signals:
        async with open_server(settings) as server:
            announce(server.url)
            if settings.scan_at_start and settings.folders:
                await server.services.start_scan(EVERYTHING)
            number = await anext(signals)
            log.info("stopping on %s", signal.Signals(number).name)


def stopping_signals() -> list[signal.Signals]:
    """What ends a program in order; the end of its terminal only where that was not to be ignored (`nohup`)."""
    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if ends_with_terminal else [])]


async def scan_once(settings: Settings, announce: Announce) -> ScanProgress:
    """Scan the folders of `settings` into its library, without serving.

    Raises:
        AuralisError: the library cannot be opened, or a folder is not there.
    """
    async with open_offload() as offload, open_library_of(offload, settings) as library:
        await Editor(library, offload, edit_place(settings), announce).recover()
        return await Scan(library, offload, settings.folders, announce).run()


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
        max_pings_per_s=settings.max_messages_per_s,
        max_body_bytes=max(
            settings.max_body_bytes,
            settings.max_artwork_bytes,
            settings.max_upload_bytes if settings.upload_dir else 0,
        ),
        max_connections=settings.max_connections,
    )


def url_of(host: str, listener: trio.SocketListener) -> str:
    """The address under which the listener is reached."""
    port = listener.socket.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
