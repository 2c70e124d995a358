"""HTTP clients on a few connections that stay open: one request at a time on each, bodies counted."""

import select
import socket
import time
from dataclasses import dataclass
from http.client import HTTPConnection

BUFFER_BYTES = 1024 * 1024
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answers:
    """What came in how long."""

    requests: int
    bytes: int
    elapsed_s: float


def fetch(address: tuple[str, int], path: str) -> bytes:
    """The body of one answer, which must be 200."""
    connection = HTTPConnection(*address, timeout=TIMEOUT_S)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body


def post(address: tuple[str, int], path: str, body: bytes) -> None:
    """Ask for a change, which must be taken."""
    connection = HTTPConnection(*address, timeout=TIMEOUT_S)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status not in {200, 202}:
        raise RuntimeError(f"{path}: {answer.status}")


class _Connection:
    def __init__(self, address: tuple[str, int], path: str) -> None:
        self.socket = socket.create_connection(address, TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode()
        self.ask()

    def ask(self) -> None:
        self._head = b""
        self._left: int | None = None
        self.socket.sendall(self._request)

    def read(self, buffer: memoryview) -> int:
        """Take what came; the bytes of the body once it is complete, else 0."""
        size = self.socket.recv_into(buffer)
        if size == 0:
            raise RuntimeError("the server hung up")
        if self._left is None:
            self._head += buffer[:size]
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return 0
            self._size = _content_length(head)
            self._left, size = self._size, len(body)
        self._left -= size
        return self._size if self._left == 0 else 0


def _content_length(head: bytes) -> int:
    status, *lines = head.lower().split(b"\r\n")
    if b" 200 " not in status:
        raise RuntimeError(status.decode("latin-1"))
    return next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))


def request_for(address: tuple[str, int], path: str, connections: int, duration_s: float) -> Answers:
    """Ask for one path again and again."""
    epoll, buffer = select.epoll(), memoryview(bytearray(BUFFER_BYTES))
    open_now = {one.socket.fileno(): one for one in (_Connection(address, path) for _ in range(connections))}
    for one in open_now.values():
        epoll.register(one.socket, select.EPOLLIN)
    requests = size = 0
    began_s = time.monotonic()
    # However short, until something has come.
    while (elapsed_s := time.monotonic() - began_s) < (duration_s if requests else TIMEOUT_S):
        for descriptor, _ in epoll.poll(duration_s):
            one = open_now[descriptor]
            if got := one.read(buffer):
                requests, size = requests + 1, size + got
                one.ask()
    epoll.close()
    for one in open_now.values():
        one.socket.close()
    return Answers(requests, size, elapsed_s)
