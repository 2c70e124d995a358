"""How long one call may decode before it says when to come again instead."""

import math
import time

from auralis_trio.audio.source import Check
from auralis_trio.errors import SourceNotReady

_MAX_RETRY_S = 600


class Patience:
    """One call's patience of `limit_s` seconds; every call may make at least one step."""

    def __init__(self, limit_s: float, check: Check) -> None:
        self.check = check
        self._limit_s = limit_s
        self._started_s = time.monotonic()
        self._frames = 0

    def count(self, frames: int) -> None:
        """Note that this call has decoded `frames` more."""
        self._frames += frames

    def ask(self, frames_left: int | None) -> None:
        """Go on, unless the call is cancelled or has done enough; `frames_left` (if known) makes the estimate.

        Raises:
            SourceNotReady: this call has decoded for too long; what it decoded stays.
        """
        self.check()
        spent_s = time.monotonic() - self._started_s
        if self._frames and spent_s > self._limit_s:
            left_s = spent_s if frames_left is None else spent_s * frames_left / self._frames
            raise SourceNotReady(retry_after_s=min(_MAX_RETRY_S, math.ceil(left_s) or 1))
