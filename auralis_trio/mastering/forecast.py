"""What mastering will do to a track's loudness and peaks, from its ledger alone.

The same steps as the chain's, at the ledger's hops (about 23 ms) and in forty bands instead of frames: curve, levels
of the compressors' bands, their gains, the sum of what leaves them, the limiter. Only differences between two
forecasts are used, so that what a coarse picture gets wrong about a track counts only where mastering changes it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.analysis.ledger import Ledger, decode_power
from auralis_trio.analysis.loudness import gated_lufs, k_weighting_power
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN
from auralis_trio.mastering.dynamics import ATTACK_S, SLOW_S, TRANSIENT_DEAD_DB, TRANSIENT_SLOPE, gain_reduction
from auralis_trio.mastering.envelope import held, released
from auralis_trio.mastering.limiter import MARGIN_DB, RANGE_DB, RELEASE_DB_PER_S
from auralis_trio.mastering.recipe import AUTOMATION_GRAINS, Compressor, Recipe
from auralis_trio.mastering.resolve import band_responses, curve_of

Hops = NDArray[np.float32]

STEP_S = 0.1
STEPS_PER_BLOCK = 4
_TINY = np.float32(1e-20)
_HANN_SPREAD = 1.0 / 12.0 - 1.0 / (2.0 * np.pi**2)  # the variance of a Hann window of length one
_LATE = 0.2
"""The part of a hop, on average, that lies before the limiter has moved for a peak in it."""


@dataclass(frozen=True, eq=False)
class Heard:
    """A track's ledger in powers: `mid` and `side` of shape (hops, 40), `peak_db` and `total` of shape (hops,)."""

    channels: int
    sample_rate: int
    hop_frames: int
    mid: Hops
    side: Hops
    peak_db: Hops

    @classmethod
    def of(cls, ledger: Ledger) -> "Heard":
        """The powers that a ledger's codes stand for."""
        peak_db = np.float32(10.0) * np.log10(decode_power(ledger.peak) + _TINY)
        mid, side = decode_power(ledger.mid), decode_power(ledger.side)
        return cls(ledger.channels, ledger.sample_rate, ledger.hop_frames, mid, side, peak_db)

    @property
    def hop_s(self) -> float:
        """Seconds in a hop."""
        return self.hop_frames / self.sample_rate

    def covers(self, total_frames: int) -> bool:
        """Whether the ledger is that of the whole track and not of some windows of it, as after a quick look."""
        return len(self.peak_db) * self.hop_frames >= total_frames

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """The power gains of K-weighting at the band centres."""
        return np.asarray(k_weighting_power(CENTRES_HZ, self.sample_rate))

    @cached_property
    def total(self) -> Hops:
        """The power of each hop, over all channels."""
        flat = np.ones((1, len(CENTRES_HZ)))
        return np.asarray(self.summed(flat, flat)[0])

    def summed(self, mid: NDArray[np.float64], side: NDArray[np.float64]) -> Hops:
        """The powers of each hop behind rows of power gains for mid and for side, (rows, 40): (rows, hops)."""
        total = mid.astype(np.float32) @ self.mid.T
        if self.channels == 2:
            total += side.astype(np.float32) @ self.side.T
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Forecast:
    """A track behind curve, compressors and automation, but before gain and limiter.

    `loudness_power` is the K-weighted power of each hop, `peak_db` its highest peak in dB, both of shape (hops,).
    """

    loudness_power: NDArray[np.float64]
    peak_db: Hops
    hop_frames: int
    sample_rate: int

    def lufs(self, gain_db: float, ceiling_dbtp: float | None) -> float | None:
        """The integrated loudness at this gain; None where there is none."""
        power = self.power(gain_db, ceiling_dbtp)
        return gated_lufs(block_powers(power, self.hop_frames, self.sample_rate))

    def power(self, gain_db: float, ceiling_dbtp: float | None) -> NDArray[np.float64]:
        """The K-weighted power of each hop at this gain, behind the limiter."""
        power = self.loudness_power * 10.0 ** (gain_db / 10.0)
        if ceiling_dbtp is not None:
            power = power * 10.0 ** (self.limiting_db(gain_db, ceiling_dbtp) / -10.0)
        return np.asarray(power)

    def limiting_db(self, gain_db: float, ceiling_dbtp: float) -> Hops:
        """By how much the limiter turns each hop down at this gain, in dB."""
        over_db = np.maximum(self.peak_db + np.float32(gain_db - ceiling_dbtp + MARGIN_DB), np.float32(0.0))
        step_db = RELEASE_DB_PER_S * self.hop_frames / self.sample_rate
        moved = released(held(over_db, 1, 0), step_db, RANGE_DB)
        moved[1:] -= np.float32(_LATE) * (moved[1:] - moved[:-1])
        return np.asarray(moved)

    def strain(self, gain_db: float, ceiling_dbtp: float) -> tuple[float, float]:
        """How hard the limiter works where the track is heard: its mean gain reduction and the 99th percentile."""
        limiting_db = self.limiting_db(gain_db, ceiling_dbtp)[self.active]
        if not len(limiting_db):
            return 0.0, 0.0
        return float(limiting_db.mean()), float(np.percentile(limiting_db, 99.0))

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """The hops that are heard: not more than 10 dB below the mean."""
        mean = self.loudness_power.sum() / max(1, len(self.loudness_power))
        return np.asarray(self.loudness_power > 0.1 * mean)


