"""What the streams of one server have sent since it started, counted where it is sent."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec


class TrafficStatistics(msgspec.Struct, frozen=True):
    """Streams that were begun, and that were told their end, by its reason; packets sent, their frames and bytes.

    `underruns` counts packets that came when their client had said that it had played all before them.
    """

    begun: int
    ended: dict[str, int]
    packets: int
    frames: int
    bytes: int
    underruns: int


@dataclass
class Traffic:
    """The counters."""

    begun: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    packets: int = 0
    frames: int = 0
    bytes: int = 0
    underruns: int = 0

    def note(self, frames: int, size: int, *, dry: bool) -> None:
        """A packet was sent, of `size` bytes; `dry`: late."""
        self.packets += 1
        self.frames += frames
        self.bytes += size
        self.underruns += dry

    def statistics(self) -> TrafficStatistics:
        """The present figures."""
        return TrafficStatistics(self.begun, dict(self.ended), self.packets, self.frames, self.bytes, self.underruns)
