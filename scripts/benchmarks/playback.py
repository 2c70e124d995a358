"""A listener's player: a buffer of sound that real time empties, and that must not run dry."""

PREBUFFER_S = 0.2
"""What a player holds before it begins, and begins again"""


class Playback:
    """Sound that came and is not heard yet. `underruns` counts how often there was none when it was due."""

    def __init__(self) -> None:
        self.underruns = 0
        self.least_s: float | None = None
        """the least that lay in the buffer when more came, since it began or `look_anew`"""
        self._held_s = 0.0
        self._dry_at_s: float | None = None

    def take(self, now_s: float, sound_s: float) -> None:
        """So much sound has come."""
        self.look(now_s)
        if self._dry_at_s is not None:
            left_s = self._dry_at_s - now_s
            self.least_s = left_s if self.least_s is None else min(self.least_s, left_s)
            self._dry_at_s += sound_s
            return
        self._held_s += sound_s
        if self._held_s >= PREBUFFER_S:
            self._dry_at_s, self._held_s = now_s + self._held_s, 0.0

    def look(self, now_s: float) -> None:
        """Time has passed: when the buffer has run dry, that is an underrun, and the player fills it anew."""
        if self._dry_at_s is not None and now_s > self._dry_at_s:
            self.underruns += 1
            self.least_s, self._dry_at_s = 0.0, None

    def look_anew(self) -> None:
        """Forget what was until now."""
        self.underruns, self.least_s = 0, None