def forecast(heard: Heard, recipe: Recipe) -> Forecast:
    """What is behind a recipe's curve, compressors and automation."""
    pairs = _Pairs.behind(heard, recipe)
    gains = _band_gains(heard, recipe, pairs)
    slow_db = _automation_db(recipe, len(heard.peak_db))
    louder = pairs.mixed(pairs.weighted, gains) * 10.0 ** (slow_db / 10.0)
    change = (pairs.mixed(pairs.plain, gains) + _TINY) / (heard.total + _TINY)
    peak_db = heard.peak_db + 10.0 * np.log10(change) + slow_db
    return Forecast(louder.astype(np.float64), peak_db.astype(np.float32), heard.hop_frames, heard.sample_rate)


def block_powers(power: NDArray[np.float64], hop_frames: int, sample_rate: int) -> NDArray[np.float64]:
    """The mean powers of all whole blocks of 400 ms, one beginning every 100 ms, from those of hops."""
    total = np.concatenate(([0.0], np.cumsum(power)))
    step = STEP_S * sample_rate / hop_frames  # in hops
    edges = np.arange(int(len(power) / step) + 1) * step
    sums = np.interp(edges, np.arange(len(total)), total)
    return np.asarray(np.maximum(sums[STEPS_PER_BLOCK:] - sums[:-STEPS_PER_BLOCK], 0.0) / (STEPS_PER_BLOCK * step))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The powers that two bands have in common, since what leaves the bands is added up: (pairs, hops)."""

    bands: int
    plain: Hops
    weighted: Hops

    @classmethod
    def behind(cls, heard: Heard, recipe: Recipe) -> "_Pairs":
        """Those behind the recipe's curves."""
        responses = band_responses(recipe.crossovers_hz)
        first, second = np.triu_indices(len(responses))
        common = np.array(responses)[first] * np.array(responses)[second]
        mid = common * 10.0 ** (curve_of(recipe.mid_eq_db) / 10.0)
        side = common * 10.0 ** (curve_of(recipe.side_eq_db) / 10.0)
        weighted = heard.summed(mid * heard.weights, side * heard.weights)
        return cls(len(responses), heard.summed(mid, side), weighted)

    def mixed(self, powers: Hops, gains: list[Hops]) -> Hops:
        """The power of the bands' sum at these gains."""
        total = np.zeros(powers.shape[1], np.float32)
        for power, first, second in zip(powers, *np.triu_indices(self.bands), strict=True):
            total += (power if first == second else 2.0 * power) * gains[first] * gains[second]
        return total

    def detected(self) -> list[Hops]:
        """What the compressors of the bands look at; as in the chain, a middle band is the rest of all."""
        everything = self.mixed(self.plain, [np.ones(self.plain.shape[1], np.float32)] * self.bands)
        if self.bands == 1:
            return [everything]
        low, high = self.plain[0], self.plain[-1]
        if self.bands == 2:
            return [low, np.maximum(everything - low, 0.0)]
        return [low, np.maximum(everything - low - high, 0.0), high]


