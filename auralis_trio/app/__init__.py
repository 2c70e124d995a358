"""The composition root: everything that owns something is opened here, in order, and closed in reverse.

    foundation  settings > data directory and its lock > offload > library > folders of what can be made again
    services    caches, renderer, hub > scan > the owners of every truth, around the transport
    server      listener > transport

The services' nursery stands around the transport, so a service outlives the last connection, and what fails while
opening unwinds exactly what was opened before it.
"""

from auralis_trio.app.foundation import hold_data_dir
from auralis_trio.app.server import Server, open_server, run_server, scan_once, url_of

__all__ = ["Server", "hold_data_dir", "open_server", "run_server", "scan_once", "url_of"]
