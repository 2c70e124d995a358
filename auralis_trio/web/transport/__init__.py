"""The transport: Hypercorn's HTTP/1.1 and WebSockets on trio, made fit for an open port: all below ASGI.

Stock Hypercorn 0.18 and quart-trio 0.12 leave a lot open; each thing is closed here beside its reason. This leans on
private parts of both, so they are pinned, and the tests hold every mended fault against the stock ones as well:
an upgrade that makes a part needless or wrong shows itself.

server     the listener, the connections, the shutdown
wire       one socket: reads with patience, writes with a deadline, closes for good
app_run    one run of the app, and the border that its failure does not pass
http       requests: limits, refusals, one write an answer, an app that is cancelled when its client goes
websocket  no extensions, early bytes held, honest sends and close codes, pings that want an answer
refusals   what is answered in place of the app
quart      the same for Quart's requests
limits     every bound, and what was counted
"""

from collections.abc import Sequence

import trio
from hypercorn.typing import ASGIFramework

from auralis_trio.web.transport.limits import ClientGone, Counters, TransportLimits, TransportStatistics
from auralis_trio.web.transport.quart import prepare
from auralis_trio.web.transport.server import Transport, open_listener

__all__ = [
    "ClientGone",
    "Counters",
    "Transport",
    "TransportLimits",
    "TransportStatistics",
    "open_listener",
    "prepare",
    "run_transport",
]


async def run_transport(
    app: ASGIFramework,
    listeners: Sequence[trio.SocketListener],
    limits: TransportLimits,
    shutdown: trio.Event,
    counters: Counters,
    *,
    task_status: trio.TaskStatus[Transport] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `shutdown` is set; hands its Transport to `task_status` once connections are accepted.

    The listeners are closed at the end. ASGI's lifespan is not spoken; Quart needs none of it to answer requests.
    """
    await Transport(app, limits, counters).run(listeners, shutdown, task_status)
