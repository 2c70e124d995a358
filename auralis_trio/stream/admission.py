"""Who may begin to stream: so many at once, so many of one client, and nobody while the rendering falls behind.

Who plays is left alone. A listener takes a place with the first stream of a session and keeps it through seeks,
changes of sound and the next tracks; a whole track over HTTP takes one for as long as it is sent. A new one is
refused, and told when to come again, once a render has waited for `MAX_WAIT_S`: a chunk plays for five seconds, and
those who play have another one in hand, so they do not hear yet what a further listener would make them hear.

Who takes over from others takes one of their places in the same step, so that nobody comes in between; it is no
further listener, and is not asked how the rendering does.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import TracebackType

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

    def seat(self, client: str) -> "Seat":
        """Room for one place of this client, not taken yet."""
        return Seat(self, client)

    def give(self, client: str, leaving: Collection[str]) -> None:
        """Give this client one more place, and take one away from each of those `leaving`; see `Seat.take`.

        Raises:
            Busy: all other places are taken, or the server can render no more than it does.
        """
        own = self._places[client] - sum(other == client for other in leaving)
        text = None
        if own >= self.max_streams_per_client:
            text = "You are playing as much at once as this server allows. Stop something and try again."
        elif self._places.total() - len(leaving) >= self.max_streams or self._is_late(leaving):
            text = "This server has as many listeners as it can serve well. Try again in a moment."
        if text is not None:
            self._refused += 1
            raise Busy(text, code=CODE, retry_after_s=RETRY_AFTER_S)
        for other in leaving:
            self.take_back(other)
        self._places[client] += 1

    def take_back(self, client: str) -> None:
        """One of the client's places is free."""
        self._places[client] -= 1
        if not self._places[client]:
            del self._places[client]

    def _is_late(self, leaving: Collection[str]) -> bool:
        return not leaving and self._longest_wait_s() > MAX_WAIT_S

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


class Seat:
    """What one session or request has of the places: one of them, or none."""

    def __init__(self, admission: Admission, client: str) -> None:
        self.taken = False
        self._admission = admission
        self._client = client

    def take(self, instead_of: Collection["Seat"] = ()) -> None:
        """Have a place, and let those whose place this takes over have none; one that has a place keeps it.

        Raises:
            Busy: there is no place for a further listener; then all is as it was.
        """
        leaving = [seat for seat in instead_of if seat.taken and seat is not self]
        if not self.taken:
            self._admission.give(self._client, [seat._client for seat in leaving])
            self.taken = True
            for seat in leaving:
                seat.taken = False

    def give_back(self) -> None:
        """Have no place any more."""
        if self.taken:
            self.taken = False
            self._admission.take_back(self._client)

    def __enter__(self) -> "Seat":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()
