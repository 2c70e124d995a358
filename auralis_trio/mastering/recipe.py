"""A recipe: the resolved parameters for one track, frozen and hashable, part of every cache key and ETag.

A recipe says what is done to the sound in absolute terms. Nothing in it refers to the preset's table or to the
track's profile any more: two equal recipes give equal samples of equal audio.
"""

import hashlib
from functools import lru_cache

import msgspec

ENGINE_VERSION = 2
"""Rises whenever the same recipe would give other samples than before."""

AUTOMATION_GRAINS = 2
"""How many grains lie between two knots of a gain automation."""

FLAT: tuple[float, ...] = ()


class Compressor(msgspec.Struct, frozen=True):
    """How one band is turned down where it is loud: in dB, from the level before `Recipe.gain_db`.

    The level is the mean power of the band's channels, weighted by a Hann window of `window_s`. Above
    `threshold_db` it rises by `1 / ratio`; `range_db` is the most that is taken away. `delay_s` lets attacks pass.
    """

    threshold_db: float
    ratio: float
    window_s: float
    release_db_per_s: float
    range_db: float = 9.0
    knee_db: float = 6.0
    delay_s: float = 0.0


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What `render` does to a track; with the defaults, nothing.

    In the order of the signal: `gain_db` and the curves `mid_eq_db` and `side_eq_db` (dB at the forty band centres;
    FLAT or all forty; the side's curve holds the width), compressors for the bands between `crossovers_hz` (one more
    than crossovers, or none at all), `transient_db` (how far attacks are lifted, at most), `automation_db` (a slow
    gain, knots every `AUTOMATION_GRAINS` grains, the first at frame 0), the limiter at `ceiling_dbtp` (None: no
    limiter), and `trim_db`, which only ever turns down, for comparisons at one loudness. `amount` scales what
    compressors and attacks do.
    """

    preset: str | None = None
    intensity: float = 0.0
    gain_db: float = 0.0
    mid_eq_db: tuple[float, ...] = FLAT
    side_eq_db: tuple[float, ...] = FLAT
    crossovers_hz: tuple[float, ...] = ()
    compressors: tuple[Compressor, ...] = ()
    amount: float = 1.0
    transient_db: float = 0.0
    automation_db: tuple[float, ...] = ()
    ceiling_dbtp: float | None = None
    trim_db: float = 0.0
    engine: int = ENGINE_VERSION

    @property
    def masters(self) -> bool:
        """Whether it does more than turn the track down."""
        return self.preset is not None and self.intensity > 0.0

    @property
    def identity(self) -> bool:
        """Whether it leaves every sample as it is."""
        return not self.masters and self.trim_db == 0.0

    @property
    def key(self) -> str:
        """A short stable name for exactly these parameters."""
        return _key_of(self)

    def within(self, first_grain: int, last_grain: int) -> "Recipe":
        """The recipe that these grains are rendered with: itself."""
        return self


class Schedule(msgspec.Struct, frozen=True):
    """A change in the middle of a track: `before` up to grain `at`, over which it is blended into `after`."""

    before: "Recipe | Schedule"
    at: int
    after: Recipe

    @property
    def identity(self) -> bool:
        """A change always changes something."""
        return False

    @property
    def key(self) -> str:
        """A short stable name for exactly this change."""
        return _key_of(self)

    def within(self, first_grain: int, last_grain: int) -> "Recipe | Schedule":
        """What these grains are rendered with, without what only concerns others."""
        if first_grain > self.at:
            return self.after
        before = self.before.within(first_grain, min(last_grain, self.at + 1))
        return before if last_grain <= self.at else Schedule(before, self.at, self.after)


@lru_cache(maxsize=1024)
def _key_of(recipe: Recipe | Schedule) -> str:
    """Kept, since each request for a chunk asks for it several times."""
    return hashlib.blake2b(msgspec.json.encode(recipe, order="sorted"), digest_size=8).hexdigest()


AS_RECORDED = Recipe()

Sound = Recipe | Schedule
"""Everything that `render` takes."""
