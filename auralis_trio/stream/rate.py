"""How often something may happen: a token bucket that holds one second's worth."""


class Rate:
    """At most `per_s` a second over time, and as many at once."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._tokens = float(per_s)
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one, if there is one."""
        elapsed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._tokens = min(float(self._per_s), self._tokens + elapsed_s * self._per_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
