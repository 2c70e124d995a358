"""What plays the queue, as the player knows it, and where in an entry that is."""

from typing import Protocol

import msgspec

from auralis_trio.stream.admission import Seat
from auralis_trio.stream.play_queue import Entry


class Place(msgspec.Struct, frozen=True):
    """Where in an entry, in frames of what was heard of it; seconds = frame / sample_rate."""

    frame: int
    sample_rate: int | None


class Position(msgspec.Struct, frozen=True):
    """Where in an entry: frames at a rate as they were heard, or frames or seconds (float) as they were asked for."""

    at: int | float = 0
    sample_rate: int | None = None

    @property
    def frame(self) -> int | None:
        """The frame, if that is known; of which rate, `sample_rate` says."""
        return self.at if isinstance(self.at, int) else None

    @property
    def seconds(self) -> float | None:
        """The same in seconds; None where the frames' rate is not known."""
        if isinstance(self.at, float) or not self.at:
            return float(self.at)
        return None if self.sample_rate is None else self.at / self.sample_rate

    @property
    def start(self) -> int | float:
        """Where to begin in order to hear this frame, at whatever rate: its middle, which no rounding takes away."""
        if isinstance(self.at, float) or not self.at or self.sample_rate is None:
            return self.at
        return (self.at + 0.5) / self.sample_rate


class Output(Protocol):
    """What the player knows of a session that plays the queue."""

    id: str

    @property
    def seat(self) -> Seat:
        """What it has of the places for listeners."""

    def play_nowait(self, entry: Entry, start: int | float, *, paused: bool, back: bool = False) -> None:
        """Go to an entry, from a frame (int) or second (float) on; `back` leads on from what cannot be played."""

    def hold_nowait(self, paused: bool) -> None:
        """Pause, or go on."""

    def stop_nowait(self) -> None:
        """Play the queue no more."""

    def heard_now(self) -> tuple[int, Place] | None:
        """The id of the entry that is heard at this moment, and where in it; None if it has not begun."""
