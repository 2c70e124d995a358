"""A WebSocket client that only answers pings, connected from the beginning of a test run to its end."""

import shutil
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Ping, Request, TextMessage

from tests.serving import LIMIT_S, server_process


class QuietClient:
    """Connects to a server of its own; `closed` tells whether the server ever ended the connection."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        folder = Path(tempfile.mkdtemp())
        self._stack.callback(shutil.rmtree, folder)
        url = self._stack.enter_context(server_process(folder / "data", folder)).url
        self._address = url.removeprefix("http://")
        host, port = self._address.split(":")
        self._socket = self._stack.enter_context(socket.create_connection((host, int(port))))
        self.since_s = time.monotonic()
        self.pings = 0
        self.closed = False
        self.pong = threading.Event()
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        self._socket.sendall(self._protocol.send(Request(host=self._address, target="/ws")))
        while data := self._socket.recv(65_536):
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                if isinstance(event, Ping):
                    self.pings += 1
                    self._socket.sendall(self._protocol.send(event.response()))
                elif isinstance(event, TextMessage) and '"pong"' in event.data:
                    self.pong.set()
                elif isinstance(event, CloseConnection):
                    self.closed = True
        self.closed = True

    def ask(self) -> bool:
        """Whether the conversation still goes on: a `ping` message gets its `pong`."""
        self._socket.sendall(self._protocol.send(TextMessage('{"type": "ping"}')))
        return self.pong.wait(timeout=LIMIT_S)

    def leave(self) -> None:
        """Hang up and stop the server."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._stack.close()


QUIET = pytest.StashKey[QuietClient]()
