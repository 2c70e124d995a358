"""The dynamics: what each band is turned down by where it is loud, and how far attacks are lifted.

All of it happens at the control rate (a hop of 64 frames at 44.1 kHz) and in decibels; the sound itself is only
multiplied, by gains between the control values that follow a B-spline. Levels are looked at from both sides of each
moment, so that a gain has moved before the sound that needs it: look-ahead without delay.
"""

from dataclasses import dataclass

import numpy as np

from auralis_trio.audio.grid import CONTROL_HOPS_PER_GRAIN
from auralis_trio.mastering.envelope import SPLINE_REACH, Hops, delayed, hann, held, release_hops, released, smoothed
from auralis_trio.mastering.recipe import AUTOMATION_GRAINS, Compressor, Recipe
from auralis_trio.mastering.shape import Shape

ATTACK_S = 0.013
"""How far ahead a gain begins to move; half the window that its course is smoothed with."""

FAST_S, SLOW_S = 0.010, 0.150
TRANSIENT_SLOPE = 0.5
TRANSIENT_DEAD_DB = 0.25
_SILENCE = np.float32(1e-20)
_TO_LINEAR = np.float32(np.log(10.0) / 20.0)


@dataclass(frozen=True)
class Reach:
    """How many control hops before and behind a moment its gain depends on."""

    back: int
    forward: int


def reach_of(recipe: Recipe, shape: Shape) -> Reach:
    """How far a recipe's dynamics look."""
    attack = shape.control_hops(ATTACK_S)
    back = forward = 0
    for each in recipe.compressors:
        window = _half_window(each.window_s, shape)
        delay = shape.control_hops(each.delay_s)
        back = max(back, attack + release_hops(_step_db(each, shape), each.range_db) + window + delay)
        forward = max(forward, attack + max(0, window - delay))
    if recipe.transient_db:
        back, forward = (max(side, _half_window(SLOW_S, shape)) for side in (back, forward))
    # One more hop: the low band is interpolated from a few of its frames beyond.
    margin = attack + SPLINE_REACH + 1
    return Reach(back + margin, forward + margin)


def band_gains(recipe: Recipe, powers: tuple[Hops, ...], channels: int, shape: Shape) -> list[Hops]:
    """The gain of each band at each control hop, linear, from the bands' powers in the order low, high, all.

    What lies between the low and the high band is the rest of all. The order of the result is that of
    `Recipe.compressors`: from the lowest band up; without any compressor there is one gain for all.
    """
    # The planes of a stereo track add up to the mean of its channels already.
    scale = np.float32(10.0 ** (-recipe.gain_db / 10.0) / (channels if channels > 2 else 1))
    lift = _attack_lift(powers, recipe, shape)
    moves = [lift]
    if recipe.compressors:
        levels = [power * scale for power in _by_band(powers)]
        moves = [
            lift - _reduction(level, each, shape) for level, each in zip(levels, recipe.compressors, strict=True)
        ]
    window = hann(2 * shape.control_hops(ATTACK_S) + 1)
    amount = np.float32(recipe.amount) * _TO_LINEAR
    return [np.exp(smoothed(move, window, outside="nearest") * amount) for move in moves]


def automation_gains(recipe: Recipe, first_grain: int, grains: int) -> Hops:
    """The slow gain at each control hop of these grains, linear: a B-spline through the recipe's knots."""
    knots = np.array(recipe.automation_db, np.float32)
    hops = np.arange(first_grain * CONTROL_HOPS_PER_GRAIN, (first_grain + grains) * CONTROL_HOPS_PER_GRAIN)
    knot, within = np.divmod(hops, AUTOMATION_GRAINS * CONTROL_HOPS_PER_GRAIN)
    place = ((within + 0.5) / (AUTOMATION_GRAINS * CONTROL_HOPS_PER_GRAIN)).astype(np.float32)
    weights = (
        (1 - place) ** 3 / 6,
        (3 * place**3 - 6 * place**2 + 4) / 6,
        (-3 * place**3 + 3 * place**2 + 3 * place + 1) / 6,
        place**3 / 6,
    )
    total = np.zeros(len(hops), np.float32)
    for offset, weight in enumerate(weights, start=-1):
        total += weight * knots[np.clip(knot + offset, 0, len(knots) - 1)]
    return np.asarray(np.exp(total * _TO_LINEAR))


def _by_band(powers: tuple[Hops, ...]) -> list[Hops]:
    *parts, everything = powers
    rest = everything
    for part in parts:
        rest = rest - part
    middle = np.maximum(rest, 0.0)
    if len(parts) == 2:
        return [parts[0], middle, parts[1]]
    return [*parts, middle]


def gain_reduction(level_db: Hops, compressor: Compressor) -> Hops:
    """How many dB a steady level is turned down by: a soft knee, then a straight line, up to the range.

    ``above = 0, (over + knee / 2)^2 / (2 * knee), over`` below, in and above the knee (Giannoulis, Massberg and
    Reiss, 2012); ``reduction = min(above * (1 - 1 / ratio), range)``.
    """
    over_db = level_db - np.float32(compressor.threshold_db)
    knee = np.float32(compressor.knee_db)
    above = np.clip(over_db + knee / 2, 0.0, knee) ** 2 / (2 * knee) + np.maximum(over_db - knee / 2, 0.0)
    reduction: Hops = np.minimum(above * np.float32(1.0 - 1.0 / compressor.ratio), np.float32(compressor.range_db))
    return reduction


def _reduction(power: Hops, compressor: Compressor, shape: Shape) -> Hops:
    """How many dB the band is turned down by at each hop, before smoothing; never negative."""
    window = hann(2 * _half_window(compressor.window_s, shape) + 1)
    level = delayed(smoothed(power, window), shape.control_hops(compressor.delay_s))
    needed = gain_reduction(10.0 * np.log10(level + _SILENCE), compressor)
    attack = shape.control_hops(ATTACK_S)
    return released(held(needed, attack, attack), _step_db(compressor, shape), compressor.range_db)


def _attack_lift(powers: tuple[Hops, ...], recipe: Recipe, shape: Shape) -> Hops:
    """How many dB attacks are lifted by: half of what the level of 10 ms exceeds that of 150 ms by, less a little.

    Looked at is what lies above the low band, beside a tenth of everything: the cycles of a deep tone are no attacks.
    """
    if not recipe.transient_db:
        return np.zeros(len(powers[-1]), np.float32)
    above = np.maximum(powers[-1] - powers[0], 0.0) if len(powers) > 1 else powers[-1]
    fast_window, slow_window = (hann(2 * _half_window(window_s, shape) + 1) for window_s in (FAST_S, SLOW_S))
    rest = np.float32(0.1) * smoothed(powers[-1], slow_window) + _SILENCE
    ratio = (smoothed(above, fast_window) + rest) / (smoothed(above, slow_window) + rest)
    lift_db = np.float32(10.0 * TRANSIENT_SLOPE) * np.log10(ratio) - np.float32(TRANSIENT_DEAD_DB)
    return np.asarray(np.clip(lift_db, 0.0, np.float32(recipe.transient_db)))


def _half_window(window_s: float, shape: Shape) -> int:
    return shape.control_hops(window_s / 2.0)


def _step_db(compressor: Compressor, shape: Shape) -> float:
    return compressor.release_db_per_s * shape.control_hop / shape.sample_rate
