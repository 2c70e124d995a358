"""Which gain brings a track to its loudness, and how far the limiter may be pressed for it.

Loudness is foretold as a difference: the track's own integrated loudness, which was measured exactly, and what the
forecast says mastering changes about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from scipy.optimize import brentq

from auralis_trio.mastering.forecast import Forecast, Heard, forecast
from auralis_trio.mastering.recipe import Recipe

MEAN_LIMITING_DB = 1.0
MOST_LIMITING_DB = 6.0
"""How much the limiter may take away where the track is heard: on average, and in all but a hundredth of it."""

LimitedBy = Literal["limiter", "ceiling"]

_ROUNDS = 24
_NEAR_LU = 0.0005
_LEAST_GAIN_DB = -60.0


class Mastered(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe whose gain is solved, and what is expected of it.

    `target_lufs` is where this intensity was meant to lead, `expected_lufs` where it leads: None where the track has
    no loudness. What keeps them `shortfall_lu` apart is `limited_by`: "limiter", which may not be pressed harder, or
    "ceiling", if even as loud as the track was its peaks would press it too hard; None if the target is met.
    """

    recipe: Recipe
    target_lufs: float | None
    expected_lufs: float | None
    limited_by: LimitedBy | None = None
    shortfall_lu: float = 0.0


@dataclass(frozen=True, eq=False)
class Outlook:
    """A track's loudness as a function of the gain: what it was, and what mastering is foretold to change."""

    original_lufs: float
    unchanged_lufs: float
    mastered: Forecast
    correction_lu: float
    ceiling_dbtp: float | None

    def lufs(self, gain_db: float) -> float:
        """The loudness at this gain."""
        foretold = self.mastered.lufs(gain_db, self.ceiling_dbtp)
        if foretold is None:  # so quiet that nothing passes the gates: as without limiting
            return self.original_lufs + gain_db
        return self.original_lufs + foretold - self.unchanged_lufs + self.correction_lu

    def strain(self, gain_db: float) -> float:
        """How hard the limiter is pressed, as a part of what is allowed: 1 is just as much."""
        if self.ceiling_dbtp is None:
            return 0.0
        mean_db, most_db = self.mastered.strain(gain_db, self.ceiling_dbtp)
        return max(mean_db / MEAN_LIMITING_DB, most_db / MOST_LIMITING_DB)


def outlook(heard: Heard, original_lufs: float | None, recipe: Recipe, correction_lu: float) -> Outlook | None:
    """The outlook for a track; None where there is no loudness to speak of."""
    unchanged_lufs = forecast(heard, Recipe()).lufs(0.0, None)
    if original_lufs is None or unchanged_lufs is None:
        return None
    return Outlook(original_lufs, unchanged_lufs, forecast(heard, recipe), correction_lu, recipe.ceiling_dbtp)


def solved(recipe: Recipe, target_lufs: float, tracks: Sequence[Outlook]) -> Mastered:
    """The recipe with the one gain that brings the loudest of `tracks` (at least one) to `target_lufs`.

    No track's limiter is pressed beyond its bound for that.
    """
    gain_db = _gain_db(recipe.gain_db, target_lufs, tracks)
    limited_by: LimitedBy | None = None
    if _strain(gain_db, tracks) > 1.0:
        gain_db = _bounded_gain_db(gain_db, tracks)
        as_it_was = _lufs(gain_db, tracks) >= max(track.original_lufs for track in tracks)
        limited_by = "limiter" if as_it_was else "ceiling"
    gain_db = round(gain_db, 3) + 0.0
    expected_lufs = _lufs(gain_db, tracks)
    return Mastered(
        recipe=msgspec.structs.replace(recipe, gain_db=gain_db),
        target_lufs=round(target_lufs, 3),
        expected_lufs=round(expected_lufs, 3),
        limited_by=limited_by,
        shortfall_lu=round(max(0.0, target_lufs - expected_lufs), 3) if limited_by else 0.0,
    )


def _gain_db(start_db: float, target_lufs: float, tracks: Sequence[Outlook]) -> float:
    """The gain whose loudness is the target, or one that strains the limiter too much already.

    A dB of gain is at most about a LU, so stepping by what is missing never goes far beyond; it converges fast as
    long as the limiter leaves a good part of each step.
    """
    gain_db = start_db
    for _ in range(_ROUNDS):
        missing_lu = target_lufs - _lufs(gain_db, tracks)
        if abs(missing_lu) < _NEAR_LU or (missing_lu > 0.0 and _strain(gain_db, tracks) > 1.0):
            break
        gain_db += missing_lu
    return gain_db


def _bounded_gain_db(too_much_db: float, tracks: Sequence[Outlook]) -> float:
    """The gain at which the limiter is pressed exactly as hard as it may be."""
    return float(brentq(lambda gain_db: _strain(gain_db, tracks) - 1.0, _LEAST_GAIN_DB, too_much_db, xtol=0.002))


def _lufs(gain_db: float, tracks: Sequence[Outlook]) -> float:
    return max(track.lufs(gain_db) for track in tracks)


def _strain(gain_db: float, tracks: Sequence[Outlook]) -> float:
    return max(track.strain(gain_db) for track in tracks)