def _band_gains(heard: Heard, recipe: Recipe, pairs: _Pairs) -> list[Hops]:
    """The gain of each band in each hop, linear."""
    detected = [power / np.float32(heard.channels) for power in pairs.detected()]
    lift_db = _attack_lift_db(detected, recipe, heard.hop_s)
    moves = [lift_db] * pairs.bands
    if recipe.compressors:
        moves = [
            lift_db - _reduction_db(power, compressor, heard.hop_s)
            for power, compressor in zip(detected, recipe.compressors, strict=True)
        ]
    return [np.asarray(10.0 ** (move * np.float32(recipe.amount / 20.0))) for move in moves]


def _reduction_db(power: Hops, compressor: Compressor, hop_s: float) -> Hops:
    """How many dB the band is turned down by: what is needed, held over the attack on either side and released."""
    level = _later(_averaged(power, compressor.window_s, hop_s), compressor.delay_s / hop_s)
    needed_db = gain_reduction(np.float32(10.0) * np.log10(level + _TINY), compressor)
    ahead = ATTACK_S / hop_s
    nearby_db = np.maximum(_later(needed_db, ahead), _later(needed_db, -ahead))
    return released(np.maximum(needed_db, nearby_db), compressor.release_db_per_s * hop_s, compressor.range_db)


def _attack_lift_db(powers: list[Hops], recipe: Recipe, hop_s: float) -> Hops:
    """How many dB attacks are lifted by, as far as hops show them."""
    if not recipe.transient_db:
        return np.zeros(len(powers[0]), np.float32)
    above: Hops = np.sum(powers[1:] or powers, axis=0)
    rest = np.float32(0.1) * _averaged(np.sum(powers, axis=0), SLOW_S, hop_s) + _TINY
    ratio = (above + rest) / (_averaged(above, SLOW_S, hop_s) + rest)
    lift_db = np.float32(10.0 * TRANSIENT_SLOPE) * np.log10(ratio) - np.float32(TRANSIENT_DEAD_DB)
    return np.asarray(np.clip(lift_db, 0.0, np.float32(recipe.transient_db)))


def _averaged(power: Hops, window_s: float, hop_s: float) -> Hops:
    """The mean over a Hann window of `window_s`, from means over one of two hops; see the module."""
    spread = _HANN_SPREAD * ((window_s / hop_s) ** 2 - 4.0)
    if spread <= 0.0:
        return power
    weights = np.exp(-0.5 * np.arange(-4, 5) ** 2 / spread)
    return np.asarray(ndimage.correlate1d(power, weights / weights.sum(), mode="nearest"))


def _later(values: Hops, hops: float) -> Hops:
    """The values `hops` later (earlier, if negative), straight between hops and held on at the ends."""
    if not len(values):
        return values
    places = np.arange(len(values))
    return np.asarray(np.interp(places - hops, places, values), np.float32)


def _automation_db(recipe: Recipe, hops: int) -> Hops:
    """The recipe's slow gain in the middle of each hop, in dB."""
    if not recipe.automation_db:
        return np.zeros(hops, np.float32)
    knots = np.arange(len(recipe.automation_db)) * AUTOMATION_GRAINS * LEDGER_HOPS_PER_GRAIN
    return np.asarray(np.interp(np.arange(hops) + 0.5, knots, recipe.automation_db), np.float32)
