"""Who may begin to stream: so many at once, so many of one client, and nobody while the rendering falls behind.

Who plays is left alone. A listener takes a place with the first stream of a session and keeps it through seeks,
changes of sound and the next tracks; a whole track over HTTP takes one for as long as it is sent. A new one is
refused, and told when to come again, once a render has waited for `MAX_WAIT_S`: a chunk plays for five seconds, and
those who play have another one in hand, so they do not hear yet what a further listener would make them hear.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from auralis_trio.errors import Busy

MAX_WAIT_S = 1.0
RETRY_AFTER_S = 5
CODE = "server_busy"


@dataclass(frozen=True)
class AdmissionStatistics:
    """How many places are taken, by how many clients, and how often one was refused."""

    streams: int
    max_streams: int
    clients: int
    max_streams_per_client: int
    refused: int
    longest_wait_s: float


class Admission:
    """The places of one server. A client is known by its address; one that is gone is forgotten with its places.

    `longest_wait_s` says for how long the oldest render has been waiting for its turn.
    """

    def __init__(self, max_streams: int, max_streams_per_client: int, longest_wait_s: Callable[[], float]) -> None:
        self.max_streams = max_streams
        self.max_streams_per_client = max_streams_per_client
        self._longest_wait_s = longest_wait_s
        self._places: Counter[str] = Counter()
        self._refused = 0

    def check(self, client: str) -> None:
        """Make sure that this client may begin one more stream.

        Raises:
            Busy: all places are taken, or the server can render no more than it does.
        """
        text = None
        if self._places[client] >= self.max_streams_per_client:
            text = "You are playing as much at once as this server allows. Stop something and try again."
        elif self._places.total() >= self.max_streams or self._longest_wait_s() > MAX_WAIT_S:
            text = "This server has as many listeners as it can serve well. Try again in a moment."
        if text is not None:
            self._refused += 1
            raise Busy(text, code=CODE, retry_after_s=RETRY_AFTER_S)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place; who has to be refused is refused by `check` before."""
        self._places[client] += 1
        try:
            yield
        finally:
            self._places[client] -= 1
            if not self._places[client]:
                del self._places[client]

    def statistics(self) -> AdmissionStatistics:
        """How it stands."""
        return AdmissionStatistics(
            streams=self._places.total(),
            max_streams=self.max_streams,
            clients=len(self._places),
            max_streams_per_client=self.max_streams_per_client,
            refused=self._refused,
            longest_wait_s=round(self._longest_wait_s(), 3),
        )
