"""From a preset and a profile to a recipe: what this sound means for this track, in absolute numbers.

A continuous function: a small change of the profile, of the intensity or of the target is a small change of the
recipe. Numbers are rounded to a thousandth of a decibel at the very end, so that a recipe's key does not hang on the
last bits.
"""

from itertools import pairwise

import msgspec
import numpy as np

from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.analysis.loudness import k_weighting_power
from auralis_trio.analysis.profile import Profile
from auralis_trio.errors import InvalidRequest
from auralis_trio.mastering.filters import CROSSOVER_ORDER
from auralis_trio.mastering.presets import PRESETS, BandDynamics, Preset
from auralis_trio.mastering.recipe import AS_RECORDED, FLAT, Compressor, Recipe
from auralis_trio.mastering.tone import Curve, equalizer_curve, powers, width_curve

HEADROOM_DB = 6.0
"""How far beyond the ceiling a first estimate of the gain may push the highest peak."""

HIGHEST_CROSSOVER = 0.35
"""Of the sample rate: above it there is no band worth splitting off."""

_NO_POWER = 1e-12


class Target(msgspec.Struct, frozen=True):
    """The listener's own: how much louder than the preset says, and the highest true peak."""

    offset_lu: float = 0.0
    ceiling_dbtp: float = -1.0


NO_WISHES = Target()
"""What holds where the listener has set nothing."""


def resolve(preset: str, intensity: float, profile: Profile, target: Target = NO_WISHES) -> Recipe:
    """The recipe of a preset for one track; at intensity 0 that which does nothing.

    Its `gain_db` is an estimate from the profile alone, which `solve` refines by the ledger.

    Raises:
        InvalidRequest: there is no such preset, or the intensity is not within 0 and 1.
    """
    chosen = preset_named(preset)
    check_intensity(intensity)
    if intensity == 0.0:
        return AS_RECORDED
    curve_db = intensity * equalizer_curve(chosen, profile)
    side_db = curve_db + intensity * width_curve(chosen.width, profile.values.get("stereo_correlation"))
    return shaped(
        Recipe(
            preset=preset,
            intensity=intensity,
            gain_db=_first_gain_db(profile, wanted_change_lu(profile, chosen, intensity, target), curve_db, target),
            mid_eq_db=rounded(curve_db),
            side_eq_db=rounded(side_db) if profile.channels == 2 else FLAT,
            amount=round(intensity, 3),
            transient_db=chosen.transient_db,
            ceiling_dbtp=target.ceiling_dbtp,
        ),
        chosen,
        profile,
    )


def check_intensity(intensity: float) -> None:
    """Refuse what is no intensity.

    Raises:
        InvalidRequest: it is not within 0 and 1.
    """
    if not 0.0 <= intensity <= 1.0:
        raise InvalidRequest("An intensity lies between 0 and 1.")


def preset_named(name: str) -> Preset:
    """The preset of that name.

    Raises:
        InvalidRequest: there is none.
    """
    if name not in PRESETS:
        raise InvalidRequest(f"There is no such preset; there are {', '.join(PRESETS)}.")
    return PRESETS[name]


def wanted_change_lu(profile: Profile, preset: Preset, intensity: float, target: Target) -> float | None:
    """By how much the track should get louder: its part of the way to the target; None where it has no loudness."""
    original_lufs = profile.values.get("integrated_lufs")
    if original_lufs is None:
        return None
    return intensity * (preset.target_lufs + target.offset_lu - original_lufs)


def shaped(recipe: Recipe, preset: Preset, profile: Profile) -> Recipe:
    """The recipe with the preset's compressors, their thresholds set by the track's levels behind the equalizer.

    A track without any measured power gets none.
    """
    mid, side = powers(profile.mid_db), powers(profile.side_db)
    if not (mid + side).any():
        return recipe
    crossovers_hz, bands = _usable_bands(preset, profile.sample_rate)
    behind = mid * 10.0 ** (curve_of(recipe.mid_eq_db) / 10.0) + side * 10.0 ** (curve_of(recipe.side_eq_db) / 10.0)
    shares = [float(behind @ response**2) / profile.channels for response in band_responses(crossovers_hz)]
    return msgspec.structs.replace(
        recipe,
        crossovers_hz=crossovers_hz,
        compressors=tuple(_compressor(band, share) for band, share in zip(bands, shares, strict=True)),
    )


def band_responses(crossovers_hz: tuple[float, ...]) -> list[Curve]:
    """The amplitude gains of the compressors' bands at the band centres, from the lowest up; their sum is one."""
    below = [1.0 / (1.0 + (CENTRES_HZ / crossover_hz) ** CROSSOVER_ORDER) for crossover_hz in crossovers_hz]
    edges = [np.zeros_like(CENTRES_HZ), *below, np.ones_like(CENTRES_HZ)]
    return [upper - lower for lower, upper in pairwise(edges)]


def rounded(curve: Curve) -> tuple[float, ...]:
    """A curve as a recipe keeps it: in thousandths of a decibel, without negative zeros."""
    return tuple(float(value) + 0.0 for value in np.round(curve, 3))


def curve_of(points_db: tuple[float, ...]) -> Curve:
    """The gains of a recipe's curve at the band centres."""
    return np.array(points_db) if points_db else np.zeros_like(CENTRES_HZ)


def _usable_bands(preset: Preset, sample_rate: int) -> tuple[tuple[float, ...], tuple[BandDynamics, ...]]:
    """The crossovers that this rate has room for, and the bands between them."""
    crossovers_hz = tuple(each for each in preset.crossovers_hz if each < HIGHEST_CROSSOVER * sample_rate)
    return crossovers_hz, preset.bands[: len(crossovers_hz) + 1]


def _compressor(band: BandDynamics, power: float) -> Compressor:
    return Compressor(
        threshold_db=round(10.0 * float(np.log10(power + _NO_POWER)) + band.offset_db, 3),
        ratio=band.ratio,
        window_s=band.window_s,
        release_db_per_s=band.release_db_per_s,
        range_db=band.range_db,
        delay_s=band.delay_s,
    )


def _first_gain_db(profile: Profile, change_lu: float | None, curve_db: Curve, target: Target) -> float:
    """The gain that would do if compressors and limiter did nothing, but not far beyond the ceiling."""
    if change_lu is None:
        return 0.0
    heard = (powers(profile.mid_db) + powers(profile.side_db)) * k_weighting_power(CENTRES_HZ, profile.sample_rate)
    before, after = float(heard.sum()), float(heard @ 10.0 ** (curve_db / 10.0))
    gain_db = change_lu - (10.0 * float(np.log10(after / before)) if before > 0.0 else 0.0)
    peak_dbtp = profile.values.get("true_peak_dbtp")
    if peak_dbtp is not None:
        gain_db = min(gain_db, target.ceiling_dbtp - peak_dbtp + HEADROOM_DB)
    return round(gain_db, 3) + 0.0
