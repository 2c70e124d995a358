"""How often something may happen: a token bucket that holds one second's worth."""

ROUNDING = 1e-9
"""What may be missing of a whole one, so that one is there at the very moment that it is due."""


class Rate:
    """At most `per_s` a second over time, and as many at once."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._tokens = float(per_s)
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one, if there is one."""
        if self.due_s(now_s) > now_s:
            return False
        self._tokens -= 1.0
        return True

    def due_s(self, now_s: float) -> float:
        """When there is one; `now_s` where there is one already."""
        elapsed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._tokens = min(float(self._per_s), self._tokens + elapsed_s * self._per_s)
        missing = 1.0 - self._tokens
        return now_s if missing <= ROUNDING else now_s + missing / self._per_s
