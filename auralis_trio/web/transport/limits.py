"""How long the transport waits for a client and how much it takes from it; what it counted; the client that went."""

from dataclasses import dataclass

import trio

READ_BYTES = 65_536
"""what one read takes at most"""
HEAD_BYTES = 16_384
"""an unfinished request head, then 431"""
QUEUED_MESSAGES = 10
"""between the reader and an app that is behind; then the reader waits"""
LINGER_READ_BYTES = 4_096
"""the same after the last word, when nothing else gives others a turn: a flood of small frames takes long to parse"""


class ClientGone(trio.BrokenResourceError):
    """The client of this connection has gone or was cut; raised by every send to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """Every bound that an operator may set."""

    write_deadline_s: float = 20.0
    """without one byte taken while there is something to send"""
    keep_alive_s: float = 15.0
    """for the first byte of a request head"""
    header_timeout_s: float = 10.0
    """from there to the end of the head"""
    body_timeout_s: float = 20.0
    """without progress of a request body"""
    ping_interval_s: float = 20.0
    """without a word on a WebSocket; then it is pinged"""
    ping_timeout_s: float = 20.0
    """from the ping to any sign of life"""
    graceful_timeout_s: float = 3.0
    """for everything at shutdown"""
    max_message_bytes: int = 65_536
    """of a WebSocket message; then 1009"""
    max_pings_per_s: int = 100
    """of one WebSocket, and as many at once, pongs and empty parts of messages among them; then 1008"""
    max_body_bytes: int = 16 * 1024 * 1024
    """of a request body, declared or chunked; then 413"""
    early_data_bytes: int = 65_536
    """behind an upgrade and before its accept; then 400"""
    max_connections: int = 1024
    """open at once; then 503"""

    # After our last word, incoming bytes are still read and dropped: closing on them would send a reset, and that can
    # destroy the answer (a 413 to a client in mid-upload, a close code) before the client reads it.
    linger_s: float = 2.0
    """without a byte from a client that we have hung up on; then it is closed"""
    linger_total_s: float = 30.0
    """however much it goes on sending"""
    linger_bytes: int = 16 * 1024 * 1024
    """in all from it: more than the kernels of both ends hold on the way"""


@dataclass(frozen=True, slots=True)
class TransportStatistics:
    """What is open now, and what was turned away or cut since the start."""

    connections: int
    websockets: int
    refused: int
    cut_for_slow_writes: int
    cut_for_silence: int
    ended_by_errors: int


@dataclass(slots=True)
class Counters:
    """The same, while it changes; also the connections that are over."""

    open: int = 0
    over: int = 0
    websockets: int = 0
    refused: int = 0
    cut_for_slow_writes: int = 0
    cut_for_silence: int = 0
    ended_by_errors: int = 0

    def statistics(self) -> TransportStatistics:
        """The present figures."""
        return TransportStatistics(
            self.open,
            self.websockets,
            self.refused,
            self.cut_for_slow_writes,
            self.cut_for_silence,
            self.ended_by_errors,
        )
